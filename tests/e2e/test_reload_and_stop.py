"""New configurations while calls run, refused ones, and an end that loses nothing."""

import signal

import pytest

from fake_model import Gate, delta, done, end, sse, sse_bytes, stall, stream_head, wait
from wire import Closed, Connection, Stream, ask, chat, eventually, events, new_id


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


def config(model, *names, **more):
    return {"models": [{"name": name, "endpoints": [{"url": model.base}]} for name in names], **more}


@pytest.fixture
def start(gateway_factory, model):
    """A gateway of the test's own, stopped by the test or by the module's end."""
    return lambda *names, **more: gateway_factory(config=config(model, *names, **more))


def refused(address):
    """Whether nobody listens there any more (a 503 in between is as good)."""
    try:
        with Connection(address) as connection:
            return connection.ask(body=b"{}").read_answer().status == 503
    except (OSError, Closed):
        return True


# --- reload

def test_reload_swaps_the_configuration_while_a_stream_goes_on(start, model):
    gateway = start("old", workers=2)
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), done(), end())
    with Stream(gateway, chat("old", stream=True)) as reply, Connection(gateway.address) as kept:
        assert reply.next() == sse_bytes(delta("one"))
        assert kept.ask(body=chat("old"), key=gateway.key).read_answer().status == 200
        gateway.reload(config(model, "new", workers=2))
        eventually(lambda: ask(gateway, chat("new")).status == 200)
        for _ in range(6):  # every loop has it
            assert ask(gateway, chat("old")).status == 404
        assert kept.ask(body=chat("new"), key=gateway.key).read_answer().status == 200  # on the old connection too
        gate.open()
        assert reply.rest()[-1] == b"data: [DONE]\n\n" and reply.ended == "clean"
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "ok"
    gateway.stop()


def test_reload_changes_keys_at_once(start, model):
    gateway = start("m")
    fresh = config(model, "m", keys=[{"name": "other", "key": "sk-quite-another-key"}])
    gateway.reload(fresh)
    eventually(lambda: ask(gateway, chat("m")).status == 401)
    assert ask(gateway, chat("m"), key="sk-quite-another-key").status == 200
    gateway.stop()


def test_changed_file_is_taken_without_a_signal(start, model):
    gateway = start("old")
    text = gateway.config_file.read_text().replace('"old"', '"fresh"')
    gateway.config_file.write_text(text)
    eventually(lambda: ask(gateway, chat("fresh")).status == 200, "the changed file to be taken")
    gateway.stop()


@pytest.mark.parametrize("bad", ["models: [", "modells: []\n", "listen: 5\n", ""])
def test_bad_file_is_refused_and_the_old_one_keeps_serving(start, bad):
    gateway = start("m")
    mark = len(gateway.log())
    gateway.reload(bad, expect="refused", defaults=False)
    assert ask(gateway, chat("m")).status == 200
    assert gateway.wait_for_log(r"intragate\.yaml", mark)  # the reason, with its place
    gateway.reload(config(_Somewhere, "later"))
    eventually(lambda: ask(gateway, chat("later")).status != 404)
    gateway.stop()


class _Somewhere:
    base = "http://127.0.0.1:9/v1"


def test_missing_file_is_refused_too(start):
    gateway = start("m")
    before = gateway.metrics().total("intragate_reloads_total", result="refused")
    gateway.config_file.unlink()
    gateway.terminate(signal.SIGHUP)
    eventually(lambda: gateway.metrics().total("intragate_reloads_total", result="refused") > before)
    assert ask(gateway, chat("m")).status == 200
    gateway.stop()


def test_many_reloads_under_load_lose_no_call(start, model):
    gateway = start("m", workers=2)
    for number in range(10):
        gateway.reload(config(model, "m", f"extra-{number}", workers=2))
        for _ in range(5):
            assert ask(gateway, chat("m")).status == 200
    gateway.stop()


# --- stop

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_idle_gateway_stops_at_once(start, how):
    gateway = start("m", drain="300s")
    with Connection(gateway.address) as idle:
        assert idle.ask(body=chat("m"), key=gateway.key).read_answer().status == 200
        gateway.stop(how)  # the idle connection does not hold it up
        idle.expect_closed()


def test_drain_lets_open_streams_finish_and_takes_nothing_new(start, model):
    gateway = start("m", drain="300s", workers=2)
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply, Connection(gateway.address) as kept:
        assert reply.next()
        assert kept.ask(body=chat("m"), key=gateway.key).read_answer().status == 200
        gateway.terminate()
        eventually(lambda: refused(gateway.address), "new connections to be refused")
        try:
            assert kept.ask(body=chat("m"), key=gateway.key).read_answer().status == 503
        except (Closed, OSError):
            pass
        gate.open()
        assert reply.rest()[-1] == b"data: [DONE]\n\n" and reply.ended == "clean"
    gateway.stop()
    record = next(record for record in gateway.records() if record["request_id"] == reply.request_id)
    assert record["outcome"] == "ok"


def test_readyz_says_so_while_draining(start, model):
    gateway = start("m", drain="300s")
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        gateway.terminate()
        eventually(lambda: gateway.get_admin("/readyz")[0] == 503)
        assert gateway.get_admin("/livez")[0] == 200
        gate.open()
        reply.rest()
    gateway.stop()


def test_drain_has_an_end(start, model):
    gateway = start("m", drain="200ms")
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        gateway.stop()
        reply.rest()
        found = events(reply.chunks)
        assert b"[DONE]" not in reply.raw and (reply.ended == "cut" or "error" in found[-1])
    assert model.calls[0].wait_ended().ended_by_peer
    record = next(record for record in gateway.records() if record["request_id"] == reply.request_id)
    assert record["outcome"] == "shutdown"


def test_call_that_waits_for_the_model_at_the_end_of_drain_is_told(start, model):
    gateway = start("m", drain="200ms")
    model.script(stall())
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": name})
        model.wait_for_call()
        gateway.stop()
        try:
            assert connection.read_answer().status == 503
        except Closed:
            pass
    record = next(record for record in gateway.records() if record["request_id"] == name)
    assert record["outcome"] == "shutdown"


def test_second_signal_ends_the_drain(start, model):
    gateway = start("m", drain="300s")
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        gateway.terminate()
        eventually(lambda: refused(gateway.address))
        gateway.terminate()
        gateway.stop()


def test_nothing_is_lost_when_the_signal_follows_the_last_answer(start):
    gateway = start("m", workers=2)
    ids = []
    with Connection(gateway.address) as first, Connection(gateway.address) as second:
        for number in range(200):
            connection = (first, second)[number % 2]
            connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": f"burst-{number}"})
            assert connection.read_answer().status == 200
            ids.append(f"burst-{number}")
        gateway.stop()
    assert sorted(record["request_id"] for record in gateway.records()) == sorted(ids)


def test_records_go_on_after_a_restart(gateway_factory, model, tmp_path):
    for expected in (1, 2, 3):
        gateway = gateway_factory(config=config(model, "m"), directory=tmp_path / "same")
        ask(gateway, chat("m"))
        gateway.stop()
        assert [record["seq"] for record in gateway.records()] == list(range(1, expected + 1))
