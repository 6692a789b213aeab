"""`max_concurrency: auto`: slots that follow what an endpoint can do, as far as it shows."""

import contextlib
import threading

import pytest

from fake_model import Gate, answer_json, delta, refusal, sse, stream_head, wait
from wire import Stream, ask, chat, eventually

START = 8
LONG = 90  # seconds: a loaded machine works off little


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


def configuration(model, concurrency="auto", weight=1, **more):
    return {"models": [{"name": "m", "retry": {"attempts": 1}, "health": {"failures": 1000000},
                        "endpoints": [{"url": model.base, "max_concurrency": concurrency, "weight": weight}], **more}]}


@pytest.fixture
def gateway(gateway_factory, model):
    return gateway_factory(config={"workers": 2, **configuration(model)})


def limit(gateway):
    return gateway.metrics().total("intragate_adaptive_limit", endpoint="m/0")


def takes(seconds):
    """The model's own pace."""
    return lambda call: call.model.stopping.wait(seconds)


def answers(model, seconds):
    usage = {"prompt_tokens": 20, "completion_tokens": 50}
    model.default(takes(seconds), answer_json({"choices": [], "usage": usage}))


@contextlib.contextmanager
def load(gateway, callers=14):
    """Calls without end, so many at once."""
    over = threading.Event()

    def call():
        while not over.is_set():
            ask(gateway, chat("m"))
    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def test_limit_begins_at_its_start_value_and_is_the_models_slots(gateway):
    assert limit(gateway) == START
    assert gateway.metrics().total("intragate_slots", model="m", state="total") == START


def test_limit_grows_under_load_that_the_model_bears(gateway, model):
    answers(model, 0.03)
    with load(gateway):
        eventually(lambda: limit(gateway) > START + 1, "a higher limit", LONG)
        eventually(lambda: gateway.metrics().total("intragate_slots", model="m", state="total") > START + 1, "more slots")


@pytest.mark.parametrize("status", [429, 503])
def test_limit_shrinks_when_the_model_has_too_much_to_do(gateway, model, status):
    model.default(refusal(status))
    assert ask(gateway, chat("m")).status in (429, 502, 503)
    assert limit(gateway) < START
    assert gateway.metrics().total("intragate_slots", model="m", state="total") == limit(gateway)


def test_limit_shrinks_when_the_model_gets_slow(gateway, model):
    answers(model, 0.02)
    with load(gateway):
        eventually(lambda: limit(gateway) > START, "a higher limit", LONG)
        before = limit(gateway)
        answers(model, 0.4)
        eventually(lambda: limit(gateway) < before, "a lower limit", LONG)


def test_errors_about_the_request_and_clients_that_leave_say_nothing(gateway, model):
    for status in (400, 500):
        model.script(refusal(status))
        assert ask(gateway, chat("m")).status != 200
    for _ in range(3):
        gate = Gate()
        model.script(stream_head(), sse(delta("one")), wait(gate))
        with Stream(gateway, chat("m", stream=True)) as reply:
            assert reply.next()
        gate.open()
    eventually(lambda: gateway.metrics().total("intragate_slots", model="m", state="used") == 0)
    assert limit(gateway) == START


def test_silence_before_the_first_byte_shrinks_it(gateway_factory, model):
    gateway = gateway_factory(config=configuration(model, timeouts={"first_byte": "200ms"}))
    gate = Gate()
    model.script(wait(gate))
    assert ask(gateway, chat("m")).status == 504
    gate.open()
    assert limit(gateway) < START


def test_a_streams_pace_counts(gateway, model):
    model.default(stream_head(), *[step for number in range(20) for step in (takes(0.002), sse(delta(str(number))))],
                  sse("[DONE]"), lambda call: call.send(b"0\r\n\r\n"))
    over = threading.Event()

    def call():
        while not over.is_set():
            with Stream(gateway, chat("m", stream=True)) as reply:
                reply.rest()
    threads = [threading.Thread(target=call) for _ in range(14)]
    for thread in threads:
        thread.start()
    eventually(lambda: limit(gateway) != START, "another limit", LONG)
    over.set()
    for thread in threads:
        thread.join(60)


def test_slots_that_llama_cpp_names_are_the_most(gateway_factory, model):
    model.pages = {"/props": '{"default_generation_settings":{},"total_slots":3,"model_path":"m.gguf"}'}
    gateway = gateway_factory(config=configuration(model))
    eventually(lambda: limit(gateway) == 3, "the engine's own slots")
    gate = Gate()
    model.script(wait(gate), answer_json({"choices": []}), times=5)
    threads = [threading.Thread(target=ask, args=(gateway, chat("m"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    model.wait_for_call(3)
    eventually(lambda: gateway.metrics().total("intragate_queue_waiting", model="m") == 2)
    assert len(model.calls) == 3
    gate.open()
    for thread in threads:
        thread.join(60)
    assert len(model.calls) == 5


def test_engines_are_asked_beside_the_api_and_only_for_auto(gateway_factory, model):
    fixed = gateway_factory(config=configuration(model, 4))
    eventually(lambda: model.listings)
    gateway_factory(config={"models": [{"name": "m", "endpoints": [{
        "url": model.base, "max_concurrency": "auto", "auth": {"type": "bearer", "key": "sk-of-the-model"}}]}]})
    eventually(lambda: {"/metrics", "/props"} <= {call.target for call in model.listings}, "both pages")
    asked = [call for call in model.listings if call.target in ("/metrics", "/props")]
    assert {call.headers["authorization"] for call in asked} == {"Bearer sk-of-the-model"}
    assert fixed.metrics().find("intragate_adaptive_limit") == []


def test_what_was_found_survives_a_reload_and_goes_with_auto(gateway, model):
    model.script(refusal(503))
    ask(gateway, chat("m"))
    found = limit(gateway)
    assert found < START
    gateway.reload({"workers": 2, **configuration(model, weight=3)})
    assert limit(gateway) == found
    gateway.reload({"workers": 2, **configuration(model, 4)})
    assert gateway.metrics().find("intragate_adaptive_limit") == []
    assert ask(gateway, chat("m")).status == 200
    assert gateway.metrics().total("intragate_slots", model="m", state="total") == 4
