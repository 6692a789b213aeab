"""The official OpenAI client for Node, through the gateway, to llama.cpp with a real model."""

import json
import os
import shutil
import subprocess

import pytest

import parts
from gateway import ROOT
from wire import eventually, new_id

NODE_HOME = ROOT / "build" / "node"


def node():
    """The Node that scripts/setup installed where the machine's own is missing or too old."""
    packaged = ROOT / "build" / "venv" / "bin" / "node"
    return str(packaged) if packaged.exists() else shutil.which("node")


@pytest.fixture(scope="module")
def model():
    return parts.chat_model()


@pytest.fixture(scope="module")
def gateway(gateway_factory):
    return gateway_factory(config=parts.gateway_config(), env=parts.GATEWAY_ENV)


@pytest.fixture(scope="module")
def client(gateway):
    assert (NODE_HOME / "node_modules" / "openai").is_dir(), "the Node client is not installed: run scripts/setup"
    settings = {**os.environ, "INTRAGATE_NODE_HOME": str(NODE_HOME), "GATEWAY_BASE": gateway.base,
                "GATEWAY_KEY": gateway.key, "CHAT_MODEL": parts.CHAT_MODEL, "EMBEDDING_MODEL": parts.EMBEDDING_MODEL}

    def run(scenario, request_id=""):
        done = subprocess.run([node(), ROOT / "tests/e2e/node/client.mjs", scenario], capture_output=True, text=True,
                              env={**settings, "REQUEST_ID": request_id}, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_models_are_listed(client):
    assert {parts.CHAT_MODEL, parts.EMBEDDING_MODEL} <= set(client("models")["names"])


def test_a_whole_answer(gateway, client):
    request_id = new_id()
    answer = client("answer", request_id)
    assert answer["text"].strip() and answer["request_id"] == request_id
    record = gateway.wait_for_record(request_id)
    assert record["outcome"] == "ok" and record["completion_tokens"] == answer["usage"]["completion_tokens"]


def test_a_stream_with_usage(client):
    answer = client("stream")
    assert answer["text"].strip() and answer["count"] > 5
    assert len(answer["usages"]) == 1 and answer["usages"][0]["completion_tokens"] > 0


def test_a_streamed_tool_call_is_put_together(client):
    call, = client("tools")["calls"]
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Paris"})


def test_embeddings(client):
    answer = client("embeddings")
    assert answer["sizes"] == [parts.EMBEDDING_SIZE] * 2 and answer["usage"]["prompt_tokens"] > 0


def test_errors_have_the_client_s_own_classes(client):
    errors = client("errors")
    assert (errors["key"]["class"], errors["key"]["status"]) == ("AuthenticationError", 401)
    assert errors["key"]["code"] == "invalid_api_key"
    assert (errors["model"]["class"], errors["model"]["status"]) == ("NotFoundError", 404)
    assert "gpt-9" in errors["model"]["message"] and errors["model"]["request_id"]
    assert (errors["body"]["class"], errors["body"]["status"]) == ("BadRequestError", 400)


def test_a_client_that_leaves_a_stream_stops_the_model(gateway, client, model):
    request_id = new_id()
    assert client("leave", request_id)["words"] == 3
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["status"]) == ("client_cancelled", 499)
    eventually(lambda: model.busy() == 0, "the model's idleness", 60)


def test_a_client_that_runs_out_of_patience_is_on_record(gateway, client):
    request_id = new_id()  # llama.cpp itself finishes an answer in one piece even when its caller has gone
    assert client("impatience", request_id)["class"] == "APIConnectionTimeoutError"
    record = gateway.wait_for_record(request_id)
    assert (record["outcome"], record["status"]) == ("client_cancelled", 499)
