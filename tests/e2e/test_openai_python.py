"""The official OpenAI client for Python, through the gateway, to llama.cpp with a real model."""

import asyncio
import json

import openai
import pytest

import parts
from wire import eventually, new_id

CHAT, EMBEDDING = parts.CHAT_MODEL, parts.EMBEDDING_MODEL
QUESTION = [{"role": "user", "content": "What is a bank? Answer in one sentence."}]
WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
ENDLESS = {"ignore_eos": True}  # llama.cpp's own field: the answer always has max_tokens tokens


@pytest.fixture(scope="module")
def model():
    return parts.chat_model()


@pytest.fixture(scope="module")
def gateway(gateway_factory):
    config = parts.gateway_config()
    hasty = {"timeouts": {"connect": "10s", "first_byte": "40ms", "between_chunks": "60s", "total": "5m"},
             "retry": {"attempts": 1}, "health": {"failures": 1000}}
    config["models"].append({"name": "hasty", "endpoints": [{**parts.chat_model().endpoint(), "model": CHAT}], **hasty})
    return gateway_factory(config=config, env=parts.GATEWAY_ENV)


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=180) as client:
        yield client


def ask(client, model=CHAT, messages=QUESTION, max_tokens=24, **more):
    return client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens, temperature=0, **more)


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


# ---- answers -------------------------------------------------------------------------------------------------------

def test_models_are_listed_and_found(client):
    listed = [model.id for model in client.models.list()]
    assert {CHAT, EMBEDDING, "hasty"} <= set(listed)
    assert client.models.retrieve(CHAT).id == CHAT
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_a_whole_answer_has_text_usage_and_a_record(gateway, client):
    request_id = new_id()
    raw = client.chat.completions.with_raw_response.create(
        model=CHAT, messages=QUESTION, max_tokens=24, temperature=0, extra_headers={"x-request-id": request_id})
    answer = raw.parse()
    assert answer.object == "chat.completion" and answer.choices[0].message.content.strip()
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens > 0 and 0 < answer.usage.completion_tokens <= 24
    assert raw.headers["x-request-id"] == request_id
    record = gateway.wait_for_record(request_id)
    assert (record["status"], record["outcome"], record["model"]) == (200, "ok", CHAT)
    assert record["prompt_tokens"] == answer.usage.prompt_tokens
    assert record["completion_tokens"] == answer.usage.completion_tokens
    assert record["usage_source"] == "upstream"


def test_a_stream_says_the_same_as_a_whole_answer(client):
    whole = ask(client).choices[0].message.content
    chunks = list(ask(client, stream=True))
    assert text_of(chunks).strip() == whole.strip()
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] in ("stop", "length")
    assert len(chunks) > 5


def test_the_first_words_come_while_the_model_is_still_at_work(client, model):
    with ask(client, stream=True, max_tokens=300, extra_body=ENDLESS) as stream:
        next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        assert model.busy() == 1
    eventually(lambda: model.busy() == 0, "the model's idleness", 60)


def test_usage_comes_in_a_stream_exactly_when_asked_for(gateway, client):
    plain = list(ask(client, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in plain)
    asked = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert [bool(chunk.usage) for chunk in asked] == [False] * (len(asked) - 1) + [True]
    assert asked[-1].choices == [] and asked[-1].usage.prompt_tokens > 0


def test_the_books_know_the_usage_of_a_stream_that_did_not_ask(gateway, client):
    request_id = new_id()
    list(ask(client, stream=True, max_tokens=7, extra_body=ENDLESS, extra_headers={"x-request-id": request_id}))
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["completion_tokens"], record["usage_source"]) == ("ok", 7, "upstream")
    assert record["prompt_tokens"] > 0 and record["first_byte_ms"] <= record["total_ms"]


def test_an_alias_reaches_the_model(client):
    assert ask(client, "gpt-4o-mini", max_tokens=4).choices[0].message.content.strip()


def test_text_completions(client):
    answer = client.completions.create(model=CHAT, prompt="The capital of France is", max_tokens=8, temperature=0)
    assert answer.object == "text_completion" and "Paris" in answer.choices[0].text
    chunks = client.completions.create(model=CHAT, prompt="The capital of France is", max_tokens=8, temperature=0,
                                       stream=True)
    assert "Paris" in "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)


def test_a_json_schema_reaches_the_model_and_binds_it(client):
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"],
              "additionalProperties": False}
    answer = ask(client, messages=[{"role": "user", "content": "Name a city as JSON."}], max_tokens=80,
                 response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema}})
    assert set(json.loads(answer.choices[0].message.content)) == {"city"}


