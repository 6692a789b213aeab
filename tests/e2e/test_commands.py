"""The command line: serve's start and its refusals, validate, explain, version, help."""

import json
import re
import signal
import socket

import pytest

from fake_model import free_port
from gateway import KEY, Gateway, StartFailed, run
from wire import ask, chat, eventually


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(models=["found-model", "other/model"])


GOOD = """\
listen:
  - address: 127.0.0.1:0
data_dir: ./data
models:
  - name: qwen2.5-7b
    aliases: [gpt-4o-mini]
    endpoints:
      - url: http://10.0.0.5:8000/v1
        model: Qwen/Qwen2.5-7B-Instruct
        auth: {type: bearer, key: "${VLLM_KEY}"}
keys:
  - name: dify
    key: "${DIFY_KEY}"
"""
SECRETS = {"VLLM_KEY": "upstream-secret-31", "DIFY_KEY": "sk-secret-32"}


def validate(tmp_path, text, env=None):
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    return run("validate", path, env=SECRETS if env is None else env), str(path)


# --- validate

def test_validate_accepts_a_good_file(tmp_path):
    done, _ = validate(tmp_path, GOOD)
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("right, wrong, suggestion", [
    ("listen:", "lisen:", "listen"), ("    aliases:", "    alias:", "aliases"), ("models:", "model:", "models"),
    ("      - url:", "      - ulr:", "url"), ("auth: {type", "auth: {tpye", "type")])
def test_validate_finds_a_misspelt_key_and_suggests_the_right_one(tmp_path, right, wrong, suggestion):
    text = GOOD.replace(right, wrong, 1)
    word = re.search(r"\w+", wrong.split("{")[-1])[0]
    line = next(number for number, content in enumerate(text.split("\n"), 1) if re.search(rf"\b{word}:", content))
    column = re.search(rf"\b{word}:", text.split("\n")[line - 1]).start() + 1
    done, path = validate(tmp_path, text)
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert f"{path}:{line}:{column}:" in told, told
    assert word in told and f"{suggestion}" in told.split(word, 1)[1]


@pytest.mark.parametrize("old, new, place, words", [
    ("[gpt-4o-mini]", "[gpt-4o-mini]\n    timeouts: {first_byte: 25}", 7, "first_byte"),
    ("[gpt-4o-mini]", "[gpt-4o-mini]\n    timeouts: {first_byte: 25 parsecs}", 7, "first_byte"),
    ("http://10.0.0.5:8000/v1", "gopher://10.0.0.5", 8, "url"),
    ("127.0.0.1:0", "127.0.0.1:99999", 2, "address"),
    ("127.0.0.1:0", "127.0.0.1:0\n    allow: [10.0.0.1/8]", 3, "10.0.0.0/8"),
    ("127.0.0.1:0", "127.0.0.1:0\n    max_body: 5 apples", 3, "max_body"),
    ("type: bearer", "type: telepathy", 10, "bearer"),
    ("${VLLM_KEY}", "${NOT_SET_ANYWHERE}", 10, "NOT_SET_ANYWHERE"),
    ("name: dify", "name: dify\n    expires: tomorrow", 13, "expires"),
    ('key: "${DIFY_KEY}"', "hash: md5:abc", 13, "hash")])
def test_validate_names_the_place_of_an_unusable_value(tmp_path, old, new, place, words):
    done, path = validate(tmp_path, GOOD.replace(old, new, 1))
    told = done.stdout + done.stderr
    assert done.returncode == 1 and words in told, told
    assert re.search(re.escape(path) + rf":{place}:\d+:", told), told
    assert "upstream-secret-31" not in told and "sk-secret-32" not in told


@pytest.mark.parametrize("text", ["models: [", "a: b: c", "\tmodels: []", "- just\n- a list\n", "hello",
                                  "models: {}\n", "\0\0", "&a [*a]"])
def test_validate_survives_what_is_no_configuration(tmp_path, text):
    done, path = validate(tmp_path, text)
    assert done.returncode == 1 and path in done.stdout + done.stderr


def test_validate_reports_every_problem_at_once(tmp_path):
    bad = GOOD.replace("listen:", "lisen:").replace("aliases", "aliasses").replace("bearer", "x")
    done, _ = validate(tmp_path, bad)
    told = done.stdout + done.stderr
    assert "lisen" in told and "aliasses" in told and re.search(r":10:\d+:", told)


