"""`memory_limit`: what request bodies and buffers hold together is bounded, and whoever finds no room is told so."""

import contextlib

import pytest

from fake_model import Gate, answer_json, wait
from wire import Connection, ask, chat, eventually, new_id, request

CHAT = "/v1/chat/completions"
MIB = 1 << 20


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture
def gateway(gateway_factory, model):
    return gateway_factory(config=configuration(model))


def configuration(model, limit="4MiB"):
    return {"workers": 2, "memory_limit": limit, "models": [{"name": "m", "endpoints": [{"url": model.base}]}]}


def held(gateway):
    return gateway.metrics().total("intragate_memory_held_bytes")


@contextlib.contextmanager
def half_a_body(gateway, size, sent):
    """A request of which only the first `sent` bytes of the body have come."""
    whole = request("POST", CHAT, b" " * size, key=gateway.key)
    with Connection(gateway.address) as connection:
        connection.send(whole[:len(whole) - size + sent])
        eventually(lambda: held(gateway) >= sent, "the bytes to be held")
        yield connection


def test_bytes_held_go_back(gateway, model):
    gate = Gate()
    model.script(wait(gate), answer_json({"choices": []}))
    with Connection(gateway.address) as connection:
        connection.ask("POST", CHAT, chat("m", "x" * MIB), key=gateway.key)
        model.wait_for_call()
        assert held(gateway) >= MIB
        gate.open()
        assert connection.read_answer().status == 200
        eventually(lambda: held(gateway) < 64 * 1024, "memory given back while the connection stays")
    assert gateway.metrics().total("intragate_memory_limit_bytes") == 4 * MIB


@pytest.mark.parametrize("chunked", [False, True])
def test_body_without_room_is_503_and_the_next_is_served_when_there_is(gateway, model, chunked):
    with half_a_body(gateway, 3 * MIB, 3 * MIB - 1):
        reply = ask(gateway, chat("m", "x" * (2 * MIB)), chunked=chunked)
        assert reply.status == 503 and reply.error["code"] == "memory_full"
        assert int(reply.headers["retry-after"]) >= 1
        record = gateway.wait_for_record(reply.request_id)
        assert record["outcome"] == "refused" and record["error"] == "memory_full"
        assert ask(gateway, chat("m")).status == 200  # short ones need no memory of their own
    assert eventually(lambda: held(gateway) < MIB, "memory given back")
    assert ask(gateway, chat("m", "x" * (2 * MIB)), chunked=chunked).status == 200


def test_refused_body_is_not_asked_for(gateway):
    with half_a_body(gateway, 3 * MIB, 3 * MIB - 1), Connection(gateway.address) as connection:
        head = request("POST", CHAT, b" " * (2 * MIB), key=gateway.key, headers={"Expect": "100-continue"})
        connection.send(head[:-2 * MIB])
        answer = connection.read_final_head()
        assert answer.interim == [] and answer.status == 503


def test_new_connections_are_shed_when_memory_is_nearly_full(gateway):
    with Connection(gateway.address) as early:
        early.ask("GET", "/v1/models", key=gateway.key)
        assert early.read_answer().status == 200
        with half_a_body(gateway, 4 * MIB - 100_000, 4 * MIB - 100_001):
            with Connection(gateway.address) as late:
                answer = late.read_answer()
                assert answer.status == 503 and answer.error["code"] == "memory_full"
                assert answer.headers["retry-after"] == "1" and answer.headers["connection"] == "close"
                late.expect_closed()
            early.ask("POST", CHAT, chat("m"), key=gateway.key)  # who is in already is served
            assert early.read_answer().status == 200
            shed = gateway.metrics().total("intragate_refused_connections_total", reason="memory")
            assert shed == 1
            assert gateway.wait_for_record(lambda record: record["error"] == "memory_full")["outcome"] == "refused"
    eventually(lambda: held(gateway) < MIB, "memory given back")
    assert ask(gateway, chat("m")).status == 200


def test_reload_changes_the_limit(gateway, model):
    big = chat("m", "x" * (5 * MIB))
    assert ask(gateway, big).status == 503
    gateway.reload(configuration(model, "64MiB"))
    assert ask(gateway, big).status == 200


def test_client_that_vanishes_in_its_body_gives_all_back(gateway):
    for _ in range(5):
        name = new_id()
        with Connection(gateway.address) as connection:
            connection.send(request("POST", CHAT, b" " * (2 * MIB), key=gateway.key, headers={"X-Request-Id": name})[:-1])
            eventually(lambda: held(gateway) >= 2 * MIB)
            connection.reset()
        gateway.wait_for_record(name)
    eventually(lambda: held(gateway) < 64 * 1024, "memory given back")
