"""The books: one record for every call whatever its end, metrics, health pages; no secret or prompt in any of them."""

import datetime
import json
import re
import socket

import pytest

from fake_model import cut, delta, done, end, free_port, proper_answer, refusal, sse, stall, stream_head, wait, Gate
from wire import PATIENCE, Connection, Stream, ask, chat, eventually, new_id

FIELDS = ("seq time request_id principal key_id end_user address certificate api model endpoint attempts status "
          "outcome error prompt_tokens completion_tokens usage_source queue_ms first_byte_ms total_ms bytes_in "
          "bytes_out content prev hash").split()
PROMPT = "secret-prompt-7731"
ANSWER = "secret-answer-9924"
UPSTREAM_KEY = "upstream-secret-5510"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    def entry(name, url, **more):
        return {"name": name, "endpoints": [{"url": url, "auth": {"type": "bearer", "key": "${UP}"}}],
                "health": {"failures": 1000}, "retry": {"attempts": 1}, **more}
    return gateway_factory(config={
        "models": [entry("m", model.base, aliases=["other-name"]), entry("dead", f"http://127.0.0.1:{free_port()}/v1"),
                   entry("hasty", model.base, timeouts={"first_byte": "100ms"})],
        "keys": [{"name": "test", "key": "${TEST_KEY}"}, {"name": "trusted", "key": "${TRUSTED}", "trust_user": True}],
        "workers": 2, "log": {"level": "debug"}}, env={"UP": UPSTREAM_KEY, "TRUSTED": "sk-trusted-key"})


# --- records

def test_record_has_every_field_in_its_order(gateway, model):
    reply = ask(gateway, chat("m", PROMPT))
    record = gateway.wait_for_record(reply.request_id)
    assert list(record) == FIELDS
    assert record["principal"] == "test" and re.fullmatch(r"[0-9a-f]{12}", record["key_id"])
    assert record["address"] == "127.0.0.1" and record["api"] == "chat" and record["model"] == "m"
    assert record["endpoint"] == model.base and record["attempts"] == 1
    assert (record["status"], record["outcome"], record["error"] or "") == (200, "ok", "")
    assert (record["prompt_tokens"], record["completion_tokens"], record["usage_source"]) == (7, 3, "upstream")
    assert record["bytes_in"] == len(json.dumps(chat("m", PROMPT))) and record["bytes_out"] == len(reply.body)
    assert re.fullmatch(r"[0-9a-f]{64}", record["prev"]) and re.fullmatch(r"[0-9a-f]{64}", record["hash"])
    assert 0 <= record["first_byte_ms"] <= record["total_ms"] < 20_000 and record["queue_ms"] >= 0
    written = datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - written).total_seconds()) < 120


@pytest.mark.parametrize("path, body, api", [
    ("/v1/chat/completions", chat("m"), "chat"), ("/completions", {"model": "m", "prompt": "x"}, "completions"),
    ("/v1/embeddings", {"model": "m", "input": "x"}, "embeddings")])
def test_record_names_the_api(gateway, path, body, api):
    assert gateway.wait_for_record(ask(gateway, body, path).request_id)["api"] == api


def test_listing_models_is_on_record_too(gateway):
    reply = ask(gateway, method="GET", path="/v1/models")
    record = gateway.wait_for_record(reply.request_id)
    assert record["api"] == "models" and record["outcome"] == "ok" and record["bytes_out"] == len(reply.body)


def test_end_user_is_believed_from_trusted_keys_only(gateway):
    named = ask(gateway, chat("m", user="alice@example"), key="sk-trusted-key")
    assert gateway.wait_for_record(named.request_id)["end_user"] == "alice@example"
    claimed = ask(gateway, chat("m", user="mallory"))
    assert not gateway.wait_for_record(claimed.request_id)["end_user"]


def test_record_of_an_alias_names_the_model(gateway):
    assert gateway.wait_for_record(ask(gateway, chat("other-name")).request_id)["model"] in ("m", "other-name")


def test_stream_record_counts_what_was_delivered(gateway):
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    record = gateway.wait_for_record(reply.request_id)
    assert record["bytes_out"] == len(reply.raw) and record["outcome"] == "ok" and record["completion_tokens"] == 3


