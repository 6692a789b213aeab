"""Who may call: keys, their models and addresses, address lists, proxies in front, and where models may be."""

import hashlib
import socket
import struct

import pytest

from wire import Closed, Connection, ask, chat, new_id, request

MAIN, NARROW, PROXIED, ANYONE = range(4)
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    endpoints = [{"url": model.base}]
    return gateway_factory(config={
        "listen": [{"address": "127.0.0.1:0"},
                   {"address": "127.0.0.1:0", "allow": ["127.0.0.2/32"]},
                   {"address": "127.0.0.1:0", "allow": ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"],
                    "trusted_proxies": ["127.0.0.1/32", "10.9.0.0/16"]},
                   {"address": "127.0.0.1:0", "allow": []}],
        "models": [{"name": "alpha", "aliases": ["alpha-alias"], "endpoints": endpoints},
                   {"name": "beta", "endpoints": endpoints}, {"name": "beta-large", "endpoints": endpoints},
                   {"name": "second-only", "allow": ["127.0.0.2/32"], "endpoints": endpoints}],
        "keys": [{"name": "test", "key": "${TEST_KEY}", "models": ["*"]},
                 {"name": "only-alpha", "key": "${ONLY_ALPHA}", "models": ["alpha"]},
                 {"name": "betas", "key": "${BETAS}", "models": ["beta*"]},
                 {"name": "not-large", "key": "${NOT_LARGE}", "models": ["beta*", "!*-large"]},
                 {"name": "embedder", "key": "${EMBEDDER}", "apis": ["embeddings"]},
                 {"name": "nothing", "key": "${NOTHING}", "models": []},
                 {"name": "hashed", "hash": "sha256:" + hashlib.sha256(b"sk-hashed-key").hexdigest()},
                 {"name": "past", "key": "${PAST}", "expires": "2020-01-01T00:00:00Z"},
                 {"name": "future", "key": "${FUTURE}", "expires": "2099-01-01T00:00:00Z"},
                 {"name": "second-address", "key": "${SECOND}", "allow": ["127.0.0.2/32"]},
                 {"name": "ten-one", "key": "${TEN_ONE}", "allow": ["10.1.0.0/16"]},
                 {"name": "nobody", "key": "${NOBODY}", "allow": []}]},
        env={name.upper().replace("-", "_"): f"sk-{name}-key" for name in
             ("only-alpha", "betas", "not-large", "embedder", "nothing", "past", "future", "second", "ten-one", "nobody")})


# --- keys

def test_several_keys_are_told_apart(gateway):
    for key, name in ((gateway.key, "test"), ("sk-only-alpha-key", "only-alpha"), ("sk-hashed-key", "hashed"),
                      ("sk-future-key", "future")):
        reply = ask(gateway, chat("alpha"), key=key)
        assert reply.status == 200
        record = gateway.wait_for_record(reply.request_id)
        assert record["principal"] == name
        assert hashlib.sha256(key.encode()).hexdigest().startswith(record["key_id"]) and record["key_id"]


@pytest.mark.parametrize("key", ["sk-hashed-key ", "SK-HASHED-KEY", "sk-hashed-ke", "sk-hashed-keyy",
                                 "sha256:" + hashlib.sha256(b"sk-hashed-key").hexdigest(),
                                 hashlib.sha256(b"sk-hashed-key").hexdigest()])
def test_nearly_right_key_is_401(gateway, key):
    expected = 200 if key.endswith(" ") else 401  # white space around a header value is not part of it
    assert ask(gateway, chat("alpha"), key=key).status == expected


@pytest.mark.parametrize("key, model_name, status", [
    ("sk-only-alpha-key", "alpha", 200), ("sk-only-alpha-key", "beta", 403), ("sk-betas-key", "beta", 200),
    ("sk-betas-key", "beta-large", 200), ("sk-betas-key", "alpha", 403), ("sk-nothing-key", "alpha", 403),
    ("sk-hashed-key", "beta", 200)])
def test_key_uses_its_models_only(gateway, model, key, model_name, status):
    reply = ask(gateway, chat(model_name), key=key)
    assert reply.status == status
    if status == 403:
        assert reply.error["code"] == "model_not_allowed" and model_name in reply.error["message"]
        assert reply.error["type"] == "permission_error" and model.calls == []
        record = gateway.wait_for_record(reply.request_id)
        assert record["outcome"] == "refused" and record["error"] == "model_not_allowed"


def test_alias_belongs_to_its_model(gateway):
    assert ask(gateway, chat("alpha-alias"), key="sk-only-alpha-key").status == 200
    assert ask(gateway, chat("alpha-alias"), key="sk-betas-key").status == 403


