"""What a call would find if it came now: GET /forecast of the admin API, and `explain` beside a running gateway."""

import http.client
import json
import threading
import urllib.parse

import pytest

from fake_model import Gate, answer_json, wait
from gateway import run
from wire import PATIENCE, ask, chat, eventually

ANSWER = {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 250}}
TOKEN = "admin-token-2b9c44e1"
TOKENS = {"INTRAGATE_ADMIN_TOKEN": TOKEN}
BEARER = ("Authorization", f"Bearer {TOKEN}")


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    def lane(name, **more):
        return {"name": name, "endpoints": [{"url": model.base, **more}], "queue": {"size": 4, "user_share": "50%"}}
    return gateway_factory(config={
        "models": [{**lane("one", max_concurrency=1), "aliases": ["gpt"]}, lane("free")],
        "keys": [{"name": "test", "key": "${TEST_KEY}", "trust_user": True}, {"name": "plain", "key": "sk-plain-key-77"}],
        "limits": [{"per": "user", "concurrency": 3, "requests_per_minute": 60},
                   {"per": "key", "name": "test", "tokens_per_day": 100000}]})


@pytest.fixture(scope="module")
def guarded(gateway_factory, model):
    return gateway_factory(config={"admin": {"address": "127.0.0.1:0", "token": "${INTRAGATE_ADMIN_TOKEN}"},
                                   "models": [{"name": "one", "endpoints": [{"url": model.base}]}]}, env=TOKENS)


def forecast(gateway, headers=(), method="GET", query=None, **asked):
    """(status, parsed JSON)."""
    connection = http.client.HTTPConnection(*gateway.admin_address, timeout=PATIENCE)
    connection.request(method, "/forecast?" + (urllib.parse.urlencode(asked) if query is None else query),
                       headers=dict(headers))
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text)


def explain(gateway, tmp_path, env=None, **body):
    (tmp_path / "request.json").write_text(json.dumps(chat(**body)))
    done = run("explain", gateway.config_file, tmp_path / "request.json", "--key", "test", "--json",
               env={"TEST_KEY": gateway.key, **TOKENS, **(env or {})})
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split(": ", 1) for line in json.loads(done.stdout)["journey"])


def test_forecast_and_explain_say_what_a_call_would_find(gateway, model, tmp_path):
    assert forecast(gateway, model="one", key="test")[1]["queue"] == {
        "slots": 1, "used": 0, "waiting": 0, "position": 0, "wait_ms": 0, "refused": None}
    gate = Gate()
    model.script(wait(gate), answer_json(ANSWER), times=3)
    callers = [threading.Thread(target=ask, args=(gateway, chat("one", user="anna"))) for _ in range(3)]
    for caller in callers:
        caller.start()
    eventually(lambda: gateway.metrics().total("intragate_queue_waiting") == 2)
    told = forecast(gateway, model="gpt", key="test", user="anna", prompt=50, most=100)[1]
    assert told["queue"] == {"slots": 1, "used": 1, "waiting": 2, "position": 3, "wait_ms": None, "refused": "user_share"}
    assert told["tokens"] == 150
    left = {(limit["per"], limit["limit"]): limit for limit in told["limits"]}
    assert left["user", "concurrency"] == {"per": "user", "rule": "limits[0]", "limit": "concurrency", "of": 3, "left": 0,
                                           "reset_ms": None}
    assert left["user", "requests_per_minute"]["left"] in (57, 58)
    assert left["key", "tokens_per_day"]["left"] < 100000 and left["key", "tokens_per_day"]["rule"] == "limits[1]"
    other = forecast(gateway, model="one", key="test", user="ben")[1]
    assert other["queue"]["position"] == 1 and other["queue"]["refused"] is None  # anna had a turn
    assert {limit["left"] for limit in other["limits"] if limit["per"] == "user"} == {3, 60}
    assert gateway.metrics().total("intragate_queue_waiting") == 2 and len(model.calls) == 1  # nothing was taken

    journey = explain(gateway, tmp_path, model="one", user="anna")
    assert journey["wait now of test"] == "it would be refused (user_share); 2 wait, 1 of 1 slots are in use"
    assert journey["left now per user"].startswith(("57 of 60 requests_per_minute", "58 of 60 requests_per_minute"))
    journey = explain(gateway, tmp_path, model="one", user="ben")
    assert journey["wait now of test"] == "not known yet at position 1; 2 wait, 1 of 1 slots are in use"
    assert explain(gateway, tmp_path, model="free")["wait now of test"] == "none: the model's calls are not limited"
    gate.open()
    for caller in callers:
        caller.join()


def test_explain_without_a_gateway_says_that_it_is_offline(gateway_factory, model, tmp_path):
    gateway = gateway_factory(config={"models": [{"name": "one", "endpoints": [{"url": model.base}]}]})
    gateway.stop()
    assert explain(gateway, tmp_path, model="one")["wait now"].startswith("offline: no gateway runs")


def test_a_token_that_is_asked_for_is_needed(guarded, tmp_path):
    assert forecast(guarded, model="one", key="test")[0] == 401
    assert forecast(guarded, [BEARER], model="one", key="test")[0] == 200
    assert forecast(guarded, [BEARER, ("Origin", "http://evil.example")], model="one", key="test")[0] == 403
    assert explain(guarded, tmp_path, model="one")["wait now of test"]
    journey = explain(guarded, tmp_path, env={"INTRAGATE_ADMIN_TOKEN": "wrong"}, model="one")
    assert journey["wait now"].endswith("does not say: status 401")


@pytest.mark.parametrize("asked, status", [
    ({"query": ""}, 400), ({"model": "one"}, 400), ({"key": "test"}, 400), ({"model": "nobody", "key": "test"}, 404),
    ({"model": "one", "key": "test", "prompt": "many"}, 400), ({"model": "one", "key": "test", "most": "-1"}, 400),
    ({"model": "one", "key": "test", "prompt": "99999999999999999999"}, 400), ({"query": "model=one&key=test&key=b"}, 400),
    ({"model": "one", "key": "test", "usr": "anna"}, 400), ({"model": "one", "key": "test", "method": "POST"}, 405),
    ({"model": "one", "key": "test", "headers": [("Host", "evil.example")]}, 403)])
def test_only_administrators_who_ask_properly_are_told(gateway, asked, status):
    code, told = forecast(gateway, **asked)
    assert code == status and told["error"]["message"]