def outcomes(gateway, model):
    """One call of every kind: (kind, function of a request id, expected status, outcome and error)."""
    def plain(body, **options):
        return lambda name: ask(gateway, body, headers={"X-Request-Id": name}, **options)

    def scripted(model_name, *steps):
        def run(name):
            model.script(*steps, times=2)  # a connection lost at its reuse is tried once more
            reply = plain(chat(model_name, PROMPT))(name)
            model.forget_scripts()
            return reply
        return run

    good, broken = chat("m", PROMPT), b'{"model": "m", ' + PROMPT.encode()
    yield "ok", plain(good), 200, "ok", ""
    yield "key", plain(good, key="sk-wrong-key-1111"), 401, "refused", "invalid_api_key"
    yield "model", plain(chat("nobody", PROMPT)), 404, "refused", "model_not_found"
    yield "json", plain(broken), 400, "refused", "invalid_json"
    yield "path", plain(good, path="/x/" + PROMPT), 404, "refused", "unknown_path"
    yield "dead", plain(chat("dead", PROMPT)), 502, "upstream_error", "upstream_unreachable"
    yield "slow", scripted("hasty", stall()), 504, "upstream_timeout", "upstream_timeout"
    yield "lost", scripted("m", cut()), 502, "upstream_error", "upstream_broke"
    yield "its fault", scripted("m", refusal(422, ANSWER)), 422, "upstream_error", "upstream_status"
    yield "its failure", scripted("m", refusal(500, ANSWER + PROMPT)), 502, "upstream_error", "upstream_status"
    yield "its door", scripted("m", refusal(401, "bad key " + UPSTREAM_KEY)), 502, "upstream_error", "upstream_status"


def test_every_kind_of_end_leaves_exactly_one_record(gateway, model):
    expected = {}
    for kind, run, status, outcome, error in outcomes(gateway, model):
        name = new_id()
        assert run(name).status == status, kind
        expected[name] = (status, outcome, error)
    for name, want in expected.items():
        record = gateway.wait_for_record(name)
        assert (record["status"], record["outcome"], record["error"] or "") == want
    found = [record["request_id"] for record in gateway.records()]
    assert all(found.count(name) == 1 for name in expected)


def test_garbage_is_on_record(gateway):
    with Connection(gateway.address) as connection:
        name = connection.send(b"!!garbage!!\r\n\r\n").read_answer().request_id
    record = gateway.wait_for_record(name)
    assert record["outcome"] == "malformed" and record["status"] == 400 and not record["principal"]


def test_sequence_numbers_have_no_gap(gateway):
    for _ in range(20):
        last = ask(gateway, chat("m"))
    gateway.wait_for_record(last.request_id)
    numbers = [record["seq"] for record in gateway.chain()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_strange_text_from_clients_stays_inside_its_field(gateway):
    name = 'x","outcome":"ok\\u0000\\n😀 '
    reply = ask(gateway, chat(name, user="a\"b\n{}"), key="sk-trusted-key")
    record = gateway.wait_for_record(reply.request_id)
    assert record["outcome"] == "refused" and record["end_user"] in ('a"b\n{}', "", None)


def test_records_are_private_files(gateway):
    for path in (gateway.data_dir / "audit").iterdir():
        assert path.stat().st_mode & 0o077 == 0


# --- secrets

def test_secrets_and_prompts_are_nowhere(gateway, model):
    model.default(proper_answer(ANSWER))
    for _, run, *_ in outcomes(gateway, model):
        run(new_id())
    model.script(stream_head(), sse(delta(ANSWER)), cut())
    with Stream(gateway, chat("m", PROMPT, stream=True)) as reply:
        reply.rest()
    with Connection(gateway.address) as connection:
        connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer " + gateway.key.encode() +
                        b"\r\nBad Header " + PROMPT.encode() + b"\r\n\r\n").read_answer()
    gateway.wait_for_record(reply.request_id)
    files = {str(path): path.read_text(errors="replace") for path in gateway.data_dir.rglob("*") if path.is_file()}
    places = {"log": "\n".join(gateway.log()), "stdout": "\n".join(gateway.output), **files,
              "metrics": gateway.get_admin("/metrics")[1], "readyz": gateway.get_admin("/readyz")[1]}
    for place, text in places.items():
        for secret in (gateway.key, "sk-trusted-key", "sk-wrong-key-1111", UPSTREAM_KEY, ANSWER):
            assert secret not in text, f"{secret} in {place}"
        assert PROMPT not in text.replace("/x/" + PROMPT, ""), f"the prompt in {place}"


def test_log_is_one_json_object_a_line(gateway):
    for line in gateway.log():
        entry = json.loads(line)
        assert entry["time"] and entry["level"] in ("debug", "info", "warning", "error") and entry["event"]


# --- metrics

