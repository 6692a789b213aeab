"""Calls under way: who sees them, and how an administrator ends them in whatever they wait for; and answers that are long
enough. Dify's Stop never hangs up, so somebody else must be able to."""

import http.client
import json
import socket

import pytest

from fake_model import (Gate, delta, end, endless, head, refusal, send, sse, sse_bytes, stall, stream, stream_head,
                        wait)
from gateway import run
from wire import PATIENCE, Connection, DifyError, Stream, ask, chat, chunk, dify_read, eventually, events, new_id, request

OTHER_KEY = "sk-other-6a1b2c3d4e"
TOKEN = "admin-token-77aa88bb"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(receive_buffer=8192, send_buffer=8192)


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, hole):
    def lane(name, url=model.base, endpoint=None, **more):
        return {"name": name, "endpoints": [{"url": url, **(endpoint or {})}], "health": {"failures": 1000},
                "timeouts": {"connect": "60s", "first_byte": "60s", "between_chunks": "60s"}, **more}
    return gateway_factory(config={
        "workers": 2,
        "models": [lane("m"), lane("hole", hole.base),
                   lane("one", endpoint={"max_concurrency": 1}, queue={"heartbeat": "1s", "user_share": "100%"}),
                   lane("pausing", retry={"attempts": 3, "backoff": "60s", "max_backoff": "60s", "budget": "100%"}),
                   lane("capped", max_answer_tokens=5)],
        "keys": [{"name": "test", "key": "${TEST_KEY}", "trust_user": True},
                 {"name": "other", "key": "${OTHER_KEY}", "trust_user": True},
                 {"name": "always", "key": "${ALWAYS_KEY}", "stream_usage": "always"}]},
        env={"OTHER_KEY": OTHER_KEY, "ALWAYS_KEY": "sk-always-1234567"})


def admin(gateway, method, path, body=None, headers=None):
    """(status, parsed JSON) of the admin API."""
    connection = http.client.HTTPConnection(*gateway.admin_address, timeout=PATIENCE)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    standard = {"Content-Type": "application/json"} if data is not None else {}
    connection.request(method, path, body=data, headers={**standard, **(headers or {})})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text)


def calls(gateway, query=""):
    status, found = admin(gateway, "GET", "/calls" + query)
    assert status == 200, found
    return found


def wait_for_phase(gateway, name, phase):
    """The call as it is listed, once it is in that phase."""
    return eventually(lambda: next((call for call in calls(gateway) if (call["id"], call["phase"]) == (name, phase)), None),
                      f"call {name} in phase {phase}")


def cancel(gateway, **which):
    status, said = admin(gateway, "POST", "/calls/cancel", which)
    assert status in (200, 404), said
    return said["cancelled"]


def start(gateway, name, model_name="m", key=None, **body):
    """A call that has been sent; its answer is not read. Before it is cancelled it must have reached the model, or else
    it may take the script of the next test's call."""
    connection = Connection(gateway.address)
    connection.ask(body=chat(model_name, **body), key=key or gateway.key, headers={"X-Request-Id": name})
    return connection


def expect_cancelled(gateway, name, status, call=None):
    if call is not None:
        assert call.wait_ended().ended_by_peer, call
    record = gateway.wait_for_record(name)
    assert (record["outcome"], record["error"], record["status"]) == ("cancelled", "cancelled", status), record
    return record


def expect_refusal(connection, name):
    """A whole answer with a status that no client tries again by itself."""
    reply = connection.read_answer()
    assert (reply.status, reply.error["code"], reply.request_id) == (410, "cancelled", name)
    assert "administrator" in reply.error["message"] and "127.0.0.1" not in reply.error["message"]
    return reply


# --- what is seen, and how it ends, phase by phase

def test_while_receiving_the_body(gateway, model):
    name = new_id()
    whole = request("POST", "/v1/chat/completions", chat("m", "x" * 4000), key=gateway.key,
                    headers={"X-Request-Id": name})
    with Connection(gateway.address).send(whole[:-100]) as connection:
        seen = wait_for_phase(gateway, name, "receiving")
        assert (seen["key"], seen["model"], seen["endpoint"], seen["tokens"]) == ("test", "", "", 0)
        assert cancel(gateway, id=name) == 1
        expect_refusal(connection, name)
        connection.expect_closed()  # the rest of the body is nobody's
    expect_cancelled(gateway, name, 410)
    assert not model.calls


