"""What hostile or clumsy clients and models once got away with: each test is a hole that was found and closed."""

import threading

import pytest

from fake_model import (Gate, answer, answer_json, chunk, close, cut, delta, end, endless, read_body, refusal, reset, send, sse,
                        sse_bytes, stream_head, wait)
from wire import Closed, Connection, ask, chat, eventually, new_id, request
from wire import chunk as http_chunk

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def second(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, second):
    def lane(name, *models, **more):
        return {"name": name, "endpoints": [{"url": each.base} for each in models], **more}
    quick = {"attempts": 2, "backoff": "1ms", "budget": "100%"}
    pair = lane("pair", model, second, balance="round_robin", retry=quick)
    return gateway_factory(config={
        "workers": 1,
        "models": [lane("m", model, retry={"attempts": 1}), pair,
                   lane("brief", model, timeouts={"total": "700ms"}, retry={"attempts": 1})]})


@pytest.fixture(autouse=True)
def fresh(model, second):
    model.reset()
    second.reset()


# --- clients

def test_head_stays_what_it_was_while_a_chunked_body_arrives(gateway, model):
    """Once the buffer moved under the views of the head, and a stranger's bytes went to the model as a header."""
    body = b'{"model": "m", "messages": []}'
    pad = ("X-Pad", "p" * 9000)
    whole = request("POST", CHAT, body, key=gateway.key, headers=[pad, ("Accept", "text/x-mine"), ("Traceparent", "t" * 40)])
    head = whole.split(b"\r\n\r\n")[0]
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length"))
    head += b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Connection(gateway.address) as first, Connection(gateway.address) as stranger:
        first.send(head + http_chunk(body[:5]))
        eventually(lambda: gateway.metrics().total("intragate_open_connections") >= 2)
        for piece in (body[5:9], body[9:14]):
            stranger.send(b"GET /" + b"S" * 9000)
            first.send(http_chunk(piece))
        first.send(http_chunk(body[14:]) + b"0\r\n\r\n" + request("POST", CHAT, chat("m"), key=gateway.key))
        assert first.read_answer().status == 200
        assert first.read_answer().status == 200  # the request behind the chunked body
    call = model.calls[0]
    assert call.headers["accept"] == "text/x-mine" and call.headers["traceparent"] == "t" * 40
    assert call.body.endswith(body[14:]) and model.violations == []


def test_two_authorization_headers_are_refused(gateway, model):
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, chat("m"), headers=[("Authorization", "Bearer wrong"),
                                                                   ("Authorization", f"Bearer {gateway.key}")]))
        assert connection.read_answer().status == 400
    assert model.calls == []


def test_who_guesses_keys_needs_a_connection_for_each(gateway):
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, chat("m"), key="sk-wrong") * 2)
        assert connection.read_answer().status == 401
        connection.expect_closed()


def test_flood_of_pipelined_requests_leaves_others_their_turn(gateway):
    """The flood is one write of thousands of requests; the other call was sent later and is answered long before its end."""
    flood = request("GET", "/v1/models/unknown", key=gateway.key)
    names = [new_id() for _ in range(3000)]
    data = b"".join(flood.replace(b"\r\n", b"\r\nX-Request-Id: " + name.encode() + b"\r\n", 1) for name in names)
    with Connection(gateway.address) as flooder:
        thread = threading.Thread(target=flooder.send, args=(data,))
        thread.start()
        assert flooder.read_answer("GET").status == 404
        reply = ask(gateway, chat("m"))
        assert reply.status == 200
        for _ in names[1:]:
            assert flooder.read_answer("GET").status == 404
        thread.join()
    last = gateway.wait_for_record(names[-1])
    assert gateway.wait_for_record(reply.request_id)["seq"] < last["seq"]


