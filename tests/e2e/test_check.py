"""`intragate check`: what it finds good in real servers, and what it finds wrong in one that does all Dify dislikes."""

import itertools
import json

import pytest

import parts
from fake_grpc import GrpcModel
from fake_model import answer, answer_json, close, end, free_port, proper_answer, refusal, send, sse_bytes, stream_head
from gateway import KEY, run
from speakers import Described, Ollama


def check(target, *arguments, key=None):
    ran = run("check", target, "--json", "--at-once", 2, "--connections", 40, *arguments, env={"INTRAGATE_CHECK_KEY": key}, timeout=240)
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
    (ladder,) = report["ladders"]
    assert "first_byte" in ladder["first_to_fire"] and len(ladder["timeouts"]) == 9


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
    ran = run("check", gateway.config_file, "--json", "--connections", 40, "--model", parts.EMBEDDING_MODEL, env={
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


def written(dialect):
    """A model of this dialect that counts, streamed or whole."""
    def steps(call):
        if b"no-such-model" in call.body:
            answer(b'{"error":"no such model"}', status=404)(call)
        elif b'"stream":true' in call.body or b'"stream": true' in call.body:
            for step in [stream_head(content_type=dialect.framing), *[dialect.piece(f"{n} 你 ") for n in range(12)],
                         dialect.last(), end()]:
                step(call)
        else:
            answer_json(dialect.whole("pong"))(call)
    return steps


@pytest.mark.parametrize("dialect", [Ollama(), Described()], ids=lambda dialect: dialect.name)
def test_another_dialect_is_asked_as_dify_would_see_it(model_factory, tmp_path, dialect):
    model = model_factory(models=["there"])
    model.default(written(dialect))
    model.pages["/slots"] = '[{"id":0,"is_processing":false}]'
    config = tmp_path / "gateway.yaml"
    config.write_text(json.dumps({
        "models": [{"name": "m", "context_window": 2048, "endpoints": [dialect.endpoint(model)]},
                   {"name": "slow", "timeouts": {"first_byte": "90s"}, "endpoints": [{"url": model.base}]}],
        "keys": [{"name": "dify", "key": "${DIFY_KEY}"}]}))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    ran = run("check", config, "--json", "--at-once", 2, "--connections", 60, "--model", "m",
              env={"DIFY_KEY": "sk-dify-0123", "TMPDIR": temporary}, timeout=240)
    report = json.loads(ran.stdout)
    found = verdicts(report)
    for name in ("C1", "C3", "N1", "N2", "S1", "S2", "S3", "S5", "S6", "S7", "S11", "E1", "E2", "E3", "E4", "X1"):
        assert found[name] == "good", (name, finding(report, name))
    assert f"dialect {dialect.name}" in report["targets"][0]["target"] and report["targets"][0]["model"] == "m"
    assert {call.target for call in model.calls} == {dialect.paths["chat"]} and not model.violations
    assert not list(temporary.iterdir()) and not ran.stderr
    assert len(report["ladders"]) == 1


def test_tls_is_judged_and_an_authority_can_be_named(gateway_factory, model_factory, authority, tmp_path):
    pair = authority.server()
    tls = {"certificate": pair.certificate, "key": pair.key}
    gateway = gateway_factory(config={
        "listen": [{"address": "127.0.0.1:0", "tls": tls}, {"address": "127.0.0.1:0", "tls": {
            **tls, "client_certificate": "required", "client_ca": authority.certificate}}],
        "models": [{"name": "m", "kind": "embedding", "endpoints": [{"url": model_factory().base}]}]})
    url, strict = (f"https://localhost:{address[1]}" for address in gateway.addresses)
    report = check(url, "--kind", "embedding", "--ca", authority.certificate, key=KEY)
    assert finding(report, "C2")["detail"] == "TLSv1.3" and verdicts(report)["B1"] == "good"
    assert f'tls: {{ca: "{authority.certificate}"}}' in report["models"]
    report = check(url, "--kind", "embedding", key=KEY)
    assert verdicts(report) == {"C2": "bad"}
    assert "certificate" in finding(report, "C2")["detail"] and "--ca" in finding(report, "C2")["cure"]
    assert "client certificate" in finding(check(strict, "--kind", "embedding", "--ca", authority.certificate, key=KEY),
                                           "B1")["cure"]
    for arguments in ([url, "--ca", tmp_path / "none.pem"], [url, "--ca", pair.key],
                      ["http://127.0.0.1:1", "--ca", authority.certificate]):
        ran = run("check", *arguments)
        assert ran.returncode == 2 and "--ca" in ran.stderr, ran.stderr


def test_a_grpc_server_is_asked_through_the_gateway_and_its_tls_judged(authority, tmp_path):
    model = GrpcModel(tls=authority.server())
    config = tmp_path / "gateway.yaml"
    config.write_text(json.dumps({"models": [{"name": "m", "endpoints": [{
        "url": model.url, "dialect": "triton-grpc", "chat_template": "chatml", "triton": {"model": "words"},
        "tls": {"ca": authority.certificate}}]}], "keys": [{"name": "dify", "key": "sk-dify-0123456789"}]}))
    report = check(config)
    model.close()
    assert not model.violations and finding(report, "C2")["detail"] == "TLSv1.3"
    assert {verdicts(report)[name] for name in ("N1", "N2", "S1", "S2", "S3", "S5", "S7", "E3")} == {"good"}, report
    assert verdicts(report)["X1"] == "open"  # gRPC has no page to look at


def if_json(does):
    def steps(call):
        try:
            json.loads(call.body)
        except ValueError:
            return refusal(400, "no JSON")(call)
        return does(call)
    return steps


def ranks(call):
    top = call.json["top_n"]
    scores = [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2},
              {"index": 1, "relevance_score": 0.1}]
    answer_json({"results": scores[:top]})(call)


def speaks(call):
    good = call.json["voice"] == "alloy"
    (answer(b"ID3" + bytes(100), content_type="audio/mpeg") if good else refusal(400, "voices: alloy"))(call)


@pytest.mark.parametrize("kind, model_does, names", [
    ("rerank", if_json(ranks), ("R1", "R2")), ("speech", if_json(speaks), ("A1", "A3")),
    ("transcription", lambda call: answer_json({"text": "a"})(call), ("A2",))])
def test_other_kinds_are_asked_too(model_factory, kind, model_does, names):
    model = model_factory(models=["m"])
    model.default(model_does)
    report = check(model.base, "--kind", kind)
    assert {verdicts(report)[name] for name in (*names, "C1", "C3")} == {"good"}, report
    model.default(refusal(500, "no"))
    assert verdicts(check(model.base, "--kind", kind))[names[0]] == "bad"


def test_a_server_that_refuses_streams_has_no_concurrency(model_factory):
    model = model_factory(models=["m"])
    model.default(lambda call: (refusal(400, "no streams") if b'"stream":true' in call.body
                                else proper_answer())(call))
    report = check(model.base)
    assert (verdicts(report)["S1"], verdicts(report)["L0"], verdicts(report)["J1"]) == ("bad", "open", "open")
    assert "max_concurrency" not in report["models"]


@pytest.mark.parametrize("target", ["ftp://x", "http://", "grpc://127.0.0.1:1", "no-such-file.yaml"])
def test_wrong_targets_are_wrong_use(target):
    ran = run("check", target)
    assert ran.returncode == 2 and ran.stderr.startswith("intragate: ")