@pytest.mark.parametrize("streamed", [False, True])
def test_while_waiting_for_the_first_byte(gateway, model, streamed):
    model.script(stall())
    name = new_id()
    with start(gateway, name, user="u-1", stream=streamed) as connection:
        call = model.wait_for_call()
        seen = wait_for_phase(gateway, name, "first_byte")
        assert list(seen) == ["id", "key", "user", "model", "endpoint", "phase", "queue_ms", "total_ms", "tokens"]
        assert (seen["key"], seen["user"], seen["model"], seen["endpoint"]) == ("test", "u-1", "m", model.base)
        assert 0 <= seen["queue_ms"] <= seen["total_ms"]
        assert cancel(gateway, id=name) == 1
        expect_refusal(connection, name)
        expect_cancelled(gateway, name, 410, call)
        # The call was ended, not its connection.
        again = new_id()
        connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": again})
        assert connection.read_answer().status == 200
    assert gateway.wait_for_record(again)["outcome"] == "ok"
    assert not [call for call in calls(gateway) if call["id"] in (name, again)]


def test_in_mid_stream(gateway, model):
    model.script(stream_head(), sse(delta("one")), sse(delta("two")), stall())
    before = gateway.metrics().total("intragate_requests_total", outcome="cancelled", status="200")
    with Stream(gateway, chat("m", stream=True)) as reply:
        assert [reply.next(), reply.next()] == [sse_bytes(delta("one")), sse_bytes(delta("two"))]
        assert wait_for_phase(gateway, reply.request_id, "streaming")["tokens"] == 2
        assert cancel(gateway, id=reply.request_id) == 1
        reply.rest()
        assert reply.ended == "cut"
        *_, last = events(reply.chunks)  # no [DONE]
        assert last["error"]["code"] == "cancelled" and "incomplete" in last["error"]["message"]
        with pytest.raises(DifyError):
            dify_read(reply.chunks)
    record = expect_cancelled(gateway, reply.request_id, 200, model.calls[0])
    assert (record["completion_tokens"], record["usage_source"]) == (2, "counted")
    after = gateway.metrics()
    assert after.total("intragate_requests_total", outcome="cancelled", status="200") == before + 1
    assert after.total("intragate_open_streams") == 0


def test_in_mid_stream_while_events_flow(gateway, model):
    model.script(stream_head(), endless())
    with Stream(gateway, chat("m", stream=True)) as reply:
        for _ in range(20):
            assert reply.next()
        assert cancel(gateway, id=reply.request_id) == 1
        reply.rest()
        *_, last = events(reply.chunks)
        assert reply.ended == "cut" and last["error"]["code"] == "cancelled"
    expect_cancelled(gateway, reply.request_id, 200, model.calls[0])


def test_in_the_middle_of_a_plain_answer(gateway, model):
    model.script(head(200, [("Content-Type", "application/json"), ("Content-Length", 1000)]), send(b"{" + b" " * 99),
                 stall())
    name = new_id()
    with start(gateway, name) as connection:
        wait_for_phase(gateway, name, "answering")
        assert cancel(gateway, id=name) == 1
        expect_refusal(connection, name)
    expect_cancelled(gateway, name, 410, model.calls[0])


def test_while_connecting(gateway, hole):
    name = new_id()
    with start(gateway, name, "hole") as connection:
        assert wait_for_phase(gateway, name, "connecting")["endpoint"] == hole.base
        assert cancel(gateway, id=name) == 1
        expect_refusal(connection, name)
    expect_cancelled(gateway, name, 410)


def test_in_a_backoff_pause(gateway, model):
    model.script(refusal(503), times=3)
    name = new_id()
    with start(gateway, name, "pausing") as connection:
        wait_for_phase(gateway, name, "retrying")
        assert cancel(gateway, id=name) == 1
        expect_refusal(connection, name)
    assert expect_cancelled(gateway, name, 410)["attempts"] >= 1