def test_key_sees_its_models_only(gateway):
    listing = ask(gateway, method="GET", path="/v1/models", key="sk-betas-key").json
    assert {entry["id"] for entry in listing["data"]} == {"beta", "beta-large"}
    assert ask(gateway, method="GET", path="/v1/models/alpha", key="sk-betas-key").status in (403, 404)


def test_denied_model_is_neither_used_nor_seen(gateway, model):
    assert ask(gateway, chat("beta"), key="sk-not-large-key").status == 200
    model.reset()
    reply = ask(gateway, chat("beta-large"), key="sk-not-large-key")
    assert reply.status == 403 and reply.error["code"] == "model_not_allowed" and model.calls == []
    listing = ask(gateway, method="GET", path="/v1/models", key="sk-not-large-key").json
    assert {entry["id"] for entry in listing["data"]} == {"beta"}


def test_key_uses_its_apis_only(gateway, model):
    body = {"model": "alpha", "input": "x"}
    assert ask(gateway, body, path="/v1/embeddings", key="sk-embedder-key").status == 200
    model.reset()
    reply = ask(gateway, chat("alpha"), key="sk-embedder-key")
    assert reply.status == 403 and reply.error["code"] == "api_not_allowed" and model.calls == []
    assert gateway.wait_for_record(reply.request_id)["error"] == "api_not_allowed"
    assert ask(gateway, method="GET", path="/v1/models", key="sk-embedder-key").status == 200


def test_models_own_address_list(gateway, model):
    assert ask(gateway, chat("second-only"), source="127.0.0.2").status == 200
    model.reset()
    reply = ask(gateway, chat("second-only"), source="127.0.0.3")
    assert reply.status == 403 and reply.error["code"] == "address_not_allowed" and model.calls == []
    for source, seen in (("127.0.0.2", True), ("127.0.0.3", False)):
        listing = ask(gateway, method="GET", path="/v1/models", source=source).json
        assert ("second-only" in {entry["id"] for entry in listing["data"]}) == seen
        assert (ask(gateway, method="GET", path="/v1/models/second-only", source=source).status == 200) == seen


def test_expired_key_is_401_that_says_so(gateway, model):
    reply = ask(gateway, chat("alpha"), key="sk-past-key")
    assert reply.status == 401 and reply.error["code"] == "expired_api_key" and "expired" in reply.error["message"]
    assert gateway.wait_for_record(reply.request_id)["error"] == "expired_api_key"
    assert model.calls == []


def test_keys_address_list(gateway, model):
    assert ask(gateway, chat("alpha"), key="sk-second-key", source="127.0.0.2").status == 200
    model.reset()
    for key in ("sk-second-key", "sk-nobody-key"):  # an empty list is nobody
        reply = ask(gateway, chat("alpha"), key=key, source="127.0.0.3")
        assert reply.status == 403 and reply.error["code"] == "address_not_allowed"
        record = gateway.wait_for_record(reply.request_id)
        assert record["address"] == "127.0.0.3" and record["outcome"] == "refused"
    assert model.calls == []


# --- the listener's list

def test_disallowed_address_is_closed_before_anything_is_read(gateway):
    for listener, source in ((NARROW, "127.0.0.3"), (ANYONE, "127.0.0.1")):
        before = gateway.metrics().total("intragate_refused_connections_total", reason="address")
        with Connection(gateway.addresses[listener], source=source) as connection:
            connection.expect_closed()  # nothing had to be sent for that
        assert gateway.metrics().total("intragate_refused_connections_total", reason="address") == before + 1
    assert ask(gateway, chat("alpha"), address=gateway.addresses[NARROW], source="127.0.0.2").status == 200


def test_disallowed_address_is_on_record(gateway):
    with Connection(gateway.addresses[NARROW], source="127.0.0.7") as connection:
        connection.expect_closed()
    record = gateway.wait_for_record(lambda record: record["address"] == "127.0.0.7")
    assert record["outcome"] == "refused" and record["error"] == "address_not_allowed"


# --- proxies in front: X-Forwarded-For

def via_proxy(gateway, forwarded, source="127.0.0.1", key="sk-ten-one-key"):
    headers = [("X-Forwarded-For", value) for value in ([forwarded] if isinstance(forwarded, str) else forwarded)]
    return ask(gateway, chat("alpha"), key=key, headers=headers, address=gateway.addresses[PROXIED], source=source)


