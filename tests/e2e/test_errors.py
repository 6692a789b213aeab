"""Refusals and failures as the client sees them: status, OpenAI's error object, and a sentence an end user may read."""

import json

import pytest

from fake_model import answer, chunk, end, free_port, head, refusal, reset, send
from wire import ask, chat

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    def entry(name, url):
        return {"name": name, "endpoints": [{"url": url, "auth": {"type": "bearer", "key": "${UPSTREAM_KEY}"}}],
                "health": {"failures": 1000}, "retry": {"attempts": 1}, "repair": False}
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    return gateway_factory(config={"models": [entry("m", model.base), entry("dead", nowhere)]},
                           env={"UPSTREAM_KEY": "upstream-secret-8842"})


def expect_error(gateway, answer, status, code):
    """The shape of every error: one short JSON object, no HTML, no secret, no address of a model."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.complete and len(answer.body) < 1024 and b"\n" not in answer.body.strip()
    error = answer.json["error"]
    assert set(error) >= {"message", "type", "param", "code"} and error["code"] == code
    assert isinstance(error["message"], str) and len(error["message"]) > 10
    text = answer.body.decode()
    for forbidden in ("<html", "<body", "upstream-secret", gateway.key, "127.0.0.1", "errno", "Connection refused"):
        assert forbidden not in text, f"{forbidden} in {text}"
    record = gateway.wait_for_record(answer.request_id)
    assert record["status"] == status and record["error"] == code
    return error


@pytest.mark.parametrize("key", [None, "sk-wrong", "", "sk-test-5f1c9a7e3b2d468", "sk-test-5f1c9a7e3b2d46800"])
def test_wrong_or_missing_key_is_401(gateway, model, key):
    error = expect_error(gateway, ask(gateway, chat("m"), key=key), 401, "invalid_api_key")
    assert error["type"] == "authentication_error"
    assert model.calls == []


def test_401_comes_before_anything_is_said_about_models(gateway):
    for body in (chat("m"), chat("nobody"), b"not json"):
        expect_error(gateway, ask(gateway, body, key="sk-wrong"), 401, "invalid_api_key")


def test_basic_authorization_is_no_key(gateway):
    reply = ask(gateway, chat("m"), key=None, headers={"Authorization": "Basic dXNlcjpwYXNz"})
    expect_error(gateway, reply, 401, "invalid_api_key")


def test_empty_authorization_header_is_a_clean_401(gateway):
    """Dify's embedding class sends one when its form has no key."""
    expect_error(gateway, ask(gateway, chat("m"), key=None, headers={"Authorization": ""}), 401, "invalid_api_key")


def test_unknown_model_is_404_that_names_it_and_says_where_the_list_is(gateway, model):
    error = expect_error(gateway, ask(gateway, chat("nobody-knows-me")), 404, "model_not_found")
    assert "nobody-knows-me" in error["message"] and "/v1/models" in error["message"]
    assert model.calls == []


def test_unknown_model_with_a_monstrous_name_stays_short_and_on_one_line(gateway):
    expect_error(gateway, ask(gateway, chat("x\n<b>" * 60)), 404, "model_not_found")
    reply = ask(gateway, chat("x\n<b>" * 2000))
    expect_error(gateway, reply, reply.status, {400: "invalid_request", 404: "model_not_found"}[reply.status])


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/v2/chat/completions", "/v1", "/favicon.ico", "/v1/chat"])
def test_unknown_path_is_404(gateway, path):
    expect_error(gateway, ask(gateway, chat("m"), path=path), 404, "unknown_path")


@pytest.mark.parametrize("path", [
    "/v1/chat/completions/chat/completions", "/v1/chat/completions/embeddings", "/chat/completions/chat/completions",
    "/v1/chat/completions/completions", "/v1/v1/chat/completions", "/v1/chat/completions/models"])
def test_base_pasted_with_a_path_gets_a_404_that_says_what_the_base_should_be(gateway, path):
    method = "GET" if path.endswith("models") else "POST"
    error = expect_error(gateway, ask(gateway, None if method == "GET" else chat("m"), path=path, method=method), 404,
                         "unknown_path")
    assert "base" in error["message"].lower() and "/v1" in error["message"]


@pytest.mark.parametrize("body", [
    b"", b"hello", b"[]", b'"text"', b"{", b'{"model": "m"', b'{"model": "m",}', b"{'model': 'm'}", b'{"model": "m"} x',
    b'{"model": "m"}{"model": "m"}', b"\xff\xfe{\0}\0", b"nul", b"12"])
def test_body_that_is_no_json_object_is_400(gateway, model, body):
    expect_error(gateway, ask(gateway, body), 400, "invalid_json")
    assert model.calls == []


@pytest.mark.parametrize("body, word", [
    (b'{"messages": []}', "model"), (b'{"model": ""}', "model"), (b'{"model": 5}', "model"),
    (b'{"model": null}', "model"), (b'{"model": ["m"]}', "model"), (b'{"model": "m", "stream": "yes"}', "stream"),
    (b'{"model": "m", "stream": 1}', "stream"),
    (b'{"model": "m", "stream": true, "stream_options": 3}', "stream_options"),
    (b'{"model": "m", "model": "m"}', "model"), (b'{"model": "m", "a": {"b": [1]}, "model": "other"}', "model"),
    (b'{"model": "m", "mod\\u0065l": "other"}', "model"),
    (b'{"model": "m", "stream": true, "stream": false}', "stream")])
