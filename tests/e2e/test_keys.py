"""Keys made, rotated and ended while a gateway runs and while none does; who guesses at keys; what is on record."""

import concurrent.futures
import hashlib
import http.client
import json
import pathlib
import sqlite3
import stat

import pytest

from fake_model import proper_answer, refusal
from gateway import StartFailed, run
from wire import PATIENCE, ask, chat, eventually

LOOPS = 4


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    return gateway_factory(config=configuration(model))


def configuration(model, **more):
    endpoints = [{"url": model.base}]
    return {"models": [{"name": "qwen-open", "endpoints": endpoints}, {"name": "qwen-secret", "endpoints": endpoints}],
            "workers": LOOPS, **more}


def keys(gateway, *words, env=None):
    return run("keys", *words, "--config", gateway.config_file, env={"TEST_KEY": gateway.key, **(env or {})})


def create(gateway, name, *words):
    done = keys(gateway, "create", name, *words)
    assert done.returncode == 0, done.stderr
    secret = done.stdout.removesuffix("\n")
    assert secret.startswith("sk-") and "\n" not in secret and secret not in done.stderr
    return secret


def listed(gateway, name):
    done = keys(gateway, "show", name, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def status(gateway, key, model_name="qwen-open", **options):
    return ask(gateway, chat(model_name), key=key, **options).status


def events(gateway, name):
    return [record for record in gateway.events() if record["event"] == name]


def admin(gateway, method, path, body=None, *, token=None, headers=None):
    """(status, JSON) of an admin request, with the token that stands in the data directory."""
    connection = http.client.HTTPConnection(*gateway.admin_address, timeout=PATIENCE)
    token = (gateway.data_dir / "admin.secret").read_text().strip() if token is None else token
    sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    connection.request(method, path, json.dumps(body) if body is not None else None, sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text)


# --- while a gateway runs

def test_a_new_key_works_at_once_on_every_loop(gateway):
    secret = create(gateway, "new")
    for _ in range(8 * LOOPS):  # a connection for each; the kernel spreads them
        assert status(gateway, secret) == 200
    shown = listed(gateway, "new")
    assert shown["source"] == "store" and shown["state"] == "active" and shown["last_used"]
    assert secret.startswith(shown["secrets"][0]["prefix"])
    assert shown["secrets"][0]["key_id"] == hashlib.sha256(secret.encode()).hexdigest()[:12]


def test_a_key_has_its_permissions(gateway):
    secret = create(gateway, "narrow", "--models", "qwen*,!qwen-secret", "--allow", "127.0.0.2/32", "--apis", "chat",
                    "--expires", "30d")
    assert status(gateway, secret, source="127.0.0.2") == 200
    assert status(gateway, secret, source="127.0.0.3") == 403
    assert status(gateway, secret, "qwen-secret", source="127.0.0.2") == 403
    reply = ask(gateway, {"model": "qwen-open", "input": "x"}, path="/v1/embeddings", key=secret, source="127.0.0.2")
    assert reply.status == 403 and reply.error["code"] == "api_not_allowed"
    listing = ask(gateway, method="GET", path="/v1/models", key=secret, source="127.0.0.2").json
    assert {entry["id"] for entry in listing["data"]} == {"qwen-open"}


def test_a_rotated_key_works_through_its_grace(gateway):
    old = create(gateway, "turning")
    done = keys(gateway, "rotate", "turning", "--grace", "1h")
    assert done.returncode == 0, done.stderr
    new = done.stdout.strip()
    uses = gateway.metrics().total("intragate_replaced_key_uses_total", key="turning")
    assert status(gateway, new) == 200
    reply = ask(gateway, chat("qwen-open"), key=old)
    assert reply.status == 200
    record = gateway.wait_for_record(reply.request_id)
    assert record["principal"] == "turning" and record["key_id"] == hashlib.sha256(old.encode()).hexdigest()[:12]
    assert gateway.metrics().total("intragate_replaced_key_uses_total", key="turning") == uses + 1

    done = keys(gateway, "rotate", "turning", "--grace", "0s")  # ends both
    for ended in (old, new):
        reply = ask(gateway, chat("qwen-open"), key=ended)
        assert reply.status == 401 and "replaced" in reply.error["message"]
    assert status(gateway, done.stdout.strip()) == 200


def test_a_revoked_key_ends_at_once_and_is_still_named(gateway):
    secret = create(gateway, "going")
    assert status(gateway, secret) == 200
    assert keys(gateway, "revoke", "going").returncode == 0
    for _ in range(4 * LOOPS):
        reply = ask(gateway, chat("qwen-open"), key=secret)
        assert reply.status == 401 and reply.error["code"] == "revoked_api_key"
    assert gateway.wait_for_record(reply.request_id)["principal"] == "going"
    again = keys(gateway, "create", "going")
    assert again.returncode == 1 and "revoked" in again.stderr


def test_expire_ends_a_key_when_it_says(gateway):
    secret = create(gateway, "ending")
    assert keys(gateway, "expire", "ending", "--at", "2099-01-01T00:00:00Z").returncode == 0
    assert status(gateway, secret) == 200
    assert keys(gateway, "expire", "ending").returncode == 0
    reply = ask(gateway, chat("qwen-open"), key=secret)
    assert reply.status == 401 and reply.error["code"] == "expired_api_key"


def test_names_of_the_file_are_refused(gateway):
    for verb in ("create", "rotate", "revoke", "expire"):
        done = keys(gateway, verb, "test")
        assert done.returncode == 1 and "configuration file" in done.stderr, done
    assert status(gateway, gateway.key) == 200


def test_wrong_use_is_said(gateway):
    for words in (["create"], ["create", "x", "--expires", "tomorrow"], ["create", "x", "--allow", "10.0.0.1/8"],
                  ["create", "x", "--apis", "chatt"], ["rotate", "x", "--grace", "soon"], ["show", "nobody"]):
        done = keys(gateway, *words)
        assert done.returncode in (1, 2) and done.stderr and "sk-" not in done.stdout, (words, done)


def test_changes_are_in_the_chain_and_the_secret_nowhere(gateway):
    secret = create(gateway, "recorded", "--models", "qwen-open")
    assert status(gateway, secret) == 200
    assert keys(gateway, "revoke", "recorded").returncode == 0
    made = eventually(lambda: [e for e in events(gateway, "keys.create") if e["detail"]["name"] == "recorded"], "the record")
    assert made[0]["detail"]["models"] == ["qwen-open"] and made[0]["address"] == "127.0.0.1"
    eventually(lambda: [e for e in events(gateway, "keys.revoke") if e["detail"]["name"] == "recorded"], "the record")
    places = {"log": "\n".join(gateway.log()), "records": json.dumps(gateway.chain()),
              "metrics": gateway.get_admin("/metrics")[1], "list": keys(gateway, "list", "--json").stdout,
              "command line": pathlib.Path(f"/proc/{gateway.process.pid}/cmdline").read_text(),
              "environment": pathlib.Path(f"/proc/{gateway.process.pid}/environ").read_text(),
              "store": "".join(p.read_bytes().decode("latin-1") for p in gateway.data_dir.glob("intragate.db*"))}
    for name, text in places.items():
        assert secret not in text, name
        assert secret[12:] not in text, name


# --- the admin side

def test_keys_ask_for_a_proof_even_where_no_token_is_set(gateway):
    assert gateway.get_admin("/keys")[0] == 401
    for token in ("", "wrong", " "):
        assert admin(gateway, "GET", "/keys", token=token)[0] == 401
        assert admin(gateway, "POST", "/keys/create", {"name": "thief"}, token=token)[0] == 401
    assert admin(gateway, "GET", "/keys")[0] == 200
    secret = gateway.data_dir / "admin.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_pages_of_other_sites_cannot_use_the_keys(gateway):
    body = {"name": "thief"}
    host = "{}:{}".format(*gateway.admin_address)
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"https://x{host}"},
                    {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"},
                    {"Origin": "http://rebound.example", "Content-Type": "text/plain"}):
        assert admin(gateway, "POST", "/keys/create", body, headers=headers)[0] in (403, 415), headers
    assert admin(gateway, "GET", "/keys/create")[0] == 405 and admin(gateway, "PUT", "/keys/create", body)[0] == 405
    assert admin(gateway, "POST", "/keys", body)[0] == 405
    assert admin(gateway, "GET", "/keys?name=thief")[0] == 404


