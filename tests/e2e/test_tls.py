"""TLS towards clients and towards models, with real peers: Python's ssl, the openssl command, the OpenAI client, nginx."""

import hashlib
import http.client
import http.server
import json
import pathlib
import socket
import ssl
import threading

import openai
import pytest

import parts
from certificates import openssl
from fake_model import Gate, delta, done, sse, stream_head, wait
from gateway import run
from wire import Connection, chat, eventually, new_id

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def pair(authority):
    return authority.server()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, pair):
    tls = {"certificate": pair.certificate, "key": pair.key}
    return gateway_factory(config={"workers": 2,
                                   "listen": [{"address": "127.0.0.1:0", "tls": tls, "timeouts": {"head": "400ms"}}],
                                   "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})


def trusting(authority, pair=None, version=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(gateway, context, session=None):
    plain = socket.create_connection(gateway.address, 20)
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


def call(gateway, context, body=None, key=True, connection=None):
    """One call; (status, answer, request id)."""
    connection = connection or http.client.HTTPSConnection("localhost", gateway.address[1], timeout=60, context=context)
    name = new_id()
    headers = {"content-type": "application/json", "x-request-id": name}
    if key:
        headers["authorization"] = f"Bearer {gateway.key if key is True else key}"
    connection.request("POST", CHAT, json.dumps(body or chat("m")), headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), name


def s_client(gateway, *options, send=""):
    host, port = gateway.address
    return openssl("s_client", "-connect", f"{host}:{port}", *options, check=False, input=send)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_official_client_calls_and_streams(gateway, authority, version):
    http_client = openai.DefaultHttpxClient(verify=trusting(authority, version=version))
    base = f"https://localhost:{gateway.address[1]}/v1"
    with openai.OpenAI(base_url=base, api_key=gateway.key, max_retries=0, http_client=http_client) as client:
        assert [found.id for found in client.models.list()] == ["m"]
        long = [{"role": "user", "content": "x" * 300_000}]
        assert client.chat.completions.create(model="m", messages=long).choices[0].message.content
        chunks = list(client.chat.completions.create(model="m", messages=long, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"


def test_old_versions_renegotiation_and_compression_are_refused(gateway, authority):
    assert "Cipher is (NONE)" in s_client(gateway, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0").stdout
    told = s_client(gateway, "-tls1_2", "-CAfile", authority.certificate, send="R\n")
    assert "Verify return code: 0" in told.stdout and "Compression: NONE" in told.stdout
    assert "no renegotiation" in told.stderr or "No renegotiation" in told.stderr, told.stderr
    assert "ALPN protocol: http/1.1" in s_client(gateway, "-alpn", "h2,http/1.1").stdout


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_on_whichever_loop_answers(gateway, authority, version):
    context = trusting(authority, version=version)
    before = gateway.metrics().total("intragate_tls_handshakes_total", result="resumed")
    session = None
    for _ in range(8):  # two loops
        with connect(gateway, context, session) as secure:
            assert secure.session_reused == (session is not None)
            secure.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert secure.recv(12) == b"HTTP/1.1 401"
            session = secure.session
    assert gateway.metrics().total("intragate_tls_handshakes_total", result="resumed") == before + 7


def test_the_cheapest_good_cipher_comes_first(gateway):
    for offered, chosen in (("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
                            ("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
                            ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384")):
        assert f"Cipher is {chosen}" in s_client(gateway, "-ciphersuites", offered).stdout
    told = s_client(gateway, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    assert "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in told.stdout


def test_plain_http_is_told_to_use_https(gateway):
    with Connection(gateway.address) as connection:
        connection.ask("GET", "/v1/models", key=gateway.key)
        answer = connection.read_answer("GET")
        assert answer.status == 400 and answer.error["code"] == "https_only"


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
                                  b"\xff" * 3000])
def test_half_a_handshake_is_given_up(gateway, sent):
    failed = gateway.metrics().total("intragate_tls_handshakes_total", result="failed")
    with Connection(gateway.address) as connection:
        connection.send(sent)
        connection.expect_closed()
    eventually(lambda: gateway.metrics().total("intragate_tls_handshakes_total", result="failed") == failed + 1)


def test_a_cut_handshake_leaves_nothing(gateway):
    with Connection(gateway.address) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01")
    eventually(lambda: gateway.metrics().total("intragate_open_connections") == 0, "no open connection")


def open_stream(gateway, context):
    """A stream in progress: its socket, and what it said so far."""
    secure = connect(gateway, context)
    body = json.dumps(chat("m", stream=True)).encode()
    secure.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n" % (CHAT.encode(), gateway.key.encode(), len(body)) + body)
    said = b""
    while b"one" not in said:
        said += secure.recv(65536)
    return secure


def test_hanging_up_ends_the_call_at_the_model(gateway, model, authority):
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate))
    secure = open_stream(gateway, trusting(authority))
    secure.close()
    upstream = model.wait_for_call()
    upstream.wait_ended()
    assert upstream.ended_by_peer


def test_a_new_certificate_is_taken_over_without_dropping_a_stream(gateway, model, authority, pair):
    context, gate = trusting(authority), Gate()

    def serial():
        with connect(gateway, context) as secure:
            return secure.getpeercert()["serialNumber"]
    old = serial()
    model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), done())
    with open_stream(gateway, context) as secure:
        pathlib.Path(pair.certificate).write_text("no certificate")
        gateway.wait_for_log("reload refused")
        assert serial() == old
        pair.replace_by(authority.server(days=(-1, 5)))
        eventually(lambda: serial() != old, "the new certificate")
        gate.allow()
        said = b""
        while b"[DONE]" not in said:
            said += secure.recv(65536)
        assert b"two" in said
    left = gateway.metrics().total("intragate_certificate_expiry_seconds")
    assert 4 * 86400 < left < 5 * 86400


def test_expiry_is_said(gateway_factory, model, authority, tmp_path):
    """Of the gateway's own certificate, of an authority of clients, and of the list of those it revoked."""
    old = authority.server(days=(-3, -1))
    authorities, lists = tmp_path / "clients.pem", tmp_path / "clients.crl"
    authorities.write_text(pathlib.Path(authority.certificate).read_text() + pathlib.Path(old.certificate).read_text())
    authority.write_crl(lists, days=(-3, -1))
    gateway = gateway_factory(config={
        "listen": [{"address": "127.0.0.1:0", "tls": {
            "certificate": old.certificate, "key": old.key, "client_certificate": "optional",
            "client_ca": str(authorities), "crl": str(lists)}}],
        "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    missing = json.loads(gateway.get_admin("/readyz")[1])["missing"]
    for use, what in (("", "certificate"), (" client_ca", "client authority"),
                      (" crl", "list of revoked certificates")):
        gateway.wait_for_log(f"a {what} has expired")
        place = f"listener 127.0.0.1:0{use}"
        assert missing[place] == f"its {what} has expired"
        assert -2 * 86400 < gateway.metrics()[f'intragate_certificate_expiry_seconds{{use="{place}"}}'] < 0
    told = run("validate", gateway.config_file, env={"TEST_KEY": gateway.key})
    assert told.returncode == 0 and "`listen[0].tls.crl` has expired" in told.stdout + told.stderr
    authority.write_crl(lists)  # and the new one is taken over
    eventually(lambda: gateway.metrics()['intragate_certificate_expiry_seconds{use="listener 127.0.0.1:0 crl"}'] > 0)


def test_validate_names_what_is_wrong(authority, pair, tmp_path):
    other = authority.server()
    file = tmp_path / "c.yaml"

    def told(**tls):
        file.write_text(json.dumps({"listen": [{"address": "127.0.0.1:0", "tls": tls}], "keys": [],
                                    "models": [{"name": "m", "endpoints": [{"url": "http://10.0.0.1"}]}]}))
        done = run("validate", file)
        return done.stderr
    good = {"certificate": pair.certificate, "key": pair.key}
    assert "does not belong" in told(**{**good, "key": other.key})
    assert "no certificate in PEM" in told(**{**good, "certificate": pair.key})
    assert "need `client_ca`" in told(**good, client_certificate="required")
    assert "is missing" in told(certificate=pair.certificate)


# --- towards models

@pytest.fixture(scope="module")
def secure_model(model):
    with parts.Nginx(model.url) as nginx:
        yield nginx


def pin_of(certificate):
    public = openssl("x509", "-in", certificate, "-noout", "-pubkey").stdout
    der = ssl.PEM_cert_to_DER_cert(public.replace("PUBLIC KEY", "CERTIFICATE"))
    return "sha256:" + hashlib.sha256(der).hexdigest()


@pytest.fixture(scope="module")
def models_gateway(gateway_factory, secure_model):
    ca, base = str(secure_model.certificate), f"https://127.0.0.1:{secure_model.port}/v1"
    ways = {"good": {"ca": ca, "pin": [pin_of(ca)]}, "named": {"ca": ca, "server_name": "localhost"},
            "unknown": {}, "misnamed": {"ca": ca, "server_name": "other.example"},
            "unpinned": {"ca": ca, "pin": ["sha256:" + "0" * 64]}, "blind": {"dangerously_trust_anyone": True}}
    return gateway_factory(config={"models": [
        {"name": name, "retry": {"attempts": 1}, "health": {"failures": 1000},
         "endpoints": [{"url": base, "model": "fake-model", "tls": tls}]} for name, tls in ways.items()]})


def plain_call(gateway, model):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0) as client:
        return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize("name", ["good", "named", "blind"])
def test_models_are_reached_over_tls(models_gateway, model, name):
    for _ in range(3):
        assert plain_call(models_gateway, name).choices[0].message.content
    if name == "blind":
        models_gateway.wait_for_log("dangerously_trust_anyone")


@pytest.mark.parametrize("name, reason", [("unknown", "self-signed certificate"), ("misnamed", "hostname mismatch"),
                                          ("unpinned", "none of the pinned")])
def test_a_wrong_server_gets_no_call(models_gateway, model, name, reason):
    with pytest.raises(openai.APIStatusError) as told:
        plain_call(models_gateway, name)
    assert told.value.status_code == 502 and "127.0.0.1" not in told.value.message
    models_gateway.wait_for_log(reason)
    assert not model.calls


class SecureServer:
    """A model of few words behind TLS, which notes whose certificate it was shown."""

    def __init__(self, pair, asks=None):
        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                self.server.shown.append((self.connection.getpeercert() or {}).get("serialNumber"))
                body = json.dumps({"choices": [{"index": 0, "finish_reason": "stop",
                                                "message": {"role": "assistant", "content": "yes"}}]}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        if asks:
            context.load_verify_locations(asks.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None
        self.server.daemon_threads, self.server.shown = True, []
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_certificates_of_models_are_judged_and_the_gateway_s_own_is_read_anew(gateway_factory, authority):
    named = ("localhost", "DNS:localhost,IP:127.0.0.1")
    own = authority.issue("gateway")
    servers = {"expired": SecureServer(authority.server(days=(-3, -1))),
               "misused": SecureServer(authority.issue(*named, usage="clientAuth")),
               "asks": SecureServer(authority.server(), asks=authority)}
    try:
        gateway = gateway_factory(config={"models": [
            {"name": name, "retry": {"attempts": 1}, "health": {"failures": 1000}, "endpoints": [
                {"url": f"https://127.0.0.1:{server.server.server_port}/v1", "model": "m",
                 "tls": {"ca": authority.certificate, "certificate": own.certificate, "key": own.key}}]}
            for name, server in servers.items()]})
        for name, reason in (("expired", "certificate has expired"), ("misused", "certificate purpose")):
            with pytest.raises(openai.APIStatusError) as told:
                plain_call(gateway, name)
            assert told.value.status_code == 502
            gateway.wait_for_log(reason)
            assert not servers[name].server.shown
        shown = servers["asks"].server.shown
        assert plain_call(gateway, "asks").choices[0].message.content == "yes" and shown[0]
        own.replace_by(authority.issue("gateway"))
        eventually(lambda: plain_call(gateway, "asks") and shown[-1] != shown[0], "the new certificate")
    finally:
        for server in servers.values():
            server.close()
