"""Slots and the fair queue in front of them: who waits, who goes first, who is told to come back, and that nothing is lost."""

import re
import threading

import pytest

from fake_model import Gate, answer_json, delta, end, pause, refusal, sse, stream_head, wait
from wire import Connection, Stream, ask, chat, eventually, new_id, request

CHAT = "/v1/chat/completions"
PATIENT = "sk-patient-key"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def second(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, second):
    def lane(name, slots=1, queue=None, **more):
        return {"name": name, "endpoints": [{"url": model.base, "max_concurrency": slots}],
                "queue": queue or {}, "retry": {"attempts": 1}, **more}
    return gateway_factory(config={
        "workers": 2,
        "models": [lane("one"), lane("two", slots=2),
                   lane("short", queue={"size": 1, "user_share": "100%"}),
                   lane("none", queue={"size": 0}),
                   lane("hasty", queue={"max_wait": "300ms"}),
                   lane("beats", queue={"heartbeat": "1s"}),
                   lane("crowded", queue={"size": 4}),
                   {"name": "again", "queue": {"heartbeat": "1s"}, "retry": {"attempts": 2},
                    "endpoints": [{"url": model.base, "max_concurrency": 1}, {"url": second.base, "max_concurrency": 1}]},
                   {"name": "pair", "retry": {"attempts": 1},
                    "endpoints": [{"url": model.base, "max_concurrency": 1}, {"url": second.base, "max_concurrency": 1}]}],
        "keys": [{"name": "test", "key": "${TEST_KEY}", "trust_user": True},
                 {"name": "heavy", "key": "${HEAVY_KEY}"}, {"name": "batch", "key": "${BATCH_KEY}"},
                 {"name": "patient", "key": PATIENT, "while_waiting": "interim"}],
        "limits": [{"per": "key", "name": "batch", "priority": "batch"}]},
        env={"HEAVY_KEY": "sk-heavy-key", "BATCH_KEY": "sk-batch-key"})


@pytest.fixture(autouse=True)
def fresh(gateway, model, second):
    model.reset()
    second.reset()
    yield
    for lane in ("one", "two", "short", "none", "hasty", "beats", "crowded", "again", "pair"):
        eventually(lambda name=lane: slots(gateway, name, "used") == 0 and waiting(gateway, name) == 0, f"no slot of {lane} lost")


def slots(gateway, name, state):
    return gateway.metrics().total("intragate_slots", model=name, state=state)


def waiting(gateway, name):
    return gateway.metrics().total("intragate_queue_waiting", model=name)


class Caller:
    """A call on a thread of its own."""

    def __init__(self, gateway, name, **more):
        self.name, self.reply = new_id(), None
        self._call = lambda: ask(gateway, chat(name, **more.pop("body", {})), headers={"X-Request-Id": self.name}, **more)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        self.reply = self._call()

    def join(self):
        self._thread.join(30)
        return self.reply


ANSWER = {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 250}}  # about what is expected at first


def hold(model, count=1):
    """The next calls keep their slot until the gate lets them go."""
    gate = Gate()
    model.script(wait(gate), answer_json(ANSWER), times=count)
    return gate


def test_no_more_calls_reach_the_model_than_it_has_slots(gateway, model):
    gate = hold(model, 2)
    callers = [Caller(gateway, "two") for _ in range(6)]
    eventually(lambda: waiting(gateway, "two") == 4 and len(model.calls) == 2)
    gate.open()
    assert [caller.join().status for caller in callers] == [200] * 6
    assert len(model.calls) == 6
    waited = [gateway.wait_for_record(caller.name)["queue_ms"] for caller in callers]
    assert sum(ms > 0.5 for ms in waited) >= 4


def test_waits_are_told_by_the_name_of_the_key(gateway, model):
    def waits(key):
        return gateway.metrics().total("intragate_key_wait_seconds_count", key=key)
    before = waits("heavy"), waits("test")
    gate = hold(model)
    holder = Caller(gateway, "one")
    model.wait_for_call()
    late = Caller(gateway, "one", key="sk-heavy-key")
    eventually(lambda: waiting(gateway, "one") == 1)
    gate.open()
    assert [holder.join().status, late.join().status] == [200, 200]
    assert (waits("heavy"), waits("test")) == (before[0] + 1, before[1])  # who got a slot at once did not wait