def test_line_end_behind_a_request_does_not_begin_another(gateway_factory, model):
    gateway = gateway_factory(config={
        "listen": [{"address": "127.0.0.1:0", "timeouts": {"head": "150ms", "idle": "30s"}}],
        "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, chat("m"), key=gateway.key) + b"\r\n")
        assert connection.read_answer().status == 200
        assert not threading.Event().wait(0.4)  # longer than `head`
        connection.send(request("POST", CHAT, chat("m"), key=gateway.key))
        assert connection.read_answer().status == 200


def test_total_limits_what_a_slow_client_may_hold(gateway, model):
    model.script(stream_head(), endless(lambda number: http_chunk(sse_bytes(delta("x" * 4000)))))
    with Connection(gateway.address, receive_buffer=8192) as connection:
        name = new_id()
        connection.send(request("POST", CHAT, chat("brief", stream=True), key=gateway.key, headers={"X-Request-Id": name}))
        assert model.wait_for_call().wait_ended().ended_by_peer
    assert gateway.wait_for_record(name)["total_ms"] < 10_000


def test_record_counts_only_what_the_client_got(gateway, model):
    """The rest lies in buffers of the gateway's system when the client leaves."""
    model.script(stream_head(), endless(lambda number: http_chunk(sse_bytes(delta("x" * 4000)))))
    name = new_id()
    with Connection(gateway.address, receive_buffer=8192) as connection:
        connection.send(request("POST", CHAT, chat("m", stream=True), key=gateway.key, headers={"X-Request-Id": name}))
        call = model.wait_for_call()
        assert call.blocked.wait(20)
        connection.reset()
    record = gateway.wait_for_record(name)
    assert record["outcome"] == "client_cancelled"
    assert record["bytes_out"] < 200_000 and record["completion_tokens"] <= record["bytes_out"] / 4000 + 1


# --- models

@pytest.mark.parametrize("steps", [
    [stream_head(), end()],
    [stream_head(), chunk(b": nothing but this"), end()],
    [stream_head(), send(b"zz\r\nno chunk\r\n")],
    [stream_head(framing="close"), close()],
    [send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n")],
    [send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 8\r\n\r\n: ping\n\n")],
    [stream_head(), cut()],
    [stream_head(), chunk(b'data: {"half'), cut()],
    [stream_head(), send(b"1"), reset()],
], ids=["empty", "half a comment", "garbage", "closed", "length 0", "a comment", "cut", "half an event", "half a size"])
def test_stream_without_a_first_event_is_an_error_with_a_status(gateway, model, steps):
    model.script(*steps)
    reply = ask(gateway, chat("m", stream=True))
    assert reply.status == 502 and reply.error["code"] in ("upstream_broke", "upstream_malformed")


def test_stream_that_breaks_before_its_first_event_is_tried_elsewhere(gateway, model, second):
    for each in (model, second):
        each.script(stream_head(), chunk(b'data: {"half'), cut())
        reply = ask(gateway, chat("pair", stream=True))
        assert reply.status == 200 and reply.headers["x-intragate-attempts"] in ("1", "2")
        assert reply.body.endswith(b"data: [DONE]\n\n")
    assert len(model.calls) + len(second.calls) >= 3


@pytest.mark.parametrize("body", [b"{}", b"x" * 100_000])
def test_bytes_behind_an_answer_spoil_the_connection(gateway, model, body):
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    model.script(send(head + body + forged))  # at once: what comes after the next request is an answer to it
    assert ask(gateway, chat("m")).status == 200
    reply = ask(gateway, chat("m"))
    assert reply.status == 200 and b"forged" not in reply.body
    assert model.calls[1].connection != model.calls[0].connection


def test_interim_answer_in_mid_body_does_not_stop_the_sending(gateway, model):
    model.script(read_body(65536), send(b"HTTP/1.1 100 Continue\r\n\r\n"), read_body(), answer_json({"ok": True}),
                 read_body=False)
    reply = ask(gateway, chat("m", filler="x" * 8_000_000))
    assert reply.status == 200 and reply.json == {"ok": True}
    assert model.calls[0].body_complete


def test_models_retry_after_reaches_the_client(gateway, model):
    model.script(refusal(503, headers=[("Retry-After", "30")]))
    reply = ask(gateway, chat("m"))
    assert reply.status == 502 and reply.headers["retry-after"] == "30"


def test_answers_are_asked_for_unpacked_and_packed_ones_say_so(gateway, model):
    model.script(answer(b"\x1f\x8bpacked", headers=[("Content-Encoding", "gzip")]))
    reply = ask(gateway, chat("m"))
    assert reply.headers["content-encoding"] == "gzip" and reply.body == b"\x1f\x8bpacked"
    assert model.calls[0].headers["accept-encoding"] == "identity"


def test_model_that_does_not_end_its_body_delays_nobody(gateway, model):
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), chunk(b"data: [DONE]\n\n"), wait(gate), end())
    with Connection(gateway.address) as connection:
        stream = request("POST", CHAT, chat("m", stream=True), key=gateway.key, headers={"X-Request-Id": "ends-late"})
        connection.send(stream + request("POST", CHAT, chat("m"), key=gateway.key))
        assert connection.read_answer().body.endswith(b"data: [DONE]\n\n")
        assert connection.read_answer().status == 200  # while the model has not ended the first body
        assert gateway.wait_for_record("ends-late")["outcome"] == "ok"
    gate.open()


def test_long_answers_leave_others_their_turn(gateway, model):
    """A model that sends as fast as it can: others are served meanwhile."""
    big = b"x" * 65536
    model.script(send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"),
                 endless(lambda number: http_chunk(big)))
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, chat("m"), key=gateway.key))
        model.wait_for_call()  # or another call would take the script
        stop = threading.Event()

        def read():
            try:
                while not stop.is_set():
                    connection.receive()
                    connection.buffer.clear()
            except (Closed, OSError):
                pass
        thread = threading.Thread(target=read)
        thread.start()
        try:
            for _ in range(20):
                assert ask(gateway, chat("m")).status == 200
        finally:
            stop.set()
            connection.reset()
            thread.join()


def test_address_that_is_allowed_no_more_is_not_used_again(gateway_factory, model):
    config = {"egress": {"allow": ["127.0.0.0/8"]}, "models": [{"name": "m", "endpoints": [{"url": model.base}]}]}
    gateway = gateway_factory(config=config)
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, chat("m"), key=gateway.key))
        assert connection.read_answer().status == 200
        gateway.reload({**config, "egress": {"allow": ["10.0.0.0/8"]}})
        connection.send(request("POST", CHAT, chat("m"), key=gateway.key))
        assert connection.read_answer().status in (502, 503)
    assert len(model.calls) == 1
