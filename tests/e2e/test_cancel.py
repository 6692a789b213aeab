"""Whoever hangs up, in any phase: the upstream call ends, its connection is not used again, and the record says so."""

import json

import pytest

from fake_model import (Gate, answer_json, delta, endless, head, read_body, refusal, send, sse, sse_bytes,
                        stall, stream_head, wait)
from wire import PATIENCE, Connection, Stream, ask, chat, chunk, eventually, new_id, request

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(receive_buffer=8192, send_buffer=8192)


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, hole):
    patient = {"health": {"failures": 1000}}
    return gateway_factory(config={"workers": 2, "models": [
        {"name": "m", "endpoints": [{"url": model.base}], **patient},
        {"name": "pausing", "endpoints": [{"url": model.base}], **patient,
         "retry": {"attempts": 3, "backoff": "60s", "max_backoff": "60s", "budget": "100%"}},
        {"name": "hole", "endpoints": [{"url": hole.base}], **patient, "timeouts": {"connect": "60s"}}]})


def expect_cancelled(gateway, request_id, call=None):
    """The record, and the model's own view of the end."""
    if call is not None:
        call.wait_ended()
        assert call.ended_by_peer, call
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["status"]) == ("client_cancelled", 499), record
    return record


def expect_fresh_connection(gateway, model, call):
    """The cancelled call's connection is gone: the next call comes on another one."""
    model.reset()
    assert ask(gateway, chat("m")).status == 200
    assert model.only_call.connection != call.connection


def hang_up(connection, how):
    connection.close() if how == "close" else connection.reset()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_while_sending_the_body(gateway, model, how, framing):
    name = new_id()
    whole = request("POST", CHAT, chat("m", "x" * 4000), key=gateway.key, headers={"X-Request-Id": name},
                    chunked=framing == "chunked")
    connection = Connection(gateway.address).send(whole[:-2000])
    hang_up(connection, how)
    expect_cancelled(gateway, name)
    assert not any(call.body_complete for call in model.calls)


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("streamed", [False, True])
def test_before_the_first_byte(gateway, model, how, streamed):
    model.script(stall())
    name = new_id()
    connection = Connection(gateway.address)
    connection.ask(body=chat("m", stream=streamed), key=gateway.key, headers={"X-Request-Id": name})
    call = model.wait_for_call()
    hang_up(connection, how)
    record = expect_cancelled(gateway, name, call)
    assert record["attempts"] == 1 and record["bytes_out"] == 0
    expect_fresh_connection(gateway, model, call)


def test_between_the_models_head_and_its_first_event(gateway, model):
    gate = Gate()
    model.script(stream_head(), wait(gate))
    name = new_id()
    connection = Connection(gateway.address)
    connection.ask(body=chat("m", stream=True), key=gateway.key, headers={"X-Request-Id": name})
    gate.wait_reached()
    connection.close()
    expect_cancelled(gateway, name, model.calls[0])


@pytest.mark.parametrize("how", ["close", "reset"])
def test_in_mid_stream(gateway, model, how):
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next() == sse_bytes(delta("one"))
        hang_up(reply.connection, how)
    call = model.calls[0]
    record = expect_cancelled(gateway, reply.request_id, call)
    assert record["bytes_out"] >= len(sse_bytes(delta("one"))) and record["completion_tokens"] == 1
    expect_fresh_connection(gateway, model, call)


def test_in_mid_stream_while_events_flow(gateway, model):
    model.script(stream_head(), endless(gap=0.001))
    with Stream(gateway, chat("m", stream=True)) as reply:
        for _ in range(20):
            assert reply.next()
    expect_cancelled(gateway, reply.request_id, model.calls[0])


def test_in_mid_stream_by_half_close(gateway, model):
    """A FIN while an answer runs is a hang-up: HTTP clients that still read do not finish sending first."""
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        reply.connection.finish()
        expect_cancelled(gateway, reply.request_id, model.calls[0])


