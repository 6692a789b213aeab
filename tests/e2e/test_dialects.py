"""Models that speak other dialects, behind the same API: the official OpenAI client for Python must see no difference.
Their servers are fakes that answer what the real ones are recorded to answer; tests/golden/ says of each from which
source and version."""

import json

import openai
import pytest

from fake_model import Gate, answer, chunk, cut, end, sse, stream_head, wait
from speakers import PIECES, Described, Ollama
from wire import eventually, new_id

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}

DIALECTS = [Ollama(), Described()]


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request):
    return request.param


@pytest.fixture(scope="module")
def model(dialect, model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(dialect, model, gateway_factory):
    return gateway_factory(config={"models": [{"name": "m", "endpoints": [dialect.endpoint(model)],
                                               "retry": {"attempts": 1}, "health": {"failures": 1000}}]})


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60) as client:
        yield client


def ask(client, **more):
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Say hello."}], **more)


def test_a_whole_answer_is_one_of_openai(dialect, model, gateway, client):
    model.script(answer(json.dumps(dialect.whole("Hello wörld.")).encode()))
    request_id = new_id()
    said = ask(client, max_tokens=9, extra_headers={"X-Request-Id": request_id})
    assert said.object == "chat.completion" and said.model == "m" and request_id in said.id
    assert said.choices[0].message.content == "Hello wörld." and said.choices[0].finish_reason == "length"
    assert (said.usage.prompt_tokens, said.usage.completion_tokens, said.usage.total_tokens) == (11, 3, 14)
    record = gateway.wait_for_record(request_id)
    assert (record["status"], record["outcome"], record["usage_source"]) == (200, "ok", "upstream")
    assert (record["prompt_tokens"], record["completion_tokens"]) == (11, 3)
    assert model.only_call.target == dialect.paths["chat"] and "Say hello." in dialect.asked(model.only_call)


def test_a_stream_comes_event_by_event(dialect, model, client):
    gate = Gate()
    steps = [step for text in PIECES for step in (dialect.piece(text), wait(gate))]
    model.script(stream_head(content_type=dialect.framing), *steps, dialect.last(), end())
    stream = ask(client, stream=True, stream_options={"include_usage": True})
    for text in PIECES:  # each is there before the next one is made
        event = next(stream)
        assert event.object == "chat.completion.chunk" and event.choices[0].delta.content == text
        gate.allow()
    rest = list(stream)
    assert [event.choices[0].finish_reason for event in rest if event.choices] == ["stop"]
    assert rest[-1].usage.prompt_tokens == 11 and rest[-1].usage.completion_tokens == 3


def test_usage_nobody_asked_for_is_not_shown_but_recorded(dialect, model, gateway, client):
    model.script(stream_head(content_type=dialect.framing), dialect.piece("Hi"), dialect.last(), end())
    request_id = new_id()
    events = list(ask(client, stream=True, extra_headers={"X-Request-Id": request_id}))
    assert all(event.usage is None for event in events)
    record = gateway.wait_for_record(request_id)
    assert (record["usage_source"], record["completion_tokens"], record["outcome"]) == ("upstream", 3, "ok")


def test_tools_are_called(dialect, model, client):
    model.script(stream_head(content_type=dialect.framing), dialect.tool_call("weather", {"city": "Rome"}),
                 dialect.tool_call("weather", {"city": "Oslo"}), dialect.last(), end())
    calls, finish = {}, None
    for event in ask(client, stream=True, tools=[WEATHER]):
        for piece in event.choices[0].delta.tool_calls or []:
            calls[piece.index] = (piece.id, piece.function.name, piece.function.arguments)
        finish = event.choices[0].finish_reason or finish
    assert [json.loads(arguments)["city"] for _, _, arguments in calls.values()] == ["Rome", "Oslo"]
    assert len({tool_id for tool_id, _, _ in calls.values()}) == 2 and finish == "tool_calls"


def test_a_refusal_comes_in_the_models_words(dialect, model, gateway, client):
    model.script(answer(json.dumps(dialect.refusal("the prompt is too long")).encode(), status=400))
    with pytest.raises(openai.BadRequestError, match="the prompt is too long"):
        ask(client)


def test_an_error_in_a_stream_is_an_error_event(dialect, model, gateway, client):
    model.script(stream_head(content_type=dialect.framing), dialect.piece("Hello"), dialect.failure("out of memory"),
                 end())
    request_id = new_id()
    with pytest.raises(openai.APIError, match="out of memory"):
        list(ask(client, stream=True, extra_headers={"X-Request-Id": request_id}))
    assert gateway.wait_for_record(request_id)["outcome"] == "upstream_error"


def test_a_stream_that_breaks_off_is_not_taken_for_a_whole_one(dialect, model, gateway, client):
    model.script(stream_head(content_type=dialect.framing), dialect.piece("Hello"), cut())
    with pytest.raises(openai.APIError, match="broke off"):
        list(ask(client, stream=True))


