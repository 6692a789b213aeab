"""What crosses the gateway: bodies byte for byte, streams event by event, headers by list."""

import json

import pytest

from fake_model import (Gate, answer, answer_json, chunk, close, cut, delta, done, end, head, interim, proper_answer,
                        reset, send, send_apart, sse, sse_bytes, stream, stream_head, usage_event, wait)
from wire import Connection, DifyError, Stream, ask, chat, chunk as http_chunk, dify_read, event_data, events, eventually

CHAT = "/v1/chat/completions"
REAL = "Org/Real-Model_7B"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(models=["m"])


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    patient = {"health": {"failures": 1000}, "retry": {"attempts": 1}, "repair": False}  # what comes is what goes
    keys = [{"name": "test", "key": "${TEST_KEY}", "models": ["*"]},
            {"name": "dify", "key": "${DIFY_KEY}", "models": ["*"], "stream_usage": "always"}]
    auth = {"bearer": {"type": "bearer", "key": "${UP}"}, "basic": {"type": "basic", "key": "user:${UP}"},
            "header": {"type": "header:X-Api-Token", "key": "${UP}"}, "none": {"type": "none"}}
    models = [{"name": "m", "endpoints": [{"url": model.base}], **patient},
              {"name": "renamed", "aliases": ["gpt-4o-mini"], **patient,
               "endpoints": [{"url": model.base, "model": REAL}]},
              {"name": "vendor/with-slash", "context_window": 4096, "kind": "chat", "endpoints": [{"url": model.base}]},
              {"name": "bare", "endpoints": [{"url": model.url}], **patient}]
    models += [{"name": f"auth-{name}", "endpoints": [{"url": model.base, "auth": how}], **patient}
               for name, how in auth.items()]
    return gateway_factory(config={"models": models, "keys": keys},
                           env={"DIFY_KEY": "sk-dify-key", "UP": "upstream-secret"})


# --- requests to the model

@pytest.mark.parametrize("target", [CHAT, "/chat/completions", "/v1/completions", "/completions", "/v1/embeddings",
                                    "/embeddings"])
def test_paths_answer_with_and_without_v1(gateway, model, target):
    body = {**chat("m"), "prompt": "x", "input": ["a", "b"]}
    reply = ask(gateway, body, path=target)
    assert reply.status == 200
    assert model.only_call.target == "/v1/" + target.removeprefix("/v1").lstrip("/")
    assert reply.json["object"] == {"chat/completions": "chat.completion", "completions": "text_completion",
                                    "embeddings": "list"}[target.removeprefix("/v1").lstrip("/")]


def test_endpoint_url_works_without_v1_too(gateway, model):
    assert ask(gateway, chat("bare")).status == 200
    assert model.only_call.target == "/v1/chat/completions"


SAME = [
    b'{"model":"m","messages":[]}',
    b'  {\n\t"model" :\r\n "m" , "messages":[ ]   }  \n',
    b'{"z":1e5,"a":1.0,"b":-0,"c":1E+2,"d":0.10,"e":123456789012345678901234567890,"model":"m","messages":[]}',
    b'{"messages":[{"role":"user","content":"\\u4f60\\u597d \\ud83d\\ude00 \\/ \\" \\\\ \\n"}],"model":"m"}',
    '{"messages":[{"role":"user","content":"你好 😀 \u2028"}],"model":"m"}'.encode(),
    b'{"unknown_field":{"deep":[1,2,{"model":"inner"}]},"model":"m","messages":[],"x-y":null,"":true}',
    b'{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"model":"no"}}}]}',
    b'{"model":"m","messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}',
    b'{"model":"m","response_format":{"type":"json_schema","json_schema":{"a":[[[]]]}},"messages":[]}',
    b'{"messages":[],"model":"m","reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false}}',
    b'{"model":"m","messages":[],"user":"x","stream":false,"n":1,"n":2}',
    b'{"model":"m","messages":"' + b"\\\\" * 63 + b'\\""}',
    b'{"model":"m","messages":[' + b'{"a":"]}"},' * 500 + b'{}]}',
]


