"""New configurations while calls run, refused ones, and an end that loses nothing."""

import signal

import pytest

from fake_model import Gate, delta, done, end, sse, sse_bytes, stall, stream_head, wait
from wire import Closed, Connection, Stream, ask, chat, eventually, events, new_id


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


def config(model, *names, **more):
    return {"models": [{"name": name, "endpoints": [{"url": model.base}]} for name in names], **more}


@pytest.fixture
def start(gateway_factory, model):
    """A gateway of the test's own, stopped by the test or by the module's end."""
    return lambda *names, **more: gateway_factory(config=config(model, *names, **more))


def refused(address):
    """Whether nobody listens there any more (a 503 in between is as good)."""
    try:
        with Connection(address) as connection:
            return connection.ask(body=b"{}").read_answer().status == 503
    except (OSError, Closed):
        return True


# --- reload

def test_reload_swaps_the_configuration_while_a_stream_goes_on(start, model):
    gateway = start("old", workers=2)
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), done(), end())
    with Stream(gateway, chat("old", stream=True)) as reply, Connection(gateway.address) as kept:
        assert reply.next() == sse_bytes(delta("one"))
        assert kept.ask(body=chat("old"), key=gateway.key).read_answer().status == 200
        gateway.reload(config(model, "new", workers=2))
        eventually(lambda: ask(gateway, chat("new")).status == 200)
        for _ in range(6):  # every loop has it
            assert ask(gateway, chat("old")).status == 404
        assert kept.ask(body=chat("new"), key=gateway.key).read_answer().status == 200  # on the old connection too
        gate.open()
        assert reply.rest()[-1] == b"data: [DONE]\n\n" and reply.ended == "clean"
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "ok"
    gateway.stop()


def test_reload_changes_keys_at_once(start, model):
    gateway = start("m")
    fresh = config(model, "m", keys=[{"name": "other", "key": "sk-quite-another-key"}])
    gateway.reload(fresh)
    eventually(lambda: ask(gateway, chat("m")).status == 401)
    assert ask(gateway, chat("m"), key="sk-quite-another-key").status == 200
    gateway.stop()


def test_changed_file_is_taken_without_a_signal(start, model):
    gateway = start("old")
    text = gateway.config_file.read_text().replace('"old"', '"fresh"')
    gateway.config_file.write_text(text)
    eventually(lambda: ask(gateway, chat("fresh")).status == 200, "the changed file to be taken")
    gateway.stop()


@pytest.mark.parametrize("bad", ["models: [", "modells: []\n", "listen: 5\n", ""])
def test_bad_file_is_refused_and_the_old_one_keeps_serving(start, bad):
    gateway = start("m")
    mark = len(gateway.log())
    gateway.reload(bad, expect="refused", defaults=False)
    assert ask(gateway, chat("m")).status == 200
    assert gateway.wait_for_log(r"intragate\.yaml", mark)  # the reason, with its place
    gateway.reload(config(_Somewhere, "later"))
    eventually(lambda: ask(gateway, chat("later")).status != 404)
    gateway.stop()


class _Somewhere:
    base = "http://127.0.0.1:9/v1"


def test_refused_reload_logs_every_problem_and_every_warning(start, model):
    gateway = start("m")
    mark = len(gateway.log())
    gateway.reload(config(model, "m", drian="1s", lisen=[], keys=[
        {"name": "late", "key": "sk-late-key", "expires": "2020-01-01T00:00:00Z"}]), expect="refused")
    for word in ("drian", "lisen", "expires"):
        assert gateway.wait_for_log(word, mark)
    gateway.stop()


def test_discovered_names_stay_with_their_server_when_a_reload_moves_it(gateway_factory, model_factory):
    """They went by the place in the list: for half a minute calls went to the wrong server."""
    first, second = model_factory(models=["alpha"]), model_factory(models=["beta"])

    def every(*models):
        return {"models": [{"name": "*", "endpoints": [{"url": model.base} for model in models]}]}
    gateway = gateway_factory(config=every(first, second))
    gateway.reload(every(second, first))
    for _ in range(3):
        assert ask(gateway, chat("alpha")).status == ask(gateway, chat("beta")).status == 200
    assert len(first.calls) == len(second.calls) == 3
    assert {call.json["model"] for call in first.calls} == {"alpha"}
    gateway.reload(every(second))
    assert ask(gateway, chat("alpha")).status == 404 and ask(gateway, chat("beta")).status == 200
    gateway.stop()


