"""HTTP/1.1 towards clients: what is served, what is refused, and that nothing can be smuggled."""

import hashlib
import json
import socket

import pytest

from fake_model import stream
from wire import Closed, Connection, ask, chat, chunk, eventually, new_id, request

CHAT = "/v1/chat/completions"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    listen = [{"address": "127.0.0.1:0"},
              {"address": "127.0.0.1:0", "max_head": "1KiB", "max_body": "2KiB"},
              {"address": "127.0.0.1:0", "max_connections": 2}]
    if has_ipv6():
        listen.append({"address": "[::1]:0"})
    return gateway_factory(config={"listen": listen, "workers": 2,
                                   "models": [{"name": "m", "endpoints": [{"url": model.base}]}]})


@pytest.fixture
def connection(gateway):
    with Connection(gateway.address) as connection:
        yield connection


def call(gateway, **more):
    return request("POST", CHAT, chat("m"), key=gateway.key, **more)


# --- connections

def test_keep_alive_serves_many_calls_on_one_connection(gateway, connection):
    for _ in range(5):
        assert connection.send(call(gateway)).read_answer().status == 200
    assert not connection.is_closed


def test_connection_close_is_honoured(gateway, connection):
    answer = connection.send(call(gateway, headers={"Connection": "close"})).read_answer()
    assert answer.status == 200 and answer.headers["connection"].lower() == "close"
    connection.expect_closed()


def test_a_client_that_has_finished_sending_still_gets_its_answer(gateway, connection):
    """A FIN after the request is a half-close to some and a hang-up to others: either an answer or a clean end."""
    connection.send(call(gateway)).finish()
    try:
        assert connection.read_answer().status == 200
    except Closed:
        pass


def test_http_1_0_client_gets_its_answer_and_the_connection_closes(gateway, connection):
    answer = connection.send(call(gateway, version="HTTP/1.0")).read_answer()
    assert answer.status == 200 and answer.framing in ("length", "close")
    assert answer.json["object"] == "chat.completion"
    connection.expect_closed()


def test_http_1_0_client_gets_a_stream_without_chunks(gateway, model, connection):
    model.script(*stream("one", "two"))
    connection.send(request("POST", CHAT, chat("m", stream=True), key=gateway.key, version="HTTP/1.0"))
    answer = connection.read_answer()
    assert answer.status == 200 and answer.framing == "close"
    assert answer.body.startswith(b"data: {") and answer.body.endswith(b"data: [DONE]\n\n")


def test_pipelined_requests_in_one_packet_are_answered_in_order(gateway, connection):
    ids = [new_id() for _ in range(4)]
    first = call(gateway, headers={"X-Request-Id": ids[0]})
    listing = request("GET", "/v1/models", key=gateway.key, headers={"X-Request-Id": ids[1]})
    unknown = request("POST", CHAT, chat("nobody"), key=gateway.key, headers={"X-Request-Id": ids[2]}, chunked=True)
    last = call(gateway, headers={"X-Request-Id": ids[3]})
    connection.send(first + listing + unknown + last)
    answers = [connection.read_answer() for _ in ids]
    assert [answer.request_id for answer in answers] == ids
    assert [answer.status for answer in answers] == [200, 200, 404, 200]


def test_pipelined_request_behind_a_stream_waits_for_its_turn(gateway, model, connection):
    model.script(*stream("a", "b"))
    connection.send(request("POST", CHAT, chat("m", stream=True), key=gateway.key) + call(gateway))
    streamed, plain = connection.read_answer(), connection.read_answer()
    assert streamed.chunks[-1] == b"data: [DONE]\n\n" and plain.json["object"] == "chat.completion"


def test_request_that_comes_byte_by_byte_is_understood(gateway, model, connection):
    body = b'{"model": "m",  "messages": [{"role":"user","content":"slow"}]}'
    connection.send_apart(request("POST", CHAT, body, key=gateway.key))
    assert connection.read_answer().status == 200
    assert model.only_call.body == body


def test_one_empty_line_before_a_request_is_forgiven(gateway, connection):
    assert connection.send(b"\r\n" + call(gateway)).read_answer().status == 200


def test_absolute_form_target_is_understood(gateway, connection):
    connection.send(request("POST", f"http://gateway.test{CHAT}", chat("m"), key=gateway.key))
    assert connection.read_answer().status == 200


