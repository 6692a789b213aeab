"""Requests, tokens and calls at once: what a rule allows, what it says when it does not, and whose use it is."""

import threading

import pytest

from fake_model import Gate, answer_json, refusal, wait
from wire import ask, chat, eventually, new_id

USED = {"prompt_tokens": 100, "completion_tokens": 300}
LIMITS = [
    {"per": "user", "name": "alice", "requests_per_minute": 2},
    {"per": "user", "name": "greedy", "tokens_per_minute": 1000},
    {"per": "user", "concurrency": 2},
    {"per": "key", "name": "narrow", "requests_per_minute": 3},
    {"per": "key", "name": "daily", "tokens_per_day": 1800},
    {"per": "address", "name": "127.0.0.9/32", "requests_per_minute": 1},
    {"per": "model", "name": "scarce", "requests_per_minute": 2},
]


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


def configuration(model, limits=LIMITS):
    return {
        "workers": 2,
        "models": [{"name": name, "endpoints": [{"url": model.base}], "retry": {"attempts": 1}} for name in ("m", "scarce")],
        "keys": [{"name": "test", "key": "${TEST_KEY}", "trust_user": True}, {"name": "narrow", "key": "${NARROW_KEY}"},
                 {"name": "daily", "key": "${DAILY_KEY}"}],
        "limits": limits}


@pytest.fixture
def gateway(gateway_factory, model):
    model.reset()
    model.default(answer_json({"choices": [], "usage": USED}))
    return gateway_factory(config=configuration(model),
                           env={"NARROW_KEY": "sk-narrow-key", "DAILY_KEY": "sk-daily-key"})


def is_limited(reply, words):
    assert reply.status == 429 and reply.error["code"] == "rate_limit_exceeded", reply
    assert reply.error["type"] == "rate_limit_error" and words in reply.error["message"]
    assert 1 <= int(reply.headers["retry-after"])
    assert f"again in {reply.headers['retry-after']} s" in reply.error["message"]
    return True


def ask_and_settle(gateway, body, **more):
    """What was reserved is corrected when the answer is out; the record comes behind that."""
    reply = ask(gateway, body, **more)
    gateway.wait_for_record(reply.request_id)
    return reply


def test_requests_per_minute_of_one_user(gateway, model):
    for left in (1, 0):
        reply = ask(gateway, chat("m", user="alice"))
        assert reply.status == 200
        assert reply.headers["x-ratelimit-limit-requests"] == "2"
        assert reply.headers["x-ratelimit-remaining-requests"] == str(left)
        assert reply.headers["x-ratelimit-reset-requests"].endswith("s")
    reply = ask(gateway, chat("m", user="alice"))
    assert is_limited(reply, "2 requests per minute for you")
    record = gateway.wait_for_record(reply.request_id)
    assert record["outcome"] == "refused" and record["end_user"] == "alice" and record["attempts"] == 0
    assert ask(gateway, chat("m", user="bob")).status == 200
    assert len(model.calls) == 3
    assert gateway.metrics().total("intragate_limited_total", per="user", limit="requests_per_minute", rule="limits[0]") == 1


def test_key_without_trust_counts_as_one(gateway):
    for _ in range(3):
        assert ask(gateway, chat("m", user=new_id()), key="sk-narrow-key").status == 200
    assert is_limited(ask(gateway, chat("m", user=new_id()), key="sk-narrow-key"), "this API key")


def test_tokens_count_as_the_model_said(gateway):
    for _ in range(2):
        reply = ask_and_settle(gateway, chat("m", user="greedy", max_tokens=300))
        assert reply.status == 200 and reply.headers["x-ratelimit-limit-tokens"] == "1000"
    assert is_limited(ask(gateway, chat("m", user="greedy", max_tokens=300)), "1000 tokens per minute")
    assert ask(gateway, chat("m", user="greedy", max_tokens=100)).status == 200  # 800 were used, not what was reserved


def test_call_that_never_reached_a_model_does_not_count(gateway, model):
    model.refuse()
    try:
        for _ in range(4):
            assert ask_and_settle(gateway, chat("m", user="alice")).status == 502
    finally:
        model.accept_again()
    eventually(lambda: ask(gateway, chat("m", user="bob")).status == 200)
    assert ask(gateway, chat("m", user="alice")).status == 200


def test_refusals_by_the_model_cost_no_tokens(gateway, model):
    model.script(refusal(400), times=5)
    for _ in range(5):
        assert ask_and_settle(gateway, chat("m", user="greedy", max_tokens=300)).status == 400
    assert ask(gateway, chat("m", user="greedy", max_tokens=300)).status == 200


def test_calls_at_once(gateway, model):
    gate = Gate()
    model.script(wait(gate), answer_json({}), times=2)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(ask(gateway, chat("m", user="carol")))) for _ in range(2)]
    for thread in threads:
        thread.start()
    model.wait_for_call(2)
    assert is_limited(ask(gateway, chat("m", user="carol")), "2 calls at once")
    assert ask(gateway, chat("m", user="dave")).status == 200
    gate.open()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200, 200]
    eventually(lambda: ask(gateway, chat("m", user="carol")).status == 200)


def test_addresses_and_models_have_limits_too(gateway):
    assert ask(gateway, chat("m"), source="127.0.0.9").status == 200
    assert is_limited(ask(gateway, chat("m"), source="127.0.0.9"), "your address")
    assert ask(gateway, chat("scarce")).status == 200
    assert ask(gateway, chat("scarce"), key="sk-narrow-key").status == 200
    assert is_limited(ask(gateway, chat("scarce")), "this model")


def test_day_is_counted(gateway):
    for _ in range(4):
        assert ask_and_settle(gateway, chat("m", max_tokens=100), key="sk-daily-key").status == 200
    reply = ask(gateway, chat("m", max_tokens=400), key="sk-daily-key")
    assert is_limited(reply, "1800 tokens per day") and int(reply.headers["retry-after"]) <= 86400


def test_day_survives_a_restart(gateway_factory, model, tmp_path):
    model.default(answer_json({"choices": [], "usage": USED}))
    for expected in ([200, 200, 200, 200, 429], [429]):
        gateway = gateway_factory(config=configuration(model), directory=tmp_path / "same",
                                  env={"NARROW_KEY": "sk-narrow-key", "DAILY_KEY": "sk-daily-key"})
        found = [ask_and_settle(gateway, chat("m", max_tokens=400), key="sk-daily-key").status for _ in expected]
        assert found == expected
        gateway.stop()


def test_reload_changes_rules_and_forgets_nothing(gateway, model):
    for _ in range(2):
        assert ask(gateway, chat("m", user="alice")).status == 200
    gateway.reload(configuration(model, [{"per": "user", "requests_per_minute": 3}]))
    assert is_limited(ask(gateway, chat("m", user="alice")), "3 requests per minute")
    assert ask(gateway, chat("m", user="somebody else")).status == 200
    gateway.reload(configuration(model, []))
    assert ask(gateway, chat("m", user="alice")).status == 200
