"""One matrix: the clients that people have, by every dialect that models speak, with the same assertions. A client must
see no difference. Clients: OpenAI's for Python with both of its APIs, Anthropic's, and Dify's own model code; the models are fakes
(speakers.py) that answer what real ones are recorded to answer."""

import dataclasses
import json

import anthropic
import httpx
import openai
import pytest

from dify import PYTHONS, Dify, DifyError
from fake_grpc import GrpcModel
from fake_model import answer_json, chunk, end, head, send_apart
from speakers import ALL, PIECES, WHOLE, Raw

PNG = "iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
SOUND = bytes(range(256))
BESIDE = {"embeddings": "embedding", "rerank": "rerank", "speech": "speech", "transcription": "transcription"}


@dataclasses.dataclass
class Said:
    text: str = ""
    finish: str = ""
    usage: tuple = (0, 0)  # of the prompt, of the answer
    tools: list = dataclasses.field(default_factory=list)


class Refused(Exception):
    """What the client raised; its words are what the user reads."""


class OpenAiClient:
    name = "openai"

    def __init__(self, gateway):
        self.sdk = openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60)

    def ask(self, model, stream, tools=False, picture=False):
        content = [{"type": "text", "text": "Say hello."}, {"type": "image_url", "image_url": {
            "url": f"data:image/png;base64,{PNG}"}}] if picture else "Say hello."
        more = {"tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]} if tools else {}
        try:
            call = self.sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": content}],
                                                    max_tokens=24, stream=stream, **more, **(
                                                        {"stream_options": {"include_usage": True}} if stream else {}))
            return self.read(call) if stream else self.take(call)
        except openai.APIError as error:
            raise Refused(str(error)) from error

    def take(self, whole):
        choice = whole.choices[0]
        return Said(choice.message.content, choice.finish_reason,
                    (whole.usage.prompt_tokens, whole.usage.completion_tokens),
                    [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []])

    def read(self, events):
        said, calls = Said(), {}
        for event in events:
            if event.usage:
                said.usage = (event.usage.prompt_tokens, event.usage.completion_tokens)
            for choice in event.choices:
                said.text += choice.delta.content or ""
                said.finish = choice.finish_reason or said.finish
                for piece in choice.delta.tool_calls or []:
                    name, arguments = calls.get(piece.index, ("", ""))
                    calls[piece.index] = (name or piece.function.name, arguments + (piece.function.arguments or ""))
        said.tools = list(calls.values())
        return said

    def close(self):
        self.sdk.close()


class ResponsesClient:
    """OpenAI's client again, with the API that its makers recommend now."""
    name = "responses"

    def __init__(self, gateway):
        self.sdk = openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60)

    def ask(self, model, stream, tools=False, picture=False):
        content = [{"type": "input_text", "text": "Say hello."}, {
            "type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}] if picture else "Say hello."
        more = {"tools": [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]} if tools else {}
        asked = {"model": model, "input": [{"role": "user", "content": content}], "max_output_tokens": 24, **more}
        try:
            if not stream:
                return self.take(self.sdk.responses.create(**asked))
            with self.sdk.responses.stream(**asked) as events:
                for event in events:
                    if event.type == "response.failed":
                        raise Refused(event.response.error.message)
                return self.take(events.get_final_response())
        except openai.APIError as error:
            raise Refused(str(error)) from error

    def take(self, whole):
        calls = [(item.name, item.arguments) for item in whole.output if item.type == "function_call"]
        finish = {"completed": "tool_calls" if calls else "stop", "incomplete": "length"}[whole.status]
        return Said(whole.output_text, finish, (whole.usage.input_tokens, whole.usage.output_tokens), calls)

    def close(self):
        self.sdk.close()


class AnthropicClient:
    name = "anthropic"
    reasons = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}

    def __init__(self, gateway):
        self.sdk = anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=60)

    def ask(self, model, stream, tools=False, picture=False):
        content = [{"type": "text", "text": "Say hello."}, {"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": PNG}}] if picture else "Say hello."
        more = {"tools": [{"name": "weather", "input_schema": SCHEMA}]} if tools else {}
        asked = {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 24, **more}
        try:
            if not stream:
                return self.take(self.sdk.messages.create(**asked))
            with self.sdk.messages.stream(**asked) as events:
                return self.take(events.get_final_message())
        except (anthropic.APIError, httpx.TransportError) as error:
            raise Refused(str(error)) from error

    def take(self, whole):
        return Said("".join(block.text for block in whole.content if block.type == "text"),
                    self.reasons[whole.stop_reason], (whole.usage.input_tokens, whole.usage.output_tokens),
                    [(block.name, json.dumps(block.input)) for block in whole.content if block.type == "tool_use"])

    def close(self):
        self.sdk.close()


