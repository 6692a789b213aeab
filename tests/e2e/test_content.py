"""Content rules: what may not leave is masked, refused or noted, in prompts and in answers while they stream."""

import json

import openai
import pytest

from fake_model import cut, delta, proper_answer, sse, stall, stream, stream_head
from gateway import run
from wire import Stream, ask, chat, dify_read, eventually, events

MOBILE, CARD = "13800138000", "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    file = tmp_path_factory.mktemp("words") / "words.txt"
    file.write_text("# not announced\n苍鹭计划\n")
    return file


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def config(model, words):
    entry = {"endpoints": [{"url": model.base}], "retry": {"attempts": 1}, "health": {"failures": 1000}}
    return {
        "models": [{"name": "m", **entry}, {"name": "free", **entry},
                   {"name": "pair", "continue_on_failure": True, "health": {"failures": 1000},
                    "endpoints": [{"url": model.base}, {"url": model.base + "/"}]}],
        "content_rules": [
            {"name": "personal", "detect": ["mobile_number", "bank_card"], "action": "mask", "models": ["!free"]},
            {"name": "codes", "patterns": ["PRJ-[0-9]{4}"], "action": "refuse", "models": ["m"]},
            {"name": "heron", "words": str(words), "action": "note", "models": ["m"]}],
        "audit": {"content": "redacted"}}


@pytest.fixture(scope="module")
def gateway(gateway_factory, config):
    return gateway_factory(config=config)


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60) as client:
        yield client


def found(record):
    return [(one["rule"], one["action"], one["in"], one["count"]) for one in record.get("content_rules", [])]


@pytest.mark.parametrize("path, body, seen", [
    ("/v1/chat/completions", chat("m", f"call {MOBILE} 苍鹭计划"), "call [mobile_number] 苍鹭计划"),
    ("/v1/completions", {"model": "m", "prompt": f"call {MOBILE} 苍鹭计划"}, "call [mobile_number] 苍鹭计划"),
    ("/v1/embeddings", {"model": "m", "input": ["苍鹭计划", f"x {MOBILE}"]}, "x [mobile_number]")])
def test_the_model_never_sees_what_is_masked(gateway, model, path, body, seen):
    before = len(model.calls)
    reply = ask(gateway, body, path)
    assert reply.status == 200 and reply.headers["x-intragate-content"] == "masked"
    sent = json.dumps(model.calls[before].json, ensure_ascii=False)
    assert seen in sent and MOBILE not in sent
    record = gateway.wait_for_record(reply.request_id)
    assert found(record) == [("personal", "mask", "prompt", 1), ("heron", "note", "prompt", 1)]
    kept = record["content"]
    assert kept["kind"] == "redacted" and MOBILE not in json.dumps(kept) and "[heron]" in kept["prompt"]
    total = "intragate_content_findings_total"
    eventually(lambda: gateway.metrics().total(total, rule="heron", action="note", **{"in": "prompt"}) >= 1, "the metric")


@pytest.mark.parametrize("model_name, text, secret, mask", [
    ("m", "about 苍鹭计划", "苍鹭计划", "[heron]"),      # a rule that only notes
    ("m", "see PRJ-1234", "PRJ-1234", "[codes]"),        # one that refuses
    ("nowhere", f"call {MOBILE}", MOBILE, "[mobile_number]")])
def test_records_have_masked_what_any_rule_finds(gateway, model_name, text, secret, mask):
    record = gateway.wait_for_record(ask(gateway, chat(model_name, text)).request_id)
    kept = record["content"]["prompt"]
    assert mask in kept and secret not in kept


def test_a_refused_prompt_does_not_reach_the_model(gateway, model, client):
    before = len(model.calls)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=chat("m", "see PRJ-1234")["messages"])
    assert caught.value.code == "content_filter" and "`codes`" in caught.value.message
    assert "PRJ" not in caught.value.message and len(model.calls) == before
    assert caught.value.response.headers["x-intragate-content"] == "refused"
    record = gateway.wait_for_record(caught.value.response.headers["x-request-id"])
    assert (record["outcome"], record["error"], record["status"]) == ("refused", "content_filter", 400)
    tokens = ask(gateway, {"model": "m", "prompt": [1, 2]}, "/v1/completions")
    assert tokens.status == 400 and tokens.json["error"]["code"] == "content_filter"


def test_calls_that_no_rule_is_for_pass_as_they_are(gateway, model):
    before = len(model.calls)
    reply = ask(gateway, chat("free", f"{MOBILE} PRJ-1234"))
    assert reply.status == 200 and "x-intragate-content" not in reply.headers
    assert MOBILE in json.dumps(model.calls[before].json)
    assert MOBILE not in json.dumps(gateway.wait_for_record(reply.request_id)), "records are redacted all the same"


def test_blocking_answers_are_masked_or_withheld(gateway, model, client):
    model.default(proper_answer(f"it is {CARD}."))
    try:
        assert client.chat.completions.create(model="m", messages=chat("m")["messages"]).choices[0].message.content == \
            "it is [bank_card]."
        model.default(proper_answer("it is PRJ-1234."))
        reply = ask(gateway, chat("m"))
        assert reply.status == 400 and b"PRJ" not in reply.body
        record = gateway.wait_for_record(reply.request_id)
        assert found(record) == [("codes", "refuse", "answer", 1)] and record["completion_tokens"] == 3
    finally:
        model.default(proper_answer())