def test_in_the_middle_of_a_plain_answer(gateway, model):
    model.script(head(200, [("Content-Type", "application/json"), ("Content-Length", 1000)]), send(b"{" + b" " * 99),
                 stall())
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": name})
        model.wait_for_call()
    expect_cancelled(gateway, name, model.calls[0])


def test_blocked_on_a_client_that_takes_nothing(gateway, model):
    model.script(stream_head(), endless(lambda number, piece=chunk(sse_bytes(delta("x" * 8000))): piece))
    with Stream(gateway, chat("m", stream=True), receive_buffer=32768) as reply:
        reply.read_head()
        call = model.wait_for_call()
        assert call.blocked.wait(PATIENCE), "the model was never paused"
    expect_cancelled(gateway, reply.request_id, call)


def test_while_the_request_body_goes_to_a_slow_model(gateway, model):
    gate = Gate()
    model.script(read_body(limit=1000), wait(gate), read_body=False)
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("m", "x" * 6_000_000), key=gateway.key, headers={"X-Request-Id": name})
        gate.wait_reached()
    call = model.calls[0]
    expect_cancelled(gateway, name)
    gate.open()
    call.wait_ended()
    assert not call.body_complete


def test_in_a_backoff_pause(gateway, model):
    """Up to 60 s of backoff: only the hang-up can end this call at once."""
    model.script(refusal(503), times=3)
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("pausing"), key=gateway.key, headers={"X-Request-Id": name})
        model.wait_for_call().wait_ended()
        assert not connection.is_closed
    record = expect_cancelled(gateway, name)
    assert 1 <= record["attempts"] <= 2 and len(model.calls) <= 2


def test_while_waiting_for_a_connection(gateway):
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("hole"), key=gateway.key, headers={"X-Request-Id": name})
        eventually(lambda: gateway.metrics().total("intragate_open_connections") >= 1)
    expect_cancelled(gateway, name)


def test_pipelined_requests_die_with_their_connection(gateway, model):
    model.script(stall())
    first, second = new_id(), new_id()
    with Connection(gateway.address) as connection:
        for name in (first, second):
            connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": name})
        model.wait_for_call()
        assert len(model.calls) == 1  # the second waits for its turn
    expect_cancelled(gateway, first, model.calls[0])
    assert all(call.ended_by_peer for call in model.calls)


def test_many_that_vanish_together_leave_nothing_behind(gateway, model):
    model.default(stream_head(), sse(delta("one")), stall())
    streams = [Stream(gateway, chat("m", stream=True)) for _ in range(60)]
    for reply in streams:
        assert reply.next()
    assert gateway.metrics().total("intragate_open_streams") == 60
    for number, reply in enumerate(streams):
        hang_up(reply.connection, "close" if number % 2 else "reset")
    for call in list(model.calls):
        assert call.wait_ended().ended_by_peer
    for reply in streams:
        expect_cancelled(gateway, reply.request_id)
    metrics = eventually(lambda: (found := gateway.metrics()).total("intragate_open_streams") == 0 and found)
    assert metrics.total("intragate_pool_connections", state="busy") == 0


def test_a_client_that_reads_to_the_end_and_leaves_is_not_a_cancellation(gateway, model):
    for streamed in (True, False):
        reply = ask(gateway, chat("m", stream=streamed))
        assert gateway.wait_for_record(reply.request_id)["outcome"] == "ok"


def test_early_refusal_while_the_body_is_still_being_sent_reaches_the_client(gateway, model):
    """The model answers 413 before it has read everything, and closes."""
    body = json.dumps({"error": {"message": "too long for me", "type": "x", "param": None, "code": None}}).encode()
    model.script(read_body(limit=1000), answer_json(json.loads(body), 413, {"Connection": "close"}),
                 lambda call: call.read_body(), read_body=False)
    reply = ask(gateway, chat("m", "x" * 6_000_000))
    assert reply.status == 413 and reply.error["message"] == "too long for me"