def test_header_names_and_the_bearer_word_ignore_case(gateway, connection):
    body = json.dumps(chat("m")).encode()
    connection.send(b"POST %s HTTP/1.1\r\nhOST: x\r\nAUTHORIZATION: bearer %s\r\ncontent-LENGTH: %d\r\n\r\n%s"
                    % (CHAT.encode(), gateway.key.encode(), len(body), body))
    assert connection.read_answer().status == 200


def test_ipv6_listener_serves(gateway):
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    address = gateway.addresses[3]
    assert address[0] == "::1"
    answer = ask(gateway, chat("m"), address=address)
    assert answer.status == 200
    assert gateway.wait_for_record(answer.request_id)["address"] == "::1"


def test_above_max_connections_the_next_one_is_told_or_turned_away_and_room_comes_back(gateway):
    crowded = gateway.addresses[2]
    with Connection(crowded) as first, Connection(crowded) as second:
        for connection in (first, second):  # busy with a call: whoever only rests would make room
            connection.send(call(gateway)[:-1])
        eventually(lambda: gateway.get_admin("/calls")[1].count('"receiving"') == 2)
        with Connection(crowded) as third:
            try:
                answer = third.send(call(gateway)).read_answer()
                assert answer.status == 503 and answer.error["code"] == "overloaded" and "retry-after" in answer.headers
                third.expect_closed()
            except (Closed, BrokenPipeError, ConnectionResetError):
                pass
        assert second.send(call(gateway)[-1:]).read_answer().status == 200

    def served():
        try:
            return ask(gateway, chat("m"), address=crowded).status == 200
        except (Closed, BrokenPipeError, ConnectionResetError):
            return False
    eventually(served, "room after the others have left")


# --- bodies

def test_chunked_request_body_reaches_the_model_whole(gateway, model, connection):
    body = json.dumps(chat("m", "x" * 5000)).encode()
    pieces = [body[:1], body[1:17], body[17:3000], body[3000:]]
    connection.send(request("POST", CHAT, body, key=gateway.key, chunked=pieces))
    assert connection.read_answer().status == 200
    assert model.only_call.body == body


def test_chunk_extensions_and_trailers_are_dropped(gateway, model, connection):
    body = json.dumps(chat("m")).encode()
    head = request("POST", CHAT, b"", key=gateway.key, chunked=[])[:-5]
    connection.send(head + b"%x;name=value\r\n%s\r\n0\r\nX-Trailer: secret-trailer\r\n\r\n" % (len(body), body))
    assert connection.read_answer().status == 200
    assert model.only_call.body == body
    assert b"secret-trailer" not in model.only_call.head and b"name=value" not in model.only_call.head
    assert connection.send(call(gateway)).read_answer().status == 200  # still in step


def test_large_body_reaches_the_model_byte_for_byte(gateway, model):
    body = json.dumps(chat("m", "0123456789abcdef" * (8 * 65536))).encode()  # above 8 MiB
    assert ask(gateway, body).status == 200
    assert hashlib.sha256(model.only_call.body).digest() == hashlib.sha256(body).digest()


def test_expect_100_continue_is_answered_before_the_body_is_sent(gateway, connection):
    whole = call(gateway, headers={"Expect": "100-continue"})
    head, body = whole.split(b"\r\n\r\n", 1)
    connection.send(head + b"\r\n\r\n")
    assert connection.read_head().status == 100
    assert connection.send(body).read_answer().status == 200
    assert connection.send(call(gateway)).read_answer().status == 200


