"""What is compared: one row for each form that a model streams in or a client reads."""

from dataclasses import dataclass, field

SLOWEST = 2.0    # × the pass-through's CPU for each chunk
QUICKER = 30.0   # × less than LiteLLM's for the same conversion

MARKS = {"messages": {"mark": '"#', "end": "event: message_stop"},
         "responses": {"mark": 'delta":"#', "end": '"type":"response.completed"'}}


@dataclass
class Row:
    model: str                  # in both gateways' configurations
    title: str
    api: str = "chat"           # that the client speaks
    litellm: bool = False       # whether LiteLLM has that conversion
    options: dict = field(default_factory=dict)

    def load(self):
        """Options of bench_load."""
        return {"model": self.model, "api": self.api, **MARKS.get(self.api, {}), **self.options}


PASSED = Row("openai", "openai, passed through", litellm=True)
ROWS = [
    PASSED,
    Row("unmended", "… with `repair: false`"),
    Row("no-object", "openai, `object` missing"),
    Row("no-id", "openai, `id` missing"),
    Row("no-index", "openai, `index` missing"),
    Row("tools", "openai, calls without `id` and `type`, name repeated", options={"mark": 'arguments":"#'}),
    Row("bare", "openai, nothing but `delta`, no `finish_reason`"),
    Row("framing", "openai, `data:` without a space, CRLF", options={"end": "data:[DONE]"}),
    Row("thoughts", "openai, `<think>` made `reasoning_content`"),
    Row("ollama", "ollama", litellm=True),
    Row("tgi", "tgi"),
    Row("triton", "triton", litellm=True),
    Row("triton-grpc", "triton-grpc"),
    Row("template", "template, server-sent events"),
    Row("template-lines", "template, lines of JSON"),
    Row("openai", "`/v1/messages` over openai", api="messages", litellm=True),
    Row("openai", "`/v1/responses` over openai", api="responses"),
    Row("ollama", "`/v1/responses` over ollama", api="responses", litellm=True),
]