def test_a_tool_is_called_in_one_piece_and_in_a_stream(client):
    use = [{"role": "user", "content": "Use get_weather for Paris."}]
    call, = ask(client, messages=use, tools=[WEATHER], max_tokens=80).choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    name, arguments, last = "", "", None
    for chunk in ask(client, messages=use, tools=[WEATHER], max_tokens=80, stream=True):
        for part in chunk.choices[0].delta.tool_calls or []:
            name += part.function.name or ""
            arguments += part.function.arguments or ""
        last = chunk.choices[0].finish_reason
    assert (name, json.loads(arguments), last) == ("get_weather", {"city": "Paris"}, "tool_calls")


def test_a_tool_s_result_goes_back_to_the_model(client):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
    messages = [{"role": "user", "content": "Use get_weather for Rome."},
                {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": "Sunny, 24 degrees."}]
    answer = ask(client, messages=messages, tools=[WEATHER], max_tokens=40)
    assert answer.choices[0].finish_reason in ("stop", "length", "tool_calls")


@pytest.mark.parametrize("texts", ["A bank lends money.", ["银行"], ["A bank.", "银行", "Ein Gedicht über 🌧"]])
@pytest.mark.parametrize("encoding", ["float", openai.NOT_GIVEN], ids=["float", "base64, the client's default"])
def test_embeddings_are_the_model_s_own(client, texts, encoding):
    answer = client.embeddings.create(model=EMBEDDING, input=texts, encoding_format=encoding)
    direct = openai.OpenAI(base_url=parts.embedding_model().base, api_key=parts.MODEL_KEY)
    expected = direct.embeddings.create(model=EMBEDDING, input=texts, encoding_format=encoding)
    assert answer.usage.prompt_tokens == expected.usage.prompt_tokens > 0
    assert [item.index for item in answer.data] == [item.index for item in expected.data]
    for mine, theirs in zip(answer.data, expected.data, strict=True):
        assert len(mine.embedding) == parts.EMBEDDING_SIZE
        assert sum(a * b for a, b in zip(mine.embedding, theirs.embedding)) > 0.999  # both have length one


def test_many_streams_at_once_each_get_their_own_answer(gateway):
    async def count(client, number):
        request_id = f"{new_id()}-{number}"
        stream = await client.chat.completions.create(
            model=CHAT, messages=QUESTION, max_tokens=8 + number, stream=True, extra_body=ENDLESS,
            extra_headers={"x-request-id": request_id}, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
        return request_id, chunks[-1].usage.completion_tokens

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=180) as client:
            return await asyncio.gather(*(count(client, number) for number in range(8)))

    answers = asyncio.run(all_of_them())
    assert [tokens for _, tokens in answers] == list(range(8, 16))
    for request_id, tokens in answers:
        assert gateway.wait_for_record(request_id)["completion_tokens"] == tokens


# ---- refusals and failures -----------------------------------------------------------------------------------------

def test_a_wrong_key_is_an_authentication_error(client):
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client.with_options(api_key="sk-wrong"))
    assert caught.value.code == "invalid_api_key" and parts.MODEL_KEY not in str(caught.value)


def test_an_unknown_model_is_not_found_and_named(gateway, client):
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, "gpt-9")
    assert "gpt-9" in caught.value.message and caught.value.request_id
    assert gateway.wait_for_record(caught.value.request_id)["outcome"] == "refused"


def test_the_model_s_own_refusal_reaches_the_client_unchanged(client):
    long = [{"role": "user", "content": "word " * 4000}]
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, messages=long)
    assert "context" in caught.value.message  # llama.cpp's words: the request exceeds the available context size


def test_a_body_that_is_no_request_is_a_bad_request(client):
    with pytest.raises(openai.BadRequestError):
        client.post("/chat/completions", body={"messages": QUESTION}, cast_to=object)  # no model


def test_a_model_too_slow_to_begin_is_504_and_says_which_limit(gateway, client):
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, "hasty", max_tokens=100, extra_body=ENDLESS)
    assert caught.value.status_code == 504
    assert "first_byte" in caught.value.message and "hasty" in caught.value.message
    assert gateway.wait_for_record(caught.value.request_id)["outcome"] == "upstream_timeout"


# ---- those who leave -----------------------------------------------------------------------------------------------

def test_a_stream_closed_in_the_middle_stops_the_model(gateway, client, model):
    request_id = new_id()
    stream = ask(client, stream=True, max_tokens=1900, extra_body=ENDLESS, extra_headers={"x-request-id": request_id})
    words = 0
    for chunk in stream:
        words += bool(chunk.choices and chunk.choices[0].delta.content)
        if words == 3:
            break
    stream.close()
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["status"]) == ("client_cancelled", 499)
    assert 3 <= record["completion_tokens"] < 1900
    eventually(lambda: model.busy() == 0, "the model's idleness", 60)


def test_a_client_that_runs_out_of_patience_is_on_record(gateway, client):
    request_id = new_id()  # llama.cpp itself finishes an answer in one piece even when its caller has gone
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.4), max_tokens=300, extra_body=ENDLESS,
            extra_headers={"x-request-id": request_id})
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["status"]) == ("client_cancelled", 499)