def test_body_without_what_the_api_needs_is_400_that_names_the_field(gateway, model, body, word):
    error = expect_error(gateway, ask(gateway, body), 400, "invalid_request")
    assert word in error["message"]
    assert model.calls == []


def test_deep_nesting_neither_crashes_nor_hangs(gateway):
    for body in (b'{"model": "m", "a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", b"[" * 500_000,
                 b'{"model": "m", "a": ' + b'{"b":' * 100_000 + b"1" + b"}" * 100_000 + b"}"):
        assert ask(gateway, body).status in (200, 400)
    assert ask(gateway, chat("m")).status == 200


def test_unreachable_model_is_502(gateway):
    error = expect_error(gateway, ask(gateway, chat("dead")), 502, "upstream_unreachable")
    assert error["type"] == "upstream_error" and "dead" in error["message"]


def test_model_that_hangs_up_without_an_answer_is_502(gateway, model):
    model.script(reset(), times=3)
    expect_error(gateway, ask(gateway, chat("m")), 502, "upstream_broke")


@pytest.mark.parametrize("garbage", [
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"\0" * 100, b"HTTP/2 200\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X-Flood: y\r\n" * 20000], ids=lambda data: repr(data[:40]))
def test_model_that_answers_garbage_is_502(gateway, model, garbage):
    model.script(send(garbage), *[lambda call: call.read_body()], reset())
    reply = ask(gateway, chat("m"))
    if b"chunked\r\n\r\nzz" in garbage and reply.status == 200:  # the head was good and may have gone out already
        assert not reply.complete
        return
    assert reply.error["code"] in ("upstream_malformed", "upstream_broke")
    expect_error(gateway, reply, 502, reply.error["code"])


@pytest.mark.parametrize("status", [400, 402, 404, 409, 413, 415, 418, 422, 451])
def test_the_models_own_4xx_reaches_the_client_unchanged_and_is_not_repeated(gateway, model, status):
    body = json.dumps({"error": {"message": f"the prompt is wrong: {status}", "type": "BadRequestError", "param": "n",
                                 "code": status}, "extra": 1.0}, indent=2).encode()
    model.script(answer(body, status, reason="Anything"))
    reply = ask(gateway, chat("m"))
    assert reply.status == status and reply.body == body
    assert reply.headers["content-type"] == "application/json"
    assert len(model.calls) == 1
    record = gateway.wait_for_record(reply.request_id)
    assert record["status"] == status and record["error"] == "upstream_status"


@pytest.mark.parametrize("status", [401, 403])
def test_model_that_refuses_the_gateways_own_key_is_not_the_callers_fault(gateway, model, status):
    """A 401 would make people change a key that is right."""
    model.script(refusal(status, "bad token upstream-secret-8842"))
    expect_error(gateway, ask(gateway, chat("m")), 502, "upstream_status")
    assert len(model.calls) == 1


def test_the_models_4xx_to_a_stream_request_comes_as_it_is(gateway, model):
    model.script(refusal(400, "too long"))
    reply = ask(gateway, chat("m", stream=True))
    assert reply.status == 400 and reply.error["message"] == "too long"


def test_the_models_4xx_in_chunks_reaches_the_client_whole(gateway, model):
    model.script(head(422, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]),
                 chunk(b'{"error": '), chunk(b'{"message": "no"}}'), end())
    reply = ask(gateway, chat("m"))
    assert reply.status == 422 and reply.body == b'{"error": {"message": "no"}}'


def test_429_from_the_model_keeps_its_retry_after(gateway, model):
    model.script(refusal(429, "slow down", {"Retry-After": "7"}))
    reply = ask(gateway, chat("m"))
    assert reply.status == 429 and reply.headers["retry-after"] == "7" and reply.error["message"]


def test_429_from_the_model_without_retry_after_gets_one(gateway, model):
    model.script(refusal(429, "slow down"))
    reply = ask(gateway, chat("m"))
    assert reply.status == 429 and int(reply.headers["retry-after"]) >= 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_5xx_of_the_model_is_told_as_json_whatever_the_model_said(gateway, model, status):
    model.script(answer(b"<html><body>nginx 10.0.0.5:8000</body></html>", status, content_type="text/html"))
    reply = ask(gateway, chat("m"))
    assert 500 <= reply.status <= 504
    assert reply.json["error"]["message"] and b"<html" not in reply.body and b"10.0.0.5" not in reply.body


def test_redirects_of_a_model_are_not_followed(gateway, model):
    for status in (301, 302, 303, 307, 308):
        model.reset()
        model.script(answer(b"", status, {"Location": model.url + "/v1/stolen"}))
        reply = ask(gateway, chat("m"))
        assert len(model.calls) == 1
        assert reply.status == 502 and "location" not in reply.headers
        expect_error(gateway, reply, 502, reply.error["code"])


def test_200_that_is_no_stream_reaches_the_client_as_it_is(gateway, model):
    """A model that cannot stream answers JSON; so does one that reports its error with 200."""
    model.script(answer(b'{"error": {"message": "no streams here"}}'))
    reply = ask(gateway, chat("m", stream=True))
    assert reply.status == 200 and reply.error["message"] == "no streams here"


def test_every_answer_carries_a_request_id(gateway):
    good = chat("m")
    for path, key, body in ((CHAT, True, good), (CHAT, "no", good), ("/x", True, good), (CHAT, True, b"{")):
        reply = ask(gateway, body, path=path, key=key, headers={"X-Request-Id": "my-own-id.42"})
        assert reply.request_id == "my-own-id.42"
