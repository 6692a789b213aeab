"""gRPC towards models (`dialect: triton-grpc`), and what servers and clients do at the wrong moment."""

import json
import socketserver
import threading

import pytest

from fake_grpc import GrpcModel, SERVICE, answer, field, frame
from gateway import run
from wire import PATIENCE, Connection, Stream, ask, chat, events, eventually, new_id

COMPLETIONS = "/v1/completions"


@pytest.fixture(scope="module")
def model():
    model = GrpcModel()
    yield model
    model.close()


@pytest.fixture(scope="module")
def secure(authority):
    model = GrpcModel(tls=authority.server())
    yield model
    model.close()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, secure, authority):
    def one(name, url=model.url, **more):
        endpoint = {"url": url, "dialect": "triton-grpc", "triton": {"model": "words"}, "chat_template": "chatml"}
        return {"name": name, "endpoints": [{**endpoint, **more.pop("endpoint", {})}], "health": {"failures": 1000},
                "retry": {"attempts": 1}, **more}
    return gateway_factory(config={"workers": 1, "models": [
        one("m"), one("again", retry={"attempts": 2, "backoff": "1ms", "budget": "100%"}),
        one("text", endpoint={"triton": {"model": "words", "preset": "text"}}),
        one("hasty", timeouts={"first_byte": "200ms"}), one("quiet", timeouts={"between_chunks": "200ms"}),
        one("secure", url=secure.url, endpoint={"tls": {"ca": authority.certificate},
                                                "auth": {"type": "bearer", "key": "model-secret"}})]})


@pytest.fixture(autouse=True)
def _clean(model, secure):
    yield
    violations = model.violations + secure.violations
    model.reset()
    secure.reset()
    assert not violations


def complete(gateway, name="m", **more):
    return ask(gateway, {"model": name, "prompt": "Say hello.", **more}, path=COMPLETIONS)


def text_of(chunks):
    return "".join(event["choices"][0]["text"] for event in events(chunks) if event != "[DONE]" and event["choices"])