def test_reload_asks_new_servers_for_their_models_at_once(gateway_factory, model_factory):
    first, second = model_factory(models=["alpha"]), model_factory(models=["beta"])
    gateway = gateway_factory(config={"models": [{"name": "*", "endpoints": [{"url": first.base}]}]})
    gateway.reload({"models": [{"name": "*", "endpoints": [{"url": second.base}]}]})
    eventually(lambda: ask(gateway, chat("beta")).status == 200, "the new server's model", 10)  # a round takes 30 s
    assert ask(gateway, chat("alpha")).status == 404
    gateway.stop()


def test_gauges_of_endpoints_that_a_reload_took_away_are_gone(start, model):
    gateway = start("old", "kept")

    def endpoints():
        return gateway.metrics().find("intragate_endpoint_up"), gateway.metrics().find("intragate_pool_connections")
    assert [len(found) for found in endpoints()] == [2, 4]
    gateway.reload(config(model, "kept"))
    assert [len(found) for found in endpoints()] == [1, 2]
    gateway.stop()


def test_gauges_of_models_that_a_reload_took_away_or_freed_are_gone(gateway_factory, model):
    def models(**slots):
        return {"models": [{"name": name, "endpoints": [{"url": model.base, **({"max_concurrency": many} if many else {})}]}
                           for name, many in slots.items()]}

    def gauges():
        now = gateway.metrics()
        return len(now.find("intragate_slots")), len(now.find("intragate_queue_waiting"))
    gateway = gateway_factory(config=models(old=2, freed=2, kept=2))
    assert gauges() == (6, 6)
    gateway.reload(models(freed=None, kept=2))
    assert ask(gateway, chat("freed")).status == 200  # the first call lets the model's slots follow
    assert gauges() == (2, 2)


def test_metrics_tell_whether_the_last_reload_was_taken(start, model):
    gateway = start("m")

    def reloads():
        now = gateway.metrics()
        return (now.total("intragate_last_reload_successful"),
                {name: value for name, value in now.items() if name.startswith("intragate_reloads_total")})
    ok, refused = 'intragate_reloads_total{result="ok"}', 'intragate_reloads_total{result="refused"}'
    assert reloads() == (1, {ok: 0, refused: 0})
    gateway.reload("lisen: []", expect="refused")
    assert reloads() == (0, {ok: 0, refused: 1})
    gateway.reload(config(model, "m"))
    assert reloads() == (1, {ok: 1, refused: 1})


def test_changed_env_file_is_taken_without_a_signal(gateway_factory, model, tmp_path):
    path = tmp_path / "my.env"

    def write(key):
        fresh = path.with_suffix(".new")
        fresh.write_text(f"CUSTOM_MODEL_API_BASE={model.url}\nINTRAGATE_API_KEY={key}\nINTRAGATE_LISTEN=127.0.0.1:0\n"
                         "INTRAGATE_ADMIN_LISTEN=127.0.0.1:0\n")
        fresh.replace(path)
    write("sk-the-first-key")
    gateway = gateway_factory(arguments=["--env-file", path], defaults=False)
    assert ask(gateway, chat("fake-model"), key="sk-the-first-key").status == 200
    write("sk-the-second-key")
    eventually(lambda: ask(gateway, chat("fake-model"), key="sk-the-second-key").status == 200)
    assert ask(gateway, chat("fake-model"), key="sk-the-first-key").status == 401
    gateway.stop()


def test_reload_that_would_need_a_new_key_is_refused(gateway_factory, model, tmp_path):
    """Only the start can print one: a key that nobody has seen would lock everybody out."""
    text = f"CUSTOM_MODEL_API_BASE={model.url}\nINTRAGATE_LISTEN=127.0.0.1:0\nINTRAGATE_ADMIN_LISTEN=127.0.0.1:0\n"
    path = tmp_path / "my.env"
    path.write_text(text + "INTRAGATE_API_KEY=sk-the-first-key\n")
    gateway = gateway_factory(arguments=["--env-file", path], defaults=False)
    path.write_text(text)
    assert gateway.wait_for_log("INTRAGATE_API_KEY is not set")
    assert ask(gateway, chat("fake-model"), key="sk-the-first-key").status == 200
    assert not (gateway.directory / "data" / "quickstart-key.sha256").exists()
    gateway.stop()


