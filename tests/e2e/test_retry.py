"""Endpoints, retries and health: who gets a call, when it is tried again, and when it is not."""

import collections

import pytest

from fake_model import (Gate, answer_json, cut, delta, free_port, head, proper_answer, refusal, reset, send,
                        sse, sse_bytes, stall, stream_head, wait)
from wire import Connection, Stream, ask, chat, eventually

QUICK = {"attempts": 3, "backoff": "1ms", "max_backoff": "5s", "budget": "100%"}
PATIENT = {"failures": 1000}
RETRIED = [408, 429, 500, 502, 503, 504]


@pytest.fixture(scope="module")
def a(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def b(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def c(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, a, b, c, hole):
    def entry(name, *endpoints, **more):
        urls = [endpoint if isinstance(endpoint, dict) else {"url": endpoint} for endpoint in endpoints]
        return {"name": name, "endpoints": urls, "retry": QUICK, "health": PATIENT, "repair": False, **more}
    dead = f"http://127.0.0.1:{free_port()}/v1"
    # A model of its own for each test that fails on purpose: retry budgets are counted per model.
    models = [entry(f"single-{case}", a.base)
              for case in [*RETRIED, "wait", "long", "x", "reset", "reuse", "after", "plain", "all"]]
    models += [entry(f"pair-{case}", a.base, b.base, balance="round_robin")
               for case in [*RETRIED, "reset", "wait", "third-0", "third-1", "third-2"]]
    models += [
        entry("dead-first", dead, b.base, balance="round_robin"),
        entry("hole-first", hole.base, b.base, balance="round_robin", timeouts={"connect": "200ms"}),
        entry("no-such-name", "http://no-such-host.invalid:1/v1", b.base, balance="round_robin"),
        entry("dead-only", dead),
        entry("one-attempt", a.base, retry={"attempts": 1}),
        entry("stingy", a.base, retry={**QUICK, "budget": "0%"}),
        entry("round", a.base, b.base, c.base, balance="round_robin"),
        entry("weighted", {"url": a.base, "weight": 3}, {"url": b.base, "weight": 1}, balance="round_robin"),
        entry("busy", a.base, b.base, c.base, balance="least_busy"),
        entry("default-balance", a.base, b.base),
        entry("cooling", a.base, b.base, balance="round_robin", health={"failures": 2, "cooldown": "300s"}),
        entry("recovering", a.base, b.base, balance="round_robin", health={"failures": 1, "cooldown": "50ms"}),
        entry("cooling-alone", a.base, retry={"attempts": 1}, health={"failures": 1, "cooldown": "300s"}),
        entry("probed", a.base, b.base, balance="round_robin",
              health={"failures": 1, "cooldown": "300s", "probe": "1s"}),
        entry("blamed", a.base, retry={"attempts": 1}, health={"failures": 1, "cooldown": "300s"}),
        entry("by-name", a.base.replace("127.0.0.1", "localhost"))]
    return gateway_factory(config={"models": models})


def attempts(reply):
    return int(reply.headers["x-intragate-attempts"])


# --- what is tried again

@pytest.mark.parametrize("status", RETRIED)
def test_passing_failure_is_tried_again(gateway, a, status):
    a.script(refusal(status))
    reply = ask(gateway, chat(f"single-{status}"))
    assert reply.status == 200 and attempts(reply) == 2
    first, second = a.calls
    assert first.body == second.body
    record = gateway.wait_for_record(reply.request_id)
    assert record["attempts"] == 2 and record["outcome"] == "ok"


@pytest.mark.parametrize("status", RETRIED)
def test_another_endpoint_is_preferred(gateway, a, b, status):
    for model in (a, b):
        model.default(refusal(status))
    reply = ask(gateway, chat(f"pair-{status}"))
    assert reply.status >= 400 and attempts(reply) == 3
    first, second, _ = sorted(a.calls + b.calls, key=lambda call: call.began_at)
    assert first.model is not second.model


def test_third_attempt_is_not_where_the_second_has_just_failed(gateway, a, b):
    for number in range(3):  # more than luck
        for model in (a, b):
            model.reset()
            model.default(refusal(503))
        ask(gateway, chat(f"pair-third-{number}"))
        first, second, third = sorted(a.calls + b.calls, key=lambda call: call.began_at)
        assert first.model is third.model is not second.model


def test_attempts_end(gateway, a):
    a.default(refusal(503, "still loading"))
    reply = ask(gateway, chat("single-all"))
    assert 500 <= reply.status <= 504 and reply.error["message"] and attempts(reply) == 3 and len(a.calls) == 3
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "upstream_error"


def test_attempts_of_one_means_no_second_try(gateway, a):
    a.default(refusal(503))
    assert attempts(ask(gateway, chat("one-attempt"))) == 1 and len(a.calls) == 1


@pytest.mark.parametrize("name", ["dead-first", "hole-first", "no-such-name"])
def test_endpoint_that_cannot_be_reached_is_passed_over(gateway, b, name):
    for _ in range(2):  # round_robin: at least one of the two begins at the bad one
        assert ask(gateway, chat(name)).status == 200
    assert len(b.calls) == 2


def test_unreachable_endpoint_alone_is_502_after_all_attempts(gateway):
    reply = ask(gateway, chat("dead-only"))
    assert reply.status == 502 and attempts(reply) == 3
    assert gateway.wait_for_record(reply.request_id)["attempts"] == 3


def test_connection_lost_before_any_answer_is_tried_elsewhere(gateway, a, b):
    for model in (a, b):
        model.script(reset())
    reply = ask(gateway, chat("pair-reset"))
    assert reply.status == 200 and attempts(reply) == 3


def test_stream_is_tried_again_before_its_first_byte(gateway, a):
    a.script(refusal(503))
    a.script(stream_head(), cut())  # a head alone may have reached the client; then an error event must follow
    with Stream(gateway, chat("single-x", stream=True)) as reply:
        reply.rest()
    assert (reply.chunks[-1] == b"data: [DONE]\n\n" and attempts(reply.head) == 3) or b'"error"' in reply.raw


# --- what is not tried again

@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_the_callers_fault_is_never_tried_again(gateway, a, status):
    a.script(refusal(status))
    assert ask(gateway, chat("single-x")).status == status and len(a.calls) == 1


@pytest.mark.parametrize("ending", [cut, reset])
def test_nothing_is_tried_again_after_the_first_event(gateway, a, ending):
    gate = Gate()
    a.script(stream_head(), sse(delta("one")), wait(gate), ending())
    with Stream(gateway, chat("single-after", stream=True)) as reply:
        assert reply.next() == sse_bytes(delta("one"))
        gate.open()
        assert b'"error"' in reply.rest()[-1]
    assert len(a.calls) == 1 and gateway.wait_for_record(reply.request_id)["attempts"] == 1


def test_nothing_is_tried_again_after_the_first_byte_of_a_plain_answer(gateway, a):
    gate = Gate()
    a.script(head(200, [("Content-Type", "application/json"), ("Content-Length", 8_000_000)]),
             send(b"{" + b" " * 1_200_000), wait(gate), cut())  # more than is collected first
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("single-plain"), key=gateway.key)
        gate.wait_reached()
        eventually(lambda: connection.receive() or b"\r\n\r\n{" in connection.buffer, "the first bytes")
        gate.open()
        assert not connection.read_answer().complete
    assert len(a.calls) == 1


def test_budget_of_zero_still_allows_a_few_and_no_more(gateway, a):
    """When a model is down, retries must not multiply its load."""
    a.default(refusal(503))
    for _ in range(20):
        ask(gateway, chat("stingy"))
    assert 20 <= len(a.calls) <= 30


# --- Retry-After

def test_retry_after_of_the_model_is_waited_for(gateway, a):
    a.script(refusal(429, headers={"Retry-After": "1"}))
    reply = ask(gateway, chat("single-wait"))
    assert reply.status == 200
    assert a.calls[1].began_at - a.calls[0].ended_at >= 0.95


def test_retry_after_beyond_max_backoff_is_the_clients_business(gateway, a):
    a.default(refusal(429, headers={"Retry-After": "3600"}))
    reply = ask(gateway, chat("single-long"))
    assert reply.status == 429 and reply.headers["retry-after"] == "3600" and len(a.calls) == 1


def test_another_endpoint_need_not_wait_for_the_first_ones_retry_after(gateway, a, b):
    a.default(refusal(503, headers={"Retry-After": "3600"}))
    for _ in range(2):  # round_robin: one of the two begins at a
        assert ask(gateway, chat("pair-wait")).status == 200
    assert len(a.calls) == 1 and len(b.calls) == 2


# --- connections that died in the pool

@pytest.mark.parametrize("ending", [cut, reset])
def test_death_of_a_reused_connection_is_no_attempt(gateway, a, ending):
    with Connection(gateway.address) as connection:
        for _ in range(2):
            connection.ask(body=chat("single-reuse"), key=gateway.key)
            assert connection.read_answer().status == 200
        assert a.calls[-1].position >= 1  # connections are reused
        a.script(ending())
        connection.ask(body=chat("single-reuse"), key=gateway.key)
        reply = connection.read_answer()
    assert reply.status == 200 and attempts(reply) == 1
    died, answered = a.calls[-2:]
    assert died.position >= 1 and died.body == answered.body and answered.connection != died.connection


def test_connection_closed_right_after_an_answer_costs_nothing(gateway, a):
    with Connection(gateway.address) as connection:
        for _ in range(10):
            a.script(proper_answer(), cut())
            connection.ask(body=chat("single-reuse"), key=gateway.key)
            reply = connection.read_answer()
            assert reply.status == 200 and attempts(reply) == 1
    assert len(a.calls) >= 10


# --- balance

def served(*models):
    return [len(model.calls) for model in models]


def test_round_robin_takes_turns(gateway, a, b, c):
    for _ in range(9):
        assert ask(gateway, chat("round")).status == 200
    assert served(a, b, c) == [3, 3, 3]


def test_weights_share_the_calls(gateway, a, b):
    for _ in range(12):
        assert ask(gateway, chat("weighted")).status == 200
    assert served(a, b) == [9, 3]


def test_least_busy_fills_the_idle_ones_first(gateway, a, b, c):
    gate = Gate()
    for model in (a, b, c):
        model.default(stream_head(), sse(delta("x")), wait(gate))
    streams = []
    for expected in ([0, 0, 1], [0, 1, 1], [1, 1, 1], [1, 1, 2]):
        streams.append(Stream(gateway, chat("busy", stream=True)))
        assert streams[-1].next()
        assert sorted(served(a, b, c)) == expected
    for reply in streams:
        reply.connection.close()
    for model in (a, b, c):
        for call in model.calls:
            call.wait_ended()


def test_least_busy_is_the_default(gateway, a, b):
    for model in (a, b):
        model.default(stream_head(), sse(delta("x")), stall())
    with Stream(gateway, chat("default-balance", stream=True)) as first, \
         Stream(gateway, chat("default-balance", stream=True)) as second:
        assert first.next() and second.next()
        assert served(a, b) == [1, 1]


def test_host_names_are_resolved(gateway, a):
    assert ask(gateway, chat("by-name")).status == 200
    assert a.only_call.headers["host"] == f"localhost:{a.port}"


# --- health

def test_endpoint_that_keeps_failing_is_left_alone(gateway, a, b):
    a.default(refusal(503))
    counts = collections.Counter(attempts(ask(gateway, chat("cooling"))) for _ in range(10))
    assert len(a.calls) == 2 and len(b.calls) == 10 and counts[1] == 8
    metrics = gateway.metrics()
    assert sorted(metrics[f'intragate_endpoint_up{{endpoint="cooling/{number}"}}'] for number in (0, 1)) == [0, 1]


def test_cooled_down_endpoint_is_tried_again(gateway, a, b):
    a.script(refusal(503))
    eventually(lambda: ask(gateway, chat("recovering")).status == 200 and len(a.calls) >= 2, "a to be asked again")


def test_endpoint_that_cools_down_is_better_than_none(gateway, a):
    a.script(refusal(503), times=2)
    for _ in range(2):
        assert ask(gateway, chat("cooling-alone")).status >= 500
    assert ask(gateway, chat("cooling-alone")).status == 200 and len(a.calls) == 3


def test_probe_brings_an_endpoint_back_before_its_cooldown_ends(gateway, a, b):
    a.script(refusal(503))
    eventually(lambda: ask(gateway, chat("probed")).status == 200 and len(a.calls) >= 2, "a to be asked again")
    assert a.listings


def test_the_callers_faults_do_not_count_against_an_endpoint(gateway, a):
    a.script(refusal(400), times=5)
    for _ in range(5):
        assert ask(gateway, chat("blamed")).status == 400
    assert ask(gateway, chat("blamed")).status == 200


def test_dead_client_does_not_count_against_an_endpoint(gateway, a):
    a.script(stall())
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("blamed"), key=gateway.key)
        call = a.wait_for_call()
    call.wait_ended()
    assert ask(gateway, chat("blamed")).status == 200


def test_answer_with_an_unknown_good_status_is_taken(gateway, a):
    a.script(answer_json({"object": "chat.completion"}, 203))
    assert ask(gateway, chat("single-x")).status in (200, 203)
