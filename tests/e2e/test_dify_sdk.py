"""Dify's own model code (dify-plugin), through the gateway, to llama.cpp with a real model.

Every expectation is what a Dify user or administrator would see: the form's "Save", the answer of an app, an error's
text. Where setup found a Python 3.12, the tests also run with the SDK version that Dify runs today.
"""

import json
import re

import pytest

import parts
from dify import PYTHONS, Dify, DifyError
from gateway import KEY
from wire import eventually

CHAT, EMBEDDING = parts.CHAT_MODEL, parts.EMBEDDING_MODEL
LONG = [{"role": "user", "content": "Write a long story about a bank and a river."}]
WEATHER = {"name": "get_weather", "description": "The weather of a city",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


@pytest.fixture(scope="module")
def gateway(gateway_factory):
    keys = [{"name": "dify", "key": "${TEST_KEY}", "models": ["*"], "stream_usage": "always", "trust_user": True}]
    config = parts.gateway_config(keys=keys)
    dead = {"url": f"http://127.0.0.1:{parts.free_port()}/v1"}
    config["models"].append({"name": "dead", "endpoints": [dead], "retry": {"attempts": 1},
                             "health": {"failures": 1000}})
    config["models"].append({"name": "ranker", "kind": "embedding", "endpoints": [parts.embedding_model().endpoint()]})
    config["models"].append({"name": "masked", "endpoints": [{**parts.chat_model().endpoint(), "model": CHAT}]})
    config["content_rules"] = [{"name": "word", "patterns": ["[A-Za-z]+"], "action": "mask", "in": "answer",
                                "models": ["masked"]}]
    return gateway_factory(config=config, env=parts.GATEWAY_ENV)


@pytest.fixture(scope="module", params=PYTHONS, ids=lambda path: path.parents[1].name)
def dify(request):
    process = Dify(request.param)
    yield process
    process.close()


@pytest.fixture
def form(gateway):
    """What is typed into the provider's form."""
    return {"endpoint_url": gateway.base, "api_key": gateway.key, "mode": "chat", "context_size": "2048",
            "max_tokens_to_sample": "2048", "function_calling_type": "tool_call",
            "stream_function_calling": "supported"}


def text_of(chunks):
    return "".join(chunk["text"] for chunk in chunks)


# ---- "Save" in the form --------------------------------------------------------------------------------------------

@pytest.mark.parametrize(
    "changes", [{}, {"mode": "completion"}, {"stream_mode_auth": "use"}, {"endpoint_model_name": CHAT}],
    ids=["chat", "completion", "streamed", "endpoint model name"])
def test_saving_a_model_works(dify, form, changes):
    assert dify.validate({**form, **changes}) == "saved"


@pytest.mark.parametrize("base", ["/v1", "/v1/", "", "/"])
def test_every_usual_base_url_works(dify, form, gateway, base):
    assert dify.validate({**form, "endpoint_url": gateway.url + base}) == "saved"


def test_saving_an_embedding_model_works(dify, form):
    assert dify.validate(form, EMBEDDING, "embedding") == "saved"


def test_a_wrong_key_cannot_be_saved_and_the_text_says_why(dify, form):
    with pytest.raises(DifyError) as caught:
        dify.validate({**form, "api_key": "sk-wrong"})
    assert caught.value.name == "CredentialsValidateFailedError"
    assert "status code 401" in caught.value.text and "invalid_api_key" in caught.value.text
    with pytest.raises(DifyError, match="status code 401"):
        dify.validate({**form, "api_key": "sk-wrong"}, EMBEDDING, "embedding")


def test_an_unknown_model_cannot_be_saved_and_is_named(dify, form):
    with pytest.raises(DifyError) as caught:
        dify.validate(form, "qwen-900b")
    assert "status code 404" in caught.value.text and "qwen-900b" in caught.value.text
    assert "/v1/models" in caught.value.text  # where valid names are listed


def test_a_base_pasted_too_long_cannot_be_saved_and_the_text_says_the_right_one(dify, form, gateway):
    with pytest.raises(DifyError) as caught:
        dify.validate({**form, "endpoint_url": gateway.base + "/chat/completions"})
    assert "status code 404" in caught.value.text and "/v1" in caught.value.text


# ---- answers -------------------------------------------------------------------------------------------------------

def test_a_blocking_answer_has_text_and_usage(dify, form, gateway):
    chunk, = dify.invoke(form, stream=False, user="blocking-user")
    assert chunk["text"].strip() and chunk["usage"]["completion_tokens"] > 0
    record = gateway.wait_for_record(lambda record: record["end_user"] == "blocking-user")
    assert record["prompt_tokens"] == chunk["usage"]["prompt_tokens"]
    assert (record["principal"], record["outcome"]) == ("dify", "ok")


@pytest.mark.parametrize("asks", ["disabled", "enabled"], ids=["plugin that never asks for usage", "plugin that asks"])
def test_a_streamed_answer_ends_well_and_has_the_gateway_s_usage(dify, form, gateway, asks):
    user = f"stream-{asks}-{dify.process.pid}"
    chunks = dify.invoke({**form, "stream_include_usage": asks}, user=user)
    assert len(chunks) > 5 and text_of(chunks).strip()
    last = chunks[-1]
    assert last["finish_reason"] in ("stop", "length")  # "Non-JSON encountered." means that Dify dropped the rest
    record = gateway.wait_for_record(lambda record: record["end_user"] == user)
    assert last["usage"] == {"prompt_tokens": record["prompt_tokens"], "completion_tokens": record["completion_tokens"]}
    assert last["usage"]["completion_tokens"] > 0 and record["usage_source"] == "upstream"


def test_a_stream_with_masks_ends_well(dify, form, gateway):
    user = f"masked-{dify.process.pid}"
    chunks = dify.invoke(form, model="masked", user=user)
    text = text_of(chunks)
    assert "[word]" in text and not re.search("[A-Za-z]", text.replace("[word]", ""))
    record = gateway.wait_for_record(lambda record: record["end_user"] == user)
    assert chunks[-1]["finish_reason"] in ("stop", "length")
    assert chunks[-1]["usage"]["completion_tokens"] == record["completion_tokens"] > 0
    assert record["content_rules"][0]["count"] == text.count("[word]")


def test_a_stream_says_the_same_as_a_blocking_answer(dify, form):
    assert text_of(dify.invoke(form)).strip() == text_of(dify.invoke(form, stream=False)).strip()


def test_words_come_while_the_model_is_still_at_work(dify, form):
    calls = dify.calls(do="invoke", model=CHAT, credentials=form, messages=LONG,
                       parameters={"max_tokens": 250, "temperature": 0})
    assert next(calls)[1]["text"]
    assert parts.chat_model().busy() == 1
    assert len(list(calls)) > 50


def test_completion_mode(dify, form):
    chunks = dify.invoke({**form, "mode": "completion"}, [{"role": "user", "content": "The capital of France is"}],
                         parameters={"max_tokens": 8})
    assert "Paris" in text_of(chunks) and chunks[-1]["usage"]["completion_tokens"] == 8


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_is_called(dify, form, stream):
    chunks = dify.invoke(form, [{"role": "user", "content": "Use get_weather for Paris."}], tools=[WEATHER],
                         stream=stream, parameters={"max_tokens": 80})
    call, = [call for chunk in chunks for call in chunk["tool_calls"]]
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Paris"}) and call["id"]


def test_embeddings_come_one_vector_for_each_text(dify, form, gateway):
    before = len(gateway.records())
    answer = dify.embed(form, ["A bank lends money.", "银行", "a river"])
    assert [len(vector) for vector in answer["embeddings"]] == [parts.EMBEDDING_SIZE] * 3 and answer["tokens"] > 0
    records = eventually(lambda: [record for record in gateway.records()[before:] if record["model"] == EMBEDDING][2:],
                         "three records: Dify sends one text a call")
    assert records[0]["outcome"] == "ok"


def test_an_embedding_model_reranks(dify, form):
    assert dify.validate(form, "ranker", "rerank") == "saved"
    texts = ["a river", "A bank lends money.", "银行"]
    found = dify.ask("rerank", form, "ranker", query="A bank lends money.", texts=texts, top_n=2)
    assert [doc["index"] for doc in found][0] == 1 and len(found) == 2
    assert found[0]["text"] == texts[1] and found[0]["score"] > found[1]["score"]


# ---- errors as Dify shows them -------------------------------------------------------------------------------------

def expect_error(call, name, *parts_of_text):
    with pytest.raises(DifyError) as caught:
        call()
    assert caught.value.name == name
    for part in (*parts_of_text,):
        assert part in caught.value.text, caught.value.text
    for forbidden in ("<html", "thinking", "budget_tokens", parts.MODEL_KEY, KEY, "\n"):
        assert forbidden not in caught.value.text, caught.value.text
    assert len(caught.value.text) < 1200
    return caught.value.text


@pytest.mark.parametrize("stream", [True, False])
def test_a_refused_call_is_an_invoke_error_with_the_gateway_s_words(dify, form, stream):
    prefix = "[models] Error: API request failed with status code "
    for credentials, model, status in (({**form, "api_key": "sk-wrong"}, CHAT, 401), (form, "qwen-900b", 404)):
        text = expect_error(lambda: dify.invoke(credentials, model=model, stream=stream), "InvokeError", prefix)
        body = json.loads(text.removeprefix(f"{prefix}{status}: "))
        assert len(body["error"]["message"]) > 10


def test_a_model_that_is_down_is_told_without_its_address(dify, form):
    text = expect_error(lambda: dify.invoke(form, model="dead"), "InvokeError", "status code 502", "dead")
    assert "127.0.0.1" not in text


def test_a_prompt_that_is_too_long_is_told_in_the_model_s_words(dify, form):
    expect_error(lambda: dify.invoke(form, [{"role": "user", "content": "word " * 4000}]), "InvokeError",
                 "status code 400", "context")


def test_an_embedding_refused_is_a_bad_request(dify, form):
    stranger = {**form, "api_key": "sk-wrong"}
    expect_error(lambda: dify.embed(stranger, ["a"]), "InvokeBadRequestError", "401 Client Error")


def test_a_gateway_that_is_not_there_is_server_unavailable(dify, form):
    gone = {**form, "endpoint_url": f"http://127.0.0.1:{parts.free_port()}/v1"}
    with pytest.raises(DifyError, match="Server Unavailable Error"):
        dify.invoke(gone)


def test_a_model_killed_in_the_middle_is_an_error_and_not_a_short_answer(dify, form, gateway_factory):
    doomed = parts.ModelServer("doomed")
    keys = [{"name": "dify", "key": "${TEST_KEY}", "models": ["*"], "stream_usage": "always"}]
    gateway = gateway_factory(config={"models": [{"name": "doomed", "endpoints": [doomed.endpoint()]}], "keys": keys},
                              env=parts.GATEWAY_ENV)
    calls = dify.calls(do="invoke", model="doomed", credentials={**form, "endpoint_url": gateway.base}, messages=LONG,
                       parameters={"max_tokens": 1500})
    assert next(calls)[1]["text"]
    doomed.process.kill()
    with pytest.raises(DifyError):
        list(calls)
    assert gateway.wait_for_record(lambda record: record["model"] == "doomed")["outcome"] == "upstream_error"
    doomed.stop()