def test_calls_of_one_user_are_served_in_order(gateway, model):
    gate = hold(model)
    first = Caller(gateway, "one")
    model.wait_for_call()
    others = []
    for number in range(5):
        others.append(Caller(gateway, "one", body={"seed": number}))
        eventually(lambda: waiting(gateway, "one") == len(others))
    gate.open()
    for caller in (first, *others):
        assert caller.join().status == 200
    assert [call.json["seed"] for call in model.calls[1:]] == list(range(5))


def test_one_heavy_key_does_not_keep_others_waiting(gateway, model):
    gate = hold(model)
    model.default(answer_json(ANSWER))
    holder = Caller(gateway, "one", key="sk-heavy-key")
    model.wait_for_call()
    heavy = []
    for number in range(8):
        heavy.append(Caller(gateway, "one", key="sk-heavy-key", body={"seed": number}))
        eventually(lambda: waiting(gateway, "one") == len(heavy))
    light = Caller(gateway, "one", body={"seed": 100})
    eventually(lambda: waiting(gateway, "one") == 9)
    gate.open()
    for caller in (holder, *heavy, light):
        assert caller.join().status == 200
    order = [call.json.get("seed") for call in model.calls]
    assert order.index(100) <= 6, order  # who was idle has a credit of four calls, the heavy one too


def test_users_who_always_wait_get_the_same_tokens_not_the_same_calls(gateway, model):
    tokens = {"anna": 400, "ben": 100}
    gate = hold(model)
    model.default(lambda call: answer_json({"choices": [], "usage": {
        "prompt_tokens": 20, "completion_tokens": tokens[call.json["user"]]}})(call))
    callers = [Caller(gateway, "one")]
    model.wait_for_call()
    for number in range(24):
        callers.append(Caller(gateway, "one", body={"user": ("anna", "ben")[number % 2]}))
        eventually(lambda: waiting(gateway, "one") == number + 1)
    gate.open()
    assert [caller.join().status for caller in callers] == [200] * 25
    served = [call.json["user"] for call in model.calls[1:]]
    both_wait = served[:max(number for number, user in enumerate(served) if user == "ben")]  # then only anna is left
    cost = {user: both_wait.count(user) * (20 + 2 * tokens[user]) for user in tokens}
    assert abs(cost["anna"] - cost["ben"]) <= 2 * 820, (cost, served)  # two of the costliest calls
    assert both_wait.count("ben") >= 2 * both_wait.count("anna"), served
    assert gateway.metrics().total("intragate_fairness_debt_tokens", model="one") == 0  # nobody waits


def test_debt_is_seen_while_two_keys_wait(gateway, model):
    gate = hold(model)
    callers = [Caller(gateway, "one", key="sk-heavy-key")]
    model.wait_for_call()
    callers += [Caller(gateway, "one", key="sk-heavy-key"), Caller(gateway, "one")]
    eventually(lambda: waiting(gateway, "one") == 2)
    assert gateway.metrics().total("intragate_fairness_debt_tokens", model="one", per="key") > 100
    gate.open()
    assert [caller.join().status for caller in callers] == [200] * 3


def test_many_calls_of_one_user_delay_another_ones_by_no_more_than_those_in_slots_and_its_credit(gateway, model):
    gate = hold(model, 2)
    model.default(answer_json(ANSWER))
    callers = [Caller(gateway, "two", body={"user": "heavy"}) for _ in range(2)]
    eventually(lambda: len(model.calls) == 2)
    for _ in range(20):
        callers.append(Caller(gateway, "two", body={"user": "heavy"}))
    eventually(lambda: waiting(gateway, "two") == 20)
    callers.append(Caller(gateway, "two", body={"user": "light"}))
    eventually(lambda: waiting(gateway, "two") == 21)
    gate.open()
    assert [caller.join().status for caller in callers] == [200] * 23
    order = [call.json["user"] for call in model.calls]
    assert order.index("light") <= 6, order  # two in slots; the heavy one, new too, has had two calls of its credit of four


def test_batch_goes_last(gateway, model):
    gate = hold(model)
    holder = Caller(gateway, "one")
    model.wait_for_call()
    batch = Caller(gateway, "one", key="sk-batch-key", body={"seed": 1})
    eventually(lambda: waiting(gateway, "one") == 1)
    people = [Caller(gateway, "one", body={"seed": 2, "user": f"u{number}"}) for number in range(3)]
    eventually(lambda: waiting(gateway, "one") == 4)
    gate.open()
    for caller in (holder, batch, *people):
        assert caller.join().status == 200
    assert model.calls[-1].json["seed"] == 1