@pytest.mark.parametrize("heartbeat", [False, True])
def test_while_queued(gateway, model, heartbeat):
    """The place is given up, and the slot's holder notices nothing."""
    gate = Gate()
    model.script(wait(gate), *stream("fine"))
    holder = Stream(gateway, chat("one", stream=True))
    model.wait_for_call()
    name = new_id()
    with start(gateway, name, "one", stream=True) as connection:
        assert wait_for_phase(gateway, name, "queued")["endpoint"] == ""
        if heartbeat:
            assert connection.read_final_head().status == 200
            assert connection.read_chunk().startswith(b": waiting")
        assert cancel(gateway, id=name) == 1
        if heartbeat:
            while (piece := connection.read_chunk()).startswith(b":"):
                pass
            assert events([piece])[0]["error"]["code"] == "cancelled"
            connection.expect_closed()
        else:
            expect_refusal(connection, name)
    expect_cancelled(gateway, name, 200 if heartbeat else 410)
    assert gateway.metrics().total("intragate_queue_waiting", model="one") == 0
    gate.open()
    holder.rest()
    holder.connection.close()
    assert holder.ended == "clean" and len(model.calls) == 1


def test_the_slot_of_a_cancelled_call_is_the_next_ones(gateway, model):
    model.script(stall())
    first, second = new_id(), new_id()
    with start(gateway, first, "one") as cancelled, start(gateway, second, "one") as waiting:
        model.wait_for_call()
        in_work, = [call["id"] for call in calls(gateway, "?model=one") if call["phase"] == "first_byte"]
        queued = second if in_work == first else first
        wait_for_phase(gateway, queued, "queued")
        assert cancel(gateway, id=in_work) == 1
        lucky, other = (waiting, cancelled) if in_work == first else (cancelled, waiting)
        assert lucky.read_answer().status == 200
        expect_refusal(other, in_work)
    eventually(lambda: gateway.metrics().total("intragate_slots", model="one", state="used") == 0)


def test_a_client_that_takes_nothing_does_not_keep_the_model(gateway, model):
    """And once it reads on, it gets what was on its way, and why there is no more."""
    model.script(stream_head(), endless(lambda number, piece=chunk(sse_bytes(delta("x" * 8000))): piece))
    with Stream(gateway, chat("m", stream=True), receive_buffer=32768) as reply:
        reply.read_head()
        call = model.wait_for_call()
        assert call.blocked.wait(PATIENCE), "the model was never paused"
        assert cancel(gateway, id=reply.request_id) == 1
        assert call.wait_ended().ended_by_peer
        reply.rest()
        *whole, last = events(reply.chunks)
        assert reply.ended == "cut" and last["error"]["code"] == "cancelled"
        assert whole and all(event == delta("x" * 8000) for event in whole)
    record = expect_cancelled(gateway, reply.request_id, 200)
    assert record["bytes_out"] == len(reply.raw)


# --- which calls

def test_by_user_by_key_and_by_both_on_every_loop(gateway, model):
    model.default(stall())
    before = gateway.metrics().total("intragate_requests_total", outcome="cancelled", status="410")
    who = [("test", "ann")] * 6 + [("test", "bob")] * 2 + [("other", "ann")] * 2 + [("other", "")] * 2
    keys = {"test": gateway.key, "other": OTHER_KEY}
    connections = {new_id(): (key, user) for key, user in who}
    opened = {name: start(gateway, name, key=keys[key], **({"user": user} if user else {}))
              for name, (key, user) in connections.items()}
    model.wait_for_call(len(who))
    assert len(calls(gateway)) == len(who)
    assert len(calls(gateway, "?user=ann")) == 8 and len(calls(gateway, "?key=other")) == 4
    assert len(calls(gateway, "?key=other&user=ann&model=m")) == 2 and calls(gateway, "?model=one") == []
    ages = [call["total_ms"] for call in calls(gateway)]
    assert ages == sorted(ages, reverse=True)

    def left():
        return sorted((call["key"], call["user"]) for call in calls(gateway))
    assert cancel(gateway, user="nobody") == 0
    assert cancel(gateway, user="ann", key="other") == 2
    assert left() == sorted([("test", "ann")] * 6 + [("test", "bob")] * 2 + [("other", "")] * 2)
    assert cancel(gateway, user="ann") == 6
    assert cancel(gateway, key="test") == 2
    assert left() == [("other", "")] * 2
    assert cancel(gateway, key="other") == 2 and calls(gateway) == []
    for name, connection in opened.items():
        expect_refusal(connection, name)
        connection.close()
        expect_cancelled(gateway, name, 410)
    for call in model.calls:
        assert call.wait_ended().ended_by_peer
    assert gateway.metrics().total("intragate_requests_total", outcome="cancelled", status="410") == before + len(who)