@pytest.mark.parametrize("body", SAME, ids=range(len(SAME)))
def test_body_reaches_the_model_byte_for_byte(gateway, model, body):
    assert ask(gateway, body).status == 200
    assert model.only_call.body == body
    assert model.only_call.headers["content-type"] == "application/json"


RENAMED = [
    (b'{"model":"renamed","messages":[]}', b'{"model":"Org/Real-Model_7B","messages":[]}'),
    (b'{"model":"gpt-4o-mini","messages":[]}', b'{"model":"Org/Real-Model_7B","messages":[]}'),
    (b' { "a" : 1.0, "model"\n:\t"renamed" , "b":1e5}\n',
     b' { "a" : 1.0, "model"\n:\t"Org/Real-Model_7B" , "b":1e5}\n'),
    (b'{"messages":[{"model":"renamed"}],"model":"renamed"}',
     b'{"messages":[{"model":"renamed"}],"model":"Org/Real-Model_7B"}'),
    (b'{"model":"ren\\u0061med","x":"\\u0061"}', b'{"model":"Org/Real-Model_7B","x":"\\u0061"}'),
    (b'{"mod\\u0065l":"renamed","x":1}', b'{"mod\\u0065l":"Org/Real-Model_7B","x":1}'),
]


@pytest.mark.parametrize("body, expected", RENAMED, ids=range(len(RENAMED)))
def test_only_the_models_name_changes(gateway, model, body, expected):
    assert ask(gateway, body).status == 200
    assert model.only_call.body == expected


def test_content_length_fits_the_changed_body(gateway, model):
    ask(gateway, chat("renamed"))
    call = model.only_call
    assert call.framing == "length" and int(call.headers["content-length"]) == len(call.body)


@pytest.mark.parametrize("name, header, value", [
    ("auth-bearer", "authorization", "Bearer upstream-secret"),
    ("auth-basic", "authorization", "Basic dXNlcjp1cHN0cmVhbS1zZWNyZXQ="),
    ("auth-header", "x-api-token", "upstream-secret"), ("auth-none", "authorization", None)])
def test_each_endpoint_gets_its_own_credentials_and_never_the_clients(gateway, model, name, header, value):
    assert ask(gateway, chat(name)).status == 200
    call = model.only_call
    assert call.headers.get(header) == value
    assert gateway.key.encode() not in call.head
    if name in ("auth-header", "auth-none"):
        assert "authorization" not in call.headers


def test_hop_by_hop_headers_cookies_and_keys_never_reach_the_model(gateway, model):
    sent = {"Cookie": "session=stolen", "Connection": "keep-alive, X-Hop", "X-Hop": "hop", "Keep-Alive": "timeout=5",
            "Proxy-Authorization": "Basic stolen", "TE": "trailers", "Trailer": "X-T", "Upgrade": "websocket",
            "Proxy-Connection": "keep-alive", "X-Api-Key": gateway.key, "Api-Key": gateway.key}
    assert ask(gateway, chat("m"), headers=sent).status == 200
    crossed = set(model.only_call.headers.names())
    assert not crossed & {"cookie", "x-hop", "keep-alive", "proxy-authorization", "te", "trailer", "upgrade",
                          "proxy-connection", "authorization", "x-api-key", "api-key"}
    assert b"stolen" not in model.only_call.head and gateway.key.encode() not in model.only_call.head
    assert model.only_call.headers["host"] == model.url.removeprefix("http://")


def test_the_models_cookies_and_hop_by_hop_headers_never_reach_the_client(gateway, model):
    model.script(answer_json({"object": "chat.completion"}, headers=[
        ("Set-Cookie", "a=b"), ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"),
        ("Proxy-Authenticate", "Basic"), ("Trailer", "X"), ("Upgrade", "h2c"), ("Alt-Svc", 'h3=":443"')]))
    reply = ask(gateway, chat("m"))
    assert reply.status == 200
    assert not set(reply.headers.names()) & {"set-cookie", "x-hop", "keep-alive", "proxy-authenticate", "trailer",
                                             "upgrade"}
    assert reply.headers.get("connection", "keep-alive").lower() == "keep-alive"


