"""Interfaces that are described rather than programmed (`dialect: template`), and tokens counted by the model's own
tokenizer: with a real llama.cpp, whose native interface and whose counts are somebody else's."""

import json
import pathlib

import openai
import pytest

import parts
from fake_model import answer, answer_json, chunk, end, stream_head
from gguf_tokenizer import model_file, tokenizer_of
from wire import eventually, new_id

HERE = pathlib.Path(__file__).parent
PATIENT = {"timeouts": {"connect": "10s", "first_byte": "120s", "between_chunks": "120s", "total": "10m"},
           "retry": {"attempts": 1}}


def said(text):
    return [{"role": "user", "content": text}]


def client_of(gateway):
    return openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=120)


# ---- llama.cpp's own interface -------------------------------------------------------------------------------------

LLAMA = {
    "path": "/completion",
    "body": '{"prompt": {{ prompt | tojson }}, "n_predict": {{ max_tokens | default(-1) }}, "temperature": '
            '{{ temperature | default(0) }}, "stop": {{ stop | tojson }}, "stream": {{ stream | tojson }}}',
    "answer": {"text": "/content", "finish_reason": "/stop_type", "prompt_tokens": "/tokens_evaluated",
               "completion_tokens": "/tokens_predicted", "error": "/error/message"},
    "stream": {"framing": "sse", "text": "/content", "finish_reason": "/stop_type", "error": "/error/message",
               "prompt_tokens": "/tokens_evaluated", "completion_tokens": "/tokens_predicted", "done": "/stop"},
}


@pytest.fixture(scope="module")
def real(gateway_factory, tmp_path_factory):
    """The same real model three times: by its native interface, and by OpenAI's with its tokenizer in two windows."""
    model = parts.chat_model()
    tokenizer = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.write_text(json.dumps(tokenizer_of(model_file())))
    counted = {**model.endpoint(), "tokenizer": str(tokenizer), "chat_template": f"file:{HERE / 'tools.jinja'}"}
    native = {**model.endpoint(), "url": model.url, "dialect": "template", "chat_template": "chatml", "template": LLAMA}
    return gateway_factory(config={"models": [
        {"name": "native", "endpoints": [native], **PATIENT},
        {"name": "wide", "endpoints": [counted], "context_window": 2048, **PATIENT},
        {"name": "fitting", "endpoints": [counted], "context_window": 64, "fit_max_tokens": True, **PATIENT},
        {"name": "narrow", "endpoints": [counted], "context_window": 10, **PATIENT}]}, env=parts.GATEWAY_ENV)


def test_a_real_server_answers_through_its_own_interface(real):
    with client_of(real) as client:
        request_id = new_id()
        whole = client.chat.completions.create(model="native", messages=said("Say hello."), max_tokens=8, temperature=0,
                                               extra_headers={"X-Request-Id": request_id})
        assert whole.choices[0].message.content and whole.choices[0].finish_reason in ("stop", "length")
        assert whole.usage.prompt_tokens > 5 and 1 <= whole.usage.completion_tokens <= 8
        record = real.wait_for_record(request_id)
        assert (record["usage_source"], record["outcome"]) == ("upstream", "ok")
        events = list(client.chat.completions.create(model="native", messages=said("Say hello."), max_tokens=8, temperature=0,
                                                     stream=True, stream_options={"include_usage": True}))
        text = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
        assert text == whole.choices[0].message.content and "<|im_end|>" not in text
        assert events[-1].usage.completion_tokens == whole.usage.completion_tokens and len(events) > 3


def test_its_refusals_come_in_its_words(real):
    with client_of(real) as client, pytest.raises(openai.BadRequestError, match="context|tokens"):
        client.chat.completions.create(model="native", messages=said("many words " * 3000), max_tokens=1)


def test_a_client_that_leaves_ends_its_work(real):
    model = parts.chat_model()
    with client_of(real) as client:
        stream = client.chat.completions.create(model="native", messages=said("Count to a thousand."), max_tokens=1500,
                                                stream=True)
        next(stream)
        stream.close()
    eventually(lambda: model.busy() == 0, "the end of the model's work")


# ---- tokens --------------------------------------------------------------------------------------------------------

TEXTS = ["Say hello.", "a" + " " * 5000 + "b", "Zähle bis 1000: 1, 2, 3 …\n\n\t don't stop!", "你好，世界 🙂 <|im_end|> x", "def f(x):\n    return x ** 2\n" * 5]