def test_what_is_split_over_events_is_masked_and_ordinary_words_wait_for_nothing(gateway, model, client):
    model.script(*stream("call 138", "00138", "000 or ", "4111 11", "11 1111 1111", usage=True))
    chunks = list(client.chat.completions.create(model="m", messages=chat("m")["messages"], stream=True))
    text = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(text) == "call [mobile_number] or [bank_card]" and text[0] == "call "
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    model.script(stream_head(), sse(delta("hello ")), sse(delta("wor")), stall())
    with Stream(gateway, chat("m", stream=True)) as call:
        assert [events([call.next()])[0]["choices"][0]["delta"]["content"] for _ in range(2)] == ["hello ", "wor"]


def test_a_refused_stream_ends_as_openai_s_filter_ends_one(gateway, model):
    gate_call = len(model.calls)
    model.script(stream_head(), sse(delta("the code is PR")), sse(delta("J-1234 and more")), sse(delta("never")), stall())
    with Stream(gateway, chat("m", stream=True, stream_options={"include_usage": True})) as call:
        got = events(call.rest())
        assert call.ended == "clean"
    said = "".join(one["choices"][0]["delta"].get("content", "") for one in got[:-1] if one["choices"])
    assert said == "the code is " and got[-1] == "[DONE]"
    assert [one["choices"][0]["finish_reason"] for one in got[:-1] if one["choices"]][-1] == "content_filter"
    assert got[-2]["usage"]["completion_tokens"] >= 1
    model.calls[gate_call].wait_ended()
    record = gateway.wait_for_record(call.request_id)
    assert (record["status"], record["outcome"], record["error"]) == (200, "refused", "content_filter")
    assert found(record) == [("codes", "refuse", "answer", 1)] and record["content"]["answer"] == "the code is "


def test_what_is_split_over_two_servers_is_masked(gateway, model):
    model.script(stream_head(), sse(delta("ring 1380")), cut())
    model.script(*stream("0138000 now", usage=True))
    with Stream(gateway, chat("pair", stream=True)) as call:
        read = dify_read(call.rest())
    assert (read.text, read.finish_reason, read.error) == ("ring [mobile_number] now", "stop", None)
    assert "continued_from" in gateway.wait_for_record(call.request_id)


def test_dify_reads_a_masked_stream_to_its_end(gateway, model):
    model.script(*stream("ring 1380", "0138000", "!", usage=True))
    with Stream(gateway, chat("m", stream=True)) as call:
        read = dify_read(call.rest())
    assert read.text == "ring [mobile_number]!" and read.finish_reason == "stop" and read.error is None


def test_words_are_read_again_when_the_file_changes(gateway, model, words):
    words.write_text("peregrine\n")
    def noted():
        record = gateway.wait_for_record(ask(gateway, chat("m", "the Peregrine")).request_id)
        return found(record) == [("heron", "note", "prompt", 1)]
    eventually(noted, "the new words")


def test_explain_and_validate_speak_of_rules(gateway, tmp_path):
    request = tmp_path / "request.json"
    request.write_text(json.dumps(chat("m", f"{MOBILE} PRJ-1234")))
    said = run("explain", gateway.config_file, request, env={"TEST_KEY": gateway.key})
    assert said.returncode == 1 and "content rule personal" in said.stdout and "found 1 times" in said.stdout
    assert "400 content_filter" in said.stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text("models: [{name: m, endpoints: [{url: 'http://127.0.0.1:1/v1'}]}]\ncontent_rules:\n"
                   "  - {name: a, action: mask, patterns: ['a(b']}\n")
    checked = run("validate", bad)
    assert checked.returncode == 1 and "bad.yaml:3:" in checked.stdout + checked.stderr


@pytest.mark.parametrize("path, body", [
    ("/v1/messages", {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": f"call {MOBILE}"}]}),
    ("/v1/responses", {"model": "m", "input": f"call {MOBILE}"})])
def test_apis_laid_over_chat_are_looked_through_too(gateway, model, path, body):
    before = len(model.calls)
    model.script(proper_answer(f"It is {MOBILE}."))
    reply = ask(gateway, body, path)
    assert reply.status == 200 and b"It is [mobile_number]." in reply.body and MOBILE.encode() not in reply.body
    assert "call [mobile_number]" in json.dumps(model.calls[before].json)
    model.script(*stream("It is 1380", "0138000."))
    with Stream(gateway, {**body, "stream": True}, path) as reply:
        said = b"".join(reply.rest())
    assert reply.ended == "clean" and b"[mobile_number]" in said and b"0138000" not in said
    assert found(gateway.wait_for_record(reply.request_id)) == [
        ("personal", "mask", "prompt", 1), ("personal", "mask", "answer", 1)]
    model.script(*stream("The code is PRJ-", "2024, keep it"))
    with Stream(gateway, {**body, "stream": True}, path) as reply:
        said = b"".join(reply.rest())
    assert b"2024" not in said and b"keep it" not in said
    assert gateway.wait_for_record(reply.request_id)["error"] == "content_filter"