class DifyClient:
    name = "dify"

    def __init__(self, gateway):
        self.sdk = Dify(PYTHONS[-1])
        self.form = {"endpoint_url": gateway.base, "api_key": gateway.key, "mode": "chat", "context_size": "2048",
                     "max_tokens_to_sample": "2048", "function_calling_type": "tool_call", "vision_support": "support",
                     "stream_function_calling": "supported", "stream_include_usage": "enabled"}

    def ask(self, model, stream, tools=False, picture=False):
        content = [{"type": "text", "data": "Say hello."}, {"type": "image", "format": "png", "mime_type": "image/png",
                                                            "base64_data": PNG}] if picture else "Say hello."
        more = {"tools": [{"name": "weather", "description": "", "parameters": SCHEMA}]} if tools else {}
        try:
            chunks = self.sdk.invoke(self.form, [{"role": "user", "content": content}], model, stream=stream, **more)
        except DifyError as error:
            raise Refused(error.text) from error
        usage = [tuple(chunk["usage"].values()) for chunk in chunks if chunk["usage"]][-1]
        finish = [chunk["finish_reason"] for chunk in chunks if chunk["finish_reason"]]
        return Said("".join(chunk["text"] for chunk in chunks), finish[-1] if finish else None, usage,
                    [(call["name"], call["arguments"]) for chunk in chunks for call in chunk["tool_calls"]])

    def close(self):
        self.sdk.close()


@pytest.fixture(scope="module")
def models(model_factory):
    grpc = GrpcModel()
    yield {"http": model_factory(), "grpc": grpc}
    grpc.close()


@pytest.fixture(scope="module")
def gateway(gateway_factory, models):
    patient = {"retry": {"attempts": 1}, "health": {"failures": 1000}}
    known = [{"name": dialect.name, "endpoints": [dialect.endpoint(models[dialect.over])], **patient} for dialect in ALL]
    known += [{"name": f"{dialect.name}-{kind}", "kind": kind, "endpoints": [dialect.endpoint(models[dialect.over])], **patient}
              for dialect in ALL for kind in BESIDE.values()]
    keys = [{"name": "all", "key": "${TEST_KEY}", "models": ["*"]}]
    return gateway_factory(config={"models": known, "keys": keys})


@pytest.fixture(scope="module")
def dify(gateway):
    client = DifyClient(gateway)
    yield client
    client.close()


@pytest.fixture(scope="module")
def clients(gateway, dify):
    """One of each: a process of Dify's takes long to begin."""
    sdks = [kind(gateway) for kind in (OpenAiClient, ResponsesClient, AnthropicClient)]
    yield {client.name: client for client in (*sdks, dify)}
    for client in sdks:
        client.close()


@pytest.fixture(params=["openai", "responses", "anthropic", "dify"])
def client(request, clients):
    return clients[request.param]


@pytest.fixture(params=ALL, ids=lambda dialect: dialect.name)
def dialect(request):
    return request.param


@pytest.fixture
def model(dialect, models):
    models[dialect.over].reset()
    return models[dialect.over]


def streams(model, dialect, *steps):
    dialect.script(model, dialect.begins(), *steps)


def usage_fits(dialect, usage):
    return usage == (11, 3) if dialect.counts else min(usage) > 0


def test_a_whole_answer(client, dialect, model):
    dialect.script(model, dialect.answers(dialect.whole(WHOLE)))
    said = client.ask(dialect.name, stream=False)
    assert said.text == WHOLE and usage_fits(dialect, said.usage)
    if client.name != "dify":  # it drops the reason of a whole answer
        assert said.finish == ("length" if dialect.counts else "stop")
    assert "Say hello." in dialect.asked(model.only_call)


def test_a_stream(client, dialect, model):
    streams(model, dialect, *[dialect.piece(text) for text in PIECES], dialect.last(), dialect.ends())
    said = client.ask(dialect.name, stream=True)
    assert (said.text, said.finish) == (WHOLE, "stop") and usage_fits(dialect, said.usage)
    assert model.only_call.target == dialect.paths["chat"]


class Paper:
    """A call that only writes down what is sent."""

    def __init__(self, *steps):
        self.bytes = b""
        for step in steps:
            step(self)

    def send(self, data):
        self.bytes += data


