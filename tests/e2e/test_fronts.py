"""APIs laid over chat, on the wire: what goes to the model, and that queue, limits, cancellation, errors and records hold
for them as for chat. What their own clients make of them: test_anthropic_python.py, test_openai_responses.py."""

import json

import pytest

from fake_model import Gate, answer_json, cut, delta, done, end, refusal, sse, stall, stream, stream_head, usage_event, wait
from wire import Connection, Stream, ask, eventually, new_id

ONLY_CHAT, ONLY_MESSAGES, COUNTS = "sk-only-chat", "sk-only-messages", "sk-counts-tokens"
COUNT = "/v1/messages/count_tokens"
# Every word, and every mark, is a token.
WORDS = {"pre_tokenizer": {"type": "BertPreTokenizer"}, "model": {"type": "WordPiece", "unk_token": "?", "vocab": {"?": 0}}}
QUESTION = {"/v1/messages": {"max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]},
            "/v1/responses": {"input": "Say hello."}}
API = {"/v1/messages": "messages", "/v1/responses": "responses"}
LAST = {"/v1/messages": "message_stop", "/v1/responses": "response.completed"}


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, tmp_path_factory):
    words = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    words.write_text(json.dumps(WORDS))
    counted = {"url": model.base, "tokenizer": str(words)}

    def lane(name, **more):
        return {"name": name, "endpoints": [{"url": model.base, "model": "there"}], "retry": {"attempts": 1},
                "health": {"failures": 1000}, **more}
    return gateway_factory(config={
        "models": [lane("m"), lane("beats", queue={"heartbeat": "1s"},
                                   endpoints=[{"url": model.base, "max_concurrency": 1}]),
                   lane("short", max_answer_tokens=2), lane("chat", kind="chat"), lane("vectors", kind="embedding"),
                   lane("counted", context_window=20, endpoints=[{**counted, "chat_template": "chatml"}]),
                   lane("texts", endpoints=[counted]), lane("ollama", endpoints=[{"url": model.url, "dialect": "ollama"}])],
        "keys": [{"name": "test", "key": "${TEST_KEY}", "trust_user": True},
                 {"name": "chats", "key": ONLY_CHAT, "apis": ["chat"]},
                 {"name": "messages", "key": ONLY_MESSAGES, "apis": ["messages"]}, {"name": "counts", "key": COUNTS}],
        "limits": [{"per": "key", "name": "counts", "requests_per_minute": 2, "tokens_per_minute": 1}]})


@pytest.fixture(params=sorted(QUESTION), ids=lambda path: API[path])
def path(request):
    return request.param


def question(path, model="m", **more):
    return {"model": model, **QUESTION[path], **more}


def read_events(chunks):
    """[(type, data)] of a stream: each HTTP chunk is one block, a named event of one line or a comment."""
    found = []
    for piece in chunks:
        text = piece.decode()
        assert text.endswith("\n\n") and text.count("\n\n") == 1, f"not one block in a chunk: {piece!r}"
        if text.startswith(":"):
            continue
        name, data = text.rstrip("\n").split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == "event: " + event["type"]
        found.append((event["type"], event))
    return found


@pytest.mark.parametrize("name, tokens, how", [("counted", 26, "counted"), ("texts", 3, "estimated"), ("m", 18, "estimated")])
def test_tokens_are_counted_without_the_model(gateway, model, name, tokens, how):
    reply = ask(gateway, {"model": name, "messages": QUESTION["/v1/messages"]["messages"]}, COUNT)
    assert (reply.status, list(reply.json), reply.headers["x-intragate-tokens"]) == (200, ["input_tokens"], how)
    assert reply.json["input_tokens"] == tokens
    record = gateway.wait_for_record(reply.request_id)
    assert (record["api"], record["outcome"], record["attempts"], record["usage_source"]) == ("count_tokens", "ok", 0, "none")
    assert not model.calls


def test_counting_is_for_keys_with_messages_and_counts_as_a_request(gateway):
    question = {"model": "m", "messages": QUESTION["/v1/messages"]["messages"]}
    refused = ask(gateway, question, COUNT, key=ONLY_CHAT)
    assert refused.status == 403 and refused.json["type"] == "error"
    assert ask(gateway, question, COUNT, key=ONLY_MESSAGES).status == 200
    assert ask(gateway, {"model": "m"}, COUNT).json["error"]["type"] == "invalid_request_error"
    assert [ask(gateway, question, COUNT, key=COUNTS).status for _ in range(3)] == [200, 200, 429]


