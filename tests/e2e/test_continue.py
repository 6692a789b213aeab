"""Answers that go on elsewhere: a model dies in mid-answer, and its client notices nothing but a pause."""

import json
import os
import signal

import pytest

import parts
from fake_model import chunk, cut, delta, done, end, refusal, reset, sse, stall, stream, stream_head, usage_event
from wire import Stream, chat, eventually

QUICK = {"attempts": 3, "backoff": "1ms", "budget": "100%"}


@pytest.fixture(scope="module")
def a(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def b(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, a, b):
    def entry(name, **more):
        return {"name": name, "endpoints": [{"url": a.base, "weight": 1000}, {"url": b.base, "weight": 1}],
                "continue_on_failure": True, "retry": QUICK, "health": {"failures": 1000}, **more}
    return gateway_factory(config={"models": [
        *[entry(name) for name in ("cut", "reset", "error", "usage", "text", "twice", "tools", "json", "refused", "bounds",
                                   "left")],
        entry("silent", timeouts={"between_chunks": "200ms"}),
        entry("short", max_answer_tokens=4),
        entry("alone", endpoints=[{"url": a.base}]),
        entry("off", continue_on_failure=False)]})


def opening(model="m"):
    return {"id": "a1", "object": "chat.completion.chunk", "created": 5, "model": model,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}


def said(text, finish=None):
    return {**delta(text, "m", finish), "id": "a1", "created": 5}


def rest(*texts, usage=None):
    """The rest as another server gives it: with its own opening, id and name."""
    return [stream_head(), sse({**opening("other"), "id": "b2", "created": 9}),
            *[sse({**delta(text, "other"), "id": "b2", "created": 9}) for text in texts],
            sse({**delta(None, "other", "stop"), "id": "b2", "created": 9}),
            *([sse(usage_event("other", usage))] if usage else []), done(), end()]


def events(chunks):
    return [json.loads(piece[6:]) for piece in chunks if piece.startswith(b"data: {")]


def text_of(found):
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in found if event["choices"])


def one_answer(chunks):
    """Its events, proved to be those of one answer."""
    assert chunks[-1] == b"data: [DONE]\n\n"
    found = events(chunks)
    assert {(event["id"], event["created"], event["model"]) for event in found} == {("a1", 5, "m")}
    assert sum("role" in event["choices"][0]["delta"] for event in found if event["choices"]) == 1
    assert sum(bool(event["choices"][0]["finish_reason"]) for event in found if event["choices"]) == 1
    assert not any("error" in event for event in found)
    return found


@pytest.mark.parametrize("name, ending", [
    ("cut", cut()), ("reset", reset()), ("silent", stall()),
    ("error", sse({"error": {"message": "out of memory", "type": "server_error", "code": 500}}))])
def test_another_endpoint_goes_on(gateway, a, b, name, ending):
    half = [chunk(b'data: {"id":"a1"')] if name == "cut" else []
    a.script(stream_head(), sse(opening()), sse(said("One ")), sse(said('"two"')), *half, ending)
    b.script(*rest(" three", "."))
    with Stream(gateway, chat(name, stream=True, max_tokens=20)) as reply:
        found = one_answer(reply.rest())
    assert text_of(found) == 'One "two" three.'
    asked = b.only_call.json
    assert asked["messages"] == [{"role": "user", "content": "Say hello."}, {"role": "assistant", "content": 'One "two"'}]
    assert asked["continue_final_message"] is True and asked["add_generation_prompt"] is False
    assert asked["max_tokens"] == 18 and asked["stream"] is True
    record = gateway.wait_for_record(reply.request_id)
    assert record["outcome"] == "ok" and record["attempts"] == 2 and record["status"] == 200
    assert record["continued_from"] == a.base and record["endpoint"] == b.base
    assert record["completion_tokens"] == 4 and record["usage_source"] == "counted"
    metrics = gateway.metrics()
    assert metrics.total("intragate_continuations_total", model=name, result="ok") == 1
    assert metrics.total("intragate_upstream_errors_total", model=name) == 1


def test_usage_is_that_of_the_whole_answer(gateway, a, b):
    a.script(stream_head(), sse(opening()), sse(said("One ")), sse(said("two")), cut())
    b.script(*rest(" three", usage={"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13}))
    with Stream(gateway, chat("usage", stream=True, stream_options={"include_usage": True})) as reply:
        found = one_answer(reply.rest())
    assert found[-1]["usage"] == {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    record = gateway.wait_for_record(reply.request_id)
    assert (record["prompt_tokens"], record["completion_tokens"]) == (10, 3)


def test_completions_go_on_too(gateway, a, b):
    def piece(text, finish=None):
        return sse({"id": "a1", "object": "text_completion", "created": 5, "model": "m",
                    "choices": [{"index": 0, "text": text, "finish_reason": finish}]})
    a.script(stream_head(), piece(" upon"), piece(" a"), cut())
    b.script(stream_head(), piece(" time"), piece("", "stop"), done(), end())
    with Stream(gateway, {"model": "text", "prompt": "Once", "stream": True}, path="/v1/completions") as reply:
        found = events(reply.rest())
    assert "".join(event["choices"][0]["text"] for event in found) == " upon a time"
    assert b.only_call.json["prompt"] == "Once upon a"


def test_answer_may_go_on_twice(gateway, a, b):
    a.script(stream_head(), sse(opening()), sse(said("One")), cut())
    b.script(*rest(" two")[:3], cut())
    a.script(*rest(" three"))
    with Stream(gateway, chat("twice", stream=True)) as reply:
        assert text_of(one_answer(reply.rest())) == "One two three"
    assert a.calls[1].json["messages"][-1]["content"] == "One two"
    record = gateway.wait_for_record(reply.request_id)
    assert record["attempts"] == 3 and record["continued_from"] == f"{a.base} {b.base}"


@pytest.mark.parametrize("name, event, more", [
    ("tools", {**delta(None), "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c", "function": {
        "name": "f", "arguments": "{"}}]}}]}, {}),
    ("json", said("{"), {"response_format": {"type": "json_object"}})])
