"""Client certificates: who gets in, as whom, and through `intragate forward` for clients that have none to show."""

import contextlib
import socket
import ssl
import subprocess

import openai
import pytest

from certificates import Authority, openssl
from dify import PYTHONS, Dify, DifyError
from fake_model import Gate, delta, done, proper_answer, sse, stream_head, wait
from gateway import binary, run
from test_tls import call, connect, trusting
from wire import eventually


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def crl(authority):
    path = f"{authority.folder}/crl.pem"
    authority.write_crl(path)
    return path


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, authority, crl):
    own = authority.server()
    tls = {"certificate": own.certificate, "key": own.key, "client_ca": authority.certificate, "crl": crl,
           "client_certificate": "required"}
    keys = [{"name": "dify", "key": "${TEST_KEY}", "certificate": {"cn": "dify-host"}, "require": "both",
             "stream_usage": "always"},
            {"name": "batch", "certificate": {"spiffe": "spiffe://corp/batch", "san": "batch.corp"}},
            {"name": "plain", "key": "sk-plain-0123456789abcdef"}]
    return gateway_factory(config={"listen": [{"address": "127.0.0.1:0", "tls": tls}], "keys": keys,
                                   "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})


@pytest.fixture(scope="module")
def dify(authority):
    return authority.issue("dify-host")


@pytest.fixture(scope="module")
def batch(authority):
    return authority.issue("batch", "DNS:batch.corp,URI:spiffe://corp/batch")


def test_a_certificate_alone_is_a_principal(gateway, authority, batch):
    status, _, name = call(gateway, trusting(authority, batch), key=None)
    assert status == 200
    record = gateway.wait_for_record(name)
    assert (record["principal"], record["certificate"]) == ("batch", "CN=batch")


def test_the_server_shows_what_its_file_holds(gateway, batch):
    host, port = gateway.address
    told = openssl("s_client", "-connect", f"{host}:{port}", "-showcerts", "-cert", batch.certificate, "-key", batch.key,
                   check=False, input="").stdout
    assert told.count("BEGIN CERTIFICATE") == 1  # not its authority, too, which is the clients' here


def test_a_ticket_leaves_with_the_first_answer(gateway, authority, batch):
    before = gateway.metrics().total("intragate_tls_handshakes_total", result="full")
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = trusting(authority, batch, ssl.TLSVersion.TLSv1_3)
    secure = context.wrap_bio(coming, going, server_hostname="localhost")
    with socket.create_connection(gateway.address, 20) as plain:
        while True:
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(going.read())
                coming.write(plain.recv(65536))
        plain.sendall(going.read())
        eventually(lambda: gateway.metrics().total("intragate_tls_handshakes_total", result="full") > before)
        assert secure.session is None or not secure.session.has_ticket
        plain.setblocking(False)
        with pytest.raises(BlockingIOError):
            plain.recv(1)
        plain.settimeout(20)
        secure.write(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        plain.sendall(going.read())
        coming.write(plain.recv(65536))
        assert secure.read(12) == b"HTTP/1.1 200" and secure.session.has_ticket


def test_key_and_certificate_where_both_are_required(gateway, authority, dify, batch):
    status, _, name = call(gateway, trusting(authority, dify))
    assert status == 200
    assert gateway.wait_for_record(name)["principal"] == "dify"
    assert call(gateway, trusting(authority, batch))[0] == 401         # the key with another certificate
    assert call(gateway, trusting(authority, dify), key=None)[0] == 401   # the certificate without the key
    assert call(gateway, trusting(authority, dify), key="sk-plain-0123456789abcdef")[0] == 200
    assert call(gateway, trusting(authority, batch), key="sk-wrong-0123456789abcdef")[0] == 401


def stays_outside(gateway):
    """How many handshakes the records say have failed: records of other calls may still be on their way."""
    return sum(record["outcome"] in ("malformed", "refused") and not record.get("status")
               for record in gateway.records())


def test_whoever_has_no_good_certificate_stays_outside(gateway, authority):
    stranger = Authority("Another CA")
    try:
        wrong = {"none": None, "another authority's": stranger.issue("dify-host"),
                 "expired": authority.issue("dify-host", days=(-3, -1)),
                 "not yet": authority.issue("dify-host", days=(1, 3)),
                 "a server's": authority.server()}
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for what, pair in wrong.items():
                before = stays_outside(gateway)
                with pytest.raises(OSError):  # TLS 1.3 says so only behind the handshake
                    call(gateway, trusting(authority, pair, version))
                    pytest.fail(what)
                eventually(lambda: stays_outside(gateway) > before, "a record")
    finally:
        stranger.close()


@contextlib.contextmanager
def forwarding(gateway, pair, authority):
    """The address of an `intragate forward` that shows this certificate to the gateway."""
    command = [binary(), "forward", "--listen", "127.0.0.1:0", "--to", f"https://localhost:{gateway.address[1]}",
               "--cert", pair.certificate, "--key", pair.key, "--ca", authority.certificate]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def test_forward_adds_the_certificate(gateway, model, authority, dify):
    with forwarding(gateway, dify, authority) as address, \
            openai.OpenAI(base_url=f"http://{address}/v1", api_key=gateway.key, max_retries=0) as client:
        long = [{"role": "user", "content": "x" * 400_000}]
        assert client.chat.completions.create(model="m", messages=long).choices[0].message.content
        gate = Gate()
        model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), done())
        stream = iter(client.chat.completions.create(model="m", messages=long, stream=True))
        assert next(stream).choices[0].delta.content == "one"  # before the model says more
        gate.allow()
        assert any(chunk.choices[0].delta.content == "two" for chunk in stream if chunk.choices)
        model.script(stream_head(), sse(delta("one")), wait(Gate()))
        stream = client.chat.completions.create(model="m", messages=long, stream=True)
        assert next(iter(stream)).choices[0].delta.content == "one"
        stream.close()
        upstream = model.wait_for_call(3)
        upstream.wait_ended()
        assert upstream.ended_by_peer


@pytest.mark.parametrize("stream", [False, True])
def test_difys_own_code_gets_through_forward(gateway, model, authority, dify, stream):
    """Dify's SDK knows no client certificates: the forwarder beside it shows one, and the key is Dify's own."""
    model.script(proper_answer("a river"))
    with forwarding(gateway, dify, authority) as address, contextlib.closing(Dify(PYTHONS[-1])) as plugin:
        form = {"endpoint_url": f"http://{address}/v1", "api_key": gateway.key, "mode": "chat", "context_size": "2048",
                "max_tokens_to_sample": "2048"}
        chunks = plugin.invoke(form, model="m", stream=stream)
        assert "a river" in "".join(chunk["text"] for chunk in chunks)
        record = eventually(lambda: next((r for r in gateway.records() if r["principal"] == "dify" and r["outcome"] == "ok"), None))
        assert record["certificate"] == "CN=dify-host" and record["key_id"]
        with pytest.raises(DifyError, match="status code 401"):
            plugin.validate({**form, "api_key": "sk-wrong"}, model="m")


def test_forward_answers_a_client_that_has_said_all_it_will(gateway, authority, batch):
    """A half-closed connection has an answer to come, as without the forwarder; its end arrives, too."""
    with forwarding(gateway, batch, authority) as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), 20) as client:
            client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while part := client.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200") and b'"id":"m"' in answer