def test_full_queue_is_429_with_retry_after(gateway, model):
    gate = hold(model)
    callers = [Caller(gateway, "short")]
    model.wait_for_call()
    callers.append(Caller(gateway, "short"))
    eventually(lambda: waiting(gateway, "short") == 1)
    reply = ask(gateway, chat("short"))
    assert reply.status == 429 and reply.error["code"] == "queue_full" and reply.error["type"] == "rate_limit_error"
    assert int(reply.headers["retry-after"]) >= 1 and "1 call waits" in reply.error["message"]
    record = gateway.wait_for_record(reply.request_id)
    assert record["outcome"] == "refused" and record["attempts"] == 0
    gate.open()
    assert [caller.join().status for caller in callers] == [200, 200]


def refused(gateway, **labels):
    return gateway.metrics().total("intragate_queue_refused_total", **labels)


def test_key_that_fills_the_queue_makes_room_for_others(gateway, model):
    gate = hold(model)
    bulk = [Caller(gateway, "crowded", key="sk-heavy-key")]
    model.wait_for_call()
    for number in range(4):
        bulk.append(Caller(gateway, "crowded", key="sk-heavy-key", body={"seed": number}))
        eventually(lambda: waiting(gateway, "crowded") == number + 1)
    assert ask(gateway, chat("crowded"), key="sk-heavy-key").status == 429
    person = Caller(gateway, "crowded", body={"seed": 100})
    last = bulk[-1].join()
    assert last.status == 429 and last.error["code"] == "queue_full" and "has made room" in last.error["message"]
    assert int(last.headers["retry-after"]) >= 1
    assert refused(gateway, model="crowded", reason="made_room") == 1 and waiting(gateway, "crowded") == 4
    gate.open()
    assert [caller.join().status for caller in (*bulk[:-1], person)] == [200] * 5


def test_calls_that_wait_are_told_when_slots_have_gone(gateway_factory, model):
    def config(slots):
        return {"models": [{"name": "m", "queue": {"max_wait": "10s"}, "endpoints": [{"url": model.base, "max_concurrency": slots}]}],
                "keys": [{"name": "test", "key": "${TEST_KEY}", "trust_user": True}]}
    gateway = gateway_factory(config=config(8))
    model.script(pause(0.5), answer_json(ANSWER), times=8)  # now it is known how long a call takes
    assert [caller.join().status for caller in [Caller(gateway, "m") for _ in range(8)]] == [200] * 8
    gate = hold(model, 8)
    callers = [Caller(gateway, "m") for _ in range(8)]
    model.wait_for_call(16)
    callers += [Caller(gateway, "m", body={"user": f"u{number}"}) for number in range(32)]
    eventually(lambda: waiting(gateway, "m") == 32)
    gateway.reload(config(1))
    eventually(lambda: refused(gateway, reason="too_late") >= 1)  # 32 calls of half a second, one at a time
    gate.open()
    replies = [caller.join() for caller in callers]
    told = [reply.error["message"] for reply in replies if reply.status == 429]
    assert {reply.status for reply in replies} == {200, 429} and all("a turn would come in about" in text for text in told)


def test_queue_of_size_0_only_refuses(gateway, model):
    gate = hold(model)
    caller = Caller(gateway, "none")
    model.wait_for_call()
    assert ask(gateway, chat("none")).status == 429
    gate.open()
    assert caller.join().status == 200


def test_wait_has_an_end(gateway, model):
    gate = hold(model)
    caller = Caller(gateway, "hasty")
    model.wait_for_call()
    reply = ask(gateway, chat("hasty"))
    assert reply.status == 429 and "queue.max_wait" in reply.error["message"] and "retry-after" in reply.headers
    gate.open()
    assert caller.join().status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_client_that_leaves_the_queue_never_reaches_the_model(gateway, model, stream):
    before = refused(gateway, model="one", reason="client_left")
    gate = hold(model)
    caller = Caller(gateway, "one")
    model.wait_for_call()
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.send(request("POST", CHAT, chat("one", stream=stream), key=gateway.key, headers={"X-Request-Id": name}))
        eventually(lambda: waiting(gateway, "one") == 1)
    record = gateway.wait_for_record(name)
    assert record["outcome"] == "client_cancelled" and record["status"] == 499 and record["attempts"] == 0
    eventually(lambda: refused(gateway, model="one", reason="client_left") == before + 1)
    eventually(lambda: waiting(gateway, "one") == 0)
    gate.open()
    assert caller.join().status == 200
    assert len(model.calls) == 1