@pytest.mark.parametrize("text", TEXTS)
def test_the_gateway_counts_what_the_model_counts(real, text):
    with client_of(real) as client:
        told = client.chat.completions.create(model="wide", messages=said(text), max_tokens=1).usage.prompt_tokens
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="narrow", messages=said(text.replace("<|im_end|>", "<\u200b|im_end|>")))
        counted = refused.value.body["message"]
        if "<|im_end|>" not in text:  # what the model reads of that, nobody should
            assert f"maximum context length is 10 tokens. However, your messages resulted in {told} tokens" in counted


def test_what_cannot_fit_costs_the_model_nothing(real):
    with client_of(real) as client:
        request_id = new_id()
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="wide", messages=said("Say hello."), max_tokens=3000,
                                           extra_headers={"X-Request-Id": request_id})
        assert refused.value.code == "context_length_exceeded" and "3000 in the completion" in str(refused.value)
        record = real.wait_for_record(request_id)
        assert (record["status"], record["outcome"], record["error"], record["attempts"]) == (
            400, "refused", "context_length_exceeded", 0)
        said_less = client.chat.completions.create(model="fitting", messages=said("Say hello."), max_tokens=3000, temperature=0)
        assert said_less.usage.total_tokens <= 64


# ---- a home-made server in two versions ----------------------------------------------------------------------------

V1 = {"path": "/complete", "body": '{"text": {{ prompt | tojson }}, "length": {{ max_tokens | default(512) }}}'}
V2 = {"path": "/chat{{ '/stream' if stream }}", "method": "PUT", "headers": {"X-App": "dify", "X-Token": "${HOUSE_TOKEN}"},
      "body": '{"turns": [{% for m in messages %}{"who": {{ m.role | tojson }}, "says": {{ m.content | tojson }}}'
              '{{ ", " if not loop.last }}{% endfor %}]}',
      "answer": {"text": "/result/text", "finish_reason": "/result/stop", "prompt_tokens": "/usage/in",
                 "completion_tokens": "/usage/out", "error": "/message"},
      "stream": {"framing": "sse", "text": "/delta", "finish_reason": "/stop", "error": "/message"}}


def home_made(call):
    """Version 1 takes a prompt and answers in plain text; version 2 takes turns and streams."""
    if call.target == "/v1/complete":
        answer(f"one: {call.json['text'].splitlines()[1]}".encode(), content_type="text/plain")(call)
    elif call.target == "/v2/chat":
        answer_json({"result": {"text": f"two: {call.json['turns'][-1]['says']}", "stop": "max_length"},
                     "usage": {"in": 7, "out": 2}})(call)
    elif call.target == "/v2/chat/stream":
        stream_head()(call)
        for piece in ({"delta": "two: "}, {"delta": call.json["turns"][-1]["says"]}, {"delta": "", "stop": "eos"}):
            chunk(b"data: " + json.dumps(piece).encode() + b"\n\n")(call)
        end()(call)
    else:
        answer_json({"detail": "Not Found"}, status=404)(call)


@pytest.fixture(scope="module")
def house(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def sides(house, gateway_factory):
    endpoints = [{"url": house.url + "/v1", "dialect": "template", "chat_template": "chatml", "template": V1},
                 {"url": house.url + "/v2", "dialect": "template", "template": V2}]
    return gateway_factory(config={"models": [{"name": "house", "balance": "round_robin", "endpoints": endpoints}]},
                           env={"HOUSE_TOKEN": "house-secret-51"})


def test_two_versions_of_an_interface_are_one_model(house, sides):
    house.default(home_made)
    with client_of(sides) as client:
        def ask(**more):
            return client.chat.completions.create(model="house", messages=said('Say "hi"\n'), **more)
        answers = [ask().choices[0].message.content for _ in range(4)]
        assert sorted(answers) == ['one: Say "hi"', 'one: Say "hi"', 'two: Say "hi"\n', 'two: Say "hi"\n']
        streams = ["".join(event.choices[0].delta.content or "" for event in ask(stream=True)) for _ in range(2)]
        assert sorted(streams) == ['one: Say "hi"', 'two: Say "hi"\n']
    new = [call for call in house.calls if call.target.startswith("/v2")]
    assert all(call.method == "PUT" and call.headers.get("x-app") == "dify" and call.headers.get("x-token") == "house-secret-51"
               for call in new)
    assert "house-secret-51" not in "\n".join(sides.log())
