"""The official Anthropic client for Python, through the gateway, to llama.cpp with a real model, and to a fake one for
what a small model does not do on demand."""

import json

import anthropic
import pytest

import parts
from fake_model import answer_json, delta, done, end, says, sse, stream_head
from wire import eventually, new_id

CHAT = parts.CHAT_MODEL
QUESTION = [{"role": "user", "content": "What is a bank? Answer in one sentence."}]
WEATHER = {"name": "get_weather", "description": "The weather of a city",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


@pytest.fixture(scope="module")
def gateway(real_and_fake):
    return real_and_fake


@pytest.fixture(scope="module")
def client(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=180) as client:
        yield client


def ask(client, model=CHAT, messages=QUESTION, max_tokens=24, **more):
    return client.messages.create(model=model, messages=messages, max_tokens=max_tokens, **more)


def test_a_whole_answer_has_text_usage_and_a_record(gateway, client):
    request_id = new_id()
    answer = ask(client, system="You are brief.", extra_body={"temperature": 0}, extra_headers={"x-request-id": request_id})
    assert answer.type == "message" and answer.role == "assistant" and answer.content[0].text.strip()
    assert answer.stop_reason in ("end_turn", "max_tokens") and answer.usage.input_tokens > 0
    record = gateway.wait_for_record(request_id)
    assert (record["api"], record["outcome"], record["usage_source"]) == ("messages", "ok", "upstream")
    assert (record["prompt_tokens"], record["completion_tokens"]) == (answer.usage.input_tokens,
                                                                      answer.usage.output_tokens)


def test_tokens_are_counted_beforehand(client):
    assert client.messages.count_tokens(model=CHAT, messages=QUESTION).input_tokens > 0


def test_a_stream_says_the_same_as_a_whole_answer(client):
    whole = ask(client, extra_body={"temperature": 0})
    with client.messages.stream(model=CHAT, messages=QUESTION, max_tokens=24,
                                extra_body={"temperature": 0}) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole.content[0].text == final.content[0].text
    assert (final.usage, final.stop_reason) == (whole.usage, whole.stop_reason)


def test_the_model_stops_when_the_client_leaves(client):
    model = parts.chat_model()
    with client.messages.stream(model=CHAT, messages=QUESTION, max_tokens=300,
                                extra_body={"temperature": 0}) as stream:
        next(iter(stream.text_stream))
    eventually(lambda: model.busy() == 0, "the model's idleness", 60)


def test_a_tool_is_called_in_one_piece_and_in_a_stream(client):
    use = [{"role": "user", "content": "Use get_weather for Paris."}]
    more = {"model": CHAT, "messages": use, "tools": [WEATHER], "tool_choice": {"type": "any"}, "max_tokens": 80,
            "extra_body": {"temperature": 0}}
    call, = [block for block in client.messages.create(**more).content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    with client.messages.stream(**more) as stream:
        final = stream.get_final_message()
    call, = [block for block in final.content if block.type == "tool_use"]
    assert (call.name, call.input, final.stop_reason) == ("get_weather", {"city": "Paris"}, "tool_use")
    answer = ask(client, messages=[*use, {"role": "assistant", "content": final.content}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."}]}], tools=[WEATHER])
    assert answer.stop_reason in ("end_turn", "max_tokens", "tool_use")


def test_thoughts_and_two_calls_in_a_stream(client, fake):
    def tool(index, arguments, **more):
        return says(tool_calls=[{"index": index, **more, "function": {"arguments": arguments, **(
            {"name": "f"} if more else {})}}])
    fake.script(stream_head(), says(reasoning_content="Hm."), sse(delta("I look.")),
                tool(0, "{\"a\":", id="c1"), tool(0, "1}"), tool(1, "{}", id="c2"),
                says("tool_calls"), done(), end())
    with client.messages.stream(model="fake", messages=QUESTION, max_tokens=24) as stream:
        thinking, text, first, second = stream.get_final_message().content
    assert (thinking.thinking, text.text) == ("Hm.", "I look.")
    assert (first.id, first.input, second.id, second.input) == ("c1", {"a": 1}, "c2", {})


@pytest.mark.parametrize("more, kind", [
    ({"model": "nobody"}, anthropic.NotFoundError),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, anthropic.BadRequestError)])
def test_errors_are_the_client_s_own(gateway, client, more, kind):
    with pytest.raises(kind) as failure:
        ask(client, **more)
    assert failure.value.body["error"]["message"]
    with pytest.raises(anthropic.AuthenticationError):
        ask(client.with_options(api_key="sk-wrong"))


def test_an_error_in_a_stream_is_raised(client, fake):
    fake.script(stream_head(), sse(delta("Hel")), sse({"error": {"message": "out of memory"}}), end())
    with pytest.raises(anthropic.APIStatusError, match="out of memory"):
        with client.messages.stream(model="fake", messages=QUESTION, max_tokens=24) as stream:
            stream.get_final_message()


def test_pictures_go_to_the_model(client, fake):
    fake.script(answer_json({"choices": [{"message": {"content": "A cat."}, "finish_reason": "stop"}]}))
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    answer = ask(client, "fake", [{"role": "user", "content": [picture, {"type": "text", "text": "What is it?"}]}])
    assert answer.content[0].text == "A cat."
    asked = json.dumps(fake.only_call.json["messages"])
    assert "data:image/png;base64,iVBORw0KGgo=" in asked and "What is it?" in asked