def test_racing_edits_lose_nothing(gateway):
    names = [f"race-{i}" for i in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: admin(gateway, "POST", "/keys/create", {"name": name}), names * 2))
    assert sorted(code for code, _ in answers) == [200] * 24 + [409] * 24
    secrets = [body["key"] for code, body in answers if code == 200]
    assert len(set(secrets)) == 24
    assert all(status(gateway, secret) == 200 for secret in secrets)


def test_changes_of_another_process_are_seen_within_a_second(gateway):
    """As two gateways with one store, or an editor of the file, would make them."""
    secret = create(gateway, "elsewhere")
    assert status(gateway, secret) == 200
    with sqlite3.connect(gateway.data_dir / "intragate.db", timeout=5) as store:
        store.execute("UPDATE keys SET revoked = 1 WHERE name = 'elsewhere'")
    store.close()
    eventually(lambda: status(gateway, secret) == 401, "the revocation", 5)


# --- while none runs

def test_edits_without_a_gateway_stand_when_it_starts(gateway_factory, model):
    gateway = gateway_factory(config=configuration(model))
    before = create(gateway, "before")
    gateway.stop()
    offline = create(gateway, "offline", "--models", "qwen-open")
    assert keys(gateway, "revoke", "before").returncode == 0
    table = keys(gateway, "list").stdout
    assert "offline" in table and "revoked" in table and "test" in table and offline not in table
    mode = stat.S_IMODE((gateway.data_dir / "intragate.db").stat().st_mode)
    assert mode == 0o600
    started = gateway_factory(config=configuration(model), directory=gateway.directory)
    assert status(started, offline) == 200 and status(started, before) == 401
    assert len(events(started, "keys.create")) == 2 and events(started, "keys.revoke")[0]["principal"] == "command"