def test_users_of_keys_that_are_not_trusted_have_no_name(gateway, model):
    model.script(stall())
    name = new_id()
    with start(gateway, name, key="sk-always-1234567", user="ann") as connection:
        model.wait_for_call()
        assert wait_for_phase(gateway, name, "first_byte")["user"] == ""
        assert cancel(gateway, user="ann") == 0 and cancel(gateway, key="always") == 1
        expect_refusal(connection, name)


def test_an_id_that_nobody_has_is_404(gateway):
    assert admin(gateway, "POST", "/calls/cancel", {"id": "no-such-call"}) == (404, {"cancelled": 0})
    assert admin(gateway, "POST", "/calls/cancel", {"user": "nobody"}) == (200, {"cancelled": 0})


# --- who may

@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": "a", "key": "b"}, {"model": "m"}, [], {"key": 1}, b"{", b"",
                                  {"user": "", "key": "test"}])
def test_a_body_that_names_no_calls_is_400(gateway, body):
    status, said = admin(gateway, "POST", "/calls/cancel", body)
    assert status == 400 and "error" in said


def test_a_body_that_is_too_long_is_413(gateway):
    status, said = admin(gateway, "POST", "/calls/cancel", b" " * 100_000)
    assert status == 413 and "error" in said


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/calls/cancel", 405), ("POST", "/calls", 405), ("DELETE", "/calls", 405), ("GET", "/calls?users=x", 400),
    ("GET", "/calls/", 404), ("POST", "/metrics", 405)])
def test_other_requests_are_refused(gateway, method, path, status):
    assert admin(gateway, method, path)[0] == status


@pytest.mark.parametrize("headers, status", [
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Host": "evil.example:8081"}, 403),
    ({"Content-Type": "text/plain"}, 415), ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ({"Host": "localhost"}, 200), ({"Host": "[::1]:8081"}, 200)])
def test_pages_in_an_administrators_browser_can_do_nothing(gateway, model, headers, status):
    model.script(stall())
    name = new_id()
    with start(gateway, name) as connection:
        model.wait_for_call()
        assert admin(gateway, "POST", "/calls/cancel", {"key": "test"}, headers)[0] == status
        assert (name in [call["id"] for call in calls(gateway)]) == (status != 200)
        assert cancel(gateway, id=name) == (0 if status == 200 else 1)
        expect_refusal(connection, name)


FOREIGN = [{"Host": "evil.example"}, {"Host": "evil.example:8081", "Origin": "http://evil.example:8081"},
           {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]


@pytest.mark.parametrize("path", ["/calls", "/forecast?model=m&key=test", "/metrics"])
def test_pages_that_rebind_their_name_see_nothing(gateway, path):
    for headers in FOREIGN:
        status, said = gateway.get_admin(path, headers=headers)
        assert status == 403 and '"error"' in said, headers
    for headers in ({}, {"Host": "localhost"}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}):
        assert gateway.get_admin(path, headers=headers)[0] == 200, headers


def test_pages_learn_of_readiness_no_names(gateway_factory, model):
    """Balancers learn whether there is service, whatever name they use; which model is missing is for who is no page."""
    gateway = gateway_factory(config={"admin": {"address": "127.0.0.1:0", "token": TOKEN}, "models": [
        {"name": "m", "endpoints": [{"url": model.base}]}, {"name": "secret-model", "endpoints": [{"url": "http://127.0.0.1:1"}]}]})
    eventually(lambda: "secret-model" in gateway.get_admin("/readyz")[1])
    for headers in FOREIGN:
        status, said = gateway.get_admin("/readyz", headers=headers)
        assert status == 200 and json.loads(said) == {"ready": True, "missing": {}}, headers
    token = {"Authorization": f"Bearer {TOKEN}", "Host": "gateway.example"}
    assert "secret-model" in gateway.get_admin("/readyz", headers=token)[1]