def test_what_cannot_be_continued_ends_as_ever(gateway, a, b, name, event, more):
    a.script(stream_head(), sse(event), cut())
    with Stream(gateway, chat(name, stream=True, **more)) as reply:
        assert b'"error"' in reply.rest()[-1]
    assert not b.calls and gateway.wait_for_record(reply.request_id)["outcome"] == "upstream_error"


@pytest.mark.parametrize("name", ["alone", "off"])
def test_without_another_endpoint_or_leave_it_ends_as_ever(gateway, a, b, name):
    a.script(stream_head(), sse(said("One")), cut())
    with Stream(gateway, chat(name, stream=True)) as reply:
        assert b'"error"' in reply.rest()[-1]
    assert not b.calls and len(a.calls) == 1


def test_refusal_of_the_other_endpoint_ends_it(gateway, a, b):
    a.script(stream_head(), sse(said("One")), cut())
    b.script(refusal(400, "no prefix for you"))
    with Stream(gateway, chat("refused", stream=True)) as reply:
        last = reply.rest()[-1]
    assert b'"error"' in last and b"prefix" not in last
    assert gateway.wait_for_record(reply.request_id)["error"] == "upstream_broke"
    assert gateway.metrics().total("intragate_continuations_total", model="refused", result="failed") == 1


def test_client_that_leaves_meanwhile_ends_it(gateway, a, b):
    a.script(stream_head(), sse(said("One")), cut())
    b.script(stall())
    with Stream(gateway, chat("left", stream=True)) as reply:
        assert reply.next()
        b.wait_for_call()
        reply.connection.close()
    assert b.only_call.wait_ended().ended_by_peer
    assert gateway.wait_for_record(lambda record: record["model"] == "left")["outcome"] == "client_cancelled"


def test_bound_of_the_whole_answer_holds(gateway, a, b):
    a.script(stream_head(), sse(said("1 ")), sse(said("2 ")), cut())
    b.script(*rest("3 ", "4 ", "5 ", "6 "))
    with Stream(gateway, chat("short", stream=True)) as reply:
        found = events(reply.rest())
    assert text_of(found) == "1 2 3 4 " and found[-1]["choices"][0]["finish_reason"] == "length"
    assert {event["id"] for event in found} == {"a1"} and b.only_call.json["max_tokens"] == 2


def test_healthy_stream_is_passed_byte_for_byte(gateway, a):
    a.script(*stream("One ", "two"))
    with Stream(gateway, chat("bounds", stream=True)) as reply:
        chunks = reply.rest()
    assert text_of(events(chunks)) == "One two" and len(chunks) == 4


def test_real_model_goes_on_for_one_that_was_killed(gateway_factory):
    dying, living = (parts.ModelServer(parts.CHAT_MODEL) for _ in range(2))
    try:
        model = {"name": parts.CHAT_MODEL, "continue_on_failure": True, "retry": {**QUICK, "attempts": 2},
                 "timeouts": {"connect": "10s", "first_byte": "120s", "between_chunks": "120s"},
                 "endpoints": [{**dying.endpoint(), "weight": 1000}, {**living.endpoint(), "weight": 1}]}
        gateway = gateway_factory(config={"models": [model]}, env=parts.GATEWAY_ENV)
        body = chat(parts.CHAT_MODEL, "Count from one to one hundred.", stream=True, max_tokens=120, temperature=0,
                    stream_options={"include_usage": True})
        with Stream(gateway, body) as reply:
            before = text_of(events([reply.next() for _ in range(6)]))
            os.kill(dying.process.pid, signal.SIGKILL)
            chunks = reply.rest()
        found = events(chunks)
        assert chunks[-1] == b"data: [DONE]\n\n" and len({event["id"] for event in found}) == 1
        whole = text_of(found)
        assert whole.startswith(before) and len(whole) > len(before)
        record = gateway.wait_for_record(reply.request_id)
        assert record["outcome"] == "ok" and record["attempts"] == 2 and record["continued_from"]
        assert found[-1]["usage"]["completion_tokens"] == record["completion_tokens"]
        eventually(lambda: living.busy() == 0, "the living model to rest")
    finally:
        dying.stop()
        living.stop()
