"""What Dify's plugin daemon does with a model plugin: a process of its own that is told what to do over stdin.

Runs Dify's own model SDK (dify-plugin), which patches the whole process for gevent and therefore cannot live in the
test's. One JSON request a line on stdin; the answer is any number of lines {"chunk": …}, closed by one line
{"result": …} or {"error": {"class": …, "text": …}}. The texts are those that Dify shows to its users.
"""

import json
import os
import sys
import tempfile

import dify_plugin  # first: it patches sockets and threads
from dify_plugin.entities.model.message import (
    AssistantPromptMessage,
    PromptMessageTool,
    SystemPromptMessage,
    ToolPromptMessage,
    UserPromptMessage,
)
from dify_plugin.interfaces.model.openai_compatible.speech2text import OAICompatSpeech2TextModel
from dify_plugin.interfaces.model.openai_compatible.tts import OAICompatText2SpeechModel

ROLES = {"system": SystemPromptMessage, "user": UserPromptMessage, "assistant": AssistantPromptMessage,
         "tool": ToolPromptMessage}


class ChatModel(dify_plugin.OAICompatLargeLanguageModel):
    """The model class of Dify's OpenAI-API-compatible plugin, reduced to what reaches the wire."""

    __module__ = "models.llm.llm"  # as in the plugin; the SDK prints the first part in its messages

    def _invoke(self, model, credentials, prompt_messages, model_parameters, tools=None, stop=None, stream=True,
                user=None):
        if stream and credentials.get("stream_include_usage") == "enabled":  # plugin 0.0.61 and newer
            model_parameters["stream_options"] = {"include_usage": True}
        return super()._invoke(model, credentials, prompt_messages, model_parameters, tools, stop, stream, user)

    def _get_num_tokens_by_gpt2(self, text):
        raise RuntimeError("the endpoint gave no usage, so Dify counts itself: with a table from the internet")


class EmbeddingModel(dify_plugin.OAICompatEmbeddingModel):
    __module__ = "models.text_embedding.text_embedding"

    def _get_num_tokens_by_gpt2(self, text):
        return len(text)  # the SDK counts before it asks; the plugin does not


class RerankModel(dify_plugin.OAICompatRerankModel):
    __module__ = "models.rerank.rerank"


class SpeechModel(OAICompatText2SpeechModel):
    __module__ = "models.tts.tts"


class TranscriptionModel(OAICompatSpeech2TextModel):
    __module__ = "models.speech2text.speech2text"


MODELS = {"llm": ChatModel, "embedding": EmbeddingModel, "rerank": RerankModel, "speech": SpeechModel,
          "transcription": TranscriptionModel}


def validate(request):
    MODELS[request["kind"]](model_schemas=[]).validate_credentials(request["model"], request["credentials"])
    yield {"result": "saved"}


def invoke(request):
    messages = [ROLES[message["role"]](**message) for message in request["messages"]]
    tools = [PromptMessageTool(**tool) for tool in request.get("tools", [])] or None
    chunks = ChatModel(model_schemas=[]).invoke(
        request["model"], request["credentials"], messages, dict(request.get("parameters", {})), tools,
        request.get("stop"), request.get("stream", True), request.get("user"))
    for chunk in chunks:
        delta = chunk.delta
        yield {"chunk": {
            "text": delta.message.content or "",
            "tool_calls": [{"name": call.function.name, "arguments": call.function.arguments, "id": call.id}
                           for call in delta.message.tool_calls],
            "finish_reason": delta.finish_reason,
            "usage": delta.usage and {"prompt_tokens": delta.usage.prompt_tokens,
                                      "completion_tokens": delta.usage.completion_tokens},
        }}
    yield {"result": "done"}


def embed(request):
    answer = EmbeddingModel(model_schemas=[]).invoke(request["model"], request["credentials"], request["texts"],
                                                     request.get("user"))
    yield {"result": {"embeddings": answer.embeddings, "tokens": answer.usage.total_tokens}}


def rerank(request):
    found = RerankModel(model_schemas=[]).invoke(request["model"], request["credentials"], request["query"],
                                                 request["texts"], request.get("score_threshold"), request.get("top_n"))
    yield {"result": [{"index": doc.index, "text": doc.text, "score": doc.score} for doc in found.docs]}


def speak(request):
    sound = SpeechModel(model_schemas=[]).invoke(request["model"], "tenant", request["credentials"], request["text"],
                                                 "alloy")
    yield {"result": b"".join(sound).decode("latin-1")}


def write_down(request):
    with tempfile.NamedTemporaryFile(suffix=".mp3") as written:  # as the plugin daemon hands it over
        written.write(request["sound"].encode("latin-1"))
        written.flush()
        with open(written.name, "rb") as file:
            yield {"result": TranscriptionModel(model_schemas=[]).invoke(request["model"], request["credentials"], file)}


VERBS = {"validate": validate, "invoke": invoke, "embed": embed, "rerank": rerank, "speak": speak,
         "write_down": write_down}


def answer(request):
    try:
        yield from VERBS[request["do"]](request)
    except Exception as error:  # whatever it is, Dify shows it to somebody
        yield {"error": {"class": type(error).__name__, "text": getattr(error, "description", None) or str(error)}}


def main():
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        for item in answer(json.loads(line)):
            print(json.dumps(item), file=out, flush=True)
    os._exit(0)  # gevent's greenlets complain about an ordinary end


if __name__ == "__main__":
    main()