@pytest.mark.parametrize("header", ["Origin: http://evil.example", "Origin: null", "Origin: http://a", "Sec-Fetch-Site: cross-site",
                                    "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: same-origin"])
def test_pages_cannot_use_a_certificate_alone(gateway, model, authority, batch, header):
    """A page makes the browser of somebody on the forwarder's machine ask; the name it used may be its own."""
    def ask(context, *headers):
        body = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
        head = "\r\n".join(["POST /v1/chat/completions HTTP/1.1", "Host: a", "Content-Type: text/plain", "Connection: close",
                            f"Content-Length: {len(body)}", *headers, "", ""])
        with connect(gateway, context) as connection:
            connection.sendall(head.encode() + body)
            answer = b""
            while part := connection.recv(65536):
                answer += part
            return answer
    before = len(model.calls)
    context = trusting(authority, batch)
    refused = ask(context, header)
    assert refused.startswith(b"HTTP/1.1 401") and b'"invalid_api_key"' in refused and len(model.calls) == before
    for allowed in ([], ["Sec-Fetch-Site: none"], [header, "Authorization: Bearer sk-plain-0123456789abcdef"]):
        assert ask(context, *allowed).startswith(b"HTTP/1.1 200"), allowed


def test_forward_refuses_what_would_not_be_safe(dify):
    pair = ["--cert", dify.certificate, "--key", dify.key]
    assert "loopback" in run("forward", "--listen", "0.0.0.0:0", "--to", "https://h", *pair).stderr
    assert "https://" in run("forward", "--to", "http://h", *pair).stderr
    other = dify.key + ".other"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other)
    told = run("forward", "--to", "https://h", "--cert", dify.certificate, "--key", other)
    assert "does not belong" in told.stderr


def test_a_revoked_certificate_is_out_at_once(gateway, authority, crl):
    pair = authority.issue("batch", "DNS:batch.corp,URI:spiffe://corp/batch")
    context = trusting(authority, pair)
    with connect(gateway, context) as kept:
        kept.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        session = kept.session
        authority.revoke(pair)
        authority.write_crl(crl)
        rest = b"."
        while rest:  # the gateway closes the connection that rests
            rest = kept.recv(65536)
        with pytest.raises(OSError):
            with connect(gateway, context, session) as again:  # nor does a resumed session help
                again.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
                assert again.recv(65536) == b""
                raise OSError("closed")