def test_a_whole_answer(gateway, model):
    model.script(lambda call: (call.infer("Hello"), call.end()))
    reply = complete(gateway, max_tokens=7, temperature=0)
    assert (reply.status, reply.json["choices"][0]["text"]) == (200, "Hello")
    call = model.calls[0]
    assert (call.path, call.model, call.prompt) == (SERVICE + "ModelStreamInfer", "words", "Say hello.")
    assert b'"max_tokens":7' in call.body and b'"temperature":0' in call.body
    headers = call.headers
    assert headers[":method"] == "POST" and headers["content-type"] == "application/grpc" and headers["te"] == "trailers"
    assert 500_000 < int(headers["grpc-timeout"].removesuffix("m")) <= 600_000
    assert not {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"} & headers.keys()


def test_models_that_answer_at_once_are_asked_so(gateway, model):
    assert complete(gateway, "text").json["choices"][0]["text"] == "ok"
    assert model.calls[0].path == SERVICE + "ModelInfer"


def test_pieces_become_a_whole_answer(gateway, model):
    model.script(lambda call: (call.stream("Hel"), call.stream(""), call.stream("lo"), call.end()))
    assert complete(gateway).json["choices"][0]["text"] == "Hello"


def test_a_stream_comes_piece_by_piece(gateway, model):
    steps = [threading.Event() for _ in range(2)]

    def script(call):
        call.stream("Hel")
        assert steps[0].wait(PATIENCE)
        call.stream("lo")
        assert steps[1].wait(PATIENCE)
        call.end()
    model.script(script)
    with Stream(gateway, {"model": "m", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
        assert b'"text":"Hel"' in reply.next()
        steps[0].set()
        assert b'"text":"lo"' in reply.next()
        steps[1].set()
        rest = reply.rest()
    assert rest[-1] == b"data: [DONE]\n\n" and b'"finish_reason":"stop"' in b"".join(rest)
    assert model.calls[0].path == SERVICE + "ModelStreamInfer"
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "ok"


def test_chats_go_by_the_chat_template(gateway, model):
    model.script(lambda call: (call.stream("Hello<|im_end|>"), call.end()))
    with Stream(gateway, chat("m", stream=True)) as reply:
        events_seen = events(reply.rest())
    assert events_seen[0]["choices"][0]["delta"]["content"] == "Hello"
    assert "<|im_start|>user\nSay hello.<|im_end|>" in model.calls[0].prompt


def test_the_connection_serves_the_next_call(gateway, model):
    for _ in range(3):
        assert complete(gateway).status == 200
        with Stream(gateway, {"model": "m", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
            assert text_of(reply.rest()) == "ok"
        eventually(lambda: gateway.metrics().total("intragate_pool_connections", state="busy") == 0, "a free pool")
    assert len({call.connection for call in model.calls}) == 1


def test_long_texts_pass_the_windows(gateway, model):
    long = "x" * 3_000_000
    model.script(lambda call: (call.infer(call.prompt[::-1]), call.end()))
    reply = complete(gateway, prompt=long)
    assert reply.status == 200 and reply.json["choices"][0]["text"] == long
    assert model.calls[0].prompt == long


def test_over_tls_with_credentials(gateway, secure):
    assert complete(gateway, "secure").status == 200
    with Stream(gateway, {"model": "secure", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
        assert text_of(reply.rest()) == "ok"
    call = secure.calls[0]
    assert call.headers[":scheme"] == "https" and call.headers["authorization"] == "Bearer model-secret"


# ---- what servers do -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("grpc,status", [(3, 400), (5, 404), (8, 429), (12, 502), (13, 502), (14, 502), (16, 502)])
def test_refusals_have_a_status(grpc, status, gateway, model):
    model.script(lambda call: call.end(grpc, "no such%20thing: %27words%27"))
    reply = complete(gateway)
    assert reply.status == status, reply
    message = reply.json["error"]["message"]
    assert ("no such thing: 'words'" in message) == (status < 500), message


def test_only_some_refusals_are_asked_again(gateway, model):
    model.script(lambda call: call.end(14, "starting"), lambda call: (call.infer("late"), call.end()))
    assert complete(gateway, "again").json["choices"][0]["text"] == "late"
    model.reset()
    model.script(lambda call: call.end(3, "bad"), lambda call: (call.infer("late"), call.end()))
    assert complete(gateway, "again").status == 400 and len(model.calls) == 1


def test_a_stream_that_fails_at_once_has_a_status(gateway, model):
    model.script(lambda call: call.end(5, "not here"))
    reply = complete(gateway, stream=True)
    assert reply.status == 404 and "not here" in reply.json["error"]["message"]


BROKEN = {"reset": lambda call: call.break_off(2), "hung_up": lambda call: call.hang_up(),
          "status": lambda call: call.end(14, "gone"), "no_status": lambda call: call.link.do(
              lambda h: h.end_stream(call.stream_id)),
          "error": lambda call: call.send(frame(field(1, b"out of memory"))),
          "packed": lambda call: call.send(frame(field(2, answer("x")), flag=1)),
          "cut": lambda call: (call.send(b"\0\0\0\0\x09x"), call.hang_up()),
          "too_long": lambda call: call.send(b"\0\x7f\xff\xff\xffxxxx")}


@pytest.mark.parametrize("how", BROKEN)
def test_a_stream_that_breaks_is_no_short_answer(how, gateway, model):
    model.script(lambda call: (call.stream("Hel"), call.seen.wait(PATIENCE), BROKEN[how](call)))
    with Stream(gateway, {"model": "m", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
        assert b'"text":"Hel"' in reply.next()
        model.calls[0].seen.set()
        rest = b"".join(reply.rest())
    assert b'"error"' in rest and b"[DONE]" not in rest, rest
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "upstream_error"


@pytest.mark.parametrize("how", ["reset", "hung_up", "status", "no_status", "packed", "cut", "too_long"])
def test_a_whole_answer_that_breaks_is_none(how, gateway, model):
    model.script(lambda call: (call.head(), BROKEN[how](call), call.end()))
    reply = complete(gateway)
    assert reply.status == 502, reply


def test_a_message_that_ends_the_call_badly_is_no_answer(gateway, model):
    model.script(lambda call: (call.infer("half"), call.end(13, "lost")))
    assert complete(gateway).status == 502


def test_a_server_that_goes_away_finishes_and_gets_no_more(gateway, model):
    model.script(lambda call: (call.stream("Hel"), call.go_away(call.stream_id), call.stream("lo"), call.end()))
    with Stream(gateway, {"model": "m", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
        assert text_of(reply.rest()) == "Hello"
    assert complete(gateway).status == 200
    assert model.calls[0].connection != model.calls[1].connection


def test_a_server_that_goes_away_without_the_call_is_asked_anew(gateway, model):
    assert complete(gateway).status == 200
    eventually(lambda: gateway.metrics().total("intragate_pool_connections", state="busy") == 0, "a free pool")
    model.script(lambda call: call.go_away(0), lambda call: (call.infer("anew"), call.end()))
    assert complete(gateway).json["choices"][0]["text"] == "anew", "a reused connection that dies says nothing"


def test_only_a_refused_stream_is_sent_again_uncounted(gateway, model):
    free = lambda: eventually(  # noqa: E731
        lambda: gateway.metrics().total("intragate_pool_connections", state="busy") == 0, "a free pool")
    assert complete(gateway).status == 200
    for code in (2, 8, 11):  # INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM
        free()
        model.reset()
        model.script(lambda call, code=code: call.break_off(code), lambda call: (call.infer("twice"), call.end()))
        assert complete(gateway).status == 502 and len(model.calls) == 1, code
        assert complete(gateway).json["choices"][0]["text"] == "twice"  # and the next connection is there to reuse
    free()
    model.reset()
    model.script(lambda call: call.break_off(7), lambda call: (call.infer("anew"), call.end()))
    assert complete(gateway).json["choices"][0]["text"] == "anew"


def test_silence_has_its_limits(gateway, model):
    model.script(lambda call: call.wait_ended(), lambda call: (call.stream("Hel"), call.wait_ended()))
    reply = complete(gateway, "hasty")
    assert reply.status == 504 and "first_byte" in reply.json["error"]["message"]
    with Stream(gateway, {"model": "quiet", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
        assert b"between_chunks" in b"".join(reply.rest())
    for call in model.calls:
        call.wait_ended()


def test_a_flood_of_pings_is_no_answer(gateway, model):
    flood = lambda call: call.ping(100_000)  # noqa: E731
    model.script(flood, flood)  # a connection that was reused does not count
    assert complete(gateway).status == 502


@pytest.mark.parametrize("junk", [b"\0\0\1\0\x08%b\0", b"\0\0\2\xee\0%bxx"])  # only padding; an unknown type
def test_a_flood_of_nothing_is_no_answer(junk, gateway, model):
    flood = lambda call: (call.head(),  # noqa: E731
                          call.link.raw((junk % call.stream_id.to_bytes(4, "big")) * 200_000))
    model.script(flood, flood)
    assert complete(gateway).status == 502


class PlainServer(socketserver.StreamRequestHandler):
    """Knows HTTP/1.1 only, and says so."""

    def handle(self):
        self.connection.recv(65536)
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_what_speaks_no_http2_is_an_error(gateway_factory):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), PlainServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gateway = gateway_factory(config={"models": [{"name": "m", "retry": {"attempts": 1}, "endpoints": [
            {"url": f"http://127.0.0.1:{server.server_address[1]}", "dialect": "triton-grpc"}]}]})
        assert complete(gateway).status == 502
        server.shutdown()


# ---- what clients do -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_leaves_ends_the_call_at_the_server(streamed, gateway, model):
    model.script(lambda call: call.wait_ended())
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(target=COMPLETIONS, body={"model": "m", "prompt": "x", "stream": streamed}, key=gateway.key,
                       headers={"X-Request-Id": name})
        call = model.wait_for_call()
    call.wait_ended()
    assert call.reset == 8, "CANCEL"
    assert gateway.wait_for_record(name)["outcome"] == "client_cancelled"


def test_a_client_that_leaves_in_mid_stream_ends_it_too(gateway, model):
    model.script(lambda call: (call.stream("Hel"), call.wait_ended()))
    with Stream(gateway, {"model": "m", "prompt": "x", "stream": True}, path=COMPLETIONS) as reply:
        assert b"Hel" in reply.next()
    call = model.calls[0]
    call.wait_ended()
    assert call.reset == 8, "CANCEL"
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "client_cancelled"


def test_a_request_can_be_seen_before_it_is_sent(gateway, tmp_path):
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps({"model": "m", "prompt": "Say hello.", "stream": True}))
    done = run("explain", gateway.config_file, asked, "--path", COMPLETIONS, env={"TEST_KEY": gateway.key})
    assert "POST /inference.GRPCInferenceService/ModelStreamInfer" in done.stdout
    assert '"name":"text_input","datatype":"BYTES","contents":["Say hello."]' in done.stdout