def test_missing_file_is_refused_too(start):
    gateway = start("m")
    before = gateway.metrics().total("intragate_reloads_total", result="refused")
    gateway.config_file.unlink()
    gateway.terminate(signal.SIGHUP)
    eventually(lambda: gateway.metrics().total("intragate_reloads_total", result="refused") > before)
    assert ask(gateway, chat("m")).status == 200
    gateway.stop()


def test_many_reloads_under_load_lose_no_call(start, model):
    gateway = start("m", workers=2)
    for number in range(10):
        gateway.reload(config(model, "m", f"extra-{number}", workers=2))
        for _ in range(5):
            assert ask(gateway, chat("m")).status == 200
    gateway.stop()


# --- stop

@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_idle_gateway_stops_at_once(start, how):
    gateway = start("m", drain="300s")
    with Connection(gateway.address) as idle:
        assert idle.ask(body=chat("m"), key=gateway.key).read_answer().status == 200
        gateway.stop(how)  # the idle connection does not hold it up
        idle.expect_closed()


def test_drain_lets_open_streams_finish_and_takes_nothing_new(start, model):
    gateway = start("m", drain="300s", workers=2)
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply, Connection(gateway.address) as kept:
        assert reply.next()
        assert kept.ask(body=chat("m"), key=gateway.key).read_answer().status == 200
        gateway.terminate()
        eventually(lambda: refused(gateway.address), "new connections to be refused")
        try:
            assert kept.ask(body=chat("m"), key=gateway.key).read_answer().status == 503
        except (Closed, OSError):
            pass
        gate.open()
        assert reply.rest()[-1] == b"data: [DONE]\n\n" and reply.ended == "clean"
    gateway.stop()
    record = next(record for record in gateway.records() if record["request_id"] == reply.request_id)
    assert record["outcome"] == "ok"


def test_readyz_says_so_while_draining(start, model):
    gateway = start("m", drain="300s")
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        gateway.terminate()
        eventually(lambda: gateway.get_admin("/readyz")[0] == 503)
        assert gateway.get_admin("/livez")[0] == 200
        gate.open()
        reply.rest()
    gateway.stop()


def test_drain_has_an_end(start, model):
    gateway = start("m", drain="200ms")
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        gateway.stop()
        reply.rest()
        found = events(reply.chunks)
        assert b"[DONE]" not in reply.raw
        assert found[-1]["error"]["code"] == "draining"
    assert model.calls[0].wait_ended().ended_by_peer
    record = next(record for record in gateway.records() if record["request_id"] == reply.request_id)
    assert record["outcome"] == "shutdown"


def test_call_that_waits_for_the_model_at_the_end_of_drain_is_told(start, model):
    gateway = start("m", drain="200ms")
    model.script(stall())
    name = new_id()
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": name})
        model.wait_for_call()
        gateway.stop()
        answer = connection.read_answer()
        assert answer.status == 503 and answer.error["code"] == "draining"
    record = next(record for record in gateway.records() if record["request_id"] == name)
    assert record["outcome"] == "shutdown" and record["status"] == 503


def test_second_signal_ends_the_drain(start, model):
    gateway = start("m", drain="300s")
    model.script(stream_head(), sse(delta("one")), stall())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        gateway.terminate()
        eventually(lambda: refused(gateway.address))
        gateway.terminate()
        gateway.stop()


def test_nothing_is_lost_when_the_signal_follows_the_last_answer(start):
    gateway = start("m", workers=2)
    ids = []
    with Connection(gateway.address) as first, Connection(gateway.address) as second:
        for number in range(200):
            connection = (first, second)[number % 2]
            connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": f"burst-{number}"})
            assert connection.read_answer().status == 200
            ids.append(f"burst-{number}")
        gateway.stop()
    assert sorted(record["request_id"] for record in gateway.records()) == sorted(ids)


def test_records_go_on_after_a_restart(gateway_factory, model, tmp_path):
    for expected in (1, 2, 3):
        gateway = gateway_factory(config=config(model, "m"), directory=tmp_path / "same")
        ask(gateway, chat("m"))
        gateway.stop()
        chain = gateway.chain()
        assert [record["seq"] for record in chain] == list(range(1, 3 * expected + 1))
        assert [record.get("event") for record in chain] == ["start", None, "stop"] * expected