def test_models_connection_close_does_not_close_the_clients(gateway, model):
    with Connection(gateway.address) as connection:
        for _ in range(3):
            model.script(answer_json({"object": "chat.completion"}, headers={"Connection": "close"}), close())
            connection.ask(body=chat("m"), key=gateway.key)
            assert connection.read_answer().status == 200
        assert not connection.is_closed
    assert len({call.connection for call in model.calls}) == 3  # and such a connection is never used again


def test_upstream_connections_are_kept_and_used_again(gateway, model):
    with Connection(gateway.address) as connection:
        for _ in range(5):
            connection.ask(body=chat("m"), key=gateway.key)
            assert connection.read_answer().status == 200
    assert len({call.connection for call in model.calls}) == 1


def test_request_id_is_kept_made_and_passed_on(gateway, model):
    reply = ask(gateway, chat("m"), headers={"X-Request-Id": "given-id-7"})
    assert reply.request_id == "given-id-7" and model.only_call.headers["x-request-id"] == "given-id-7"
    made = set()
    for _ in range(3):
        with Connection(gateway.address) as connection:
            made.add(connection.ask(body=chat("m"), key=gateway.key).read_answer().request_id)
    assert len(made) == 3 and all(made)


@pytest.mark.parametrize("bad", ["x" * 5000, "a b<script>", '"quoted"', "{}"])
def test_strange_request_id_never_breaks_the_answer_or_the_record(gateway, bad):
    with Connection(gateway.address) as connection:
        reply = connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": bad}).read_answer()
    assert reply.status == 200 and len(reply.request_id) <= 256
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "ok"


def test_traceparent_goes_through_to_the_model(gateway, model):
    trace = "0af7651916cd43dd8448eb211c80319c"
    ask(gateway, chat("m"), headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert model.only_call.headers["traceparent"].split("-")[1] == trace


def test_answer_says_what_the_gateway_did(gateway):
    reply = ask(gateway, chat("m"))
    timing = reply.headers["server-timing"]
    for part in ("gateway;dur=", "upstream;dur="):
        assert part in timing, timing
    assert reply.headers["x-intragate-attempts"] == "1"
    assert reply.headers["x-intragate-endpoint"]


# --- answers, not streamed

@pytest.mark.parametrize("status", [200, 201, 202])
def test_only_200_is_success_for_dify_so_201_and_202_become_200(gateway, model, status):
    model.script(answer_json({"object": "chat.completion", "n": 1}, status))
    reply = ask(gateway, chat("m"))
    assert reply.status == 200 and reply.json == {"object": "chat.completion", "n": 1}


ANSWER = (b'{ "object":"chat.completion","n":1.0,"e":1e5, "t":"\\u4f60",  "choices":[],'
          b'"usage":{"prompt_tokens":5,"completion_tokens":2}}\n')
JSON = ("Content-Type", "application/json")
LENGTH, CHUNKED = ("Content-Length", len(ANSWER)), ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize("steps", [
    [answer(ANSWER)],
    [head(200, [JSON, CHUNKED]), chunk(ANSWER[:7]), chunk(ANSWER[7:]), end()],
    [head(200, [JSON, CHUNKED]), send(b"%X;ext=1\r\n%s\r\n0\r\nX-Trailer: t\r\n\r\n" % (len(ANSWER), ANSWER))],
    [head(200, [JSON, ("Connection", "close")]), send(ANSWER), close()],
    [head(200, [JSON], version="HTTP/1.0"), send(ANSWER), close()],
    [head(200, [JSON, LENGTH], version="HTTP/1.0"), send(ANSWER), close()],
    [interim(102), interim(103, "Early Hints"), answer(ANSWER)],
    [send_apart(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(ANSWER), ANSWER))],
], ids=["length", "chunked", "extension and trailer", "until close", "1.0 until close", "1.0 length", "interim",
        "byte by byte"])