def test_validate_refuses_names_given_twice(tmp_path):
    twice = GOOD.replace("keys:\n", "  - name: qwen2.5-7b\n    endpoints: [{url: http://10.0.0.6/v1}]\nkeys:\n")
    done, _ = validate(tmp_path, twice)
    assert done.returncode == 1 and "qwen2.5-7b" in done.stdout + done.stderr


def test_validate_of_a_missing_file_is_1(tmp_path):
    done = run("validate", tmp_path / "nothing.yaml")
    assert done.returncode == 1 and "nothing.yaml" in done.stderr + done.stdout


# --- explain

def explain(tmp_path, request, *more, text=GOOD):
    (tmp_path / "gateway.yaml").write_text(text)
    (tmp_path / "request.json").write_text(request if isinstance(request, str) else json.dumps(request))
    return run("explain", tmp_path / "gateway.yaml", tmp_path / "request.json", *more, env=SECRETS)


def test_explain_tells_the_route_and_the_changes(tmp_path):
    done = explain(tmp_path, chat("gpt-4o-mini", stream=True))
    assert done.returncode == 0, done.stderr
    for word in ("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", "10.0.0.5:8000"):
        assert word in done.stdout, done.stdout
    assert "upstream-secret-31" not in done.stdout + done.stderr


def test_model_of_another_kind_is_refused_dry_and_live(gateway_factory, model, tmp_path):
    done = explain(tmp_path, chat("qwen2.5-7b"), text=GOOD.replace("    aliases:", "    kind: embedding\n    aliases:"))
    assert done.returncode == 1 and "model_not_allowed" in done.stdout
    gateway = gateway_factory(config={"models": [
        {"name": "m", "kind": "embedding", "endpoints": [{"url": model.base}]}]})
    refused = ask(gateway, chat("m"))
    assert refused.status == 403 and refused.error["code"] == "model_not_allowed"
    assert "embedding" in refused.error["message"]
    assert ask(gateway, {"model": "m", "input": "x"}, "/v1/embeddings").status == 200
    assert len(model.calls) == 1
    gateway.stop()


def test_explain_of_an_unknown_key_is_wrong_use(tmp_path):
    done = explain(tmp_path, chat("qwen2.5-7b"), "--key", "nobody")
    assert done.returncode == 2 and "nobody" in done.stderr
    assert explain(tmp_path, chat("qwen2.5-7b"), "--key", "dify").returncode == 0


@pytest.mark.parametrize("more, path, word", [
    ("    models: [other*]\n", "/v1/chat/completions", "model_not_allowed"),
    ("    expires: 2020-01-01T00:00:00Z\n", "/v1/chat/completions", "expired_api_key"),
    ("", "/v1/models", "unsupported_method")])
def test_explain_says_no_where_the_gateway_would(tmp_path, more, path, word):
    done = explain(tmp_path, chat("qwen2.5-7b"), "--path", path, text=GOOD + more)
    assert done.returncode == 1 and word in done.stdout, done.stdout


def test_explain_tells_problems_of_the_file_as_json_too(tmp_path):
    done = explain(tmp_path, chat("qwen2.5-7b"), "--json", text=GOOD.replace("listen:", "lisen:"))
    verdict = json.loads(done.stdout)
    assert done.returncode == 1 and not verdict["valid"] and verdict["problems"][0]["line"] == 1


def test_explain_speaks_json(tmp_path):
    done = explain(tmp_path, chat("qwen2.5-7b"), "--json")
    assert done.returncode == 0 and isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize("request_body", [chat("nobody"), "not json", {"messages": []}])
def test_explain_answers_no_when_the_gateway_would(tmp_path, request_body):
    done = explain(tmp_path, request_body)
    assert done.returncode == 1 and (done.stdout + done.stderr).strip()


