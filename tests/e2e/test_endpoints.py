"""Which endpoint gets a call: breakers and how they close again, outliers, panic, sessions, zones, slow start."""

import collections
import json
import time

import pytest

from fake_model import Gate, cut, delta, done, end, proper_answer, refusal, sse, stream_head, wait
from gateway import run
from wire import Connection, Stream, ask, chat, eventually

NEVER = {"failures": 1000, "min_calls": 1000}      # what breakers know besides what a test is about
QUICK = {"attempts": 3, "backoff": "1ms", "budget": "100%"}
LONG = {"cooldown": "300s"}


@pytest.fixture(scope="module")
def a(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def b(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def c(model_factory):
    return model_factory()


def entry(name, *endpoints, balance="round_robin", **more):
    urls = [endpoint if isinstance(endpoint, dict) else {"url": endpoint} for endpoint in endpoints]
    return {"name": name, "endpoints": urls, "balance": balance, "retry": QUICK, **more}


@pytest.fixture(scope="module")
def config(a, b, c):
    def limited(model, zone):
        return {"url": model.base, "zone": zone, "max_concurrency": 1}
    all_three = (a.base, b.base, c.base)
    models = [
        entry("rate", a.base, b.base, health={**NEVER, **LONG, "min_calls": 4}),
        entry("slow", a.base, health={**NEVER, **LONG, "min_calls": 2, "slow": "1ms", "slow_rate": "100%"}),
        entry("not-slow", a.base, health={**NEVER, **LONG, "min_calls": 2, "slow": "1h", "slow_rate": "1%"}),
        entry("broken", a.base, b.base, health={**LONG, "failures": 1}),
        entry("trial", a.base, b.base, health={"failures": 1, "cooldown": "1ms", "max_cooldown": "1ms"}),
        entry("blameless", a.base, b.base, health={**LONG, "failures": 1, "min_calls": 1, "error_rate": "1%"}),
        entry("outlier", *all_three, health={**NEVER, **LONG, "min_calls": 4, "error_rate": "100%"}),
        entry("panic", a.base, b.base, health={**LONG, "failures": 1}),
        entry("early-panic", *all_three, health={**LONG, "failures": 1, "panic": "50%"}),
        entry("session", *all_three, balance="session"),
        entry("session-moves", *all_three, balance="session", health={**LONG, "failures": 1}),
        entry("session-loaded", *all_three, balance="session"),
        entry("zone", limited(b, "room-b"), limited(a, "room-a"), limited(c, "room-b")),
        entry("zone-dies", {"url": b.base, "zone": "room-b"}, {"url": a.base, "zone": "room-a"},
              health={**LONG, "failures": 1}),
        entry("back", a.base, b.base, health={"failures": 1, "cooldown": "1ms", "slow_start": "1h"}),
        entry("grows", a.base, b.base, health={"slow_start": "1h"})]
    return {"zone": "room-a", "models": models}


@pytest.fixture(scope="module")
def gateway(gateway_factory, config):
    return gateway_factory(config=config)


def served(*models):
    return [len(model.calls) for model in models]


def state(gateway, endpoint):
    states = {name: gateway.metrics()[f'intragate_breaker_state{{endpoint="{endpoint}",state="{name}"}}']
              for name in ("closed", "open", "half_open")}
    assert sorted(states.values()) == [0, 0, 1]
    return next(name for name, value in states.items() if value)


def openings(gateway, endpoint, reason):
    return gateway.metrics().total("intragate_breaker_opened_total", endpoint=endpoint, reason=reason)


def place(reply):
    """The endpoint's place in its model's list."""
    return int(reply.headers["x-intragate-endpoint"].rpartition("/")[2])


# --- breakers

def test_endpoint_that_fails_too_often_is_left_alone(gateway, a, b):
    for _ in range(10):
        a.script(proper_answer())
        a.script(refusal(500))
    for _ in range(20):
        assert ask(gateway, chat("rate")).status == 200
    assert served(a, b) == [4, 18]
    assert state(gateway, "rate/0") == "open" and state(gateway, "rate/1") == "closed"
    assert openings(gateway, "rate/0", "error_rate") == 1
    assert gateway.wait_for_log("endpoint cools down.*error_rate")


def test_endpoint_that_answers_too_late_cools_down(gateway, a):
    a.default(lambda call: time.sleep(0.02), proper_answer())  # what is slow is the model
    for _ in range(2):
        assert ask(gateway, chat("slow")).status == 200
        assert ask(gateway, chat("not-slow")).status == 200
    assert state(gateway, "slow/0") == "open" and openings(gateway, "slow/0", "slow_rate") == 1
    assert state(gateway, "not-slow/0") == "closed"


def test_stream_that_breaks_off_speaks_against_its_endpoint(gateway, a, b):
    for model in (a, b):
        model.script(stream_head(), sse(delta("one")), cut())
    with Stream(gateway, chat("broken", stream=True)) as reply:
        assert b'"error"' in reply.rest()[-1]
    eventually(lambda: "open" in (state(gateway, "broken/0"), state(gateway, "broken/1")), "a breaker to open")


def test_one_trial_call_at_a_time_and_a_client_that_leaves_gives_its_place_back(gateway, a, b):
    gate = Gate()
    a.script(refusal(503))
    eventually(lambda: ask(gateway, chat("trial")).status == 200 and a.calls, "a to fail")
    a.script(wait(gate))
    with Connection(gateway.address) as trial:
        eventually(lambda: state(gateway, "trial/0") == "half_open", "the end of the cool-down")
        while True:  # round_robin: the trial call goes to a, sooner or later
            before = sum(served(a, b))
            trial.ask(body=chat("trial"), key=gateway.key)
            eventually(lambda: sum(served(a, b)) > before, "the call at a model")
            if len(a.calls) == 2:
                break
            assert trial.read_answer().status == 200
        before = len(b.calls)
        for _ in range(6):
            assert ask(gateway, chat("trial")).status == 200
        assert served(a, b) == [2, before + 6] and state(gateway, "trial/0") == "half_open"
    a.calls[1].wait_ended()
    assert state(gateway, "trial/0") == "half_open"
    eventually(lambda: ask(gateway, chat("trial")).status == 200 and len(a.calls) == 3, "another trial call")
    assert state(gateway, "trial/0") == "closed"


def test_all_loops_together_make_one_trial_call_at_a_time(gateway_factory, a, b):
    health = {"failures": 1, "cooldown": "1ms", "max_cooldown": "1ms"}
    many = gateway_factory(config={"workers": 4, "models": [entry("m", a.base, b.base, health=health)]})
    gate = Gate()
    a.script(refusal(503))
    eventually(lambda: ask(many, chat("m")).status == 200 and a.calls, "a to fail")
    a.default(wait(gate), proper_answer())
    before = sum(served(a, b))
    connections = [Connection(many.address) for _ in range(24)]
    for connection in connections:
        connection.ask(body=chat("m"), key=many.key)
    eventually(lambda: sum(served(a, b)) == before + len(connections), "all calls at the models")
    assert len(a.calls) == 2
    gate.open()
    for connection in connections:
        assert connection.read_answer().status == 200
        connection.close()
    assert state(many, "m/0") == "closed"


def test_callers_and_leaving_clients_count_neither_way(gateway, a, b):
    for model in (a, b):
        for status in (400, 404, 422):
            model.script(refusal(status))
    for _ in range(6):
        assert ask(gateway, chat("blameless")).status in (400, 404, 422)
    gate = Gate()
    for model in (a, b):
        model.default(wait(gate))
    for count in (1, 2):
        with Connection(gateway.address) as connection:
            connection.ask(body=chat("blameless"), key=gateway.key)
            gate.wait_reached()
        eventually(lambda: sum(call.ended.is_set() for call in a.calls + b.calls) == 6 + count, "the model to stop")
    assert state(gateway, "blameless/0") == state(gateway, "blameless/1") == "closed"


def test_the_odd_one_out_is_ejected(gateway, a, b, c):
    for _ in range(20):
        a.script(proper_answer())
        a.script(refusal(500))
    eventually(lambda: ask(gateway, chat("outlier")).status == 200 and openings(gateway, "outlier/0", "outlier"),
               "the outlier's ejection")
    before = len(a.calls)
    for _ in range(6):
        assert ask(gateway, chat("outlier")).status == 200
    assert len(a.calls) == before and state(gateway, "outlier/0") == "open"


def test_when_none_is_left_all_are_used_and_a_good_call_ends_it(gateway, a, b):
    for model in (a, b):
        model.default(refusal(503))
    assert ask(gateway, chat("panic")).status >= 500
    assert state(gateway, "panic/0") == state(gateway, "panic/1") == "open"
    for model in (a, b):
        model.default()
    assert ask(gateway, chat("panic")).status == 200
    assert sorted([state(gateway, "panic/0"), state(gateway, "panic/1")]) == ["closed", "open"]


def test_below_the_share_of_panic_all_are_used(gateway, a, b, c):
    for model in (a, b):
        model.script(refusal(503))
    def cooling():
        return [state(gateway, f"early-panic/{number}") for number in range(3)].count("open")
    eventually(lambda: ask(gateway, chat("early-panic")).status == 200 and cooling() == 2, "two of three to fail")
    for _ in range(6):
        assert ask(gateway, chat("early-panic")).status == 200
    assert cooling() == 1  # one of the two was used, long before the end of its cool-down; with two of three all is well


# --- sessions

def turns(text, count):
    """A conversation as it grows, turn by turn."""
    messages = [{"role": "system", "content": "You help."}, {"role": "user", "content": text}]
    for turn in range(count):
        yield {"messages": list(messages)}
        messages += [{"role": "assistant", "content": f"Answer {turn}"}, {"role": "user", "content": f"More {turn}?"}]


def homes(gateway, name, texts):
    return {text: place(ask(gateway, chat(name, text))) for text in texts}


TEXTS = [f"Conversation {number}" for number in range(30)]


def test_a_conversation_stays_where_it_is(gateway):
    for text in ("first", "second", "third"):
        places = {place(ask(gateway, {"model": "session", **turn})) for turn in turns(text, 5)}
        assert len(places) == 1, text


def test_sessions_use_all_endpoints(gateway, a, b, c):
    places = collections.Counter(homes(gateway, "session", TEXTS).values())
    assert set(places) == {0, 1, 2} and min(served(a, b, c)) > 0


def test_the_session_header_decides(gateway, a):
    texts = TEXTS[:12]
    places = {place(ask(gateway, chat("session", text), headers={"X-Session-Id": "mine"})) for text in texts}
    assert len(places) == 1
    assert len(set(homes(gateway, "session", texts).values())) > 1
    assert all("x-session-id" not in call.headers for call in a.calls)


def test_only_sessions_of_an_endpoint_that_fails_move(gateway, a):
    before = homes(gateway, "session-moves", TEXTS)
    a.default(refusal(503))
    homes(gateway, "session-moves", TEXTS)
    assert state(gateway, "session-moves/0") == "open"
    after = homes(gateway, "session-moves", TEXTS)
    assert 0 in before.values() and 0 not in after.values()
    assert {text: at for text, at in after.items() if before[text] != 0} == \
           {text: at for text, at in before.items() if at != 0}


def test_a_reload_that_moves_endpoints_moves_no_session(gateway, config):
    before = homes(gateway, "session", TEXTS)
    gateway.reload({**config, "models": [model if model["name"] != "session" else
                                         {**model, "endpoints": model["endpoints"][::-1]}
                                         for model in config["models"]]})
    assert homes(gateway, "session", TEXTS) == {text: 2 - at for text, at in before.items()}
    gateway.reload(config)


def test_a_busy_session_spills_over(gateway, a, b, c):
    gate = Gate()
    for model in (a, b, c):
        model.default(stream_head(), sse(delta("x")), wait(gate), done(), end())
    streams = []
    for _ in range(6):
        streams.append(Stream(gateway, chat("session-loaded", stream=True)))
        streams[-1].read_head()
    places = [place(stream.head) for stream in streams]
    assert len(set(places[:4])) == 1 and places[4] != places[0]
    gate.open()
    for stream in streams:
        stream.rest()
        stream.connection.close()


def test_explain_knows_where_a_session_goes(gateway, config, tmp_path):
    (tmp_path / "config.yaml").write_text(json.dumps({
        "listen": [{"address": "127.0.0.1:0"}], "keys": [{"name": "test", "key": gateway.key}], **config}))
    for text in TEXTS[:6]:
        body = json.dumps(chat("session", text))
        told = json.loads(run("explain", tmp_path / "config.yaml", "-", "--json", input=body).stdout)
        home = place(ask(gateway, chat("session", text)))
        assert f"endpoint of the session: session/{home}" in told["journey"]
    told = json.loads(run("explain", tmp_path / "config.yaml", "-", "--json", input=json.dumps(chat("zone"))).stdout)
    assert "zone room-a: zone/1; then zone/0, zone/2" in told["journey"]


# --- zones

def test_the_own_zone_goes_first_and_spills_over_when_it_is_full(gateway, a, b, c):
    gate = Gate()
    for _ in range(4):
        assert place(ask(gateway, chat("zone"))) == 1
    a.script(stream_head(), sse(delta("x")), wait(gate), done(), end())
    with Stream(gateway, chat("zone", stream=True)) as held:
        held.read_head()
        assert {place(ask(gateway, chat("zone"))) for _ in range(4)} == {0, 2}
        gate.open()
        held.rest()
    assert place(ask(gateway, chat("zone"))) == 1


def test_other_zones_help_when_the_own_one_dies(gateway, a, b):
    a.default(refusal(503))
    assert place(ask(gateway, chat("zone-dies"))) == 0
    assert state(gateway, "zone-dies/1") == "open"
    assert place(ask(gateway, chat("zone-dies"))) == 0 and served(a, b) == [1, 2]


# --- slow start

def test_endpoint_that_came_back_gets_its_share_gradually(gateway, a, b):
    a.script(refusal(503))
    eventually(lambda: ask(gateway, chat("back")).status == 200 and len(a.calls) >= 2, "a to be asked again")
    assert state(gateway, "back/0") == "closed"
    before = len(a.calls)
    for _ in range(22):
        assert ask(gateway, chat("back")).status == 200
    assert len(a.calls) - before <= 3


def test_endpoint_that_a_reload_adds_gets_its_share_gradually(gateway, config, a, b, c):
    grown = {**config, "models": [model if model["name"] != "grows" else
                                  {**model, "endpoints": [*model["endpoints"], {"url": c.url + "/new/v1"}]}
                                  for model in config["models"]]}
    gateway.reload(grown)
    for _ in range(21):
        assert ask(gateway, chat("grows")).status == 200
    assert served(a, b, c) == [10, 10, 1]