def test_the_model_is_asked_in_chat_and_the_record_names_the_api(gateway, model, path):
    model.script(answer_json({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."},
                                           "finish_reason": "stop"}],
                              "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}))
    user = {"metadata": {"user_id": "ann"}} if path == "/v1/messages" else {"user": "ann"}
    reply = ask(gateway, question(path, **user), path)
    assert reply.status == 200 and "Hello." in reply.body.decode(), reply
    call = model.only_call
    assert call.target == "/v1/chat/completions" and call.json["model"] == "there"
    assert call.json["messages"] == [{"role": "user", "content": "Say hello."}]
    record = gateway.wait_for_record(reply.request_id)
    assert (record["api"], record["model"], record["end_user"], record["outcome"]) == (API[path], "m", "ann", "ok")
    assert (record["prompt_tokens"], record["completion_tokens"], record["usage_source"]) == (5, 2, "upstream")
    assert gateway.metrics().total("intragate_requests_total", api=API[path], model="m", outcome="ok") >= 1


def test_a_stream_comes_event_by_event_with_the_models_counts(gateway, model, path):
    gate = Gate()
    model.script(stream_head(), sse(delta("Hel")), wait(gate), sse(delta("lo")), sse(delta(None, finish="stop")),
                 sse(usage_event(usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7})), done(), end())
    with Stream(gateway, question(path, stream=True), path) as stream:
        while "Hel" not in stream.next().decode():  # before the model says more
            pass
        gate.open()
        said = read_events(stream.rest())
        assert stream.ended == "clean" and said[-1][0] == LAST[path]
        usage = said[-2][1]["usage"] if path == "/v1/messages" else said[-1][1]["response"]["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == (5, 2)
        assert model.only_call.json["stream_options"] == {"include_usage": True}
        record = gateway.wait_for_record(stream.request_id)
    assert (record["outcome"], record["completion_tokens"], record["usage_source"]) == ("ok", 2, "upstream")


def test_a_model_of_another_dialect_answers_too(gateway, model, path):
    def line(value):
        return f"{len(json.dumps(value)) + 1:x}\r\n{json.dumps(value)}\n\r\n".encode()
    model.script(stream_head(content_type="application/x-ndjson"),
                 lambda call: call.send(line({"message": {"role": "assistant", "content": "Hello"}, "done": False})),
                 lambda call: call.send(line({"message": {"content": ""}, "done": True, "done_reason": "stop",
                                              "prompt_eval_count": 5, "eval_count": 2})), end())
    with Stream(gateway, question(path, "ollama", stream=True), path) as stream:
        said = read_events(stream.rest())
    assert said[-1][0] == LAST[path] and model.only_call.target == "/api/chat"
    assert "Hello" in json.dumps([event for _, event in said])


def test_the_model_stops_when_the_client_leaves(gateway, model, path):
    model.script(stream_head(), sse(delta("Hel")), stall())
    stream = Stream(gateway, question(path, stream=True), path)
    while "Hel" not in stream.next().decode():
        pass
    stream.connection.close()
    assert model.only_call.wait_ended().ended_by_peer
    assert gateway.wait_for_record(stream.request_id)["outcome"] == "client_cancelled"


def test_a_stream_that_breaks_off_does_not_look_whole(gateway, model, path):
    model.script(stream_head(), sse(delta("Hel")), cut())
    with Stream(gateway, question(path, stream=True), path) as stream:
        said = read_events(stream.rest())
    assert stream.ended == "cut" and said[-1][0] == ("error" if path == "/v1/messages" else "response.failed")
    assert "broke off" in json.dumps(said[-1][1])


def test_an_answer_that_is_too_long_to_be_said_again_ends(gateway, model):
    model.script(stream_head(), *[sse(delta("x" * 500_000)) for _ in range(9)], stall())
    with Stream(gateway, question("/v1/responses", stream=True), "/v1/responses") as stream:
        said = read_events(stream.rest())
    assert said[-1][0] == "response.failed" and "response.completed" not in [name for name, _ in said]
    assert gateway.wait_for_record(stream.request_id)["error"] == "upstream_broke"


def test_whoever_waits_gets_heartbeats(gateway, model, path):
    gate = Gate()
    model.script(wait(gate), answer_json({"choices": []}))
    model.script(*stream("Hello"))
    with Stream(gateway, question("/v1/messages", "beats"), "/v1/messages") as first:
        model.wait_for_call()
        with Stream(gateway, question(path, "beats", stream=True), path) as waiting:
            beat = waiting.next().decode()
            assert beat.startswith("event: ping" if path == "/v1/messages" else ": waiting"), beat
            gate.open()
            assert read_events(waiting.rest())[-1][0] == LAST[path]
        first.read_head()


def test_an_answer_has_no_more_tokens_than_it_may(gateway, model, path):
    model.script(stream_head(), *[sse(delta(f"{n} ")) for n in range(9)], sse(delta(None, finish="stop")), done(), end())
    with Stream(gateway, question(path, "short", stream=True), path) as stream:
        said = read_events(stream.rest())
    assert stream.ended == "clean"
    if path == "/v1/messages":
        assert said[-2][1]["delta"]["stop_reason"] == "max_tokens"
    else:
        assert said[-1][1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def told(path, reply):
    """The message of an error after checking its shape."""
    body = json.loads(reply.body)
    if path == "/v1/messages":
        assert set(body) == {"type", "error", "request_id"} and body["type"] == "error"
        assert body["request_id"] == reply.request_id
        return body["error"]["type"], body["error"]["message"]
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]["type"], body["error"]["message"]


@pytest.mark.parametrize("body, options, status, kind", [
    ({"model": "nobody"}, {}, 404, "not_found_error"),
    ({}, {"key": None}, 401, "authentication_error"),
    ({}, {"key": "sk-wrong"}, 401, "authentication_error"),
    ({}, {"key": ONLY_CHAT}, 403, "permission_error"),
    ({"model": "vectors"}, {}, 403, "permission_error"),
    ({"tools": [{"type": "web_search", "name": "x"}]}, {}, 400, "invalid_request_error")])
def test_refusals_are_in_the_shape_of_the_api(gateway, path, body, options, status, kind):
    reply = ask(gateway, question(path, **body), path, **options)
    assert reply.status == status
    type_, message = told(path, reply)
    assert type_ == (kind if path == "/v1/messages" or status != 404 else "invalid_request_error") and message
    assert gateway.wait_for_record(reply.request_id)["api"] == API[path]


def test_a_model_s_refusal_comes_in_its_words(gateway, model, path):
    model.script(refusal(400, "the prompt is too long"))
    reply = ask(gateway, question(path), path)
    assert reply.status == 400 and told(path, reply) == ("invalid_request_error", "the prompt is too long")


def test_what_is_no_chat_answer_is_the_model_s_fault(gateway, model, path):
    model.script(answer_json({"hello": "there"}))
    reply = ask(gateway, question(path), path)
    assert reply.status == 502 and told(path, reply)[1].startswith("The model `m` gave an answer")


def test_models_say_what_they_can_be_used_for(gateway):
    def capabilities(**options):
        reply = ask(gateway, method="GET", path="/v1/models", **options)
        return {model["id"]: model.get("capabilities") for model in json.loads(reply.body)["data"]}
    mine = capabilities()
    assert mine["chat"] == ["chat", "completions", "messages", "responses"]
    assert mine["vectors"] == ["embeddings", "rerank"] and "rerank" not in mine["ollama"]
    theirs = capabilities(key=ONLY_MESSAGES)
    assert theirs["chat"] == ["messages"] and theirs["vectors"] is None


def bare(gateway, key, path="/v1/messages", **headers):
    pairs = [("x-api-key", key), ("X-Request-Id", new_id()), *headers.items()]
    with Connection(gateway.address) as connection:
        connection.ask("POST", path, question(path, "chat"), headers=pairs)
        return connection.read_answer("POST")


def test_the_messages_api_takes_its_key_from_x_api_key_too(gateway, model):
    model.script(answer_json({"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}), times=2)
    assert bare(gateway, ONLY_MESSAGES).status == 200
    assert bare(gateway, "sk-wrong").status == 401
    assert bare(gateway, "sk wrong").status == 401
    # The other header counts where it is there, and other APIs know only that one.
    assert bare(gateway, ONLY_MESSAGES, Authorization="Bearer sk-wrong").status == 401
    assert bare(gateway, "sk-wrong", Authorization="Bearer " + ONLY_MESSAGES).status == 200
    assert bare(gateway, gateway.key, "/v1/responses").status == 401