SPOKEN = {
    "openai": {}, "ollama": {}, "tgi": {"chat_template": "qwen"},
    "triton": {"chat_template": "qwen", "triton": {"model": "t"}},
    "triton-grpc": {"chat_template": "qwen", "triton": {"model": "t"}},
    "template": {"chat_template": "qwen",
                 "template": {"path": "/ask", "body": '{"q": {{ prompt | tojson }}}', "answer": {"text": "/text"},
                              "headers": {"X-App": "hidden-7"}}}}
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}]
ASKED = {"text": ("/v1/chat/completions", chat("x")), "picture": ("/v1/chat/completions", {**chat("x"), "messages": PICTURE}),
         "vectors": ("/v1/embeddings", {"input": "x"}), "ranking": ("/v1/rerank", {"query": "q", "documents": ["d"]})}


@pytest.fixture(scope="module")
def nobody_answers(gateway_factory):
    """A model of each dialect, none of which is there."""
    base = f"http://127.0.0.1:{free_port()}"
    return gateway_factory(config={"models": [
        {"name": dialect, "retry": {"attempts": 1}, "endpoints": [{"url": base, "dialect": dialect, **more}]}
        for dialect, more in SPOKEN.items()]})


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("dialect", SPOKEN)
def test_explain_refuses_what_the_gateway_refuses_of_every_dialect(nobody_answers, tmp_path, dialect, asked):
    path, body = ASKED[asked]
    body = {**body, "model": dialect}
    (tmp_path / "request.json").write_text(json.dumps(body))
    done = run("explain", nobody_answers.config_file, tmp_path / "request.json", "--path", path,
               env={"TEST_KEY": KEY})
    answer = ask(nobody_answers, body, path)
    assert answer.status in (400, 502, 503), answer.body  # refused, or asked of nobody
    assert (done.returncode == 1) == (answer.status == 400), done.stdout
    if answer.status == 400:
        assert answer.error["message"] in done.stdout and "sent to" not in done.stdout, done.stdout
    assert "hidden-7" not in done.stdout
    if (dialect, asked) == ("template", "text"):
        assert re.search(r"headers for template/0 +X-App", done.stdout), done.stdout


# --- version, help, wrong use

def test_version_is_one_line():
    done = run("version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout) and done.stdout.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["validate", "--help"], ["explain", "--help"],
                                       ["version", "--help"]])
def test_help_is_everywhere(arguments):
    done = run(*arguments)
    assert done.returncode == 0 and "intragate" in done.stdout and "Usage" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["serve", "--frobnicate"], ["validate"], ["explain", "one"],
                                       ["serve", "--config"], ["validate", "a", "b"],
                                       ["serve", "--config", "a", "--env-file", "b"]])
def test_wrong_use_is_2(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.strip()


# --- serve: how it starts

def test_serve_says_where_it_listens_and_what_it_found(gateway_factory, model):
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    shape = [r"listening on 127\.0\.0\.1:\d+", r"admin listening on 127\.0\.0\.1:\d+", r"models: .*\bm\b.*",
             r"endpoints: .*127\.0\.0\.1:\d+.*", r"data in .*"]
    assert len(gateway.output) == 5
    for line, pattern in zip(gateway.output, shape):
        assert re.fullmatch(pattern, line), line
    gateway.stop()


def test_serve_finds_models_by_itself_and_names_them(gateway_factory, model):
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url})
    line = next(line for line in gateway.output if line.startswith("models: "))
    assert "found-model" in line and "other/model" in line
    gateway.stop()


def env_text(model, **more):
    values = {"CUSTOM_MODEL_API_BASE": model.url, "CUSTOM_MODEL_AUTH_TYPE": "bearer",
              "CUSTOM_MODEL_API_KEY": "internal-token", "MODEL_REQUEST_TIMEOUT": "25000",
              "STREAM_RESPONSE_BUFFER_SIZE": "4096", "INTRAGATE_LISTEN": "127.0.0.1:0",
              "INTRAGATE_ADMIN_LISTEN": "127.0.0.1:0", "INTRAGATE_DATA_DIR": "./data", **more}
    return ("# the quick start\n\nMODEL_PROVIDER=custom   # a comment\n"
            + "".join(f"{name}={value}\n" for name, value in values.items()))


def test_env_file_of_the_working_directory_is_read(gateway_factory, model):
    gateway = gateway_factory(env_file=env_text(model, INTRAGATE_API_KEY=KEY), defaults=False)
    assert ask(gateway, chat("found-model")).status == 200
    assert model.only_call.headers["authorization"] == "Bearer internal-token"
    assert (gateway.directory / "data" / "audit").is_dir()
    gateway.stop()