@pytest.mark.parametrize("forwarded, address", [
    ("10.1.2.3", "10.1.2.3"), ("10.2.2.2, 10.1.2.3", "10.1.2.3"), ("10.1.2.3, 127.0.0.1", "10.1.2.3"),
    ("10.1.2.3, 10.9.9.9", "10.1.2.3"), (["10.2.2.2", "10.1.2.3"], "10.1.2.3"),
    ("10.1.2.3,10.9.1.1 , 127.0.0.1", "10.1.2.3"), ("8.8.8.8, 10.1.2.3", "10.1.2.3"),
    ("nonsense, 10.1.2.3", "10.1.2.3")])
def test_right_most_untrusted_address_is_the_client(gateway, forwarded, address):
    reply = via_proxy(gateway, forwarded)
    assert reply.status == 200
    assert gateway.wait_for_record(reply.request_id)["address"] == address


@pytest.mark.parametrize("forwarded", ["10.2.2.2", "10.1.2.3, 10.2.2.2", ["10.1.2.3", "10.2.2.2"]])
def test_left_hand_addresses_can_be_invented_and_do_not_count(gateway, forwarded):
    reply = via_proxy(gateway, forwarded)
    assert reply.status == 403 and gateway.wait_for_record(reply.request_id)["address"] == "10.2.2.2"


@pytest.mark.parametrize("forwarded", ["10.1.2.3, banana", "10.1.2.3, ", "10.1.2.999", "10.1.2.3;10.1.2.4", "unknown"])
def test_unreadable_forwarded_address_lets_nobody_in(gateway, forwarded):
    assert via_proxy(gateway, forwarded).status in (400, 403)


def test_stranger_cannot_forward(gateway):
    reply = via_proxy(gateway, "10.1.2.3", source="127.0.0.2")
    assert reply.status == 403 and gateway.wait_for_record(reply.request_id)["address"] == "127.0.0.2"


def test_listener_without_trusted_proxies_ignores_forwarded_addresses(gateway):
    reply = ask(gateway, chat("alpha"), headers={"X-Forwarded-For": "10.1.2.3"})
    assert reply.status == 200 and gateway.wait_for_record(reply.request_id)["address"] == "127.0.0.1"


def test_listeners_list_counts_for_the_client_behind_a_proxy_too(gateway):
    reply = via_proxy(gateway, "8.8.8.8", key=gateway.key)
    assert reply.status == 403 and reply.error["code"] == "address_not_allowed"
    assert gateway.wait_for_record(reply.request_id)["address"] == "8.8.8.8"


def test_forwarded_address_counts_for_each_request_of_a_connection(gateway):
    with Connection(gateway.addresses[PROXIED]) as connection:
        for forwarded, status in (("10.1.2.3", 200), ("10.1.9.9", 200), ("10.2.2.2", 403)):
            connection.ask(body=chat("alpha"), key="sk-ten-one-key", headers={"X-Forwarded-For": forwarded})
            assert connection.read_answer().status == status


# --- proxies in front: PROXY protocol

def proxy_v2(client, command=1, family=None, port=1234, extra=b""):
    if family is None:
        family = 0x21 if ":" in client else 0x11
    kind = socket.AF_INET6 if ":" in client else socket.AF_INET
    here = "::1" if ":" in client else "127.0.0.1"
    block = socket.inet_pton(kind, client) + socket.inet_pton(kind, here) + struct.pack("!HH", port, 8080) + extra
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20 | command, family, len(block)) + block


V1 = b"PROXY TCP4 %s 127.0.0.1 1234 8080\r\n"


def behind(gateway, header, *, source="127.0.0.1", key="sk-ten-one-key", listener=PROXIED, apart=False):
    """(connection's first answer or None, request id)."""
    name = new_id()
    data = header + request("POST", CHAT, chat("alpha"), key=key, headers={"X-Request-Id": name})
    with Connection(gateway.addresses[listener], source=source) as connection:
        try:
            connection.send_apart(data) if apart else connection.send(data)
            return connection.read_answer(), name
        except (Closed, BrokenPipeError, ConnectionResetError):
            return None, name


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("header, address", [
    (V1 % b"10.1.2.3", "10.1.2.3"), (proxy_v2("10.1.2.3"), "10.1.2.3"),
    (proxy_v2("10.1.2.3", extra=b"\x04\x00\x03abc"), "10.1.2.3")], ids=["v1", "v2", "v2 with TLVs"])
def test_proxy_protocol_names_the_client(gateway, header, address, apart):
    reply, name = behind(gateway, header, apart=apart)
    assert reply is not None and reply.status == 200
    assert gateway.wait_for_record(name)["address"] == address


