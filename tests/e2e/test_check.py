"""`intragate check`: what it finds good in real servers, and what it finds wrong in one that does all Dify dislikes."""

import itertools
import json

import pytest

import parts
from fake_model import answer_json, close, free_port, send, sse_bytes, stream_head
from gateway import KEY, run


def check(target, *arguments, key=None):
    ran = run("check", target, "--json", "--at-once", 2, *arguments, env={"INTRAGATE_CHECK_KEY": key}, timeout=240)
    assert ran.returncode in (0, 1), ran.stderr
    report = json.loads(ran.stdout)
    assert report["happy"] == (ran.returncode == 0)
    return report


def verdicts(report, target=0):
    return {finding["id"]: finding["verdict"] for finding in report["targets"][target]["findings"]}


def finding(report, name):
    return next(found for found in report["targets"][0]["findings"] if found["id"] == name)


def test_a_real_server_is_found_good_and_its_block_is_printed():
    report = check(parts.chat_model().url, key=parts.MODEL_KEY)
    found = verdicts(report)
    assert report["happy"], found
    for name in ("N1", "N2", "S1", "S2", "S3", "S5", "S6", "S7", "E1", "E3", "C5", "W1", "X1"):
        assert found[name] == "good", (name, finding(report, name))
    assert f'name: "{parts.CHAT_MODEL}"' in report["models"] and "${MODEL_KEY}" in report["models"]
    assert parts.MODEL_KEY not in json.dumps(report)
    assert "first_byte" in report["first_to_fire"]


def test_the_block_is_a_valid_configuration(tmp_path):
    block = check(parts.embedding_model().url, "--kind", "embedding", key=parts.MODEL_KEY)["models"]
    path = tmp_path / "gateway.yaml"
    path.write_text(block + 'keys:\n  - {name: dify, key: "${DIFY_KEY}"}\n')
    ran = run("validate", path, env={"MODEL_KEY": "a", "DIFY_KEY": "sk-dify-0123"})
    assert ran.returncode == 0, ran.stderr


def test_a_gateway_and_a_configuration_are_checked_too(gateway_factory, tmp_path):
    config = parts.gateway_config()
    gateway = gateway_factory(config=config, env=parts.GATEWAY_ENV)
    key_file = tmp_path / "key"
    key_file.write_text(KEY + "\n")
    report = check(gateway.url, "--model", parts.CHAT_MODEL, "--key-file", key_file)
    assert report["happy"], verdicts(report)
    assert verdicts(report)["E2"] == "good"  # the gateway knows its models
    ran = run("check", gateway.config_file, "--json", "--model", parts.EMBEDDING_MODEL, env={
        **parts.GATEWAY_ENV, "TEST_KEY": KEY}, timeout=240)
    whole = json.loads(ran.stdout)
    assert [target["model"] for target in whole["targets"]] == [parts.EMBEDDING_MODEL]


def test_embeddings_are_checked_for_form_and_order(model_factory):
    model = model_factory(models=["m"])
    found = verdicts(check(model.base, "--kind", "embedding"))
    assert (found["B1"], found["B2"]) == ("good", "good"), found
    assert verdicts(check(parts.embedding_model().url, "--kind", "embedding", key=parts.MODEL_KEY))["B1"] == "good"


def deaf(call):
    """Answers whatever Dify dislikes, streamed or not."""
    if b'"stream":true' not in call.body:
        steps = [answer_json({"object": "chat", "choices": [{"message": {"content": "pong"}}]})]
    else:
        lump = b"event: message\r\n" + b"".join(sse_bytes({"choices": [{"index": 0, "delta": {"content": "a"}}]})
                                                for _ in range(12))
        steps = [stream_head(framing="close"), send(lump), close()]
    for step in steps:
        step(call)


def test_what_dify_dislikes_is_named_with_its_cure(model_factory):
    model = model_factory(models=["m"])
    model.default(deaf)
    report = check(model.base)
    assert not report["happy"]
    found = verdicts(report)
    for name in ("N1", "N2", "S1", "S2", "S4", "S5", "S6", "S7"):
        assert found.get(name, "bad") == "bad", (name, found)
    assert "invalid response object" in finding(report, "N1")["dify_shows"]
    assert "repair" in finding(report, "N1")["cure"]


def test_a_model_that_goes_on_without_its_caller_is_found(model_factory):
    model = model_factory(models=["m"])
    busy = itertools.chain(["false"], itertools.repeat("true"))  # idle before, at work ever after
    model.pages["/slots"] = lambda: json.dumps([{"id": 0}]).replace("}", f',"is_processing":{next(busy)}}}')
    report = check(model.base)
    assert verdicts(report)["X1"] == "bad", report
    model.pages["/slots"] = '[{"id":0,"is_processing":false}]'
    assert verdicts(check(model.base))["X1"] == "good"


def test_nobody_there_is_one_sentence_and_no_happiness():
    ran = run("check", f"http://127.0.0.1:{free_port()}")
    assert ran.returncode == 1
    assert "✘" in ran.stdout and "no answer" in ran.stdout


@pytest.mark.parametrize("target", ["ftp://x", "http://", "no-such-file.yaml"])
def test_wrong_targets_are_wrong_use(target):
    ran = run("check", target)
    assert ran.returncode == 2 and ran.stderr.startswith("intragate: ")
