"""When the machine runs out of something: descriptors, disk, names. The gateway says so, loses nothing, and comes back."""

import resource
import threading

import pytest

from wire import Connection, ask, chat, eventually, new_id

DESCRIPTORS = resource.RLIMIT_NOFILE
FILE_SIZE = resource.RLIMIT_FSIZE


def limit(gateway, what, soft):
    """Changes a limit of the running gateway; returns the old one."""
    old = resource.prlimit(gateway.process.pid, what)
    resource.prlimit(gateway.process.pid, what, (soft, old[1]))
    return old[0]


def accepted(gateway):
    """A connection that the gateway has taken in: it has answered on it, without a model."""
    connection = Connection(gateway.address)
    connection.ask("GET", "/v1/models", key=gateway.key)
    assert connection.read_answer().status == 200
    return connection


@pytest.fixture
def model(model_factory):
    return model_factory()


def config(model, **more):
    return {"workers": 1, "models": [{"name": "m", "endpoints": [{"url": model.base}], **more}]}


def test_without_a_descriptor_for_the_model_a_call_is_503_and_the_model_is_not_blamed(gateway_factory, model):
    gateway = gateway_factory(config=config(model, retry={"attempts": 1}))
    with accepted(gateway) as connection:
        before = limit(gateway, DESCRIPTORS, 1)  # open ones stay, no new one comes
        connection.ask(body=chat("m"), key=gateway.key)
        answer = connection.read_answer()
        assert answer.status == 503 and answer.error["code"] == "overloaded"
        assert "gateway" in answer.error["message"] and "retry-after" in answer.headers
        limit(gateway, DESCRIPTORS, before)
        connection.ask(body=chat("m"), key=gateway.key)
        assert connection.read_answer().status == 200
    assert gateway.metrics().total("intragate_endpoint_up") == 1


def test_call_waits_a_moment_for_a_descriptor_before_it_is_refused(gateway_factory, model):
    gateway = gateway_factory(config=config(model, retry={"attempts": 10, "backoff": "50ms", "max_backoff": "200ms"}))
    with accepted(gateway) as connection:
        before = limit(gateway, DESCRIPTORS, 1)
        connection.ask(body=chat("m"), key=gateway.key)
        gateway.wait_for_log("attempt failed")
        limit(gateway, DESCRIPTORS, before)
        assert connection.read_answer().status == 200


def test_clients_that_find_no_descriptor_wait_in_the_backlog(gateway_factory, model):
    gateway = gateway_factory(config=config(model))
    before = limit(gateway, DESCRIPTORS, 1)
    reply = []
    caller = threading.Thread(target=lambda: reply.append(ask(gateway, chat("m"))))
    caller.start()
    limit(gateway, DESCRIPTORS, before)
    caller.join(20)
    assert reply[0].status == 200


def test_name_service_that_is_dead_hurts_only_those_who_need_it(gateway_factory, model):
    gateway = gateway_factory(config={
        "models": [{"name": "named", "retry": {"attempts": 1}, "endpoints": [{"url": "http://model.invalid:8000/v1"}]},
                   {"name": "numbered", "endpoints": [{"url": model.base}]}]})
    answer = ask(gateway, chat("named"))
    assert answer.status == 502 and "model.invalid" not in answer.body.decode()
    assert ask(gateway, chat("numbered")).status == 200


@pytest.mark.parametrize("choice", ["refuse", "drop"])
def test_disk_full(gateway_factory, model, choice):
    gateway = gateway_factory(config={**config(model), "audit": {"on_full": choice}})
    assert ask(gateway, chat("m")).status == 200
    eventually(lambda: gateway.metrics().total("intragate_audit_records_total") >= 1)
    before = limit(gateway, FILE_SIZE, 1)
    waiting = new_id()
    assert ask(gateway, chat("m"), headers={"X-Request-Id": waiting}).status == 200
    gateway.wait_for_log("records cannot be written")
    answer = ask(gateway, chat("m"))
    assert answer.status == (503 if choice == "refuse" else 200)
    limit(gateway, FILE_SIZE, before)
    assert gateway.wait_for_record(waiting)["outcome"] == "ok"  # it waited in memory
    eventually(lambda: ask(gateway, chat("m")).status == 200, "calls are taken again")