@pytest.mark.parametrize("header", [V1 % b"10.2.2.2", proxy_v2("10.2.2.2")], ids=["v1", "v2"])
def test_proxy_protocol_client_is_judged(gateway, header):
    reply, name = behind(gateway, header)
    assert reply.status == 403 and gateway.wait_for_record(name)["address"] == "10.2.2.2"


@pytest.mark.parametrize("header", [V1 % b"8.8.8.8", proxy_v2("8.8.8.8")], ids=["v1", "v2"])
def test_listeners_list_counts_for_the_client_of_the_proxy_protocol_too(gateway, model, header):
    reply, _ = behind(gateway, header, key=gateway.key)
    assert reply.status == 403 and reply.error["code"] == "address_not_allowed"
    record = gateway.wait_for_record(reply.request_id)
    assert record["address"] == "8.8.8.8" and record["principal"] == "" and model.calls == []


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", proxy_v2("10.1.2.3", command=0),
                                    proxy_v2("10.1.2.3", family=0)],
                         ids=["v1 UNKNOWN", "v2 LOCAL", "v2 UNSPEC"])
def test_proxy_protocol_without_a_client_means_the_proxy_itself(gateway, header):
    reply, name = behind(gateway, header, key=gateway.key)
    assert reply is not None and reply.status == 200
    assert gateway.wait_for_record(name)["address"] == "127.0.0.1"


def test_ipv6_client_in_the_proxy_protocol(gateway):
    for header in (b"PROXY TCP6 fd00::7 ::1 1234 8080\r\n", proxy_v2("fd00::7")):
        reply, name = behind(gateway, header, key=gateway.key)
        assert reply.status == 200 and gateway.wait_for_record(name)["address"] == "fd00::7"


@pytest.mark.parametrize("source, listener", [("127.0.0.2", PROXIED), ("127.0.0.1", MAIN)])
@pytest.mark.parametrize("header", [V1 % b"10.1.2.3", proxy_v2("10.1.2.3")], ids=["v1", "v2"])
def test_proxy_protocol_from_a_stranger_is_garbage(gateway, model, header, source, listener):
    reply, _ = behind(gateway, header, source=source, listener=listener)
    assert reply is None or reply.status == 400
    assert model.calls == []


@pytest.mark.parametrize("header", [
    b"PROXY TCP4 10.1.2.3\r\n", b"PROXY TCP4 banana 127.0.0.1 1 2\r\n", b"PROXY TCP4 10.1.2.3 127.0.0.1 99999 1\r\n",
    b"PROXY TCP4 10.1.2.3 127.0.0.1 1 2\n", b"PROXY " + b"x" * 200,
    proxy_v2("10.1.2.3")[:12] + b"\x31\x11\x00\x0c" + b"\0" * 12,
    proxy_v2("10.1.2.3")[:12] + b"\x21\x11\x00\x04" + b"\0" * 4, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"],
    ids=["short", "no address", "port", "bare LF", "endless", "v2 version", "v2 too short", "v2 endless"])
def test_bad_proxy_header_is_refused(gateway, model, header):
    reply, _ = behind(gateway, header + (b"" if len(header) < 40 or header.startswith(b"PROXY") else b"\0" * 600))
    assert reply is None or reply.status == 400
    assert model.calls == []


def test_second_proxy_header_is_garbage(gateway):
    reply, _ = behind(gateway, V1 % b"10.1.2.3" + V1 % b"10.1.2.4")
    assert reply is None or reply.status == 400


# --- where models may be

def test_model_outside_egress_is_never_connected_to(gateway_factory, model):
    name = model.base.replace("127.0.0.1", "localhost")  # a name, so that only its address can tell
    far = {"name": "far", "endpoints": [{"url": name}], "retry": {"attempts": 1}}
    gateway = gateway_factory(config={"egress": {"allow": ["10.0.0.0/8"]}, "models": [far]})
    connections = model.connections
    reply = ask(gateway, chat("far"))
    assert reply.status == 502 and reply.error["code"] == "egress_denied"
    assert "127.0.0.1" not in reply.error["message"]
    assert model.connections == connections and model.calls == []
    gateway.wait_for_log("127.0.0.1|localhost")
    gateway.stop()


def test_egress_list_that_fits_lets_the_call_through(gateway_factory, model):
    gateway = gateway_factory(config={"egress": {"allow": ["127.0.0.1/32"]},
                                      "models": [{"name": "near", "endpoints": [{"url": model.base}]}]})
    assert ask(gateway, chat("near")).status == 200
    gateway.stop()