def test_calls_are_counted_by_model_and_outcome(gateway, model):
    def count(**labels):
        return gateway.metrics().total("intragate_requests_total", **labels)

    def counts():
        return (count(model="m", outcome="ok", status="200", api="chat"), count(outcome="refused", status="401"),
                count(status="422"))
    before = counts()
    for _ in range(3):
        ask(gateway, chat("m"))
    ask(gateway, chat("m"), key="sk-wrong-key-1111")
    model.script(refusal(422))
    ask(gateway, chat("m"))
    eventually(lambda: counts() == (before[0] + 3, before[1] + 1, before[2] + 1))


def test_requests_equal_records(gateway):
    def books():
        metrics = gateway.metrics()
        return (metrics.total("intragate_requests_total"), metrics.total("intragate_audit_records_total"),
                len(gateway.records()))
    ask(gateway, chat("m"))
    eventually(lambda: len(set(books())) == 1, "metrics and records to agree")


def test_tokens_and_times_are_measured(gateway):
    def sums():
        metrics = gateway.metrics()
        return [metrics.total("gen_ai_client_token_usage_sum", gen_ai_token_type="input"),
                metrics.total("gen_ai_client_token_usage_sum", gen_ai_token_type="output"),
                metrics.total("gen_ai_server_request_duration_seconds_count"),
                metrics.total("gen_ai_server_time_to_first_token_seconds_count")]
    before = sums()
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    eventually(lambda: [now - then for now, then in zip(sums(), before)] == [7, 3, 1, 1])


def test_only_streams_have_a_first_token(gateway):
    def counts():
        metrics = gateway.metrics()
        return (metrics.total("gen_ai_server_request_duration_seconds_count", gen_ai_provider_name="openai"),
                metrics.total("gen_ai_server_time_to_first_token_seconds_count"))
    before = counts()
    ask(gateway, chat("m"))
    eventually(lambda: counts() == (before[0] + 1, before[1]))


def test_failed_calls_say_why_in_their_duration(gateway):
    def count(error_type):
        return gateway.metrics().total("gen_ai_server_request_duration_seconds_count", gen_ai_request_model="dead",
                                       error_type=error_type)
    before = count("upstream_unreachable")
    ask(gateway, chat("dead"))
    eventually(lambda: count("upstream_unreachable") == before + 1)
    assert count("") == 0


def test_tokens_that_nobody_counted_are_left_out(gateway, model):
    def counts():
        metrics = gateway.metrics()
        return [metrics.total("gen_ai_client_token_usage_count", gen_ai_token_type=kind)
                for kind in ("input", "output")]
    before = counts()
    model.script(stream_head(), sse(delta("one")), sse(delta("two")), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        reply.rest()
    eventually(lambda: counts() == [before[0], before[1] + 1])


def test_histograms_are_well_formed(gateway):
    ask(gateway, chat("m"))
    metrics = gateway.metrics()
    name = "gen_ai_server_request_duration_seconds"
    for key in metrics.find(f"{name}_count", gen_ai_request_model="m"):
        labels = key.split("{", 1)[1].rstrip("}")
        buckets = [metrics[found] for found in metrics.find(f"{name}_bucket") if labels in found]
        assert buckets and buckets == sorted(buckets) and buckets[-1] == metrics[key]


def test_open_streams_and_connections_are_gauges(gateway, model):
    gate = Gate()
    model.script(stream_head(), sse(delta("x")), wait(gate), done(), end())
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert reply.next()
        metrics = gateway.metrics()
        assert metrics.total("intragate_open_streams", model="m") == 1
        assert metrics.total("intragate_open_connections") >= 1
        assert metrics.total("intragate_pool_connections", endpoint="m/0", state="busy") == 1
        gate.open()
        reply.rest()
        eventually(lambda: gateway.metrics().total("intragate_open_streams") == 0)
    eventually(lambda: gateway.metrics().total("intragate_pool_connections", state="busy") == 0)


def test_limits_of_listeners_and_what_waits_for_the_disk_are_gauges(gateway):
    now = gateway.metrics()
    assert now.find("intragate_max_connections") and set(
        now[name] for name in now.find("intragate_max_connections")) == {10000}
    ask(gateway, chat("fake-model"))
    eventually(lambda: gateway.metrics().total("intragate_audit_waiting_records") == 0, "all records on disk")


def test_upstream_errors_are_counted_by_kind(gateway):
    def count():
        return gateway.metrics().total("intragate_upstream_errors_total", model="dead", kind="upstream_unreachable")
    before = count()
    ask(gateway, chat("dead"))
    eventually(lambda: count() == before + 1)


def test_clients_cannot_fill_the_registry(gateway):
    size = len(gateway.metrics())
    for number in range(50):
        ask(gateway, chat(f"invented-{number}"))
        ask(gateway, chat("m"), path=f"/v1/invented-{number}")
        ask(gateway, method=f"M{number}", path="/v1/models")
    text = gateway.get_admin("/metrics")[1]
    assert "invented" not in text and len(gateway.metrics()) < size + 30


def test_metrics_describe_themselves(gateway):
    text = gateway.get_admin("/metrics")[1]
    named = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name = re.match(r"\w+", line)[0]
            assert name in named or re.sub(r"_(bucket|sum|count)$", "", name) in named, line
    assert "process_resident_memory_bytes" in named


# --- health

def test_livez_and_readyz_are_200_when_all_is_well(gateway_factory, model):
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url})
    for path in ("/livez", "/readyz"):
        status, text = gateway.get_admin(path)
        assert status == 200 and isinstance(json.loads(text), dict), path
    gateway.stop()


