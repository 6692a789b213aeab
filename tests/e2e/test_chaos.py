"""bench/chaos for a few seconds, with fake models and a fixed seed; and that its judge notices what it is there for."""

import asyncio
import dataclasses
import sys
import threading

import pytest

from fake_model import Gate, answer_json, free_port, wait
from gateway import ROOT, Samples, binary
from wire import ask, chat, eventually

sys.path.insert(0, str(ROOT / "bench"))

from chaos import engine, invariants, report  # noqa: E402
from chaos.calls import Call  # noqa: E402
from chaos.judge import failed_for_nothing, judge  # noqa: E402


def test_books_balance_after_some_chaos(tmp_path, monkeypatch):
    monkeypatch.setenv("INTRAGATE_BINARY", binary())  # the run sets it, and it is put back afterwards
    outcome = asyncio.run(engine.run(tmp_path / "run", binary(), seed="7", clients=8, real_models=0, fake_models=2,
                                     warm_up=1.5, disturbed=8, drill=0, pause=0.02, quiet=True))
    assert not outcome.failed, report.whole(outcome)
    assert len(outcome.ledger) > 50 and sum(outcome.disturbances.values()) > 3, report.whole(outcome)


# --- what runs found, in its smallest form

ANSWER = {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 3}}


@pytest.mark.parametrize("dead_one", ["first", "last"])
def test_attempt_that_fails_while_the_other_endpoint_is_full_waits_for_it(gateway_factory, model_factory, dead_one):
    model = model_factory()
    endpoints = [{"url": url, "max_concurrency": 1} for url in (f"http://127.0.0.1:{free_port()}/v1", model.base)]
    gateway = gateway_factory(config={"models": [
        {"name": "m", "endpoints": endpoints if dead_one == "first" else endpoints[::-1], "health": {"failures": 1000},
         "retry": {"attempts": 3, "backoff": "10ms", "budget": "100%"}}]})
    gate = Gate()
    model.script(wait(gate), answer_json(ANSWER))
    replies = []

    def call():
        replies.append(ask(gateway, chat("m")))
    first, second = threading.Thread(target=call), threading.Thread(target=call)
    first.start()
    model.wait_for_call()
    second.start()
    eventually(lambda: gateway.metrics().total("intragate_upstream_attempts_total", result="failed") >= 1)
    second.join(0.5)  # time enough to be refused, or to come to the model that has no slot left
    at_once = len(model.calls)
    gate.open()
    for thread in (first, second):
        thread.join()
    assert [reply.status for reply in replies] == [200, 200] and at_once == 1


def test_wait_of_a_call_that_no_model_got_is_on_record(gateway_factory, model_factory):
    model = model_factory()
    gateway = gateway_factory(config={"models": [{"name": "m", "queue": {"max_wait": "200ms"},
                                                  "endpoints": [{"url": model.base, "max_concurrency": 1}]}]})
    gate = Gate()
    model.script(wait(gate), answer_json(ANSWER))
    first = threading.Thread(target=ask, args=(gateway, chat("m")))
    first.start()
    model.wait_for_call()
    reply = ask(gateway, chat("m"))
    gate.open()
    first.join()
    assert reply.status == 429 and gateway.wait_for_record(reply.request_id)["queue_ms"] > 0


# --- the judge

def a_call(**more):
    """A whole stream of a fake model, as its client saw it."""
    return Call(**{"id": "c-1", "kind": "stream", "model": "fake", "room": "fake", "key": "dify", "user": "anna",
                   "stream": True, "pieces": 5, "body_bytes": 100, "head_sent": True, "body_sent": True, "status": 200,
                   "seen_bytes": 700, "seen_events": 5, "whole": True, "done": True, "attempts": 1, **more})