def test_env_file_can_be_named_and_the_environment_wins(gateway_factory, model, tmp_path):
    path = tmp_path / "my.env"
    path.write_text(env_text(model, INTRAGATE_API_KEY="sk-from-file"))
    gateway = gateway_factory(env={"INTRAGATE_API_KEY": "sk-from-environment"}, defaults=False,
                              arguments=["--env-file", path])
    assert ask(gateway, chat("found-model"), key="sk-from-environment").status == 200
    assert ask(gateway, chat("found-model"), key="sk-from-file").status == 401
    gateway.stop()


def test_env_file_is_read_anew_for_sighup_and_new_secrets_are_used(gateway_factory, model):
    gateway = gateway_factory(env_file=env_text(model, INTRAGATE_API_KEY="sk-the-first-key"), defaults=False)
    assert ask(gateway, chat("found-model"), key="sk-the-first-key").status == 200
    assert model.calls[-1].headers["authorization"] == "Bearer internal-token"
    text = env_text(model, INTRAGATE_API_KEY="sk-the-second-key").replace("internal-token", "another-token")
    (gateway.directory / ".env").write_text(text)
    gateway.terminate(signal.SIGHUP)
    eventually(lambda: ask(gateway, chat("found-model"), key="sk-the-second-key").status == 200, "the new key")
    assert ask(gateway, chat("found-model"), key="sk-the-first-key").status == 401
    assert model.calls[-1].headers["authorization"] == "Bearer another-token"
    gateway.stop()


def test_named_env_file_beats_an_inherited_configuration(gateway_factory, model, tmp_path):
    path = tmp_path / "my.env"
    path.write_text(env_text(model, INTRAGATE_API_KEY=KEY))
    gateway = gateway_factory(env={"INTRAGATE_CONFIG": tmp_path / "nothing.yaml"}, defaults=False,
                              arguments=["--env-file", path])
    assert ask(gateway, chat("found-model")).status == 200
    gateway.stop()


def test_inherited_configuration_is_read(tmp_path):
    done = run("serve", cwd=tmp_path, env={"INTRAGATE_CONFIG": tmp_path / "nothing.yaml"})
    assert done.returncode == 1 and "nothing.yaml" in done.stderr


def test_env_file_that_cannot_be_read_is_a_refusal(tmp_path):
    (tmp_path / ".env").mkdir()
    done = run("serve", cwd=tmp_path, env={"CUSTOM_MODEL_API_BASE": "http://127.0.0.1:9"}, timeout=20)
    assert done.returncode == 1 and ".env: cannot read the file" in done.stderr


@pytest.mark.parametrize("key", ["sk-...", "changeme", "short", "a" * 513])
def test_key_that_is_no_secret_is_refused(model, key):
    expect_no_start("INTRAGATE_API_KEY: ", env={"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_API_KEY": key})


def test_start_that_fails_keeps_no_key(gateway_factory, model, tmp_path):
    """It was kept before ports were open, and never printed: nobody could ever call again."""
    directory, env = tmp_path / "failed", {"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_API_KEY": None}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        failed = run("serve", timeout=20, env={
            **env, "INTRAGATE_LISTEN": address, "INTRAGATE_ADMIN_LISTEN": "127.0.0.1:0",
            "INTRAGATE_DATA_DIR": directory / "data"})
        assert failed.returncode == 1 and failed.stdout == ""
    gateway = gateway_factory(env=env, directory=directory)
    assert gateway.output[0] == f"api key: {gateway.key}" and ask(gateway, chat("found-model")).status == 200
    assert (directory / "data" / "quickstart-key.sha256").stat().st_mode & 0o777 == 0o600
    gateway.stop()


def test_key_is_made_once_printed_once_and_kept_hashed(gateway_factory, model, tmp_path):
    directory = tmp_path / "kept"
    first = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_API_KEY": None}, directory=directory)
    key = first.key
    assert first.output[0] == f"api key: {key}" and len(key) > 30 and key != KEY
    assert ask(first, chat("found-model")).status == 200
    first.stop()
    for path in directory.rglob("*"):
        assert not path.is_file() or key not in path.read_text(errors="replace"), path
    second = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_API_KEY": None}, directory=directory)
    assert not any("api key" in line for line in second.output)
    assert ask(second, chat("found-model"), key=key).status == 200
    second.stop()