@pytest.mark.parametrize("damage", ["garbage", "link", "foreign version"])
def test_a_store_that_cannot_be_used_is_said_at_the_start(gateway_factory, model, tmp_path, damage):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    store = data / "intragate.db"
    if damage == "garbage":
        store.write_bytes(b"x" * 8192)
    elif damage == "link":
        store.symlink_to("/dev/null")
    else:
        with sqlite3.connect(store) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    with pytest.raises(StartFailed) as failed:
        gateway_factory(config=configuration(model), directory=tmp_path)
    assert "intragate.db" in str(failed.value) and "exit 1" in str(failed.value)


def test_a_running_gateway_keeps_its_keys_when_the_store_breaks(gateway_factory, model):
    gateway = gateway_factory(config=configuration(model))
    secret = create(gateway, "kept")
    store = gateway.data_dir / "intragate.db"
    for end in ("-wal", "-shm", ""):
        path = pathlib.Path(str(store) + end)
        if path.exists():
            path.unlink()
    store.write_bytes(b"not a store" * 1000)
    gateway.wait_for_log("the store cannot be used")
    assert status(gateway, secret) == 200
    done = keys(gateway, "create", "more")
    assert done.returncode == 1 and "intragate.db" in done.stderr
    assert gateway.metrics()["intragate_store_usable"] == 0
    assert "keys" in json.loads(gateway.get_admin("/readyz")[1])["missing"]
    store.unlink()
    (gateway.data_dir / "mark").write_text("")
    eventually(lambda: "is gone" in "\n".join(gateway.log()), "the log")
    assert status(gateway, secret) == 200


def test_a_reload_whose_key_name_is_taken_is_refused(gateway_factory, model):
    gateway = gateway_factory(config=configuration(model))
    secret = create(gateway, "mine")
    gateway.reload(configuration(model, keys=[{"name": "mine", "key": "${TEST_KEY}"}]), expect="refused")
    assert status(gateway, secret) == 200 and status(gateway, gateway.key) == 200
    gateway.wait_for_log("`mine` is both in the configuration file and in the store")


# --- age

def test_old_keys_are_told_and_may_be_refused(gateway_factory, model):
    file_key = {"name": "file", "key": "${TEST_KEY}", "created": "2020-01-01T00:00:00Z"}
    gateway = gateway_factory(config=configuration(model, keys=[file_key], key_policy={"max_age": "90d"}))
    gateway.wait_for_log("a key needs attention.*file.*overdue")
    assert status(gateway, gateway.key) == 200
    secret = create(gateway, "young")
    assert listed(gateway, "young")["rotate_before"] and listed(gateway, "file")["state"] == "overdue"
    assert gateway.metrics().find("intragate_key_due_timestamp_seconds", key="young")
    gateway.reload(configuration(model, keys=[file_key], key_policy={"max_age": "90d", "enforce": True}))
    assert status(gateway, gateway.key) == 401 and status(gateway, secret) == 200


# --- who guesses

