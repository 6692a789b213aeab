"""The wall clock jumps while the gateway runs (libfaketime): deadlines, queues and limits by the minute go on as if nothing
had happened; only what has a date follows the clock: keys, days and months, the time of a record."""

import mmap
import pathlib
import threading

import pytest

from fake_model import Gate, answer_json, wait
from wire import ask, chat, eventually

LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
DAY = 86400
ANSWER = {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 80}}


def is_sanitized(gateway):
    """What replaces the clock and what a sanitizer replaces get in each other's way."""
    with open(f"/proc/{gateway.process.pid}/exe", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return text.find(b"__asan_init") >= 0 or text.find(b"__tsan_init") >= 0


class Clock:
    """The gateway's wall clock; its monotonic one is left alone."""

    def __init__(self, file):
        self._file = file
        self.jump(0)

    def jump(self, seconds):
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self._file)

    def environment(self):
        assert LIBRARIES, "libfaketime is not installed: run scripts/setup"
        return {"LD_PRELOAD": LIBRARIES[0], "FAKETIME_TIMESTAMP_FILE": self._file, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "ASAN_OPTIONS": "verify_asan_link_order=0"}


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock") / "offset")


@pytest.fixture
def gateway(gateway_factory, model, clock):
    clock.jump(0)
    model.reset()
    gateway = gateway_factory(config={
        "models": [{"name": "m", "endpoints": [{"url": model.base, "max_concurrency": 1}],
                    "timeouts": {"first_byte": "60s", "total": "120s"}, "queue": {"max_wait": "60s"}}],
        "keys": [{"name": "test", "key": "${TEST_KEY}"}, {"name": "dated", "key": "sk-dated-1", "expires": "2096-01-01T00:00:00Z"},
                 {"name": "metered", "key": "sk-metered-1"}, {"name": "daily", "key": "sk-daily-1"}],
        "limits": [{"per": "key", "name": "metered", "requests_per_minute": 1},
                   {"per": "key", "name": "daily", "tokens_per_day": 100}]},
        env=clock.environment())
    if is_sanitized(gateway):
        pytest.skip("a sanitizer's build cannot be given another clock")
    return gateway


def status(gateway, key=True):
    return ask(gateway, chat("m"), key=key).status


@pytest.mark.parametrize("days", [400, -400])
def test_calls_that_wait_do_not_notice(gateway, model, clock, days):
    gate = Gate()
    model.script(wait(gate), answer_json(ANSWER))
    replies = []
    callers = [threading.Thread(target=lambda: replies.append(status(gateway))) for _ in range(2)]
    for caller in callers:  # one at the model, under `first_byte`; one in the queue, under `max_wait`
        caller.start()
    eventually(lambda: gateway.metrics().total("intragate_queue_waiting") == 1)
    clock.jump(days * DAY)
    assert gateway.get_admin("/readyz")[0] == 200
    assert status(gateway, key="sk-nobody-1") == 401  # a whole journey by the new clock
    gate.open()
    for caller in callers:
        caller.join()
    assert replies == [200, 200]
    records = eventually(lambda: len(found := gateway.records()) == 3 and found, "three records")
    assert all(0 <= record["total_ms"] < 60000 for record in records)  # a span, not a difference of dates


def test_minutes_do_not_follow_the_clock_and_days_do(gateway, model, clock):
    model.default(answer_json(ANSWER))
    assert [status(gateway, "sk-metered-1") for _ in range(2)] == [200, 429]
    assert [status(gateway, "sk-daily-1") for _ in range(2)] == [200, 429]
    clock.jump(30 * DAY)
    assert status(gateway, "sk-metered-1") == 429
    assert [status(gateway, "sk-daily-1") for _ in range(2)] == [200, 429]
    clock.jump(0)
    assert status(gateway, "sk-daily-1") == 429  # what was used stays used …
    clock.jump(DAY)
    assert status(gateway, "sk-daily-1") == 200  # … for this day, not for thirty


def test_keys_expire_by_the_clock_and_come_back_with_it(gateway, clock):
    assert status(gateway, "sk-dated-1") == 200
    clock.jump(100 * 366 * DAY)
    assert status(gateway, "sk-dated-1") == 401
    assert status(gateway) == 200
    clock.jump(0)
    assert status(gateway, "sk-dated-1") == 200