def test_answer_body_arrives_byte_for_byte_however_it_is_framed(gateway, model, steps):
    model.script(*steps)
    with Connection(gateway.address) as connection:
        reply = connection.ask(body=chat("m"), key=gateway.key).read_answer()
        assert reply.status == 200 and reply.interim == [] and reply.body == ANSWER
        assert reply.framing in ("length", "chunked")
        assert reply.headers["content-type"] == "application/json"
        assert connection.ask(body=chat("m"), key=gateway.key).read_answer().status == 200  # still in step
    record = gateway.wait_for_record(reply.request_id)
    assert (record["prompt_tokens"], record["completion_tokens"], record["usage_source"]) == (5, 2, "upstream")


def test_large_answer_arrives_whole(gateway, model):
    body = b'{"object":"list","data":"' + b"0123456789" * 400_000 + b'"}'
    model.script(answer(body))
    assert ask(gateway, {"model": "m", "input": "x"}, "/v1/embeddings").body == body


def test_empty_answer_body_is_passed(gateway, model):
    model.script(answer(b""))
    reply = ask(gateway, chat("m"))
    assert reply.status == 200 and reply.body == b"" and reply.complete


@pytest.mark.parametrize("ending", [cut, reset])
def test_answer_cut_in_its_middle_is_never_whole_for_the_client(gateway, model, ending):
    gate = Gate()
    model.script(head(200, [JSON, ("Content-Length", 100)]), send(b'{"a":'), wait(gate), ending())
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("m"), key=gateway.key)
        gate.wait_reached()
        gate.open()
        reply = connection.read_answer()
        assert not reply.complete or reply.status == 502
    record = gateway.wait_for_record(reply.request_id)
    assert record["outcome"] == "upstream_error" and record["error"] == "upstream_broke"
    assert len(model.calls) == 1


# --- the list of models

def test_models_are_listed_in_openais_form(gateway):
    reply = ask(gateway, method="GET", path="/v1/models")
    assert reply.status == 200 and reply.json["object"] == "list"
    entries = {entry["id"]: entry for entry in reply.json["data"]}
    assert {"m", "renamed", "vendor/with-slash"} <= set(entries) and REAL not in entries
    assert all(entry["object"] == "model" and isinstance(entry["created"], int) and "owned_by" in entry
               for entry in entries.values())
    assert ask(gateway, method="GET", path="/models").json == reply.json


def test_model_list_needs_a_key(gateway):
    assert ask(gateway, method="GET", path="/v1/models", key=None).status == 401


@pytest.mark.parametrize("path", ["/v1/models/m", "/models/m", "/v1/models/vendor/with-slash",
                                  "/v1/models/vendor%2Fwith-slash", "/v1/models/gpt-4o-mini"])
def test_one_model_is_described(gateway, path):
    reply = ask(gateway, method="GET", path=path)
    assert reply.status == 200 and reply.json["object"] == "model" and reply.json["id"]


def test_unknown_model_is_not_described(gateway):
    reply = ask(gateway, method="GET", path="/v1/models/nobody")
    assert reply.status == 404 and reply.error["code"] == "model_not_found"


# --- streams

