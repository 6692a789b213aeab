"""Hedging: a second endpoint beside one that is late with its first byte."""

import json
import threading

import pytest

from fake_model import Gate, answer_json, cut, delta, head, pause, proper_answer, refusal, sse, stall, stream, stream_head, wait
from gateway import run
from wire import Connection, Stream, ask, chat, eventually

ANSWER = {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 3}}


@pytest.fixture(scope="module")
def a(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def b(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, a, b):
    def entry(name, **more):
        # Weights beyond measure: the first call goes to `a`.
        return {"name": name, "endpoints": [{"url": a.base, "weight": 1000}, {"url": b.base, "weight": 1}],
                "hedge": {"after": "20ms", "budget": "100%"}, "retry": {"attempts": 1},
                "health": {"failures": 1, "cooldown": "300s"}, **more}
    full = [{"url": a.base, "weight": 1000, "max_concurrency": 2}, {"url": b.base, "weight": 1, "max_concurrency": 1}]
    return gateway_factory(config={"models": [
        *[entry(name) for name in ("won", "lost", "plain", "gone", "both", "first", "second", "wrong", "silent")],
        entry("stingy", hedge={"after": "20ms", "budget": "0%"}),
        entry("full", endpoints=full), entry("slots", endpoints=full),
        entry("unhurried", hedge={}), entry("learned", hedge={"budget": "100%"}),
        entry("off", hedge={"after": "1h"})]})


def hedges(gateway, model, result):
    return gateway.metrics().total("intragate_hedges_total", model=model, result=result)


def in_flight(gateway):
    return gateway.metrics().total("intragate_pool_connections", state="busy")


def test_second_endpoint_answers_for_a_late_one(gateway, a, b):
    a.script(stream_head(), stall())  # a head is no first byte
    b.script(*stream("one", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    with Stream(gateway, chat("won", stream=True)) as reply:
        chunks = reply.rest()
    assert chunks[-1] == b"data: [DONE]\n\n" and b"one" in chunks[0]
    assert reply.head.headers["x-intragate-attempts"] == "2" and reply.head.headers["x-intragate-endpoint"] == "won/1"
    assert a.only_call.wait_ended().ended_by_peer and a.only_call.body == b.only_call.body
    record = gateway.wait_for_record(reply.request_id)
    assert record["attempts"] == 2 and record["outcome"] == "ok" and record["endpoint"].startswith(b.base)
    assert hedges(gateway, "won", "won") == 1
    # The loser is no failure, although one would do.
    assert gateway.metrics()['intragate_endpoint_up{endpoint="won/0"}'] == 1
    eventually(lambda: in_flight(gateway) == 0, "no connection busy")


def test_first_endpoint_may_still_be_the_quicker_one(gateway, a, b):
    gate = Gate()
    a.script(stream_head(), wait(gate), sse(delta("one")), sse("[DONE]"))
    b.script(stall())
    with Stream(gateway, chat("lost", stream=True)) as reply:
        b.wait_for_call()
        gate.open()
        assert b"one" in reply.next()
        assert b.only_call.wait_ended().ended_by_peer
        assert reply.head.headers["x-intragate-attempts"] == "2" and reply.head.headers["x-intragate-endpoint"] == "lost/0"
        reply.rest()
    assert hedges(gateway, "lost", "lost") == 1
    assert gateway.metrics()['intragate_endpoint_up{endpoint="lost/1"}'] == 1


def test_answer_in_one_piece_is_hedged_too(gateway, a, b):
    a.script(stall())
    reply = ask(gateway, chat("plain"))
    assert reply.status == 200 and reply.headers["x-intragate-attempts"] == "2"
    assert a.only_call.wait_ended().ended_by_peer and len(b.calls) == 1


def test_client_that_leaves_ends_both(gateway, a, b):
    for model in (a, b):
        model.script(stall())
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("gone"), key=gateway.key, headers={"x-request-id": "hedge-gone"})
        calls = [model.wait_for_call() for model in (a, b)]
    for call in calls:
        assert call.wait_ended().ended_by_peer
    record = gateway.wait_for_record("hedge-gone")
    assert record["outcome"] == "client_cancelled" and record["attempts"] == 2
    assert hedges(gateway, "gone", "cancelled") == 1


def test_both_may_fail(gateway, a, b):
    gate = Gate()
    for model in (a, b):
        model.script(wait(gate), head(200, [("Content-Length", 9)]), cut())  # more than a connection that died in the pool
    replies = []
    caller = threading.Thread(target=lambda: replies.append(ask(gateway, chat("both"))))
    caller.start()
    b.wait_for_call()
    gate.open()
    caller.join()
    assert replies[0].status == 502 and replies[0].headers["x-intragate-attempts"] == "2"
    assert hedges(gateway, "both", "failed") == 1
    metrics = gateway.metrics()
    assert [metrics[f'intragate_endpoint_up{{endpoint="both/{n}"}}'] for n in (0, 1)] == [0, 0]  # both are to blame


@pytest.mark.parametrize("name, result", [("first", "won"), ("second", "lost")])
def test_when_one_fails_the_other_goes_on(gateway, a, b, name, result):
    gate, failure = Gate(), Gate()
    dying, living = (a, b) if name == "first" else (b, a)
    dying.script(wait(failure), head(200, [("Content-Length", 9)]), cut())
    living.script(wait(gate), answer_json(ANSWER))
    replies = []
    caller = threading.Thread(target=lambda: replies.append(ask(gateway, chat(name))))
    caller.start()
    b.wait_for_call()
    failure.open()
    eventually(lambda: gateway.metrics().total("intragate_upstream_errors_total", model=name) == 1, "the failure")
    gate.open()
    caller.join()
    assert replies[0].status == 200 and replies[0].headers["x-intragate-attempts"] == "2"
    assert hedges(gateway, name, result) == 1


def test_what_the_caller_did_wrong_is_said_at_once(gateway, a, b):
    gate = Gate()
    a.script(wait(gate), refusal(400, "no such thing"))
    b.script(stall())
    replies = []
    caller = threading.Thread(target=lambda: replies.append(ask(gateway, chat("wrong"))))
    caller.start()
    b.wait_for_call()
    gate.open()
    caller.join()
    assert replies[0].status == 400 and b.only_call.wait_ended().ended_by_peer


def test_budget_bounds_hedges(gateway, a, b):
    a.default(pause(0.2), proper_answer())
    for _ in range(5):
        assert ask(gateway, chat("stingy")).status == 200
    assert len(b.calls) == 3  # these few are always allowed
    assert hedges(gateway, "stingy", "no_budget") == 2


def test_endpoint_without_a_free_place_is_not_asked(gateway, a, b):
    gate = Gate()
    a.script(stall())
    a.default(pause(0.2), answer_json(ANSWER))
    b.default(wait(gate), answer_json(ANSWER))
    with Stream(gateway, chat("full", stream=True)):  # its hedge has b's only place, and stays
        b.wait_for_call()
        assert ask(gateway, chat("full")).headers["x-intragate-attempts"] == "1"
    assert len(b.calls) == 1 and hedges(gateway, "full", "no_room") == 1


def test_slots_come_back(gateway, a, b):
    a.default(stall())
    for _ in range(5):
        assert ask(gateway, chat("slots")).status == 200
    eventually(lambda: gateway.metrics()['intragate_slots{model="slots",state="used"}'] == 0, "all slots back")


def test_without_experience_there_is_no_hedge(gateway, a, b):
    a.default(pause(0.1), proper_answer())
    assert ask(gateway, chat("unhurried")).headers["x-intragate-attempts"] == "1" and not b.calls


def test_recent_answers_teach_how_late_is_late(gateway, a, b):
    for _ in range(25):
        assert ask(gateway, chat("learned")).status == 200
    b.reset()
    a.script(stall())
    reply = ask(gateway, chat("learned"))
    assert reply.status == 200 and reply.headers["x-intragate-attempts"] == "2" and len(b.calls) == 1


def test_call_that_is_in_time_has_no_hedge(gateway, a, b):
    assert ask(gateway, chat("off")).headers["x-intragate-attempts"] == "1" and not b.calls


def test_configuration_is_checked(tmp_path):
    file = tmp_path / "c.yaml"
    endpoint = [{"url": "http://127.0.0.1:1"}]
    file.write_text(json.dumps({"models": [{"name": "m", "endpoints": endpoint, "hedge": {"after": "p99"}}]}))
    done = run("validate", file)
    assert done.returncode == 1 and "hedge.after" in done.stdout + done.stderr
    file.write_text(json.dumps({"models": [{"name": "m", "endpoints": endpoint, "hedge": {}}]}))
    done = run("validate", file)
    assert done.returncode == 0 and "one endpoint" in done.stdout + done.stderr