def test_what_is_no_answer_of_the_dialect_is_an_upstream_error(dialect, model, gateway, client):
    model.script(answer(b"<html>It works!</html>", content_type="text/html"))
    request_id = new_id()
    with pytest.raises(openai.InternalServerError, match="cannot be read"):
        ask(client, extra_headers={"X-Request-Id": request_id})
    record = gateway.wait_for_record(request_id)
    assert (record["status"], record["error"]) == (502, "upstream_malformed")


def test_a_client_that_leaves_ends_the_models_work(dialect, model, gateway, client):
    gate = Gate()
    model.script(stream_head(content_type=dialect.framing), dialect.piece("Hello"), wait(gate))
    stream = ask(client, stream=True)
    next(stream)
    stream.close()
    call = model.wait_for_call()
    eventually(lambda: call.ended_by_peer, "the end of the call at the model")


def test_pictures_by_address_are_refused_before_the_model_gets_the_call(dialect, model, gateway, client):
    request_id = new_id()
    with pytest.raises(openai.BadRequestError, match="data:|pictures"):
        client.chat.completions.create(model="m", extra_headers={"X-Request-Id": request_id}, messages=[
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}]}])
    assert not model.calls
    assert gateway.wait_for_record(request_id)["outcome"] == "refused"


def test_embeddings_keep_their_order(dialect, model, client):
    if "embeddings" not in dialect.paths:
        with pytest.raises(openai.BadRequestError, match="embeddings"):
            client.embeddings.create(model="m", input="x")
        return
    model.script(answer(json.dumps(dialect.vectors([[1.0, -2.5], [0.0, 0.5]])).encode()))
    said = client.embeddings.create(model="m", input=["one", "two"])  # the client asks for base64
    assert [entry.embedding for entry in said.data] == [[1.0, -2.5], [0.0, 0.5]]
    assert said.usage.prompt_tokens == 8 and model.only_call.target == dialect.paths["embeddings"]


# ---- what answers only completions ---------------------------------------------------------------------------------

def tgi_event(text, **last):
    return chunk(b"data:" + json.dumps({"token": {"id": 1, "text": text, "special": bool(last)}, "generated_text": None,
                                        "details": None, **last}).encode() + b"\n\n")


def triton_event(text):
    return chunk(b"data: " + json.dumps({"model_name": "there", "text_output": text}).encode() + b"\n\n")


COMPLETIONS = [
    ({"dialect": "tgi"}, "/generate_stream",
     [tgi_event("Hel"), tgi_event("lo"), tgi_event("</s>", generated_text="Hello", details={
         "finish_reason": "eos_token", "generated_tokens": 3, "input_length": 2})]),
    ({"dialect": "triton", "triton": {"model": "there"}}, "/v2/models/there/generate_stream",
     [triton_event("Hel"), triton_event("lo")]),
]


@pytest.mark.parametrize("endpoint,path,steps", COMPLETIONS, ids=["tgi", "triton"])
def test_servers_without_chats_complete_texts(endpoint, path, steps, model_factory, gateway_factory):
    model = model_factory()
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.url, **endpoint}]}]})
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60) as client:
        model.script(stream_head(), *steps, end())
        events = list(client.completions.create(model="m", prompt="Say hello.", max_tokens=5, stream=True))
        assert "".join(event.choices[0].text for event in events) == "Hello"
        assert events[-1].choices[0].finish_reason == "stop" and model.only_call.target == path
        with pytest.raises(openai.BadRequestError, match="no chat"):
            ask(client)


@pytest.mark.parametrize("endpoint,path,steps", COMPLETIONS, ids=["tgi", "triton"])
def test_servers_without_chats_have_them_by_a_chat_template(endpoint, path, steps, model_factory, gateway_factory):
    model = model_factory()
    gateway = gateway_factory(config={"models": [
        {"name": "m", "endpoints": [{"url": model.url, "chat_template": "qwen", **endpoint}]}]})
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60) as client:
        model.script(stream_head(), *steps, end())
        events = list(ask(client, stream=True, tools=[WEATHER]))
        assert "".join(event.choices[0].delta.content or "" for event in events) == "Hello"
        assert events[-1].choices[0].finish_reason == "stop" and model.only_call.target == path
        sent = json.dumps(model.only_call.json)
        assert "<|im_start|>user\\nSay hello.<|im_end|>" in sent and "# Tools" in sent and "weather" in sent


# ---- repairs -------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def sick(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def mending(sick, gateway_factory):
    def one(name, **more):
        return {"name": name, "endpoints": [{"url": sick.base}], "retry": {"attempts": 1}, **more}
    return gateway_factory(config={"models": [one("m"), one("off", repair=False), one("apart", reasoning="separate")]})


def repaired(gateway, repair):
    return gateway.metrics().total("intragate_repairs_total", model="m", repair=repair)