def test_events_leave_one_by_one_at_once(gateway, model):
    """The model sends the next event only after the client has seen the one before."""
    gate = Gate()
    texts = [f"piece {number} " for number in range(12)]
    model.script(stream_head(), *[step for text in texts for step in (sse(delta(text)), wait(gate))],
                 sse(delta(None, finish="stop")), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        for text in texts:
            assert reply.next() == sse_bytes(delta(text))  # untouched, and alone in its HTTP chunk
            gate.allow()
        reply.rest()
    assert reply.head.status == 200 and reply.head.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in reply.head.headers and "content-encoding" not in reply.head.headers
    assert reply.ended == "clean" and events(reply.chunks)[-1] == "[DONE]"
    assert dify_read(reply.chunks).text == "".join(texts)


def test_head_of_a_stream_leaves_before_its_first_event(gateway, model):
    gate = Gate()
    model.script(stream_head(), sse(delta("x")), wait(gate), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next() == sse_bytes(delta("x"))
        gate.open()
        assert reply.rest()[-1] == b"data: [DONE]\n\n"
        assert reply.head.headers.get("x-accel-buffering") in (None, "no")


def test_several_events_in_one_packet_become_chunks_of_their_own(gateway, model):
    blob = b"".join(sse_bytes(delta(str(number))) for number in range(40)) + sse_bytes("[DONE]")
    model.script(stream_head(), chunk(blob), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert len(reply.rest()) == 41 and reply.raw == blob


def test_completions_stream_too(gateway, model):
    with Stream(gateway, {"model": "m", "prompt": "x", "stream": True}, "/v1/completions") as reply:
        reply.rest()
    assert dify_read(reply.chunks).text == "Hello there, friend."


def test_stream_that_needs_no_change_keeps_its_bytes(gateway, model):
    blocks = [b": comment\n\n", b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],  "x":1.0}\n\n',
              'data: {"choices":[{"index":0,"delta":{"content":"你😀\\u2028"}}]}\n\n'.encode(),
              b'data: {"choices":[]}\n\n', b"data: [DONE]\n\n"]
    model.script(stream_head(), *[chunk(block) for block in blocks], end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.rest() == blocks


A, B = json.dumps(delta("a")).encode(), json.dumps(delta("b")).encode()
DIRTY = {
    "CRLF": b"data: @1\r\n\r\ndata: @2\r\n\r\ndata: [DONE]\r\n\r\n",
    "CR": b"data: @1\r\rdata: @2\r\rdata: [DONE]\r\r",
    "event lines": b"event: message\ndata: @1\n\nevent: x\ndata: @2\n\ndata: [DONE]\n\n",
    "id lines": b"id: 1\ndata: @1\n\ndata: @2\nid: 2\n\ndata: [DONE]\n\n",
    "retry first": b"retry: 1000\n\ndata: @1\n\ndata: @2\n\ndata: [DONE]\n\n",
    "no space": b"data:@1\n\ndata:@2\n\ndata:[DONE]\n\n",
    "byte order mark": b"\xef\xbb\xbfdata: @1\n\ndata: @2\n\ndata: [DONE]\n\n",
    "comment glued to an event": b": ping\ndata: @1\n\ndata: @2\n: pong\n\ndata: [DONE]\n\n",
    "comment glued with CRLF": b":\r\ndata: @1\r\n\r\n: x\r\ndata: @2\r\n\r\ndata: [DONE]\r\n\r\n",
    "unknown fields": b"foo: bar\ndata: @1\n\ndata\ndata: @2\n\ndata: [DONE]\n\n",
    "many blank lines": b"\n\n\ndata: @1\n\n\n\n\ndata: @2\n\n\ndata: [DONE]\n\n\n",
    "no blank line at the end": b"data: @1\n\ndata: @2\n\ndata: [DONE]\n",
    "no line end at the end": b"data: @1\n\ndata: @2\n\ndata: [DONE]",
    "everything": b"\xef\xbb\xbf: hi\r\nevent: m\r\nid: 7\r\nretry: 5\r\ndata: @1\r\n\r\n\r\ndata:@2\r\nid\r\n\r\n"
                  b"data: [DONE]\r\n\r\n",
}


@pytest.mark.parametrize("name", DIRTY)
def test_any_legal_stream_is_brought_into_the_form_that_clients_read(gateway, model, name):
    model.script(stream_head(), chunk(DIRTY[name].replace(b"@1", A).replace(b"@2", B)), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    assert reply.ended == "clean"
    assert events(reply.chunks) == [delta("a"), delta("b"), "[DONE]"]
    assert dify_read(reply.chunks).text == "ab"


def test_data_over_several_lines_becomes_one_line(gateway, model):
    block = b'data: {"choices": [{"index": 0,\ndata: "delta": {"content":\ndata: "one"}}]}\n\n'
    model.script(stream_head(), chunk(block), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    assert events(reply.chunks) == [{"choices": [{"index": 0, "delta": {"content": "one"}}]}, "[DONE]"]


SPLIT = (b": hi\n\ndata: " + A + b"\n\nevent: x\r\ndata: " + B + b"\r\n\r\ndata: "
         + '{"choices":[{"index":0,"delta":{"content":"你😀"},"finish_reason":"stop"}]}'.encode()
         + b"\n\n: bye\n\ndata: [DONE]\n\n")


def blocks_before(position, data=SPLIT):
    """How many blocks are complete in the first `position` bytes: those the client must be able to see."""
    return data[:position].replace(b"\r\n", b"\n").count(b"\n\n")


@pytest.mark.parametrize("how", ["two HTTP chunks", "one HTTP chunk in two packets"])
def test_split_at_every_byte_gives_the_same_events(gateway, model, how):
    """Before the second part is sent, the client must have seen every event that the first part completes."""
    for position in range(1, len(SPLIT)):
        gate = Gate()
        first, second = SPLIT[:position], SPLIT[position:]
        parts = ([chunk(first), wait(gate), chunk(second)] if how == "two HTTP chunks" else
                 [send(b"%x\r\n" % len(SPLIT) + first), wait(gate), send(second + b"\r\n")])
        model.script(stream_head(), *parts, end())
        with Stream(gateway, chat("m", stream=True)) as reply:
            for _ in range(blocks_before(position)):
                assert reply.next(), f"split at {position}"
            gate.open()
            reply.rest()
        assert events(reply.chunks)[:2] == [delta("a"), delta("b")], f"split at {position}"
        assert event_data(reply.chunks)[-1] == "[DONE]" and len(event_data(reply.chunks)) == 4, f"split at {position}"
        assert dify_read(reply.chunks).text == "ab你😀", f"split at {position}"


def test_stream_that_comes_byte_by_byte_is_the_same(gateway, model):
    model.script(stream_head(), send_apart(http_chunk(SPLIT)), end())
    model.script(stream_head(), *[chunk(SPLIT[position:position + 1]) for position in range(len(SPLIT))], end())
    for _ in range(2):
        with Stream(gateway, chat("m", stream=True)) as reply:
            reply.rest()
        assert dify_read(reply.chunks).text == "ab你😀" and len(event_data(reply.chunks)) == 4


@pytest.mark.parametrize("framing", ["close", "HTTP/1.0"])
def test_close_delimited_stream_becomes_chunked_and_leaves_at_once(gateway, model, framing):
    gate = Gate()
    first = stream_head(framing="close") if framing == "close" else head(200, [("Content-Type", "text/event-stream")],
                                                                         version="HTTP/1.0")
    model.script(first, send(sse_bytes(delta("a"))), wait(gate), send(sse_bytes("[DONE]")), close())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next() == sse_bytes(delta("a"))
        gate.open()
        assert reply.rest()[-1] == b"data: [DONE]\n\n" and reply.ended == "clean"


def test_stream_with_a_length_is_relayed(gateway, model):
    body = sse_bytes(delta("a")) + sse_bytes("[DONE]")
    model.script(answer(body, content_type="text/event-stream; charset=utf-8"))
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.rest() == [sse_bytes(delta("a")), sse_bytes("[DONE]")]


@pytest.mark.parametrize("status", [201, 202])
def test_stream_with_201_or_202_becomes_200(gateway, model, status):
    model.script(stream_head(status=status), sse(delta("a")), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.rest()[-1] == b"data: [DONE]\n\n" and reply.head.status == 200


def test_event_of_one_megabyte_goes_through_whole(gateway, model):
    big = delta("x" * (1024 * 1024))
    model.script(stream_head(), sse(delta("a")), sse(big), sse(delta("b")), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert events(reply.rest()) == [delta("a"), big, delta("b"), "[DONE]"]


def test_event_without_end_is_given_up_and_never_held_without_bound(gateway, model):
    piece = b"x" * 65536
    model.script(stream_head(), chunk(b"data: "), lambda call: [call.send(http_chunk(piece)) for _ in range(4096)])
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
        assert b"[DONE]" not in reply.raw and reply.connection.is_closed or reply.ended == "cut"
    call = model.wait_for_call().wait_ended()
    assert call.ended_by_peer and call.sent < 64 * 1024 * 1024


def test_thousands_of_small_events_keep_their_order(gateway, model):
    blob = [sse_bytes(delta(f"{number} ")) for number in range(3000)]
    model.script(stream_head(), *[chunk(b"".join(blob[start:start + 7])) for start in range(0, 3000, 7)], done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.rest() == blob + [b"data: [DONE]\n\n"]


def test_tool_calls_and_reasoning_pass_untouched(gateway, model):
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    pieces = [{"reasoning_content": "hm"}, {"content": ""}, {"tool_calls": [first]},
              {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
              {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}]
    made = [{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": piece}]} for piece in pieces]
    model.script(stream_head(), *map(sse, made), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert events(reply.rest()) == [*made, "[DONE]"]
    read = dify_read(reply.chunks)
    assert read.reasoning == "hm" and read.tool_calls == [{"id": "c1", "name": "f", "arguments": '{"a":1}'}]


def test_keep_alive_goes_on_after_a_stream(gateway, model):
    with Connection(gateway.address) as connection:
        for _ in range(3):
            connection.ask(body=chat("m", stream=True), key=gateway.key)
            assert connection.read_answer().chunks[-1] == b"data: [DONE]\n\n"
            # The client may be quicker than the end of the model's body, which saves the connection.
            eventually(lambda: gateway.metrics().total("intragate_pool_connections", state="busy") == 0, "a saved one")
    assert len({call.connection for call in model.calls}) == 1


def test_clean_end_without_done_stays_a_clean_end(gateway, model):
    model.script(stream_head(), sse(delta("a", finish="stop")), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    assert reply.ended == "clean" and dify_read(reply.chunks).text == "a"


# --- streams that break

def test_error_event_of_the_model_is_passed_and_ends_the_call(gateway, model):
    failure = {"error": {"message": "out of memory", "type": "server_error", "code": 500}}
    model.script(stream_head(), sse(delta("a")), sse(failure), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert events(reply.rest()) == [delta("a"), failure]
        reply.connection.expect_closed()
    with pytest.raises(DifyError):
        dify_read(reply.chunks)
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "upstream_error"


@pytest.mark.parametrize("ending", [
    [cut()], [reset()], [chunk(b"data: {\"choices\""), cut()], [send(b"10\r\nhalf"), cut()],
    [send(b"zz\r\n"), wait(Gate())], [send(b"5\r\nhello!!!"), wait(Gate())]],
    ids=["cut", "reset", "in an event", "in a chunk", "bad size", "long chunk"])
def test_broken_stream_ends_with_an_error_event_and_no_done(gateway, model, ending):
    gate = Gate()
    model.script(stream_head(), sse(delta("a")), wait(gate), *ending)
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next() == sse_bytes(delta("a"))
        gate.open()
        reply.rest()
        *_, last = events(reply.chunks)
        assert set(last["error"]) >= {"message", "type", "code"} and "choices" not in last
        assert last["error"]["code"] in ("upstream_broke", "upstream_malformed")
        assert b"[DONE]" not in reply.raw and "127.0.0.1" not in last["error"]["message"]
        reply.connection.expect_closed()
    with pytest.raises(DifyError):
        dify_read(reply.chunks)
    record = gateway.wait_for_record(reply.request_id)
    assert record["outcome"] == "upstream_error" and record["status"] == 200
    assert len(model.calls) == 1


def test_close_delimited_stream_cut_without_done_is_no_success(gateway, model):
    """Nobody can tell a crash from the end there, except by the missing [DONE] and finish_reason."""
    model.script(stream_head(framing="close"), send(sse_bytes(delta("half a sen"))), cut())
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    assert "error" in events(reply.chunks)[-1] and b"[DONE]" not in reply.raw


# --- usage

def asked_usage(call):
    return (call.json.get("stream_options") or {}).get("include_usage")


def usages(reply):
    return [event["usage"] for event in events(reply.chunks) if isinstance(event, dict) and event.get("usage")]


def test_usage_event_comes_when_asked_for(gateway, model):
    with Stream(gateway, chat("m", stream=True, stream_options={"include_usage": True})) as reply:
        reply.rest()
    assert len(usages(reply)) == 1 and dify_read(reply.chunks).usage["prompt_tokens"] == 7
    assert gateway.wait_for_record(reply.request_id)["usage_source"] == "upstream"


@pytest.mark.parametrize("more", [{}, {"stream_options": {"include_usage": False}}, {"stream_options": {}},
                                  {"stream_options": None}, {"stream_options": {"other": 1.0}}])
def test_usage_is_asked_for_the_books_but_hidden_from_a_client_that_did_not_ask(gateway, model, more):
    with Stream(gateway, chat("m", stream=True, **more)) as reply:
        reply.rest()
    assert usages(reply) == [] and all(event == "[DONE]" or event["choices"] for event in events(reply.chunks))
    assert asked_usage(model.only_call) is True
    if "other" in (more.get("stream_options") or {}):
        assert model.only_call.json["stream_options"]["other"] == 1.0
    record = gateway.wait_for_record(reply.request_id)
    assert (record["prompt_tokens"], record["completion_tokens"], record["usage_source"]) == (7, 3, "upstream")


def test_asking_for_usage_changes_nothing_else_of_the_body(gateway, model):
    body = b'{ "model" :"m","messages" : [ ], "stream":true , "z":1e5}'
    with Stream(gateway, body) as reply:
        reply.rest()
    sent = model.only_call.body
    assert sent.startswith(body[:-1].rstrip()) and json.loads(sent)["stream_options"] == {"include_usage": True}


def test_key_with_stream_usage_always_gets_usage_without_asking(gateway, model):
    with Stream(gateway, chat("m", stream=True), key="sk-dify-key") as reply:
        reply.rest()
    assert len(usages(reply)) == 1 and dify_read(reply.chunks).usage["completion_tokens"] == 3


def test_usage_beside_choices_is_passed_to_everybody(gateway, model):
    last = delta("a", finish="stop", usage={"prompt_tokens": 9, "completion_tokens": 1})
    model.script(stream_head(), sse(last), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert events(reply.rest()) == [last, "[DONE]"]
    assert gateway.wait_for_record(reply.request_id)["prompt_tokens"] == 9


def test_usage_event_in_the_same_packet_as_others_is_hidden_too(gateway, model):
    model.script(stream_head(), chunk(sse_bytes(delta("a")) + sse_bytes(usage_event()) + sse_bytes("[DONE]")), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert events(reply.rest()) == [delta("a"), "[DONE]"]


def test_model_that_never_tells_usage_is_counted(gateway, model):
    model.script(*stream("a", "b", "c"))
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    record = gateway.wait_for_record(reply.request_id)
    assert record["usage_source"] == "counted" and 3 <= record["completion_tokens"] <= 4


def test_plain_answers_keep_their_usage(gateway, model):
    model.script(proper_answer("x", {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33}))
    reply = ask(gateway, chat("m"))
    assert reply.json["usage"]["total_tokens"] == 33
    record = gateway.wait_for_record(reply.request_id)
    assert (record["prompt_tokens"], record["completion_tokens"]) == (11, 22)


# --- the .env quick start

@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_env_quick_start_finds_the_models_by_itself(gateway_factory, model, suffix):
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url + suffix,
                                   "CUSTOM_MODEL_AUTH_TYPE": "header:X-Token", "CUSTOM_MODEL_API_KEY": "env-secret"})
    assert [entry["id"] for entry in ask(gateway, method="GET", path="/v1/models").json["data"]] == ["m"]
    assert ask(gateway, chat("m")).status == 200
    assert model.only_call.headers["x-token"] == "env-secret" and model.only_call.target == "/v1/chat/completions"
    assert model.listings[0].headers["x-token"] == "env-secret"
    assert ask(gateway, chat("absent")).status == 404
    gateway.stop()
