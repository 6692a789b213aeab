"""Every limit of time: 504 before the stream has begun, an error event after; the message names limit and key."""

import pytest

from fake_model import (delta, done, end, endless, head, interim, pause, send, sse, sse_bytes, stall,
                        stream_head)
from wire import Connection, Stream, ask, chat, chunk, events, new_id

SHORT = "150ms"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, hole):
    def entry(name, url=model.base, **timeouts):
        return {"name": name, "endpoints": [{"url": url}], "timeouts": timeouts, "retry": {"attempts": 1}, "repair": False,
                "health": {"failures": 1000}}
    return gateway_factory(config={"models": [
        entry("connect-model", hole.base, connect=SHORT), entry("first-model", first_byte=SHORT),
        entry("between-model", between_chunks=SHORT), entry("total-model", total="400ms"),
        entry("patient-model", first_byte="60s", between_chunks="60s", total="60s")]})


def expect_timeout(gateway, error, request_id, limit, model_name, key=None):
    assert error["code"] == "upstream_timeout"
    message = error["message"]
    assert model_name in message and (key or f"timeouts.{limit}") in message
    for secret in ("127.0.0.1", "http://", "localhost"):
        assert secret not in message
    record = gateway.wait_for_record(request_id)
    assert record["outcome"] == "upstream_timeout" and record["error"] == "upstream_timeout"
    return record


def test_connect(gateway, hole):
    reply = ask(gateway, chat("connect-model"))
    assert reply.status == 504
    assert expect_timeout(gateway, reply.error, reply.request_id, "connect", "connect-model")["status"] == 504


@pytest.mark.parametrize("streamed", [False, True])
def test_first_byte(gateway, model, streamed):
    model.script(stall())
    reply = ask(gateway, chat("first-model", stream=streamed))
    assert reply.status == 504
    assert "150" in reply.error["message"]
    expect_timeout(gateway, reply.error, reply.request_id, "first_byte", "first-model")
    assert model.only_call.wait_ended().ended_by_peer
    endpoint = f"127.0.0.1:{model.port}"
    gateway.wait_for_log(endpoint)  # the log may say what the client must not read


def test_first_byte_is_not_stopped_by_half_a_head(gateway, model):
    model.script(send(b"HTTP/1.1 200 OK\r\nContent-Ty"), stall())
    reply = ask(gateway, chat("first-model"))
    assert reply.status == 504


def test_first_byte_is_not_stopped_by_interim_answers(gateway, model):
    model.script(interim(102), *[step for _ in range(10) for step in (pause(0.04), interim(102))], stall())
    assert ask(gateway, chat("first-model")).status == 504


def test_between_chunks_in_a_stream(gateway, model):
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("between-model", stream=True)) as reply:
        assert reply.next() == sse_bytes(delta("one"))
        reply.rest()
        found = events(reply.chunks)
        assert len(found) == 2 and "choices" not in found[1]
        reply.connection.expect_closed()
    expect_timeout(gateway, found[1]["error"], reply.request_id, "between_chunks", "between-model")
    assert model.only_call.wait_ended().ended_by_peer


def test_between_chunks_in_the_middle_of_an_event(gateway, model):
    model.script(stream_head(), sse(delta("one")), send(b"40\r\ndata: {\"half"), stall())
    with Stream(gateway, chat("between-model", stream=True)) as reply:
        reply.rest()
    *_, last = events(reply.chunks)
    expect_timeout(gateway, last["error"], reply.request_id, "between_chunks", "between-model")


def test_between_chunks_in_a_plain_answer(gateway, model):
    model.script(head(200, [("Content-Type", "application/json"), ("Content-Length", 1000)]), send(b"{" + b" " * 499),
                 stall())
    with Connection(gateway.address) as connection:
        name = new_id()
        connection.ask(body=chat("between-model"), key=gateway.key, headers={"X-Request-Id": name})
        reply = connection.read_answer()
    assert reply.status == 504 or not reply.complete
    assert gateway.wait_for_record(name)["outcome"] == "upstream_timeout"


def test_slow_but_steady_stream_is_left_alone(gateway, model):
    """Longer in all than between_chunks, never longer in one pause."""
    pieces = [step for number in range(12) for step in (sse(delta(str(number))), pause(0.03))]
    model.script(stream_head(), *pieces, done(), end())
    with Stream(gateway, chat("between-model", stream=True)) as reply:
        reply.rest()
    assert reply.ended == "clean" and len(events(reply.chunks)) == 13


def test_total_ends_an_endless_stream(gateway, model):
    model.script(stream_head(), endless(gap=0.02))
    with Stream(gateway, chat("total-model", stream=True)) as reply:
        reply.rest()
    *_, last = events(reply.chunks)
    expect_timeout(gateway, last["error"], reply.request_id, "total", "total-model")
    assert model.only_call.wait_ended().ended_by_peer


def test_total_ends_a_silent_call_too(gateway, model):
    model.script(stall())
    reply = ask(gateway, chat("total-model"))
    assert reply.status == 504
    expect_timeout(gateway, reply.error, reply.request_id, "total", "total-model")


def test_total_counts_comments_as_nothing(gateway, model):
    model.script(stream_head(), endless(lambda number: chunk(b": ping\n\n"), gap=0.02))
    with Stream(gateway, chat("total-model", stream=True)) as reply:
        reply.rest()
    expect_timeout(gateway, events(reply.chunks)[-1]["error"], reply.request_id, "total", "total-model")


def test_env_quick_start_names_its_own_key(gateway_factory, model):
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url, "MODEL_REQUEST_TIMEOUT": "250"})
    model.default(stall())
    reply = ask(gateway, chat("fake-model"))
    assert reply.status == 504 and "250" in reply.error["message"]
    expect_timeout(gateway, reply.error, reply.request_id, "first_byte", "fake-model", "MODEL_REQUEST_TIMEOUT")
    gateway.stop()