def test_guessing_at_keys_is_slowed_and_recorded(gateway_factory, model):
    gateway = gateway_factory(config=configuration(model, wrong_keys={"limit": 10, "window": "1m", "pause": "1m"}))
    model.reset()
    for i in range(9):
        reply = ask(gateway, chat("qwen-open"), key=f"sk-guess-{i:040}", source="127.0.0.66")
        assert reply.status == 401
    for _ in range(50):  # an application whose key is wrong is no thief
        assert status(gateway, "sk-the-same-wrong-key", source="127.0.0.67") == 401
    assert status(gateway, gateway.key, source="127.0.0.66") == 200
    assert status(gateway, f"sk-guess-{9:040}", source="127.0.0.66") == 401
    for key in (f"sk-guess-{10:040}", gateway.key):
        reply = ask(gateway, chat("qwen-open"), key=key, source="127.0.0.66")
        assert reply.status == 429 and reply.error["code"] == "too_many_wrong_keys", "not even the right one"
        assert 0 < int(reply.headers["retry-after"]) <= 60
    record = gateway.wait_for_record(reply.request_id)
    assert record["address"] == "127.0.0.66" and record["error"] == "too_many_wrong_keys" and not record["principal"]
    assert status(gateway, gateway.key) == 200 and status(gateway, gateway.key, source="127.0.0.67") == 200
    metrics = gateway.metrics()
    assert metrics.total("intragate_key_failures_total", reason="too_many_wrong_keys") == 2
    assert metrics.total("intragate_key_failures_total", reason="invalid_api_key") == 60
    warned = [line for line in gateway.log() if "too many wrong keys" in line]
    assert len(warned) == 1 and "127.0.0.66" in warned[0] and "sk-" not in warned[0]


def test_a_proxy_that_names_nobody_is_not_shut_out(gateway_factory, model):
    gateway = gateway_factory(config=configuration(
        model, listen=[{"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1/32"]}], wrong_keys={"limit": 3}))
    for i in range(10):
        assert status(gateway, f"sk-guess-{i:040}") == 401
    for i in range(10):  # whom it names is another matter
        reply = ask(gateway, chat("qwen-open"), key=f"sk-guess-{i:040}", headers={"X-Forwarded-For": "10.0.0.66"})
        assert reply.status == (401 if i < 3 else 429)
    assert status(gateway, gateway.key, headers={"X-Forwarded-For": "10.0.0.67"}) == 200
    # Nobody else's name helps, nor harms: what the proxy itself saw stands last.
    forged = {"X-Forwarded-For": "10.0.0.67, 10.0.0.66"}
    assert status(gateway, gateway.key, headers=forged) == 429


# --- keys towards models

def wants(token, accepted=None):
    """A model that knows one token only."""
    accepted = accepted or proper_answer()

    def step(call):
        right = call.headers.get("authorization") == f"Bearer {token}"
        (accepted if right else refusal(401, "who are you"))(call)
    return step


def test_a_models_new_key_is_taken_up_and_one_refused_call_made_good(gateway_factory, model_factory, tmp_path):
    model, token = model_factory(), tmp_path / "vllm.token"
    token.write_text("old-token\n")
    auth = {"type": "bearer", "key": f"file:{token}"}
    gateway = gateway_factory(config={"workers": 2, "models": [
        {"name": "m", "retry": {"attempts": 1}, "endpoints": [{"url": model.base, "auth": auth}]}]})
    model.default(wants("old-token"))
    assert status(gateway, gateway.key, "m") == 200
    model.reset()
    fresh = tmp_path / "fresh"
    fresh.write_text("new-token\n")
    model.default(wants("new-token"))
    fresh.replace(token)  # as secrets are replaced: in one move
    reply = ask(gateway, chat("m"))
    assert reply.status == 200
    assert [call.headers.get("authorization") for call in model.calls][-1] == "Bearer new-token"
    assert "new-token" not in "\n".join(gateway.log()) and "old-token" not in "\n".join(gateway.log())
    model.default(wants("none of them"))
    reply = ask(gateway, chat("m"))  # nothing newer to be had: told as before, after one look
    assert reply.status == 502 and reply.error["code"] == "upstream_status"
    assert len([c for c in model.calls if c.headers.get("authorization") == "Bearer new-token"]) == 2


def test_a_new_admin_token_is_taken_up(gateway_factory, model, tmp_path):
    token = tmp_path / "admin.token"
    token.write_text("first-token\n")
    gateway = gateway_factory(config=configuration(model, admin={"address": "127.0.0.1:0", "token": f"file:{token}"}))
    assert admin(gateway, "GET", "/calls", token="first-token")[0] == 200
    token.write_text("second-token\n")
    eventually(lambda: admin(gateway, "GET", "/calls", token="second-token")[0] == 200, "the new token")
    assert admin(gateway, "GET", "/calls", token="first-token")[0] == 401