def test_a_sick_stream_is_mended_and_counted(sick, mending):
    before = repaired(mending, "finish_reason")
    steps = [stream_head(), chunk(b'data:{"choices":[{"delta":{"content":"Hi"}}]}\r\n\r\n'), chunk(b"data: [DONE]\n\n"),
             end()]
    with openai.OpenAI(base_url=mending.base, api_key=mending.key, max_retries=0, timeout=60) as client:
        sick.script(*steps)
        first, last = list(ask(client, stream=True))
        assert (first.object, first.choices[0].index, first.choices[0].delta.content) == (
            "chat.completion.chunk", 0, "Hi") and first.id
        assert last.choices[0].finish_reason == "stop"
        assert repaired(mending, "finish_reason") == before + 1 and repaired(mending, "object") >= 1
        sick.script(*steps)
        only, = list(client.chat.completions.create(model="off", messages=[{"role": "user", "content": "x"}],
                                                    stream=True))
        assert only.choices[0].finish_reason is None


def test_a_sick_answer_is_mended(sick, mending):
    with openai.OpenAI(base_url=mending.base, api_key=mending.key, max_retries=0, timeout=60) as client:
        sick.script(answer(b'{"object":"text","choices":[{"message":{"role":"assistant","content":null}}]}'))
        said = ask(client)
        assert (said.object, said.choices[0].message.content, said.choices[0].finish_reason) == (
            "chat.completion", "", "stop")
        assert said.usage.prompt_tokens > 0
        eventually(lambda: any(record.get("usage_source") == "estimated" for record in mending.records()), "a record")
        sick.script(answer(b"<html>Bad</html>", status=400, content_type="text/html"))
        with pytest.raises(openai.BadRequestError) as refused:
            ask(client)
        assert refused.value.body["type"] == "invalid_request_error"


LINES = [json.dumps({"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [choice]}) for choice in (
    {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None},
    {"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"})]


def test_events_without_blank_lines_and_counts_are_mended(sick, mending):
    before = repaired(mending, "usage")
    with openai.OpenAI(base_url=mending.base, api_key=mending.key, max_retries=0, timeout=60) as client:
        for line_end in ("\n", "\r\n"):
            sick.script(stream_head(), chunk("".join(f"data: {line}{line_end}" for line in [*LINES, "[DONE]"]).encode()), end())
            *said, counts = ask(client, stream=True, stream_options={"include_usage": True})
            assert "".join(event.choices[0].delta.content or "" for event in said) == "Hello"
            assert counts.choices == [] and counts.usage.completion_tokens == 2 and counts.usage.prompt_tokens > 0
        sick.script(stream_head(), chunk("".join(f"data: {line}\n\n" for line in [*LINES, "[DONE]"]).encode()), end())
        assert len(list(ask(client, stream=True))) == 2  # who does not ask gets no counts
    assert repaired(mending, "usage") == before + 2


def test_an_answer_in_the_other_form_comes_in_the_right_one(sick, mending):
    with openai.OpenAI(base_url=mending.base, api_key=mending.key, max_retries=0, timeout=60) as client:
        sick.script(stream_head(), chunk("".join(f"data: {line}\n\n" for line in [*LINES, "[DONE]"]).encode()), end())
        whole = ask(client)
        assert (whole.object, whole.choices[0].message.content) == ("chat.completion", "Hello") and whole.usage.total_tokens > 0
        body = {"choices": [{"message": {"role": "assistant", "content": "Hello"}}]}
        sick.script(answer(json.dumps(body).encode()))
        event, counts = ask(client, stream=True, stream_options={"include_usage": True})
        assert (event.choices[0].delta.content, event.choices[0].finish_reason) == ("Hello", "stop")
        assert counts.usage.total_tokens > 0
        sick.script(answer(json.dumps(body).encode()))
        assert len(list(ask(client, stream=True))) == 1


def test_bare_embeddings_are_mended(sick, mending):
    with openai.OpenAI(base_url=mending.base, api_key=mending.key, max_retries=0, timeout=60) as client:
        sick.script(answer(b'{"data":[{"embedding":[1.0,0.5],"index":0}]}'))
        vectors = client.embeddings.create(model="m", input=["Hi"], encoding_format="float")
        assert (vectors.object, vectors.model, vectors.data[0].embedding) == ("list", "m", [1.0, 0.5])
        assert vectors.usage.prompt_tokens > 0 and repaired(mending, "model") == 1


def test_thoughts_are_taken_out_of_the_text(sick, mending):
    pieces = ["<th", "ink>hm", "m</thi", "nk>\n\nSo", " be it."]
    with openai.OpenAI(base_url=mending.base, api_key=mending.key, max_retries=0, timeout=60) as client:
        sick.script(stream_head(), *[chunk(b"data: " + json.dumps(
            {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [
                {"index": 0, "delta": {"content": piece}, "finish_reason": None}]}).encode() + b"\n\n")
            for piece in pieces], chunk(b"data: [DONE]\n\n"), end())
        events = list(client.chat.completions.create(model="apart", messages=[{"role": "user", "content": "x"}],
                                                     stream=True))
        deltas = [event.choices[0].delta for event in events]
        assert "".join(delta.content or "" for delta in deltas) == "So be it."
        assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "hmm"
