"""TLS on the admin address: who is an administrator by a certificate or a token, and whoever guesses has to wait."""

import http.client
import json
import ssl

import pytest

from certificates import Authority
from gateway import run
from wire import Connection, eventually

TOKEN = "admin-token-4f1d"


@pytest.fixture(scope="module")
def root(authority):
    return authority.issue("root-host", "URI:spiffe://corp/root")


@pytest.fixture(scope="module")
def visitor(authority):
    return authority.issue("visitor")


@pytest.fixture(scope="module")
def crl(authority):
    path = f"{authority.folder}/admin.crl"
    authority.write_crl(path)
    return path


@pytest.fixture(scope="module")
def gateway(gateway_factory, model_factory, authority, crl):
    own = authority.server()
    tls = {"certificate": own.certificate, "key": own.key, "client_certificate": "optional",
           "client_ca": authority.certificate, "crl": crl}
    admin = {"address": "127.0.0.1:0", "token": TOKEN, "tls": tls, "certificates": [{"cn": "root-host"}]}
    return gateway_factory(config={"admin": admin, "wrong_keys": {"limit": 1000},
                                   "models": [{"name": "m", "endpoints": [{"url": model_factory().base}]}]})


def trusting(authority, pair=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def connect(gateway, context):
    return http.client.HTTPSConnection("127.0.0.1", gateway.admin_address[1], timeout=60, context=context)


def get(gateway, context, path="/metrics", token=None, connection=None):
    """(status, text, headers)"""
    connection = connection or connect(gateway, context)
    connection.request("GET", path, headers={"authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers


def refusals(gateway):
    return [event for event in gateway.events() if event["event"] == "admin.refused"]


def test_a_certificate_is_as_good_as_the_token_and_nothing_else_is(gateway, authority, root, visitor):
    assert get(gateway, trusting(authority), "/livez")[0] == 200
    assert get(gateway, trusting(authority))[0] == 401
    assert get(gateway, trusting(authority), token=TOKEN)[0] == 200
    status, text, _ = get(gateway, trusting(authority, root))
    assert status == 200
    assert 'intragate_certificate_expiry_seconds{use="admin 127.0.0.1:0"}' in text
    assert get(gateway, trusting(authority, root), token="wrong-4711")[0] == 401  # judged by the token alone
    assert get(gateway, trusting(authority, visitor))[0] == 401
    refused = eventually(lambda: [one for one in refusals(gateway) if one["certificate"] == "CN=visitor"], "a record")
    assert (refused[0]["address"], refused[0]["outcome"], refused[0]["error"]) == ("127.0.0.1", "refused", "invalid_api_key")
    assert "wrong-4711" not in json.dumps(gateway.chain())


def test_plain_http_and_strangers_stay_outside(gateway, authority):
    with Connection(gateway.admin_address) as connection:
        connection.ask("GET", "/livez")
        assert connection.read_answer("GET").error["code"] == "https_only"
    stranger = Authority("Another CA")
    try:
        with pytest.raises(OSError):
            get(gateway, trusting(authority, stranger.issue("root-host")))
    finally:
        stranger.close()
    gateway.wait_for_log('TLS handshake failed.*"listener":"admin"')


def test_commands_speak_tls(gateway, authority, root, visitor):
    place = ["--config", gateway.config_file]
    env = {"TEST_KEY": gateway.key}
    done = run("calls", "list", *place, env=env)  # knows the gateway by its own certificate
    assert done.returncode == 0, done.stderr
    request = gateway.directory / "request.json"
    request.write_text('{"model":"m","messages":[]}')
    told = run("explain", gateway.config_file, request, "--key", "test", env=env).stdout
    assert "wait now of test" in told, told
    host, port = gateway.admin_address
    show = ["--admin", f"{host}:{port}", "--ca", authority.certificate]
    done = run("keys", "create", "by-root", *show, "--cert", root.certificate, "--cert-key", root.key)
    assert done.returncode == 0, done.stderr
    created = eventually(lambda: [one for one in gateway.events() if one["event"] == "keys.create"], "a record")
    assert (created[0]["principal"], created[0]["certificate"]) == ("root-host", "CN=root-host")
    done = run("keys", "create", "by-visitor", *show, "--cert", visitor.certificate, "--cert-key", visitor.key)
    assert done.returncode == 1 and "administrator's certificate" in done.stderr
    done = run("calls", "list", "--admin", f"{host}:{port}", "--server-name", "127.0.0.1")  # an authority it does not know
    assert done.returncode == 1 and "TLS" in done.stderr, done.stderr


def test_a_revoked_administrator_is_out_at_once(gateway, authority, crl):
    pair = authority.issue("root-host")
    open_connection = connect(gateway, trusting(authority, pair))
    assert get(gateway, None, connection=open_connection)[0] == 200
    authority.revoke(pair)
    authority.write_crl(crl)

    def is_out():
        try:
            return get(gateway, trusting(authority, pair))[0] != 200
        except OSError:
            return True
    eventually(is_out, "the end of its rights")
    with pytest.raises((OSError, http.client.HTTPException)):
        open_connection.auto_open = False
        get(gateway, None, connection=open_connection)


def test_whoever_guesses_tokens_has_to_wait(gateway_factory, model_factory):
    gateway = gateway_factory(config={"admin": {"address": "127.0.0.1:0", "token": TOKEN},
                                      "wrong_keys": {"limit": 3, "pause": "1h"},
                                      "models": [{"name": "m", "endpoints": [{"url": model_factory().base}]}]})

    def ask(token, path="/calls"):
        connection = http.client.HTTPConnection(*gateway.admin_address, timeout=60)
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.headers["retry-after"]

    for token in ("one", "one", "one", "two"):
        assert ask(token) == (401, None)  # the same again is no guess
    assert ask(TOKEN) == (200, None)
    assert ask("three") == (401, None)
    status, wait = ask(TOKEN)
    assert status == 429 and 3500 < int(wait) <= 3600
    assert ask("four", "/livez")[0] == 200
    eventually(lambda: len(refusals(gateway)) == 3, "a record of each guess")
    assert {one["address"] for one in refusals(gateway)} == {"127.0.0.1"}
    gateway.wait_for_log("too many wrong admin tokens")