@pytest.fixture(scope="module")
def guarded(gateway_factory, model):
    return gateway_factory(config={"admin": {"address": "127.0.0.1:0", "token": TOKEN},
                                   "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})


def test_a_token_that_is_asked_for_is_needed(guarded):
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert admin(guarded, "GET", "/calls", headers=headers)[0] == 401
        assert admin(guarded, "POST", "/calls/cancel", {"id": "x"}, headers)[0] == 401
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert admin(guarded, "GET", "/calls", headers=token) == (200, [])
    assert admin(guarded, "POST", "/calls/cancel", {"id": "x"}, {**token, "Host": "gateway.example"})[0] == 404
    assert admin(guarded, "POST", "/calls/cancel", {"id": "x"}, {**token, "Origin": "http://evil.example"})[0] == 403


# --- the command line

def command(gateway, *arguments, env=None, **options):
    keys = {"TEST_KEY": gateway.key, "OTHER_KEY": OTHER_KEY, "ALWAYS_KEY": "sk-always-1234567"}
    return run("calls", *arguments, "--config", gateway.config_file, env={**keys, **(env or {})}, **options)


def test_list_shows_a_table_to_people_and_json_to_programs(gateway, model):
    model.script(stall())
    name = new_id()
    with start(gateway, name, user="u-1\x1b[31m") as connection:
        model.wait_for_call()
        wait_for_phase(gateway, name, "first_byte")
        listed = command(gateway, "list")
        assert listed.returncode == 0, listed.stderr
        title, row = listed.stdout.splitlines()
        assert title.split() == ["ID", "PHASE", "QUEUE", "TOTAL", "TOKENS", "MODEL", "KEY", "USER", "ENDPOINT"]
        cells = row.split()
        assert cells[:2] == [name, "first_byte"] and cells[4:7] == ["0", "m", "test"] and cells[8] == model.base
        assert "\x1b" not in row
        found, = json.loads(command(gateway, "list", "--json", "--key", "test", "--model", "m").stdout)
        assert found["id"] == name and found["user"] == "u-1\x1b[31m"
        assert json.loads(command(gateway, "list", "--json", "--user", "u-1").stdout) == []
        assert command(gateway, "cancel", "--id", name).stdout == "1 call cancelled\n"
        expect_refusal(connection, name)
    assert command(gateway, "list").stdout.count("\n") == 1  # the titles


def test_cancel_says_no_when_nothing_matched(gateway):
    for which in (["--id", "no-such-call"], ["--user", "nobody"], ["--key", "nobody"], ["--user", "a", "--key", "b"]):
        done = command(gateway, "cancel", *which)
        assert (done.returncode, done.stdout) == (1, "") and "no such call" in done.stderr
    done = command(gateway, "cancel", "--user", "nobody", "--json")
    assert done.returncode == 1 and json.loads(done.stdout) == {"cancelled": 0}


def test_cancel_by_user_and_key(gateway, model):
    model.default(stall())
    names = [new_id() for _ in range(3)]
    connections = [start(gateway, names[0], user="ann"), start(gateway, names[1], user="ann"),
                   start(gateway, names[2], user="ann", key=OTHER_KEY)]
    model.wait_for_call(3)
    assert len(calls(gateway)) == 3
    done = command(gateway, "cancel", "--user", "ann", "--key", "test", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == {"cancelled": 2}
    assert [call["id"] for call in calls(gateway)] == [names[2]]
    assert command(gateway, "cancel", "--key", "other").stdout == "1 call cancelled\n"
    for name, connection in zip(names, connections):
        expect_refusal(connection, name)
        connection.close()


def test_the_gateway_is_found_by_address_and_token_too(guarded, tmp_path):
    address = "{}:{}".format(*guarded.admin_address)
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    assert run("calls", "list", "--admin", address, "--token-file", token_file, cwd=tmp_path).returncode == 0
    assert run("calls", "list", "--admin", address, env={"INTRAGATE_ADMIN_TOKEN": TOKEN}, cwd=tmp_path).returncode == 0
    assert command(guarded, "list").returncode == 0  # the configuration's own token
    refused = run("calls", "list", "--admin", address, cwd=tmp_path)
    assert refused.returncode == 1 and "token" in refused.stderr and refused.stdout == ""
    wrong = command(guarded, "list", env={"INTRAGATE_ADMIN_TOKEN": "wrong"})
    assert wrong.returncode == 1 and TOKEN not in wrong.stderr


def test_inherited_configuration_finds_the_gateway(gateway):
    keys = {"TEST_KEY": gateway.key, "OTHER_KEY": OTHER_KEY, "ALWAYS_KEY": "sk-always-1234567"}
    assert run("calls", "list", env={**keys, "INTRAGATE_CONFIG": gateway.config_file}).returncode == 0


def test_quick_start_is_found_through_its_data_directory(gateway_factory, model):
    """Its admin port may have been chosen at the start."""
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_ADMIN_LISTEN": None})
    here = {"env": {"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_DATA_DIR": gateway.data_dir}, "cwd": gateway.directory}
    address = gateway.data_dir / "admin.address"
    assert address.read_text() == "{}:{}\n".format(*gateway.admin_address)
    assert address.stat().st_mode & 0o777 == 0o600
    assert run("calls", "list", **here).returncode == 0
    gateway.stop()
    assert not address.exists()
    gone = run("calls", "list", **here)
    assert gone.returncode == 1 and "no gateway runs" in gone.stderr


def test_no_gateway_answers(tmp_path):
    with socket.socket() as nobody:  # bound, but not listening
        nobody.bind(("127.0.0.1", 0))
        done = run("calls", "list", "--admin", "127.0.0.1:{}".format(nobody.getsockname()[1]), cwd=tmp_path)
    assert done.returncode == 1 and "no gateway answers at 127.0.0.1:" in done.stderr
    missing = run("calls", "list", "--config", tmp_path / "nothing.yaml")
    assert missing.returncode == 1 and "nothing.yaml" in missing.stderr and "--admin" in missing.stderr


@pytest.mark.parametrize("arguments", [
    [], ["frob"], ["cancel"], ["cancel", "--id", "a", "--user", "b"], ["cancel", "--id", "a", "--key", "b"],
    ["cancel", "--user", ""], ["cancel", "--key", "a", "--user", ""], ["list", "--id", "a"], ["list", "--model", ""],
    ["list", "--admin", "nowhere"], ["list", "--admin", "127.0.0.1:1", "--config", "a"], ["cancel", "--model", "m"],
    ["list", "--config", "a", "--env-file", "b"]])
def test_wrong_use_is_2(arguments, tmp_path):
    done = run("calls", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.strip() and done.stdout == ""


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--help"], ["cancel", "--help"]])
def test_help_is_everywhere(arguments):
    done = run("calls", *arguments)
    assert done.returncode == 0 and "Usage" in done.stdout


# --- answers that are long enough

def test_a_stream_ends_at_max_answer_tokens_as_if_the_model_had_ended_it(gateway, model):
    model.script(stream_head(), endless())
    before = gateway.metrics().total("intragate_answers_cut_total", model="capped")
    with Stream(gateway, chat("capped", stream=True)) as reply:
        reply.rest()
        assert reply.ended == "clean"
        found = events(reply.chunks)
        assert found[-1] == "[DONE]" and len(found) == 7
        assert found[:5] == [delta(f"{number} ") for number in range(5)]
        assert found[5]["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
        assert {name: found[5][name] for name in ("id", "object", "created", "model")} == \
            {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake-model"}
        answer = dify_read(reply.chunks)
        assert (answer.text, answer.finish_reason, answer.usage) == ("0 1 2 3 4 ", "length", None)
        assert model.only_call.wait_ended().ended_by_peer
        # The client's connection goes on.
        reply.connection.ask(body=chat("m"), key=gateway.key)
        assert reply.connection.read_answer().status == 200
    record = gateway.wait_for_record(reply.request_id)
    assert (record["outcome"], record["completion_tokens"], record["usage_source"]) == ("ok", 5, "counted")
    assert gateway.metrics().total("intragate_answers_cut_total", model="capped") == before + 1
    assert gateway.metrics().total("intragate_pool_connections", state="busy") == 0


@pytest.mark.parametrize("how", [{"key": "sk-always-1234567"}, {"body": {"stream_options": {"include_usage": True}}}])
def test_whoever_wants_counts_gets_them_from_a_stream_that_was_cut_too(gateway, model, how):
    """Dify counts by itself when it gets none, and fails if it cannot."""
    model.script(stream_head(), endless())
    with Stream(gateway, chat("capped", stream=True, **how.get("body", {})), key=how.get("key", True)) as reply:
        reply.rest()
    answer = dify_read(reply.chunks)
    assert answer.usage["completion_tokens"] == 5 and answer.finish_reason == "length"
    assert answer.usage["total_tokens"] == answer.usage["prompt_tokens"] + 5
    assert events(reply.chunks)[-2]["choices"] == [] and events(reply.chunks)[-1] == "[DONE]"


def test_completions_are_cut_in_their_own_form(gateway, model):
    piece = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "fake-model",
             "choices": [{"index": 0, "text": "x", "finish_reason": None}]}
    model.script(stream_head(), endless(lambda number: chunk(sse_bytes(piece))))
    with Stream(gateway, {"model": "capped", "prompt": "x", "stream": True}, "/v1/completions") as reply:
        reply.rest()
    last = events(reply.chunks)[-2]
    assert last["choices"][0]["text"] == "" and last["choices"][0]["finish_reason"] == "length"
    assert last["object"] == "text_completion" and dify_read(reply.chunks).text == "xxxxx"


def test_old_clients_are_cut_off_too(gateway, model):
    model.script(stream_head(), endless())
    with Connection(gateway.address) as connection:
        connection.ask(body=chat("capped", stream=True), key=gateway.key, version="HTTP/1.0")
        reply = connection.read_answer()
    assert reply.body.endswith(b"data: [DONE]\n\n") and b'"finish_reason":"length"' in reply.body


def test_a_short_answer_is_left_alone(gateway, model):
    model.script(*stream("a", "b", "c", "d", usage={"prompt_tokens": 1, "completion_tokens": 50}))
    with Stream(gateway, chat("capped", stream=True)) as reply:
        reply.rest()
    assert dify_read(reply.chunks).finish_reason == "stop" and dify_read(reply.chunks).text == "abcd"
    assert gateway.wait_for_record(reply.request_id)["completion_tokens"] == 50


def test_a_model_that_ends_its_answer_there_by_itself_has_the_last_word(gateway, model):
    """It has been asked to; and its counts are better than ours."""
    usage = {"prompt_tokens": 11, "completion_tokens": 5}
    model.script(stream_head(), *[sse(delta(str(number))) for number in range(5)], sse(delta(None, finish="length")),
                 sse({"id": "chatcmpl-1", "choices": [], "usage": usage}), sse("[DONE]"), end())
    before = gateway.metrics().total("intragate_answers_cut_total", model="capped")
    with Stream(gateway, chat("capped", stream=True, stream_options={"include_usage": True})) as reply:
        reply.rest()
    assert dify_read(reply.chunks).usage == usage and dify_read(reply.chunks).finish_reason == "length"
    assert model.only_call.wait_ended().end == "completed"
    assert gateway.wait_for_record(reply.request_id)["usage_source"] == "upstream"
    assert gateway.metrics().total("intragate_answers_cut_total", model="capped") == before


@pytest.mark.parametrize("asked, sent", [({}, {"max_tokens": 5}), ({"max_tokens": 3}, {"max_tokens": 3}),
                                         ({"max_tokens": 500}, {"max_tokens": 5}),
                                         ({"max_tokens": None}, {"max_tokens": 5}),
                                         ({"max_completion_tokens": 9}, {"max_completion_tokens": 5})])
def test_the_model_is_asked_for_no_more_than_that(gateway, model, asked, sent):
    """What is no stream can only be bounded by the model itself."""
    assert ask(gateway, chat("capped", **asked)).status == 200
    got = model.only_call.json
    assert {name: got[name] for name in got if name.startswith("max_")} == sent
    assert got["messages"] == chat("capped")["messages"]
