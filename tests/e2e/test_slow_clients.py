"""Clients that send or take too slowly: bounded in time and memory, and never at the cost of others."""

import json
import pathlib
import threading

import pytest

from fake_model import answer, close, delta, done, end, endless, pause, send, sse, sse_bytes, stream_head
from wire import PATIENCE, Closed, Connection, Stream, ask, chat, chunk, eventually, new_id, request

CHAT = "/v1/chat/completions"
MAIN, HEAD, BODY, IDLE, WRITE = range(5)
SMALL = 32768  # receive buffer of a client that takes little
CLOSE = ("Connection", "close")  # so that no later test meets a connection whose kernel buffer has grown to megabytes
BIG_EVENTS = endless(lambda number, piece=chunk(sse_bytes(delta("x" * 8000))): piece)


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(send_buffer=16384)


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    limits = ({}, {"head": "300ms"}, {"body": "300ms"}, {"idle": "300ms", "head": "500ms"}, {"write": "500ms"})
    listen = [{"address": "127.0.0.1:0", **({"timeouts": some} if some else {})} for some in limits]
    entry = {"name": "m", "endpoints": [{"url": model.base}], "repair": False}
    return gateway_factory(config={"listen": listen, "models": [entry]})


def call(gateway, **more):
    return request("POST", CHAT, chat("m"), key=gateway.key, **more)


def test_slow_head_is_ended(gateway):
    with Connection(gateway.addresses[HEAD]) as connection:
        connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow")
        try:
            answer = connection.read_answer()
            assert answer.status == 408 and answer.error["code"] == "request_timeout"
        except Closed:
            pass
        connection.expect_closed()
    gateway.wait_for_record(lambda record: record["error"] == "request_timeout")


def test_slow_head_that_keeps_dripping_is_ended_too(gateway):
    """The limit is on the whole head: a byte now and then buys no time."""
    with Connection(gateway.addresses[HEAD]) as connection:
        stop = threading.Event()

        def drip():
            try:
                connection.send(b"POST / HTTP/1.1\r\nX-Drip: ")
                while not stop.wait(0.02):
                    connection.send(b"x")
            except OSError:
                pass
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            eventually(lambda: connection.is_closed or connection.read_final_head().status == 408, "the end")
        except Closed:
            pass
        finally:
            stop.set()
            thread.join()


def test_slow_second_head_on_a_kept_connection_is_ended(gateway):
    with Connection(gateway.addresses[HEAD]) as connection:
        assert connection.send(call(gateway)).read_answer().status == 200
        connection.send(b"POST /v1")
        try:
            assert connection.read_answer().status == 408
        except Closed:
            return
        connection.expect_closed()


def test_stalled_body_is_ended(gateway, model):
    with Connection(gateway.addresses[BODY]) as connection:
        connection.send(call(gateway)[:-5])
        answer = connection.read_answer()
        assert answer.status == 408 and answer.error["code"] == "request_timeout"
        connection.expect_closed()
    record = gateway.wait_for_record(answer.request_id)
    assert record["outcome"] == "refused" and record["status"] == 408 and record["principal"] == "test"
    assert model.calls == []


def test_body_that_moves_is_left_alone(gateway, model):
    """Longer in all than the limit, but every 16 KiB buy a second, and no pause is longer than the limit."""
    piece = 16384
    whole = request("POST", CHAT, chat("m", filler="x" * 20 * piece), key=gateway.key)
    with Connection(gateway.addresses[BODY]) as connection:
        ticks = threading.Event()
        for position in range(0, len(whole), piece):
            ticks.wait(0.03)
            connection.send(whole[position:position + piece])
        assert connection.read_answer().status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_body_that_drips_is_ended(gateway, model, chunked):
    """A byte now and then buys no time."""
    whole = call(gateway)
    head, body = whole.split(b"\r\n\r\n", 1)
    if chunked:
        head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length"))
        head += b"\r\nTransfer-Encoding: chunked"
    with Connection(gateway.addresses[BODY]) as connection:
        connection.send(head + b"\r\n\r\n")
        stop = threading.Event()

        def drip():
            try:
                for byte in body[:-1] * 100:
                    if stop.wait(0.05):
                        return
                    piece = bytes([byte])
                    connection.send(chunk(piece) if chunked else piece)
            except OSError:
                pass
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            answer = connection.read_answer()
        finally:
            stop.set()
            thread.join()
        assert answer.status == 408 and answer.error["code"] == "request_timeout"
    record = gateway.wait_for_record(answer.request_id)
    assert 0 < record["bytes_in"] < len(body)
    assert model.calls == []


