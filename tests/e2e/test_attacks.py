"""Attacks by class, with real nginx in front of the gateway and behind it where two servers have to agree.

docs/security.md says which threat each of these belongs to. The forms that a single server must refuse are in
test_http_strict.py.
"""

import getpass
import gzip
import os
import pathlib
import shutil
import socket
import zlib

import pytest

from fake_model import answer, close, end, proper_answer, send, stream_head
from gateway import run
from parts import child, end as end_process, free_port
from test_http_strict import BODY, CHUNKS, HEADS, REST, with_coding
from test_tls import trusting
from wire import Closed, Connection, ask, chat, eventually, new_id, request

CHAT = "/v1/chat/completions"
MAIN, TIGHT, WIDE, FEW, FEW_TLS = range(5)

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 512; }}
http {{
  log_format seen '$status $upstream_status $http_x_request_id $request_uri';
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; underscores_in_headers on;
  upstream gateway {{ server {gateway}; keepalive 1; }}
  upstream model {{ server {model}; keepalive 1; }}
  server {{ listen 127.0.0.1:{front}; access_log {folder}/front.log seen; proxy_request_buffering off;
            location / {{ proxy_pass http://gateway; }} }}
  server {{ listen 127.0.0.1:{behind}; access_log {folder}/behind.log seen; location / {{ proxy_pass http://model; }} }}
}}
"""


class Chain:
    """client → nginx → gateway → nginx → model, and the gateway beside the first nginx."""

    def __init__(self, folder, gateway_factory, model):
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert program, "nginx is not installed: run scripts/setup"
        self.folder, self.front, self.behind = folder, ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
        self.gateway = gateway_factory(config={
            "listen": [{"address": "127.0.0.1:0"}],
            "models": [{"name": "m", "endpoints": [{"url": f"http://127.0.0.1:{self.behind[1]}/v1"}],
                        "retry": {"attempts": 1}},
                       {"name": "direct", "endpoints": [{"url": model.base}], "retry": {"attempts": 1}}]})
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX.format(
            folder=folder, user=user, gateway=f"127.0.0.1:{self.gateway.address[1]}", model=f"127.0.0.1:{model.port}",
            front=self.front[1], behind=self.behind[1]))
        self.process = child([program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"])
        eventually(lambda: (folder / "nginx.pid").exists() or self.process.poll() is not None, "nginx's start", 30)
        assert self.process.poll() is None, (folder / "error.log").read_text()

    def seen(self, which):
        """The ids of the requests that this nginx saw, lists of models left out."""
        lines = [line.split(" ") for line in (self.folder / f"{which}.log").read_text().splitlines()]
        return [line[2] for line in lines if line[3].startswith(CHAT)]

    def innocent(self, address, model="m"):
        """Somebody else's call on the same connections: the answer must be the one to it."""
        reply = ask(self.gateway, chat(model, "innocent"), address=address)
        record = self.gateway.wait_for_record(reply.request_id)
        assert reply.status == 200 and reply.json["object"] == "chat.completion", reply
        assert record["status"] == 200
        return reply


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def chain(tmp_path_factory, gateway_factory, model):
    chain = Chain(tmp_path_factory.mktemp("chain"), gateway_factory, model)
    yield chain
    end_process(chain.process)


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, authority):
    short = {"head": "1s", "body": "1s", "idle": "1s"}
    pair = authority.server()
    listen = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "timeouts": short},
              {"address": "127.0.0.1:0", "max_head": "1MiB"}, {"address": "127.0.0.1:0", "max_connections": 40},
              {"address": "127.0.0.1:0", "max_connections": 40, "tls": {"certificate": pair.certificate, "key": pair.key}}]
    return gateway_factory(config={"listen": listen, "models": [
        {"name": "m", "endpoints": [{"url": model.base}], "retry": {"attempts": 1}}]})


def call_once(gateway, listener, authority):
    """The status of a call on a connection of its own."""
    if listener != FEW_TLS:
        return ask(gateway, chat("m"), address=gateway.addresses[listener]).status
    plain = socket.create_connection(gateway.addresses[listener], 20)
    with trusting(authority).wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(request("POST", CHAT, chat("m"), key=gateway.key))
        return int(connection.recv(65536).split()[1])


def read_all(connection):
    """Every answer until the peer closes; what is no HTTP ends it too."""
    statuses = []
    try:
        while True:
            statuses.append(connection.read_answer().status)
    except (Closed, OSError, AssertionError):
        return statuses


# --- CWE-444: request smuggling

SMUGGLED = b"POST %s HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\nAuthorization: Bearer @KEY@\r\nContent-Length: %d\r\n\r\n%s" \
    % (CHAT.encode(), len(BODY), BODY)
HIDDEN = {  # a whole request inside of what one of two readers may take for a body
    "CL.TE": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s" % (5 + len(SMUGGLED), SMUGGLED),
    "TE.CL": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
    "TE.TE": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "TE with a tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "TE with an underline": b"Transfer_Encoding: chunked\r\nContent-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED),
    "CL.0": b"Content-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED),
    "CL twice": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED),
    "bare LF": b"X: y\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED),
    "0.CL by Expect": b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED),
    "chunk size overflow": b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunk extension": b"Transfer-Encoding: chunked\r\n\r\n2;\n%s\r\nxx\r\n0\r\n\r\n" % SMUGGLED,
    "chunk ended early": b"Transfer-Encoding: chunked\r\n\r\n1\r\nZZ\r\n0\r\n\r\n" + SMUGGLED,
    "trailer": b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 400\r\n\r\n" + SMUGGLED,
}


def attack(chain, address, payload, name):
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\nAuthorization: Bearer @KEY@\r\n" % (CHAT.encode(), name.encode())
    with Connection(address, timeout=2) as connection:
        connection.send((head + payload).replace(b"@KEY@", chain.gateway.key.encode()))
        connection.finish()
        return read_all(connection)


@pytest.mark.parametrize("name", HIDDEN)
def test_cwe_444_nginx_in_front_and_the_gateway_agree_where_a_request_ends(chain, model, name):
    """What nginx takes for one request is one request to the gateway, and the next client gets its own answer."""
    attacker = new_id()
    attack(chain, chain.front, HIDDEN[name], attacker)
    chain.innocent(chain.front)
    chain.innocent(chain.front)
    records = [record["request_id"] for record in chain.gateway.records()]
    # A request that nginx itself saw behind the first one may reach the gateway; one that it did not see may not.
    assert eventually(lambda: chain.seen("front").count("smuggled") >= records.count("smuggled"), "nginx's own record")
    assert records.count(attacker) <= 1
    assert all(b"innocent" in call.body or b"Say hello" in call.body for call in model.calls)


@pytest.mark.parametrize("name", HIDDEN)
def test_cwe_444_the_gateway_and_nginx_behind_agree_where_a_request_ends(chain, model, name):
    """Nothing that hides in a body becomes a request to what stands behind; who comes next gets the own answer."""
    attacker = new_id()
    attack(chain, chain.gateway.address, HIDDEN[name], attacker)
    last = chain.innocent(chain.gateway.address)
    eventually(lambda: last.request_id in {record["request_id"] for record in chain.gateway.records()}, "the record")
    passed = [record for record in chain.gateway.records() if record["model"] == "m" and record["attempts"]]
    eventually(lambda: len(chain.seen("behind")) == len(passed), "as many requests behind as the gateway has sent")


def test_cwe_444_no_form_that_is_refused_ever_reaches_what_is_behind(chain, model):
    payloads = [*HEADS.values(), *(with_coding(b"chunked", bad + REST) for bad in CHUNKS.values())]
    for payload in payloads:
        with Connection(chain.gateway.address, timeout=5) as connection:
            connection.send((payload + SMUGGLED).replace(b"@KEY@", chain.gateway.key.encode()))
            assert all(status >= 400 for status in read_all(connection)), payload
    assert model.calls == []
    chain.innocent(chain.gateway.address)


STOLEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"stolen\":true}"
SPLIT = {  # a second answer inside of, or behind, the first
    "behind the body": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + STOLEN,
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + STOLEN,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(STOLEN) + STOLEN,
    "bare LF in a header": b"HTTP/1.1 200 OK\r\nX: y\nContent-Length: 0\r\n\r\n" + STOLEN,
    "header folded": b"HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 0\r\n\r\n" + STOLEN,
    "no content": b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(STOLEN) + STOLEN,
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(STOLEN) + STOLEN,
    "switched": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + STOLEN,
    "chunk with a wrong size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + STOLEN,
}


@pytest.mark.parametrize("name", SPLIT)
def test_cwe_444_an_answer_that_holds_another_poisons_nobody(chain, model, name):
    """The model is the attacker: its second answer must not become that of the next call, nor reach nginx in front."""
    model.script(send(SPLIT[name]))
    reply = ask(chain.gateway, chat("direct"), address=chain.front)
    assert reply.status in (200, 204, 304, 502) and b"stolen" not in reply.body
    for address in (chain.front, chain.gateway.address):
        assert b"stolen" not in chain.innocent(address, "direct").body


# --- CWE-113, CWE-93, CWE-117: header and log injection

@pytest.mark.parametrize("sent", ["a b", "a\tb", "a;b", "a\u00e9", '"><script>', "x" * 129, "", "%0d%0aX-Evil: 1", "a,b"])
def test_cwe_113_request_id_that_is_no_word_is_not_repeated(gateway, sent):
    with Connection(gateway.address) as connection:
        reply = connection.ask(body=chat("m"), key=gateway.key, headers={"X-Request-Id": sent}).read_answer()
    assert reply.status == 200 and reply.request_id != sent and "x-evil" not in reply.headers
    assert gateway.wait_for_record(reply.request_id)["request_id"] == reply.request_id


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1\r\n\r\n<html>", "a\u2028b", "a\u0000b", "\u001b[31mred"])
def test_cwe_93_names_with_line_ends_stay_inside_their_string(gateway, model, text):
    reply = ask(gateway, chat(text))
    assert reply.status == 404 and "x-evil" not in reply.headers
    assert not any(control in reply.body for control in (b"\r", b"\n", b"\0", b"\x1b"))
    body = chat("m", user=text)
    assert ask(gateway, body).status == 200
    assert b"x-evil" not in model.only_call.head.lower()
    assert all(line.startswith("{") for line in gateway.log() if line)


# --- CWE-22, CWE-41: path tricks

@pytest.mark.parametrize("path", [
    "/v1/../admin", "/v1/chat/../../metrics", "/v1/chat/completions/../models", "//v1/chat/completions", "/v1//models",
    "/v1/%2e%2e/metrics", "/v1/chat%2fcompletions", "/v1/./models", "/V1/models", "/v1/models;x=1", "/v1\\models", "/metrics",
    "/calls", "/calls/cancel", "/livez", "/v1/metrics", "/v1/chat/completions%00", "*",
    "http://127.0.0.1:1/metrics", "/v1/models/..%2f..%2fmetrics"])
def test_cwe_22_no_spelling_of_a_path_leads_elsewhere(gateway, model, path):
    for method, body in (("GET", None), ("POST", chat("m"))):
        with Connection(gateway.address) as connection:
            reply = connection.ask(method, path, body, key=gateway.key).read_answer()
        assert reply.status in (400, 404, 405), (method, reply)
        assert b"intragate_" not in reply.body
    assert model.calls == []


# --- CWE-400, CWE-770: floods

def test_cwe_770_a_million_bytes_of_headers_are_refused_and_bounded(gateway, model):
    many = b"".join(b"a:b\r\n" for _ in range(200_000))
    one = b"X: " + b"y" * 1_000_000 + b"\r\n"
    for address, headers in ((gateway.addresses[MAIN], many), (gateway.addresses[MAIN], one), (gateway.addresses[WIDE], many)):
        with Connection(address) as connection:
            try:
                connection.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
                status = connection.read_answer().status
            except (Closed, BrokenPipeError, ConnectionResetError):
                status = 431  # it was closed while the rest was still being sent
            assert status in (400, 431)
    with Connection(gateway.addresses[WIDE]) as connection:  # what max_head allows, it can hold
        connection.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n" % gateway.key.encode() + one + b"\r\n")
        assert connection.read_answer().status == 200
    for headers in (many, one):  # and from a model
        model.script(send(b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n"), close())
        assert ask(gateway, chat("m")).status == 502
    assert ask(gateway, chat("m")).status == 200


def test_cwe_400_a_crowd_that_says_nothing_or_half_keeps_nobody_out(gateway):
    """Slowloris: silent connections, half heads and half bodies by the hundred; honest calls go on, and all are ended."""
    whole = request("POST", CHAT, chat("m"), key=gateway.key)
    crowd = []
    for number in range(300):
        connection = Connection(gateway.addresses[TIGHT])
        connection.send((b"", whole[:40], whole[:-9])[number % 3])
        crowd.append(connection)
    assert ask(gateway, chat("m"), address=gateway.addresses[TIGHT]).status == 200
    for connection in crowd:
        connection.expect_closed() if connection is crowd[0] else None
    listener = "127.0.0.1:%d" % gateway.addresses[TIGHT][1]
    eventually(lambda: gateway.metrics().total("intragate_open_connections", listener=listener) == 0, "the end of the crowd")
    for connection in crowd:
        connection.close()


def test_cwe_400_half_open_crowd_above_max_connections_leaves_the_other_listeners_alone(gateway):
    crowd = [Connection(gateway.addresses[FEW]) for _ in range(120)]
    for _ in range(3):
        assert ask(gateway, chat("m")).status == 200
    for connection in crowd:
        connection.close()


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"POST /v1/chat/completions HTTP/1.1\r\n"])
def test_cwe_400_a_crowd_that_fills_a_listener_does_not_keep_honest_calls_out(gateway, authority, beginning):
    """Above max_connections whoever has been there for longest without a request makes room; also for half a ClientHello."""
    listener = FEW if beginning[:1] != b"\x16" else FEW_TLS
    crowd = []
    for _ in range(120):
        connection = Connection(gateway.addresses[listener])
        try:
            connection.send(beginning)
        except OSError:
            pass  # it has made room already
        crowd.append(connection)
    name = "127.0.0.1:%d" % gateway.addresses[listener][1]
    eventually(lambda: gateway.metrics().total("intragate_refused_connections_total", listener=name, reason="limit") >= 80)
    for _ in range(5):
        assert call_once(gateway, listener, authority) == 200
    for connection in crowd:
        connection.close()


def test_cwe_779_a_crowd_that_is_refused_leaves_a_few_records_and_their_number(gateway_factory, model):
    """Who was refused is on record; but a stranger must not fill the disk with it."""
    gateway = gateway_factory(config={"listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "allow": ["10.0.0.0/8"]}],
                                      "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    for _ in range(1000):
        Connection(gateway.addresses[1]).close()
    eventually(lambda: gateway.metrics().total("intragate_refused_connections_total") == 1000)
    gateway.stop()
    refused = [record for record in gateway.records() if record["error"] == "address_not_allowed"]
    told = [event["detail"] for event in gateway.events() if event["event"] == "refused_connections"]
    assert 1 <= len(refused) < 100
    assert len(refused) + sum(detail["connections"] for detail in told) == 1000
    assert {source["address"] for detail in told for source in detail["addresses"]} == {"127.0.0.1"}


@pytest.mark.parametrize("open_, close_", [(b"[", b"]"), (b'{"a":', b"}")])
def test_cwe_674_a_million_brackets_need_no_stack(gateway, open_, close_):
    deep = open_ * 1_000_000 + (b"1" if open_ != b"[" else b"") + close_ * 1_000_000
    assert ask(gateway, b'{"model":"m","messages":' + deep + b"}").status in (200, 400)
    assert ask(gateway, b'{"model":"m","messages":' + open_ * 1_000_000).status == 400
    assert ask(gateway, chat("m")).status == 200


# --- CWE-409: decompression bombs

def resident(gateway):
    text = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) * 1024


BOMB = b'{"model":"m","messages":[' + b" " * 64_000_000 + b"]}"


@pytest.mark.parametrize("coding, pack", [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", lambda data: b"\x0b\x02\x80data\x03"),
                                          ("zstd", lambda data: b"\x28\xb5\x2f\xfd" + b"\0" * 60), ("gzip, gzip", gzip.compress)])
def test_cwe_409_packed_request_bodies_are_refused_unopened(gateway, model, coding, pack):
    reply = ask(gateway, pack(BOMB), headers={"Content-Encoding": coding})
    assert reply.status == 400 and reply.error["code"] == "invalid_json"
    assert model.calls == []


def test_cwe_409_packed_answers_are_passed_on_unopened(gateway, model):
    packed = gzip.compress(BOMB)
    model.script(answer(packed, headers=[("Content-Encoding", "gzip")]))
    before = resident(gateway)
    reply = ask(gateway, chat("m"))
    assert reply.status in (200, 502) and resident(gateway) - before < 32_000_000


# --- CWE-200, CWE-214, CWE-532, CWE-528: secrets

def test_cwe_214_secrets_are_not_on_the_command_line(gateway, tmp_path):
    line = pathlib.Path(f"/proc/{gateway.process.pid}/cmdline").read_bytes()
    assert gateway.key.encode() not in line
    done = run("keys", "--help")
    assert "--secret" not in done.stdout + done.stderr and "--key-text" not in done.stdout + done.stderr


def test_cwe_209_errors_tell_no_secret_no_address_and_no_version(gateway, model):
    model.script(answer(b"Traceback: /opt/model/server.py at 10.1.2.3", status=500))
    replies = [ask(gateway, chat("m")), ask(gateway, chat("nobody")), ask(gateway, b"{"), ask(gateway, chat("m"), key="sk-wrong")]
    for reply in replies:
        text = reply.body + repr(reply.headers).encode()
        assert len(reply.body) < 1024
        for secret in (gateway.key.encode(), b"Traceback", b"10.1.2.3", str(model.port).encode(), b"/opt/", b"intragate/"):
            assert secret not in text, secret