def test_expect_100_continue_with_a_bad_key_is_refused_without_asking_for_the_body(gateway, model, connection):
    whole = request("POST", CHAT, chat("m"), key="sk-wrong", headers={"Expect": "100-continue"})
    connection.send(whole.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n")
    assert connection.read_head().status == 401
    assert model.calls == []


def test_expect_100_continue_with_the_body_at_once_works(gateway, connection):
    answer = connection.send(call(gateway, headers={"Expect": "100-Continue"})).read_answer()
    assert answer.status == 200


def test_unknown_expectation_is_417(gateway, connection):
    answer = connection.send(call(gateway, headers={"Expect": "a-miracle"})).read_answer()
    assert answer.status == 417 and answer.error["code"] == "expectation_failed"


# --- methods and paths

def test_head_answers_like_get_without_a_body(gateway, connection):
    connection.ask("HEAD", "/v1/models", key=gateway.key)
    answer = connection.read_answer("HEAD")
    assert answer.status == 200
    connection.ask("GET", "/v1/models", key=gateway.key)  # would fail on stray bytes of a body
    listing = connection.read_answer()
    assert listing.status == 200
    if "content-length" in answer.headers:
        assert answer.headers["content-length"] == listing.headers["content-length"]


def test_head_of_a_refusal_has_no_body(gateway, connection):
    connection.ask("HEAD", "/v1/models/unknown", key=gateway.key)
    assert connection.read_answer("HEAD").status == 404
    connection.ask("GET", "/v1/models", key=gateway.key)
    assert connection.read_answer().status == 200


@pytest.mark.parametrize("target, methods", [(CHAT, {"POST"}), ("/v1/models", {"GET"}), ("/v1/models/m", {"GET"}),
                                             ("/embeddings", {"POST"})])
def test_options_and_405_say_what_is_allowed(gateway, connection, target, methods):
    def allowed(answer):
        return {word.strip() for word in answer.headers["allow"].split(",")}
    connection.ask("OPTIONS", target, key=gateway.key)
    answer = connection.read_answer()
    assert answer.status in (200, 204) and methods <= allowed(answer)
    connection.ask("DELETE", target, key=gateway.key)
    answer = connection.read_answer()
    assert answer.status == 405 and methods <= allowed(answer) and "DELETE" not in allowed(answer)
    assert answer.error["code"] == "unsupported_method"


def test_get_on_a_post_path_is_405_and_post_on_a_get_path_too(gateway, model):
    assert ask(gateway, method="GET", path=CHAT).status == 405
    assert ask(gateway, chat("m"), path="/v1/models").status == 405
    assert model.calls == []


def test_query_string_does_not_change_the_route(gateway):
    assert ask(gateway, chat("m"), path=CHAT + "?api-version=1").status == 200


def test_connect_and_unknown_methods_are_refused(gateway, connection):
    for method in ("CONNECT", "TRACE", "BREW"):
        with Connection(gateway.address) as other:
            answer = other.ask(method, CHAT, key=gateway.key).read_answer()
            assert answer.status in (400, 405, 501), method


# --- limits

def test_head_above_the_limit_is_431_and_closed(gateway):
    for address, size in ((gateway.address, 33 * 1024), (gateway.addresses[1], 1100)):
        with Connection(address) as connection:
            connection.send(call(gateway, headers={"X-Filler": "x" * size}))
            answer = connection.read_answer()
            assert answer.status == 431 and answer.error["code"] == "head_too_large"
            assert "max_head" in answer.error["message"]
            connection.expect_closed()


def test_head_below_the_limit_is_served(gateway, connection):
    assert connection.send(call(gateway, headers={"X-Filler": "x" * 30 * 1024})).read_answer().status == 200


def test_endless_head_without_line_ends_is_431(gateway, connection):
    connection.send(b"GET /" + b"a" * 40000)
    assert connection.read_answer().status in (400, 431)
    connection.expect_closed()


def test_too_many_headers_are_refused(gateway, connection):
    connection.send(call(gateway, headers={f"X-{number}": "y" for number in range(150)}))
    assert connection.read_answer().status in (400, 431)
    connection.expect_closed()


def test_announced_body_above_the_limit_is_413_before_it_is_sent(gateway, model):
    with Connection(gateway.addresses[1]) as connection:
        connection.send(b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 2049\r\n\r\n"
                        % (CHAT.encode(), gateway.key.encode()))
        check_too_large(connection, "2")
    assert model.calls == []


def test_chunked_body_above_the_limit_is_413_and_closed(gateway, model):
    with Connection(gateway.addresses[1]) as connection:
        connection.send(request("POST", CHAT, b"", key=gateway.key, chunked=[])[:-5])
        connection.send(chunk(b"x" * 1500))
        connection.send(chunk(b"x" * 1500))
        check_too_large(connection, "2")
    assert model.calls == []


def check_too_large(connection, number):
    answer = connection.read_answer()
    assert answer.status == 413 and answer.error["code"] == "body_too_large"
    assert "max_body" in answer.error["message"] and number in answer.error["message"]
    assert answer.headers["content-type"].startswith("application/json")
    connection.expect_closed()


def test_413_reaches_a_client_that_sends_everything_first(gateway):
    """The answer must not be lost to a reset because unread bytes lie in the gateway's socket."""
    for _ in range(5):
        answer = ask(gateway, b"x" * 200_000, address=gateway.addresses[1])
        assert answer.status == 413 and answer.complete


def test_body_of_exactly_the_limit_is_served(gateway):
    body = json.dumps(chat("m", "")).encode()
    body = json.dumps(chat("m", "x" * (2048 - len(body)))).encode()
    assert len(body) == 2048
    assert ask(gateway, body, address=gateway.addresses[1]).status == 200


def test_default_body_limit_is_32_mib(gateway, connection):
    connection.send(b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
                    % (CHAT.encode(), gateway.key.encode(), 32 * 1024 * 1024 + 1))
    check_too_large(connection, "32")


# --- what request smuggling lives on

BODY = json.dumps(chat("m")).encode()
CHUNKED = chunk(BODY) + b"0\r\n\r\n"
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"


def head_with(*lines, first=b"POST /v1/chat/completions HTTP/1.1", host=b"Host: x\r\n"):
    rest = b"".join(line + b"\r\n" for line in lines)
    return first + b"\r\n" + host + b"Authorization: Bearer @KEY@\r\n" + rest + b"\r\n"


def with_length(value, body=BODY):
    return head_with(b"Content-Length: " + value) + body


def with_coding(value, body=None):
    return head_with(b"Transfer-Encoding: " + value) + (CHUNKED if body is None else body)


CODING = b"Transfer-Encoding: chunked"
LENGTH = b"Content-Length: %d" % len(BODY)
NUMBER = b"%d" % len(BODY)

HEADS = {
    "both length headers": head_with(LENGTH, CODING) + CHUNKED,
    "both length headers the other way round": head_with(CODING, LENGTH) + CHUNKED,
    "length twice, different": head_with(LENGTH, b"Content-Length: 5") + BODY,
    "length twice, the same": head_with(LENGTH, LENGTH) + BODY,
    "plus sign": with_length(b"+" + NUMBER),
    "minus sign": with_length(b"-1"),
    "comma list, the same": with_length(NUMBER + b", " + NUMBER),
    "comma list, different": with_length(NUMBER + b",5"),
    "hexadecimal length": with_length(b"0x10"),
    "length with letters": with_length(NUMBER + b"a"),
    "empty length": with_length(b""),
    "length in two words": with_length(b"1 0"),
    "fractional length": with_length(NUMBER + b".0"),
    "length above 2^64": with_length(b"18446744073709551617"),
    "length of many digits": with_length(b"9" * 300),
    "coding gzip": with_coding(b"gzip"),
    "coding gzip, chunked": with_coding(b"gzip, chunked"),
    "coding chunked twice": with_coding(b"chunked, chunked"),
    "coding chunked, identity": with_coding(b"chunked, identity"),
    "coding identity": with_coding(b"identity", BODY),
    "coding xchunked": with_coding(b"xchunked"),
    "coding empty": with_coding(b""),
    "coding with a parameter": with_coding(b"chunked;q=1"),
    "coding in quotes": with_coding(b'"chunked"'),
    "coding behind a vertical tab": with_coding(b"\x0bchunked"),
    "coding header twice": head_with(CODING, CODING) + CHUNKED,
    "coding header twice, one hidden": head_with(CODING, b"Transfer-encoding: x") + CHUNKED,
    "chunked in HTTP/1.0": head_with(CODING, first=b"POST /v1/chat/completions HTTP/1.0") + CHUNKED,
    "space before the colon": head_with(b"Content-Length : " + NUMBER) + BODY,
    "space before the colon of the coding": head_with(b"Transfer-Encoding : chunked") + CHUNKED,
    "tab before the colon": head_with(LENGTH, b"X-A\t: b") + BODY,
    "folded header": head_with(LENGTH, b"X-A: b", b" c: d") + BODY,
    "folded length": head_with(b"X-A: b", b"\t" + LENGTH) + BODY,
    "fold as first header": b"POST /v1/chat/completions HTTP/1.1\r\n Host: x\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "header without a colon": head_with(LENGTH, b"just words") + BODY,
    "header without a name": head_with(LENGTH, b": value") + BODY,
    "header name with a space": head_with(LENGTH, b"X A: b") + BODY,
    "header name with a bracket": head_with(LENGTH, b"X(A): b") + BODY,
    "header name beyond ASCII": head_with(LENGTH, b"X-\xe4: b") + BODY,
    "NUL in a value": head_with(LENGTH, b"X-A: b\0c") + BODY,
    "NUL in a name": head_with(LENGTH, b"X\0A: b") + BODY,
    "NUL in the target": head_with(LENGTH, first=b"POST /v1/chat\0/completions HTTP/1.1") + BODY,
    "carriage return in a value": head_with(LENGTH, b"X-A: b\rc") + BODY,
    "control character in a value": head_with(LENGTH, b"X-A: b\x01c") + BODY,
    "DEL in a value": head_with(LENGTH, b"X-A: b\x7f") + BODY,
    "bare LF between headers": head_with(LENGTH, b"X-A: b\nX-B: c") + BODY,
    "bare LF hides a length": head_with(LENGTH, b"X-A: b\nContent-Length: 0") + BODY,
    "bare LF at every line": head_with(LENGTH).replace(b"\r\n", b"\n") + BODY,
    "bare LF as the empty line": head_with(LENGTH)[:-2] + b"\n" + BODY,
    "no Host": head_with(LENGTH, host=b"") + BODY,
    "two Hosts": head_with(LENGTH, b"Host: y") + BODY,
    "Host with a space": head_with(LENGTH, host=b"Host: a b\r\n") + BODY,
    "two spaces in the request line": head_with(LENGTH, first=b"POST  /v1/chat/completions HTTP/1.1") + BODY,
    "tab in the request line": head_with(LENGTH, first=b"POST\t/v1/chat/completions HTTP/1.1") + BODY,
    "space behind the version": head_with(LENGTH, first=b"POST /v1/chat/completions HTTP/1.1 ") + BODY,
    "space before the method": head_with(LENGTH, first=b" POST /v1/chat/completions HTTP/1.1") + BODY,
    "space in the target": head_with(LENGTH, first=b"POST /v1/chat /completions HTTP/1.1") + BODY,
    "no version": head_with(LENGTH, first=b"POST /v1/chat/completions") + BODY,
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "lower-case version": head_with(LENGTH, first=b"POST /v1/chat/completions http/1.1") + BODY,
    "version of one digit": head_with(LENGTH, first=b"POST /v1/chat/completions HTTP/1") + BODY,
    "version of many digits": head_with(LENGTH, first=b"POST /v1/chat/completions HTTP/1.11") + BODY,
    "method with a bracket": head_with(LENGTH, first=b"PO(ST /v1/chat/completions HTTP/1.1") + BODY,
    "target beyond ASCII": head_with(LENGTH, first=b"POST /v1/\xffchat HTTP/1.1") + BODY,
    "target that is a word": head_with(LENGTH, first=b"POST v1/chat/completions HTTP/1.1") + BODY,
}

REST = b"0\r\n\r\n"
CHUNKS = {
    "size with a letter behind": b"5g\r\nhello\r\n",
    "size with a sign": b"+5\r\nhello\r\n",
    "negative size": b"-5\r\nhello\r\n",
    "size with 0x": b"0x5\r\nhello\r\n",
    "space before the size": b" 5\r\nhello\r\n",
    "space behind the size": b"5 \r\nhello\r\n",
    "empty size": b"\r\nhello\r\n",
    "size of 17 digits": b"00000000000000005\r\nhello\r\n",
    "size above 2^63": b"ffffffffffffffff\r\nhello\r\n",
    "bare LF behind the size": b"5\nhello\r\n",
    "carriage return only": b"5\rhello\r\n",
    "data longer than its size": b"5\r\nhello!\r\n",
    "data not ended": b"5\r\nhello" + REST,
    "bare LF behind the data": b"5\r\nhello\n",
    "NUL in an extension": b"5;a\0b\r\nhello\r\n",
    "LF in an extension": b"5;a\nb\r\nhello\r\n",
    "extension of 1 KiB": b"5;" + b"a" * 1024 + b"\r\nhello\r\n",
    "comma in the size": b"5,5\r\nhello\r\n",
}


def expect_refused(gateway, model, data, status=(400,)):
    """Refused with 400 and closed; what follows in the same packet is never read as a request."""
    with Connection(gateway.address) as connection:
        connection.send(data.replace(b"@KEY@", gateway.key.encode()) + SMUGGLED)
        answer = connection.read_answer()
        assert answer.status in status, answer
        assert answer.headers["connection"].lower() == "close"
        assert answer.error["message"] and answer.error["type"] == "invalid_request_error"
        connection.expect_closed()
    assert model.calls == []
    record = gateway.wait_for_record(answer.request_id)
    assert record["status"] == answer.status and record["error"], record
    return record


@pytest.mark.parametrize("name", HEADS)
def test_head_that_smuggling_lives_on_is_refused(gateway, model, name):
    assert expect_refused(gateway, model, HEADS[name])["outcome"] == "malformed"


@pytest.mark.parametrize("name", CHUNKS)
def test_bad_chunk_is_refused(gateway, model, name):
    assert expect_refused(gateway, model, with_coding(b"chunked", CHUNKS[name] + REST))["outcome"] == "malformed"


@pytest.mark.parametrize("name, status", [("both length headers", 400), ("bare LF hides a length", 400),
                                          ("plus sign", 400), ("too large", 431)])
def test_bad_request_behind_a_good_one_ends_the_connection_too(gateway, connection, name, status):
    assert connection.send(call(gateway)).read_answer().status == 200
    bad = HEADS.get(name, b"GET /" + b"a" * 40000)
    connection.send(bad.replace(b"@KEY@", gateway.key.encode()) + SMUGGLED)
    answer = connection.read_answer()
    assert answer.status == status and answer.headers["connection"].lower() == "close"
    connection.expect_closed()


@pytest.mark.parametrize("trailer", [b"X-A: b\nX-B: c\r\n", b"X-A: b\0\r\n", b"\n", b"x" * 70000 + b": y\r\n"])
def test_bad_trailer_is_refused(gateway, model, trailer):
    if trailer.startswith(b"xxx"):  # bounded: nobody may send trailers for ever
        with Connection(gateway.address) as connection:
            connection.send(with_coding(b"chunked", chunk(BODY) + b"0\r\n").replace(b"@KEY@", gateway.key.encode()))
            try:
                connection.send(trailer)
                status = connection.read_answer().status
            except (Closed, BrokenPipeError, ConnectionResetError):
                status = 400
        assert status in (400, 431) and model.calls == []
        return
    expect_refused(gateway, model, with_coding(b"chunked", chunk(BODY) + b"0\r\n" + trailer + b"\r\n"))


GARBAGE = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "zeros": b"\0" * 64,
    "a word": b"hello\r\n\r\n",
    "half a line": b"\xff\xfe" * 40,
    "another protocol": b"EHLO mail\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_recorded_and_closed(gateway, name):
    source = f"127.0.7.{1 + list(GARBAGE).index(name)}"  # an address of its own, to find the record by
    with Connection(gateway.address, source=source) as connection:
        connection.send(GARBAGE[name]).finish()
        try:
            assert connection.read_answer().status in (400, 505)
        except Closed:
            pass
    record = gateway.wait_for_record(lambda record: record["address"] == source)
    whole = b"\r\n\r\n" in GARBAGE[name] or b"\0" in GARBAGE[name]
    assert record["outcome"] in (["malformed"] if whole else ["malformed", "client_cancelled"])


def test_empty_lines_for_ever_are_refused(gateway, connection):
    connection.send(b"\r\n" * 100)
    try:
        assert connection.read_answer().status == 400
    except Closed:
        pass


def test_version_of_the_future_is_refused(gateway, model):
    expect_refused(gateway, model, head_with(LENGTH, first=b"POST /v1/chat/completions HTTP/2.0") + BODY, (400, 505))


def test_two_identical_unknown_headers_are_fine(gateway, connection):
    assert connection.send(call(gateway, headers=[("X-A", "1"), ("X-A", "2")])).read_answer().status == 200


def test_a_refused_request_never_poisons_the_next_connection(gateway):
    """A body cut out of a refused request must not show up in front of the next client's request."""
    with Connection(gateway.address) as connection:
        connection.send(with_length(b"+5").replace(b"@KEY@", gateway.key.encode()) + SMUGGLED)
        connection.read_answer()
    assert ask(gateway, chat("m")).json["object"] == "chat.completion"