def test_stream_that_waits_gets_heartbeats_and_then_its_answer(gateway, model):
    gate = hold(model)
    caller = Caller(gateway, "beats")
    model.wait_for_call()
    with Stream(gateway, chat("beats", stream=True)) as reply:
        assert re.fullmatch(rb": waiting position=1\n\n", reply.next())
        assert reply.head.status == 200  # sent with the first heartbeat
        gate.open()
        reply.rest()
        assert reply.chunks[-1] == b"data: [DONE]\n\n"
        assert all(chunk.endswith(b"\n\n") for chunk in reply.chunks)
    assert caller.join().status == 200


def test_refusal_after_heartbeats_is_an_event(gateway, model):
    gate = hold(model)
    model.script(refusal(400, "too long"))
    caller = Caller(gateway, "beats")
    model.wait_for_call()
    with Stream(gateway, chat("beats", stream=True)) as reply:
        assert reply.next().startswith(b": waiting")
        gate.open()
        reply.rest()
        assert b'"error"' in reply.chunks[-1] and b"[DONE]" not in reply.raw
    assert caller.join().status == 200


def test_failure_after_heartbeats_is_tried_elsewhere(gateway, model, second):
    gates = [hold(model), hold(second)]
    callers = [Caller(gateway, "again") for _ in range(2)]
    model.wait_for_call()
    second.wait_for_call()
    model.script(refusal(503))
    with Stream(gateway, chat("again", stream=True)) as reply:
        assert reply.next().startswith(b": waiting")
        gates[0].open()
        model.wait_for_call(2)
        gates[1].open()
        reply.rest()
        assert reply.chunks[-1] == b"data: [DONE]\n\n" and b'"error"' not in reply.raw
    assert [caller.join().status for caller in callers] == [200, 200] and len(second.calls) == 2
    assert gateway.metrics().total("intragate_upstream_retries_total", model="again") == 1


@pytest.mark.parametrize("stream", [False, True])
def test_key_that_asks_for_it_gets_100_continue_while_it_waits(gateway, model, stream):
    gate = hold(model)
    caller = Caller(gateway, "beats")
    model.wait_for_call()
    with Connection(gateway.address) as connection:
        connection.send(request(body=chat("beats", stream=stream), key=PATIENT))
        for _ in range(2):
            assert connection.read_head().status == 100
        gate.open()
        answer = connection.read_answer()
    assert answer.status == 200 and b": waiting" not in answer.body
    assert caller.join().status == 200


def test_refusal_after_100_continue_is_a_status(gateway, model):
    gate = hold(model)
    model.script(refusal(400, "too long"))
    caller = Caller(gateway, "beats")
    model.wait_for_call()
    with Connection(gateway.address) as connection:
        connection.send(request(body=chat("beats", stream=True), key=PATIENT))
        assert connection.read_head().status == 100
        gate.open()
        assert connection.read_answer().status == 400
    assert caller.join().status == 200


def test_http_1_0_client_gets_no_interim_answers(gateway, model):
    gate = hold(model)
    caller = Caller(gateway, "beats")
    model.wait_for_call()
    with Connection(gateway.address) as connection:
        connection.send(request(body=chat("beats", stream=True), key=PATIENT, version="HTTP/1.0"))
        assert connection.read_head().status == 200
        eventually(lambda: connection.receive() or connection.buffer.startswith(b": waiting"), "a heartbeat")
        gate.open()
        connection.read_to_end()
    assert caller.join().status == 200


def test_slots_of_several_endpoints_are_filled_evenly(gateway, model, second):
    gates = [hold(model), hold(second)]
    callers = [Caller(gateway, "pair") for _ in range(2)]
    model.wait_for_call()
    second.wait_for_call()
    late = Caller(gateway, "pair")
    eventually(lambda: waiting(gateway, "pair") == 1)
    gates[1].open()
    assert late.join().status == 200 and len(second.calls) == 2 and len(model.calls) == 1
    gates[0].open()
    assert [caller.join().status for caller in callers] == [200, 200]


def test_stream_gives_its_slot_back_however_it_ends(gateway, model):
    model.script(stream_head(), sse(delta("one")), end())
    with Stream(gateway, chat("one", stream=True)) as reply:
        reply.rest()
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate))
    with Stream(gateway, chat("one", stream=True)) as reply:
        assert reply.next()
    gate.open()
    assert ask(gateway, chat("one")).status == 200
