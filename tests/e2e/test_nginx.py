"""A real nginx in front of the gateway, as most installations have it: TLS ends there, nothing is buffered, and the
client's address travels in X-Forwarded-For."""

import http.client
import json
import ssl

import openai
import pytest

import parts
from wire import eventually, new_id

PROXY, CLIENT = "127.0.0.10", "127.0.0.5"  # nginx's and a client's address; the whole 127/8 is this machine
QUESTION = [{"role": "user", "content": "Write a long story about a bank and a river."}]


@pytest.fixture(scope="module")
def model():
    return parts.chat_model()


@pytest.fixture(scope="module")
def gateway(gateway_factory):
    listen = [{"address": "127.0.0.1:0", "trusted_proxies": [PROXY + "/32"]}]
    return gateway_factory(config=parts.gateway_config(listen=listen), env=parts.GATEWAY_ENV)


@pytest.fixture(scope="module")
def nginx(gateway):
    with parts.Nginx(gateway.url, PROXY) as nginx:
        yield nginx


def call(gateway, nginx=None, source="127.0.0.1", forwarded=None, **fields):
    """One call, through nginx if given, from the address `source`; returns (answer, request id)."""
    if nginx:
        connection = http.client.HTTPSConnection("localhost", nginx.port, timeout=180, context=nginx.trust(),
                                                 source_address=(source, 0))
    else:
        connection = http.client.HTTPConnection(*gateway.address, timeout=180, source_address=(source, 0))
    request_id = new_id()
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json", "x-request-id": request_id}
    if forwarded:
        headers["X-Forwarded-For"] = forwarded
    body = json.dumps({"model": parts.CHAT_MODEL, "messages": QUESTION, "max_tokens": 4, **fields})
    connection.request("POST", "/v1/chat/completions", body, headers)
    return connection.getresponse(), request_id


def address_in_record(gateway, request_id):
    return gateway.wait_for_record(request_id)["address"]


def test_the_official_client_talks_tls_with_nginx(gateway, nginx):
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    http_client = openai.DefaultHttpxClient(verify=context)
    with openai.OpenAI(base_url=nginx.base, api_key=gateway.key, max_retries=0, timeout=180,
                       http_client=http_client) as client:
        assert parts.CHAT_MODEL in [model.id for model in client.models.list()]
        answer = client.chat.completions.create(model=parts.CHAT_MODEL, messages=QUESTION, max_tokens=8)
        assert answer.choices[0].message.content.strip()
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="sk-wrong").models.list()


def test_a_stream_passes_nginx_event_by_event(gateway, nginx, model):
    reply, _ = call(gateway, nginx, stream=True, max_tokens=250, ignore_eos=True)
    assert reply.status == 200 and reply.getheader("content-type").startswith("text/event-stream")
    assert reply.readline().startswith(b"data: {")
    assert model.busy() == 1  # the first event is here, and the model is still writing
    reads = []
    while piece := reply.read1(65536):
        reads.append(piece)
    assert b"".join(reads).rstrip().endswith(b"data: [DONE]")
    assert len(reads) > 50


def test_a_client_that_leaves_nginx_stops_the_model(gateway, nginx, model):
    reply, request_id = call(gateway, nginx, stream=True, max_tokens=1900, ignore_eos=True)
    assert reply.readline().startswith(b"data: {")
    reply.close()
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["status"]) == ("client_cancelled", 499)
    eventually(lambda: model.busy() == 0, "the model's idleness", 60)


def test_the_record_has_the_client_s_address_and_not_the_proxy_s(gateway, nginx):
    reply, request_id = call(gateway, nginx, source=CLIENT)
    assert reply.status == 200 and address_in_record(gateway, request_id) == CLIENT


def test_an_address_that_the_client_invents_does_not_count(gateway, nginx):
    reply, request_id = call(gateway, nginx, source=CLIENT, forwarded="10.9.8.7")  # nginx appends the real one
    assert reply.status == 200 and address_in_record(gateway, request_id) == CLIENT


def test_a_peer_that_is_no_trusted_proxy_speaks_only_for_itself(gateway):
    reply, request_id = call(gateway, source=CLIENT, forwarded="10.9.8.7")
    assert reply.status == 200 and address_in_record(gateway, request_id) == CLIENT


def test_a_key_bound_to_addresses_sees_through_the_proxy(gateway_factory):
    keys = [{"name": "office", "key": "${TEST_KEY}", "models": ["*"], "allow": [CLIENT + "/32"]}]
    listen = [{"address": "127.0.0.1:0", "trusted_proxies": [PROXY + "/32"]}]
    gateway = gateway_factory(config=parts.gateway_config(listen=listen, keys=keys), env=parts.GATEWAY_ENV)
    with parts.Nginx(gateway.url, PROXY) as nginx:
        assert call(gateway, nginx, source=CLIENT)[0].status == 200
        assert call(gateway, nginx, source="127.0.0.6")[0].status == 403
        assert call(gateway, nginx, source="127.0.0.6", forwarded=CLIENT)[0].status == 403


def test_a_body_of_sixteen_mebibytes_passes(gateway, nginx):
    reply, request_id = call(gateway, nginx, metadata={"padding": "x" * (16 << 20)})
    assert reply.status == 200
    assert gateway.wait_for_record(request_id)["bytes_in"] > 16 << 20