def test_unreachable_model_is_a_warning_and_no_reason_to_stay_away(gateway_factory):
    port = free_port()
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": f"http://127.0.0.1:{port}"})
    warning = json.loads(gateway.wait_for_log(rf"127\.0\.0\.1:{port}"))
    assert warning["level"] == "warning"
    assert ask(gateway, chat("anything")).status in (404, 502, 503)
    gateway.stop()


def test_named_model_that_does_not_answer_is_told_at_the_start(gateway_factory, model):
    dead = f"http://127.0.0.1:{free_port()}/v1"
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]},
                                                 {"name": "d", "endpoints": [{"url": dead}]}]})
    assert f"endpoints: {model.base}, {dead} (no answer yet)" in gateway.output
    assert json.loads(gateway.wait_for_log("does not answer"))["endpoint"] == dead
    gateway.stop()


def test_model_that_comes_up_later_is_found(gateway_factory, model_factory):
    late = model_factory(models=["late-model"])
    late.refuse()
    gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": late.url})
    late.accept_again()
    eventually(lambda: ask(gateway, chat("late-model")).status == 200, "the late model to be found", 40)
    gateway.stop()


# --- serve: how it refuses to start

def expect_no_start(*words, **how):
    with pytest.raises(StartFailed) as failure:
        Gateway.start(**how)
    text = str(failure.value)
    assert text.startswith("exit 1\n"), text
    for word in words:
        assert word in text, text
    assert "terminate called" not in text


def config(model, **more):
    return {"models": [{"name": "m", "endpoints": [{"url": model.base}]}], **more}


def test_taken_port_is_a_clear_refusal(model):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        expect_no_start(f"127.0.0.1:{port}", "in use", config=config(model, listen=[{"address": f"127.0.0.1:{port}"}]))
        expect_no_start(f"127.0.0.1:{port}", config=config(model, admin={"address": f"127.0.0.1:{port}"}))


def test_port_of_another_gateway_is_never_shared(gateway_factory, model):
    """SO_REUSEPORT alone would let two gateways take turns."""
    first = gateway_factory(config=config(model))
    port = first.address[1]
    expect_no_start(f"127.0.0.1:{port}", config=config(model, listen=[{"address": f"127.0.0.1:{port}"}]))
    first.stop()


def test_unset_admin_address_makes_way_when_8081_is_taken(gateway_factory, model):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8081))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as good
        gateway = gateway_factory(env={"CUSTOM_MODEL_API_BASE": model.url, "INTRAGATE_ADMIN_LISTEN": None})
        assert gateway.admin_address[1] != 8081 and gateway.get_admin("/livez")[0] == 200
        gateway.stop()


def test_data_directory_that_cannot_be_written_is_a_clear_refusal(model, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    expect_no_start(str(tmp_path / "file" / "data"), config=config(model, data_dir=str(tmp_path / "file" / "data")))


def test_bad_configuration_is_a_refusal_with_its_place(model):
    expect_no_start("intragate.yaml:1:1", "models", config="modles: []\n", defaults=False)


def test_missing_configuration_is_a_refusal(tmp_path):
    done = run("serve", "--config", tmp_path / "nothing.yaml", cwd=tmp_path)
    assert done.returncode == 1 and "nothing.yaml" in done.stderr


def test_no_configuration_at_all_says_what_to_do(tmp_path):
    done = run("serve", cwd=tmp_path, timeout=20)
    assert done.returncode == 1 and "CUSTOM_MODEL_API_BASE" in done.stderr


@pytest.mark.parametrize("name, value", [("CUSTOM_MODEL_AUTH_TYPE", "telepathy"), ("MODEL_REQUEST_TIMEOUT", "soon"),
                                         ("INTRAGATE_LISTEN", "everywhere"), ("CUSTOM_MODEL_API_BASE", "not a url")])
def test_unusable_variable_is_named(model, name, value):
    expect_no_start(name, env={"CUSTOM_MODEL_API_BASE": model.url, name: value})