def test_idle_connection_is_closed_quietly(gateway):
    with Connection(gateway.addresses[IDLE]) as connection:
        assert connection.send(call(gateway)).read_answer().status == 200
        connection.expect_closed()


def test_connection_that_never_says_anything_is_closed(gateway):
    with Connection(gateway.addresses[IDLE]) as connection:
        connection.expect_closed()


def test_idle_limit_does_not_cut_a_running_call(gateway, model):
    """Twice the idle limit of silence in mid-stream."""
    model.script(stream_head(), sse(delta("a")), pause(0.6), done(), end())
    with Stream(gateway, chat("m", stream=True), address=gateway.addresses[IDLE]) as reply:
        assert reply.rest()[-1] == b"data: [DONE]\n\n"


def test_client_that_takes_nothing_is_given_up_after_the_write_limit(gateway, model):
    model.script(stream_head(), BIG_EVENTS)
    with Stream(gateway, chat("m", stream=True), address=gateway.addresses[WRITE], receive_buffer=SMALL) as reply:
        reply.read_head()
        call = model.wait_for_call().wait_ended()
        assert call.ended_by_peer
        record = gateway.wait_for_record(reply.request_id)
        assert record["outcome"] == "client_cancelled"


def resident(gateway):
    text = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) * 1024


def test_slow_client_pauses_the_model_and_the_gateway_holds_little(gateway, model):
    """Eight clients that take nothing, each with an endless stream: the model is paused, memory stays."""
    ask(gateway, chat("m", stream=True))
    before = resident(gateway)
    model.reset()
    model.default(stream_head(), BIG_EVENTS)
    streams = [Stream(gateway, chat("m", stream=True), receive_buffer=SMALL) for _ in range(8)]
    for reply in streams:
        reply.read_head()
    for call in model.calls:
        assert call.blocked.wait(PATIENCE), "the model was never paused"
    assert len(model.calls) == 8
    if "libasan" not in pathlib.Path(f"/proc/{gateway.process.pid}/maps").read_text():  # ASan keeps what was freed
        assert resident(gateway) - before < 8 * 1024 * 1024
    for reply in streams:
        reply.connection.close()
    for call in model.calls:
        call.wait_ended()


def test_paused_stream_goes_on_complete_and_in_order(gateway, model):
    """Far more than all buffers hold, to a client that begins to read only when the model is stuck."""
    events = [sse_bytes(delta(f"{number} " + "x" * 8000)) for number in range(2500)]
    model.script(stream_head(CLOSE), *[send(chunk(event)) for event in events], done(), end(), close())
    with Stream(gateway, chat("m", stream=True), receive_buffer=SMALL) as reply:
        call = model.wait_for_call()
        assert call.blocked.wait(PATIENCE), "the model was never paused"
        assert reply.rest() == events + [b"data: [DONE]\n\n"] and reply.ended == "clean"
    assert gateway.wait_for_record(reply.request_id)["bytes_out"] == sum(map(len, events)) + len(b"data: [DONE]\n\n")


def test_slow_reader_of_a_large_plain_answer_gets_it_whole(gateway, model):
    body = json.dumps({"data": "y" * 10_000_000}).encode()
    model.script(answer(body, headers=[CLOSE]), close())
    with Connection(gateway.address, receive_buffer=SMALL) as connection:
        connection.ask(body=chat("m"), key=gateway.key)
        call = model.wait_for_call()
        assert call.blocked.wait(PATIENCE), "the model was never paused"
        assert connection.read_answer().body == body


def test_slow_clients_do_not_slow_others(gateway, model):
    model.script(stream_head(), BIG_EVENTS)
    with Stream(gateway, chat("m", stream=True), receive_buffer=SMALL) as stuck:
        stuck.read_head()
        assert model.wait_for_call().blocked.wait(PATIENCE)
        for _ in range(20):
            assert ask(gateway, chat("m")).status == 200


def test_hundred_half_sent_requests_do_not_stop_a_whole_one(gateway):
    name = new_id()
    half = [Connection(gateway.address).send(call(gateway)[:-3]) for _ in range(100)]
    assert ask(gateway, chat("m"), headers={"X-Request-Id": name}).status == 200
    for connection in half:
        connection.close()


def test_answer_is_read_even_when_the_client_goes_on_sending(gateway):
    """A refusal in the middle of a long upload is not lost."""
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, b"", key="sk-wrong", chunked=[])[:-5])
        try:
            for _ in range(64):
                connection.send(chunk(b"x" * 65536))
            connection.send(b"0\r\n\r\n")
        except OSError:
            pass
        assert connection.read_answer().status == 401