def test_admin_pages_are_not_on_the_api_address(gateway):
    for path in ("/metrics", "/livez", "/readyz"):
        assert ask(gateway, method="GET", path=path).status == 404


def test_api_is_not_on_the_admin_address(gateway):
    assert gateway.get_admin("/v1/models")[0] == 404


def dead_url():
    return f"http://127.0.0.1:{free_port()}/v1"


def readiness(gateway):
    status, text = gateway.get_admin("/readyz")
    answer = json.loads(text)
    assert answer["ready"] == (status == 200)
    return status, answer["missing"]


def test_readyz_is_503_when_the_only_model_never_answered(gateway_factory, model_factory):
    late = model_factory()
    late.refuse()
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": late.base}]}]})
    status, missing = readiness(gateway)
    assert status == 503 and list(missing) == ["model m"]
    late.accept_again()
    eventually(lambda: readiness(gateway) == (200, {}), "the model to be seen", 20)
    gateway.stop()


def test_readyz_is_200_while_one_model_serves_and_names_the_others(gateway_factory, model):
    gateway = gateway_factory(config={"models": [
        {"name": "m", "endpoints": [{"url": model.base}]}, {"name": "d", "endpoints": [{"url": dead_url()}]},
        {"name": "*", "endpoints": [{"url": dead_url()}]}]})
    status, missing = readiness(gateway)
    assert status == 200 and sorted(missing) == ["model d", "models"]
    gateway.stop()


def test_readyz_is_200_while_one_of_two_models_cools_down(gateway_factory, model, model_factory):
    sick = model_factory()
    gateway = gateway_factory(config={"models": [
        {"name": name, "endpoints": [{"url": at.base}], "health": {"failures": 1, "cooldown": "1h"},
         "retry": {"attempts": 1}} for name, at in (("m", model), ("sick", sick))]})
    sick.script(refusal(500))
    assert ask(gateway, chat("sick")).status == 502
    status, missing = readiness(gateway)
    assert status == 200 and list(missing) == ["model sick"]
    model.script(refusal(500))
    assert ask(gateway, chat("m")).status == 502
    status, missing = readiness(gateway)
    assert status == 503 and sorted(missing) == ["model m", "model sick"]
    gateway.stop()


def test_idle_connections_do_not_keep_health_checks_out(gateway_factory, model):
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    idle = [socket.create_connection(gateway.admin_address, PATIENCE) for _ in range(200)]
    try:
        for path in ("/livez", "/readyz", "/metrics"):
            assert gateway.get_admin(path)[0] == 200
        assert idle[0].recv(1) == b""  # the one that was idle longest had to go
    finally:
        for connection in idle:
            connection.close()
    gateway.stop()


def test_admin_token_guards_everything_but_the_health_pages(gateway_factory, model):
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}],
                                      "admin": {"address": "127.0.0.1:0", "token": "admin-secret-1"}})
    for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 401), ("/nothing", 401)):
        assert gateway.get_admin(path)[0] == status, path
    for path, status in (("/metrics", 200), ("/nothing", 404)):
        with Connection(gateway.admin_address) as connection:
            assert connection.ask("GET", path, key="admin-secret-1").read_answer().status == status
    gateway.stop()


def test_readyz_names_what_is_not_ready(gateway_factory):
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": f"http://127.0.0.1:{free_port()}"})
    status, text = gateway.get_admin("/readyz")
    assert status == 503 and "model" in text.lower() and isinstance(json.loads(text), dict)
    assert gateway.get_admin("/livez")[0] == 200
    gateway.stop()
