"""Fakes of what models of each dialect answer, as the real ones are recorded to answer it; tests/golden/ says of each from
which source and version. Every class has the same methods: a matrix of clients and dialects has one set of assertions."""

import json

from fake_grpc import SERVICE, field, frame
from fake_grpc import answer as infer_answer
from fake_model import answer, chunk, cut, done, end, sse, stream_head

PIECES = ["Hello", " wörld", " 😀."]
WHOLE = "".join(PIECES)


def line(value):
    return chunk(json.dumps(value, ensure_ascii=False).encode() + b"\n")


def event(value):
    return sse(json.dumps(value, ensure_ascii=False))


class OverHttp:
    """What a fake model does, in steps of fake_model.py."""
    over = "http"

    def script(self, model, *steps):
        model.script(*steps)

    def answers(self, whole):
        return answer(json.dumps(whole, ensure_ascii=False).encode())

    def refuses(self, words):
        return answer(json.dumps(self.refusal(words)).encode(), status=400)

    def begins(self):
        return stream_head(content_type=self.framing)

    def ends(self):
        return end()

    def breaks_off(self):
        return cut()


class Ollama(OverHttp):
    name, framing = "ollama", "application/x-ndjson"
    paths = {"chat": "/api/chat", "completions": "/api/generate", "embeddings": "/api/embed"}
    images = counts = True

    def endpoint(self, model):
        return {"url": model.url, "dialect": "ollama", "model": "there"}

    def piece(self, text):
        return line({"model": "there", "message": {"role": "assistant", "content": text}, "done": False})

    def last(self, finish="stop"):
        return line({"model": "there", "message": {"role": "assistant", "content": ""}, "done": True,
                     "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 3})

    def whole(self, text):
        return {"model": "there", "message": {"role": "assistant", "content": text}, "done": True,
                "done_reason": "length", "prompt_eval_count": 11, "eval_count": 3}

    def tool_call(self, name, arguments, place=0):
        return line({**self._calling([(name, arguments)]), "done": False})

    def whole_calls(self, calls):
        return {**self.whole(""), **self._calling(calls), "done_reason": "stop"}

    def _calling(self, calls):
        return {"message": {"role": "assistant", "content": "", "tool_calls": [
            {"function": {"name": name, "arguments": arguments}} for name, arguments in calls]}}

    def failure(self, words):
        return line({"error": words})

    def refusal(self, words):
        return {"error": words}

    def vectors(self, vectors):
        return {"model": "there", "embeddings": vectors, "prompt_eval_count": 8}

    def asked(self, call):
        return call.json["messages"][-1]["content"]


class Raw(OverHttp):
    """A model that takes one text and no messages, and writes calls of tools into its own."""
    framing = "text/event-stream"
    images, counts = False, True

    def tool_call(self, name, arguments, place=0):
        text = self._written(name, arguments)
        pieces = [self.piece(text[at:at + 7]) for at in range(0, len(text), 7)]
        return lambda call: [piece(call) for piece in pieces]

    def whole_calls(self, calls):
        return self.whole("".join(self._written(name, arguments) for name, arguments in calls))

    def _written(self, name, arguments):
        """As a model trained for `chat_template: qwen` writes it."""
        return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>\n"


class Described(Raw):
    """A home-made server, as the configuration describes it."""
    name = "template"
    paths = {"chat": "/v2/generate"}

    def endpoint(self, model):
        pointers = {"prompt_tokens": "/usage/in", "completion_tokens": "/usage/out", "error": "/message"}
        return {"url": model.url + "/v2", "dialect": "template", "chat_template": "qwen", "template": {
            "path": "/generate", "body": '{"prompt": {{ prompt | tojson }}, "stream": {{ stream | tojson }}}',
            "answer": {"text": "/text", "finish_reason": "/stop", **pointers},
            "stream": {"framing": "sse", "text": "/delta", "finish_reason": "/stop", **pointers}}}

    def piece(self, text):
        return event({"delta": text, "stop": None})

    def last(self, finish="stop"):
        return event({"delta": "", "stop": "eos", "usage": {"in": 11, "out": 3}})

    def whole(self, text):
        return {"text": text, "stop": "max_tokens", "usage": {"in": 11, "out": 3}}

    def failure(self, words):
        return event({"message": words})

    def refusal(self, words):
        return {"detail": words}

    def asked(self, call):
        return call.json["prompt"]


class OpenAi(OverHttp):
    name, framing = "openai", "text/event-stream"
    paths = {"chat": "/v1/chat/completions", "embeddings": "/v1/embeddings", "rerank": "/v1/rerank",
             "speech": "/v1/audio/speech", "transcription": "/v1/audio/transcriptions"}
    images = counts = True

    def endpoint(self, model):
        return {"url": model.base, "model": "there"}

    def piece(self, text):
        return event(self._chunk({"content": text}))

    def last(self, finish="stop"):
        return lambda call: [step(call) for step in (
            event(self._chunk({}, finish)), event({**self._chunk({}), "choices": [], "usage": self._usage()}), done())]

    def whole(self, text):
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "there", "usage": self._usage(),
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}]}

    def tool_call(self, name, arguments, place=0):
        return event(self._chunk({"tool_calls": [{"index": place, **self._called(name, arguments, place)}]}))

    def whole_calls(self, calls):
        called = [self._called(*call, place) for place, call in enumerate(calls)]
        return {**self.whole(""), "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": None, "tool_calls": called}}]}

    def _called(self, name, arguments, place):
        return {"id": f"c{place}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}

    def failure(self, words):
        return event({"error": {"message": words, "type": "server_error", "param": None, "code": None}})

    def refusal(self, words):
        return {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}}

    def vectors(self, vectors):
        return {"object": "list", "model": "there", "usage": {"prompt_tokens": 8, "total_tokens": 8},
                "data": [{"object": "embedding", "index": n, "embedding": one} for n, one in enumerate(vectors)]}

    def asked(self, call):
        return json.dumps(call.json["messages"][-1]["content"], ensure_ascii=False)

    def _chunk(self, delta, finish=None):
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "there",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    def _usage(self):
        return {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


class Tgi(Raw):
    name = "tgi"
    paths = {"chat": "/generate_stream"}

    def endpoint(self, model):
        return {"url": model.url, "dialect": "tgi", "chat_template": "qwen"}

    def piece(self, text):
        return event(self._event(text))

    def last(self, finish="stop"):
        return event({**self._event("<|im_end|>", special=True), "generated_text": WHOLE, "details": self._details("eos_token")})

    def whole(self, text):
        return {"generated_text": text, "details": self._details("length")}

    def failure(self, words):
        return event({"error": words, "error_type": "generation"})

    def refusal(self, words):
        return {"error": words, "error_type": "validation"}

    def asked(self, call):
        return call.json["inputs"]

    def _event(self, text, special=False):
        return {"index": 1, "token": {"id": 1, "text": text, "logprob": -0.5, "special": special}, "generated_text": None,
                "details": None}

    def _details(self, finish):
        return {"finish_reason": finish, "generated_tokens": 3, "input_length": 11, "seed": None}


class Triton(Raw):
    name = "triton"
    paths = {"chat": "/v2/models/there/generate_stream"}
    counts = False

    def endpoint(self, model):
        return {"url": model.url, "dialect": "triton", "chat_template": "qwen", "triton": {"model": "there"}}

    def piece(self, text):
        return event(self.whole(text))

    def last(self, finish="stop"):
        return self.piece("")

    def whole(self, text):
        return {"model_name": "there", "model_version": "1", "text_output": text}

    def failure(self, words):
        return event({"error": words})

    def refusal(self, words):
        return {"error": words}

    def asked(self, call):
        return call.json["text_input"]


class TritonGrpc(Raw):
    """The same over gRPC, in steps of a call of fake_grpc.py."""
    name, over = "triton-grpc", "grpc"
    paths = {"chat": SERVICE + "ModelStreamInfer"}
    counts = False

    def endpoint(self, model):
        return {"url": model.url, "dialect": "triton-grpc", "chat_template": "qwen", "triton": {"model": "there"}}

    def script(self, model, *steps):
        model.script(lambda call: [step(call) for step in steps])

    def answers(self, whole):
        return lambda call: (self.piece(whole)(call), call.end())

    def refuses(self, words):
        return lambda call: call.end(3, words)  # INVALID_ARGUMENT

    def begins(self):
        return lambda call: call.head()

    def ends(self):
        return lambda call: call.end()

    def breaks_off(self):
        return lambda call: call.hang_up()

    def piece(self, text):
        return lambda call: call.send(frame(field(2, infer_answer(text))))

    def last(self, finish="stop"):
        return self.piece("")

    def whole(self, text):
        return text

    def failure(self, words):
        return lambda call: call.send(frame(field(1, words.encode())))

    def asked(self, call):
        return call.prompt


ALL = [OpenAi(), Ollama(), Tgi(), Triton(), TritonGrpc(), Described()]