def test_a_stream_in_single_bytes(client, dialect, model):
    """Characters are cut, and events, and the framing of both."""
    pieces = Paper(*[dialect.piece(text) for text in ("ö", "😀", "你")], dialect.last()).bytes
    assert "😀".encode() in pieces
    streams(model, dialect, send_apart(pieces), dialect.ends())
    said = client.ask(dialect.name, stream=True)
    assert (said.text, said.finish) == ("ö😀你", "stop")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tools(client, dialect, model, stream):
    calls = [("weather", {"city": "Rome"}), ("weather", {"city": "Zürich"})]
    if stream:
        streams(model, dialect, *[dialect.tool_call(*call, place) for place, call in enumerate(calls)],
                dialect.last("tool_calls"), dialect.ends())
    else:
        dialect.script(model, dialect.answers(dialect.whole_calls(calls)))
    said = client.ask(dialect.name, stream, tools=True)
    assert [(name, json.loads(arguments)) for name, arguments in said.tools] == calls and not said.text
    assert said.finish == "tool_calls" or not stream  # whole ones end by `length` in these fakes
    asked = model.only_call
    if isinstance(dialect, Raw):
        assert '"name": "weather"' in dialect.asked(asked), "the prompt speaks of them"
    else:
        assert asked.json["tools"][0]["function"]["parameters"] == SCHEMA


def test_a_picture(client, dialect, model):
    if not dialect.images:
        with pytest.raises(Refused, match="pictures"):
            client.ask(dialect.name, stream=False, picture=True)
        return
    dialect.script(model, dialect.answers(dialect.whole("A cat.")))
    assert client.ask(dialect.name, stream=False, picture=True).text == "A cat."
    assert PNG in model.only_call.body.decode()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refusal_in_the_model_s_words(client, dialect, model, stream):
    dialect.script(model, dialect.refuses("the prompt is too long"))
    with pytest.raises(Refused, match="the prompt is too long"):
        client.ask(dialect.name, stream)


def test_an_error_in_a_stream(client, dialect, model):
    streams(model, dialect, dialect.piece("Hello"), dialect.failure("out of memory"), dialect.ends())
    with pytest.raises(Refused, match="out of memory"):
        client.ask(dialect.name, stream=True)


def test_a_cut_stream_is_no_short_answer(client, dialect, model):
    streams(model, dialect, dialect.piece("Hello"), dialect.breaks_off())
    with pytest.raises(Refused, match="broke off"):
        client.ask(dialect.name, stream=True)


# ---- Dify's other classes ------------------------------------------------------------------------------------------

def embeddings(dify, name):
    found = dify.sdk.embed(dify.form, ["one", "two"], name)
    assert found["embeddings"] == [[1.0, -2.5], [1.0, -2.5]]  # Dify sends one text a call


def rerank(dify, name):
    found = dify.sdk.ask("rerank", dify.form, name, query="q", texts=["a", "b"])
    assert [(doc["index"], doc["text"]) for doc in found] == [(1, "b"), (0, "a")]


def speech(dify, name):
    assert dify.sdk.ask("speak", dify.form, name, text="Hi.").encode("latin-1") == SOUND


def transcription(dify, name):
    assert dify.sdk.ask("write_down", dify.form, name, sound="ID3") == WHOLE


def script_beside(model, dialect, api):
    if api == "embeddings":
        model.script(answer_json(dialect.vectors([[1.0, -2.5]])))
        model.script(answer_json(dialect.vectors([[1.0, -2.5]])))
    elif api == "rerank":
        model.script(answer_json({"results": [{"index": 0, "relevance_score": 0.25}, {"index": 1, "relevance_score": 0.75}]}))
    elif api == "speech":
        model.script(head(200, [("Content-Type", "audio/mpeg"), ("Transfer-Encoding", "chunked")]), chunk(SOUND), end())
    else:
        model.script(answer_json({"text": WHOLE}))


@pytest.mark.parametrize("api", BESIDE)
def test_dify_s_other_models(dify, dialect, model, api):
    name, ask = f"{dialect.name}-{BESIDE[api]}", globals()[api]
    if api not in dialect.paths:
        with pytest.raises(DifyError, match="interface|no such API|400 Client Error"):  # Dify shows no more of vectors
            ask(dify, name)
        assert not model.calls
        return
    script_beside(model, dialect, api)
    ask(dify, name)
    assert {call.target for call in model.calls} == {dialect.paths[api]}
