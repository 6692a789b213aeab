"""Embeddings: long lists in parts, vectors in the form that was asked for, and completions of models that have only chat."""

import base64
import json
import struct

import pytest

from fake_model import answer_json, cut, delta, done, end, refusal, sse, stream_head
from wire import Stream, ask, events

VECTORS = [[float(n), 0.5] for n in range(6)]


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    def lane(name, **more):
        return {"name": name, "endpoints": [{"url": model.base, "model": "there"}], "health": {"failures": 1000},
                "retry": {"attempts": 2, "backoff": "0s", "budget": "100%"}, **more}
    return gateway_factory(config={"models": [lane("parts", batch={"max_items": 2}), lane("m"),
                                              lane("chat", kind="chat"), lane("big")]})


def part(vectors, tokens=3, coded=False, order=list):
    def form(vector):
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if coded else vector
    data = [{"object": "embedding", "index": n, "embedding": form(vector)} for n, vector in enumerate(vectors)]
    return answer_json({"object": "list", "model": "there", "data": order(data),
                        "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def embed(gateway, name, inputs, **more):
    return ask(gateway, {"model": name, "input": inputs, **more}, "/v1/embeddings")


def vectors_of(reply):
    data = json.loads(reply.body)["data"]
    assert [entry["index"] for entry in data] == list(range(len(data)))
    return [entry["embedding"] for entry in data]


def test_a_long_list_goes_in_parts_and_comes_back_as_one(gateway, model):
    for at in (0, 2, 4):
        model.script(part(VECTORS[at:min(at + 2, 5)], tokens=at + 1, order=lambda data: data[::-1]))
    reply = embed(gateway, "parts", ["a", "b", "c", "d", [1, 2]], dimensions=2)
    assert reply.status == 200 and vectors_of(reply) == VECTORS[:5]
    assert [call.json["input"] for call in model.calls] == [["a", "b"], ["c", "d"], [[1, 2]]]
    assert all(call.json["dimensions"] == 2 and call.json["model"] == "there" for call in model.calls)
    assert json.loads(reply.body)["usage"] == {"prompt_tokens": 9, "total_tokens": 9}
    record = gateway.wait_for_record(reply.request_id)
    assert (record["prompt_tokens"], record["attempts"], record["outcome"]) == (9, 3, "ok")


def test_each_part_has_retries_of_its_own(gateway, model):
    for at in (0, 2):
        model.script(refusal(503))
        model.script(part(VECTORS[at:at + 2]))
    reply = embed(gateway, "parts", ["a", "b", "c", "d"])
    assert reply.status == 200 and vectors_of(reply) == VECTORS[:4]
    assert gateway.wait_for_record(reply.request_id)["attempts"] == 4


@pytest.mark.parametrize("failure, status", [([refusal(400, "too long")], 400), ([refusal(503), refusal(503)], 502),
                                             ([cut()] * 3, 502)])
def test_if_one_part_fails_the_call_does(gateway, model, failure, status):
    model.script(part(VECTORS[:2]))
    for step in failure:
        model.script(step)
    reply = embed(gateway, "parts", ["a", "b", "c"])
    assert reply.status == status and json.loads(reply.body)["error"]["message"]


def test_a_part_with_too_few_vectors_is_the_model_s_fault(gateway, model):
    model.script(part(VECTORS[:1]))
    reply = embed(gateway, "parts", ["a", "b", "c"])
    assert reply.status == 502 and "list of embeddings" in json.loads(reply.body)["error"]["message"]


@pytest.mark.parametrize("inputs", ["a", [1, 2, 3], ["a", "b"]])
def test_what_the_model_takes_at_once_passes_as_it_is(gateway, model, inputs):
    model.script(answer_json({"data": [{"index": 0, "embedding": [1.0]}], "extra": True}))
    reply = embed(gateway, "parts", inputs)
    assert json.loads(reply.body)["extra"] and model.only_call.json["input"] == inputs


@pytest.mark.parametrize("coded", [True, False])
def test_vectors_come_in_the_form_that_was_asked_for(gateway, model, coded):
    model.script(part(VECTORS, coded=coded))
    vectors = vectors_of(embed(gateway, "m", ["a"] * 6, encoding_format="base64"))
    assert [list(struct.unpack("<2f", base64.b64decode(vector))) for vector in vectors] == VECTORS
    model.script(part(VECTORS, coded=coded))
    assert vectors_of(embed(gateway, "m", ["a"] * 6)) == VECTORS


def test_an_answer_of_many_pieces_changes_its_form_too(gateway, model):
    large = [[float(n), *[0.25] * 3000] for n in range(100)]
    model.script(part(large))
    vectors = vectors_of(embed(gateway, "big", ["a"] * 100, encoding_format="base64"))
    assert [struct.unpack("<3001f", base64.b64decode(vector))[0] for vector in vectors] == [float(n) for n in range(100)]


def complete(gateway, **more):
    return {"model": "chat", "prompt": "Say hello.", **more}


def test_a_model_with_only_chat_completes_texts(gateway, model):
    model.script(answer_json({"choices": [{"message": {"content": "Hello."}, "finish_reason": "length"}],
                              "usage": {"prompt_tokens": 5, "completion_tokens": 2}}))
    reply = ask(gateway, complete(gateway, max_tokens=2, stop=["x"]), "/v1/completions")
    said = json.loads(reply.body)
    assert said["object"] == "text_completion" and said["choices"][0]["text"] == "Hello."
    assert said["choices"][0]["finish_reason"] == "length" and said["usage"]["completion_tokens"] == 2
    assert model.only_call.target == "/v1/chat/completions"
    assert {key: model.only_call.json[key] for key in ("messages", "max_tokens", "stop")} == {
        "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 2, "stop": ["x"]}
    assert gateway.wait_for_record(reply.request_id)["api"] == "completions"


@pytest.mark.parametrize("wish", [True, False])
def test_it_does_so_in_a_stream(gateway, model, wish):
    model.script(stream_head(), sse(delta("Hel")), sse(delta("lo")), sse(delta(None, finish="stop")), done(), end())
    options = {"stream_options": {"include_usage": True}} if wish else {}
    with Stream(gateway, complete(gateway, stream=True, **options), "/v1/completions") as stream:
        said = events(stream.rest())
    assert said[-1] == "[DONE]" and ("usage" in said[-2]) == wish
    assert "".join(event["choices"][0]["text"] for event in said[:-1] if event["choices"]) == "Hello"
    assert all(event["object"] == "text_completion" for event in said[:-1])


@pytest.mark.parametrize("more", [{"echo": True}, {"n": 2}, {"prompt": ["a", "b"]}, {"prompt": [1, 2]}, {"suffix": "x"}])
def test_what_chat_cannot_do_is_refused(gateway, more):
    reply = ask(gateway, complete(gateway, **more), "/v1/completions")
    assert reply.status == 400 and json.loads(reply.body)["error"]["type"] == "invalid_request_error"
