"""`client.responses` of the official OpenAI client for Python, through the gateway, to llama.cpp with a real model, and
to a fake one for what a small model does not do on demand."""

import json

import openai
import pytest

import parts
from fake_model import delta, done, end, says, sse, stream_head
from wire import eventually, new_id

CHAT = parts.CHAT_MODEL
QUESTION = "What is a bank? Answer in one sentence."
WEATHER = {"type": "function", "name": "get_weather", "description": "The weather of a city", "strict": False,
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


@pytest.fixture(scope="module")
def gateway(real_and_fake):
    return real_and_fake


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=180) as client:
        yield client


def ask(client, model=CHAT, text=QUESTION, **more):
    return client.responses.create(model=model, input=text, **{"max_output_tokens": 24, "temperature": 0, **more})


def test_a_whole_answer_has_text_usage_and_a_record(gateway, client):
    request_id = new_id()
    answer = ask(client, instructions="You are brief.", extra_headers={"x-request-id": request_id})
    assert answer.object == "response" and answer.status in ("completed", "incomplete") and answer.output_text.strip()
    assert answer.usage.input_tokens > 0 and answer.temperature == 0 and answer.instructions == "You are brief."
    record = gateway.wait_for_record(request_id)
    assert (record["api"], record["outcome"], record["usage_source"]) == ("responses", "ok", "upstream")
    assert (record["prompt_tokens"], record["completion_tokens"]) == (answer.usage.input_tokens,
                                                                      answer.usage.output_tokens)


def test_a_stream_says_the_same_as_a_whole_answer(client):
    whole = ask(client, max_output_tokens=200)
    with client.responses.stream(model=CHAT, input=QUESTION, max_output_tokens=200, temperature=0) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == whole.output_text == final.output_text and final.usage == whole.usage
    assert (whole.status, final.status) == ("completed", "completed")


def test_the_model_stops_when_the_client_leaves(client):
    model = parts.chat_model()
    with ask(client, stream=True, max_output_tokens=300) as stream:
        next(event for event in stream if event.type == "response.output_text.delta")
    eventually(lambda: model.busy() == 0, "the model's idleness", 60)


def test_a_tool_is_called_and_its_result_goes_back(client):
    use = [{"role": "user", "content": "Use get_weather for Paris."}]
    more = {"tools": [WEATHER], "tool_choice": "required", "max_output_tokens": 80}
    call, = [item for item in ask(client, text=use, **more).output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    with client.responses.stream(model=CHAT, input=use, temperature=0, **more) as stream:
        final = stream.get_final_response()
    call, = [item for item in final.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"city": "Paris"}
    answer = ask(client, text=[*use, call.model_dump(exclude={"parsed_arguments"}),
                               {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny."}])
    assert answer.output_text.strip()


def test_thoughts_text_and_calls_by_turns(client, fake):
    def tool(index, arguments, **more):
        return {"index": index, **more, "function": {"arguments": arguments, **({"name": "f"} if more else {})}}
    fake.script(stream_head(), says(reasoning_content="Hm."), sse(delta("I look.")),
                says(tool_calls=[tool(0, "{\"a\":", id="c1"), tool(1, "{", id="c2")]),
                says(tool_calls=[tool(0, "1}"), tool(1, "}")]),
                says("tool_calls"), done(), end())
    with client.responses.stream(model="fake", input=QUESTION) as stream:
        numbers = [event.sequence_number for event in stream]
        thought, message, first, second = stream.get_final_response().output
    assert numbers == list(range(len(numbers)))
    assert (thought.content[0].text, message.content[0].text) == ("Hm.", "I look.")
    assert (first.call_id, first.arguments, second.call_id, second.arguments) == ("c1", '{"a":1}', "c2", "{}")


@pytest.mark.parametrize("more, words", [
    ({"previous_response_id": "resp_1"}, "stores no responses"), ({"background": True}, "stores no responses"),
    ({"tools": [{"type": "web_search"}]}, "provider")])
def test_what_needs_a_server_with_a_store_or_tools_is_refused(client, more, words):
    with pytest.raises(openai.BadRequestError, match=words):
        ask(client, **more)


def test_a_stream_that_fails_says_so(client, fake):
    fake.script(stream_head(), sse(delta("Hel")), sse({"error": {"message": "out of memory"}}), end())
    said = []
    with pytest.raises(openai.APIConnectionError):  # and it does not end as whole ones do
        for event in ask(client, "fake", stream=True):
            said.append(event)
    last = said[-1]
    assert last.type == "response.failed" and last.response.error.message == "out of memory"
    assert last.response.output[0].content[0].text == "Hel"