def a_record(**more):
    """The record that agrees with it."""
    return {"seq": 1, "request_id": "c-1", "principal": "dify", "end_user": "anna", "address": "127.0.0.1", "api": "chat",
            "model": "fake", "attempts": 1, "status": 200, "outcome": "ok", "error": "", "prompt_tokens": 11,
            "completion_tokens": 5, "usage_source": "upstream", "bytes_in": 100, "bytes_out": 700, **more}


CANCELLED = {"outcome": "client_cancelled", "status": 499, "error": "client_gone"}


def test_agreeing_books_are_left_alone():
    assert judge(a_call(), a_record()) == []
    assert judge(a_call(left="fin", whole=False, done=False, seen_bytes=300), a_record(**CANCELLED, bytes_out=400)) == []
    assert judge(a_call(head_sent=False, body_sent=False, left="rst", status=None), None) == []


@pytest.mark.parametrize("record", [
    None, a_record(outcome="client_cancelled"), a_record(status=502), a_record(completion_tokens=4), a_record(prompt_tokens=0),
    a_record(bytes_out=699), a_record(principal="reports"), a_record(end_user="ben"), a_record(attempts=2)])
def test_record_that_differs_is_noticed(record):
    assert judge(a_call(), record)


@pytest.mark.parametrize("call, record", [
    (a_call(left="fin", body_sent=False, status=None), a_record()),                      # never asked, and yet answered
    (a_call(left="fin", whole=False, done=False), a_record(completion_tokens=3)),        # ok needs the whole answer
    (a_call(left="fin", whole=False, done=False), a_record(**CANCELLED, bytes_out=10)),  # it had more than that
    (a_call(trouble=["the answer was cut without a word"]), a_record())])
def test_end_that_cannot_be_is_noticed(call, record):
    assert judge(call, record)


def test_error_that_nobody_had_to_get_is_noticed():
    assert failed_for_nothing(a_call(status=502, error_code="upstream_broke", undisturbed=True))
    for call in (a_call(undisturbed=True), a_call(status=429, undisturbed=True), a_call(status=502)):
        assert not failed_for_nothing(call)


def test_slow_reader_whose_time_was_over_is_no_fault_and_a_quick_one_is():
    slow = a_call(kind="slow reader", whole=False, done=False, undisturbed=True, trouble=["the answer was cut without a word"])
    over = a_record(**CANCELLED, total_ms=15010, queue_ms=0)
    assert not judge(slow, over) and not failed_for_nothing(slow, over)
    assert judge(slow, {**over, "total_ms": 500}) and failed_for_nothing(slow, {**over, "total_ms": 500})
    assert judge(dataclasses.replace(slow, kind="stream"), over)


def test_call_that_waited_in_vain_for_a_busy_endpoint_is_no_fault():
    call = a_call(status=502, error_code="upstream_unreachable", undisturbed=True)
    assert not failed_for_nothing(call, a_record(queue_ms=6100, total_ms=6100))
    assert failed_for_nothing(call, a_record(queue_ms=100, total_ms=6100))


def complaints(checks):
    return [complaint for _, wrong in checks for complaint in wrong]


def test_lost_doubled_and_invented_records_are_noticed():
    assert not complaints(invariants.check_books([a_call()], [a_record()]))
    for records in ([], [a_record(), a_record()], [a_record(), a_record(request_id="nobody's")]):
        assert complaints(invariants.check_books([a_call()], records))


def test_gap_in_seq_is_noticed():
    assert not complaints(invariants.check_sequence([a_record(seq=1), a_record(seq=2)]))
    assert complaints(invariants.check_sequence([a_record(seq=1), a_record(seq=3)]))
    assert complaints(invariants.check_sequence([a_record(seq=2)]))


def test_slot_that_is_held_and_memory_that_grows_are_noticed():
    assert not complaints(invariants.check_quiet(Samples()))
    assert complaints(invariants.check_quiet(Samples({'intragate_slots{model="fake",state="used"}': 1.0})))
    assert not complaints(invariants.check_memory(10 * 2**20, 20 * 2**20, True))
    assert complaints(invariants.check_memory(10 * 2**20, 21 * 2**20, True))
