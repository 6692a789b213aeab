#include "prompt/built_in.h"

namespace intragate::prompt {
namespace {

constexpr std::string_view kChatml = R"({%- for message in messages -%}
{{ '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif -%}
)";

// https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-2
constexpr std::string_view kLlama2 = R"({%- set ns = namespace(system='', turn=0) -%}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{%- set ns.system = ns.system ~ ('\n' if ns.system else '') ~ message.content|trim -%}
{%- elif message.role == 'assistant' -%}
{%- if ns.turn % 2 == 0 %}{{ raise_exception('user and assistant must take turns') }}{% endif -%}
{%- set ns.turn = ns.turn + 1 -%}
{{ ' ' ~ message.content|trim ~ ' ' ~ eos_token }}
{%- else -%}
{%- if ns.turn % 2 == 1 %}{{ raise_exception('user and assistant must take turns') }}{% endif -%}
{%- set ns.turn = ns.turn + 1 -%}
{{ bos_token ~ '[INST] ' }}
{%- if ns.system %}{{ '<<SYS>>\n' ~ ns.system ~ '\n<</SYS>>\n\n' }}{% set ns.system = '' %}{% endif -%}
{{ message.content|trim ~ ' [/INST]' }}
{%- endif -%}
{%- endfor -%}
)";

// https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1
constexpr std::string_view kLlama3 = R"({{- bos_token -}}
{%- set ns = namespace(tools=tools) -%}
{%- for message in messages -%}
{%- set text = message.content|trim -%}
{%- if message.role == 'user' and ns.tools -%}
{%- set text -%}
Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers the given prompt.

Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}. Do not use variables.

{% for tool in ns.tools %}{{ tool|tojson(indent=4) ~ '\n\n' }}{% endfor %}{{ text }}
{%- endset -%}
{%- set ns.tools = none -%}
{%- elif message.tool_calls -%}
{%- set text -%}
{%- for call in message.tool_calls -%}
{{ {'name': call.function.name, 'parameters': call.function.arguments}|tojson }}
{%- endfor -%}
{%- endset -%}
{%- endif -%}
{{ '<|start_header_id|>' ~ ('ipython' if message.role == 'tool' else message.role) ~ '<|end_header_id|>\n\n' ~ text ~ '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif -%}
)";

// https://qwen.readthedocs.io, "Function Calling": the format of Qwen2.5 and later, without thinking.
constexpr std::string_view kQwen = R"({%- set ns = namespace(system='', first=0) -%}
{%- if messages[0].role == 'system' %}{% set ns.system = messages[0].content %}{% set ns.first = 1 %}{% endif -%}
{%- if tools -%}
{%- if ns.system %}{% set ns.system = ns.system ~ '\n\n' %}{% endif -%}
{%- set listed -%}
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{% for tool in tools %}{{ tool|tojson ~ '\n' }}{% endfor -%}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>
{%- endset -%}
{%- set ns.system = ns.system ~ listed -%}
{%- endif -%}
{%- if ns.system %}{{ '<|im_start|>system\n' ~ ns.system ~ '<|im_end|>\n' }}{% endif -%}
{%- for message in messages[ns.first:] -%}
{%- if message.role == 'tool' -%}
{%- if loop.first or loop.previtem.role != 'tool' %}{{ '<|im_start|>user' }}{% endif -%}
{{ '\n<tool_response>\n' ~ message.content ~ '\n</tool_response>' }}
{%- if loop.last or loop.nextitem.role != 'tool' %}{{ '<|im_end|>\n' }}{% endif -%}
{%- else -%}
{{ '<|im_start|>' ~ message.role ~ ('\n' ~ message.content if message.content or not message.tool_calls) }}
{%- for call in message.tool_calls -%}
{{ '\n<tool_call>\n' ~ {'name': call.function.name, 'arguments': call.function.arguments}|tojson ~ '\n</tool_call>' }}
{%- endfor -%}
{{ '<|im_end|>\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif -%}
)";

// https://docs.mistral.ai, "Instruct templates": the spacing of v1 and v2 tokenizers.
constexpr std::string_view kMistral = R"({{- bos_token -}}
{%- set ns = namespace(system='', turn=0) -%}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{%- set ns.system = ns.system ~ message.content ~ '\n\n' -%}
{%- elif message.role == 'assistant' -%}
{%- if ns.turn % 2 == 0 %}{{ raise_exception('user and assistant must take turns') }}{% endif -%}
{%- set ns.turn = ns.turn + 1 -%}
{{ ' ' ~ message.content|trim ~ eos_token }}
{%- else -%}
{%- if ns.turn % 2 == 1 %}{{ raise_exception('user and assistant must take turns') }}{% endif -%}
{%- set ns.turn = ns.turn + 1 -%}
{{ '[INST] ' ~ ns.system ~ message.content ~ ' [/INST]' }}
{%- set ns.system = '' -%}
{%- endif -%}
{%- endfor -%}
)";

// https://ai.google.dev/gemma/docs/core/prompt-structure
constexpr std::string_view kGemma = R"({{- bos_token -}}
{%- set ns = namespace(system='') -%}
{%- for message in messages -%}
{%- if message.role == 'system' -%}
{%- set ns.system = ns.system ~ message.content|trim ~ '\n\n' -%}
{%- else -%}
{{ '<start_of_turn>' ~ ('model' if message.role == 'assistant' else 'user') ~ '\n' }}
{%- if message.role != 'assistant' %}{{ ns.system }}{% set ns.system = '' %}{% endif -%}
{{ message.content|trim ~ '<end_of_turn>\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif -%}
)";

// https://api-docs.deepseek.com and the model cards of V2.5, V3 and R1: without tools; what was thought is not
// repeated.
constexpr std::string_view kDeepseek = R"({{- bos_token -}}
{%- for message in messages if message.role == 'system' -%}
{{ ('' if loop.first else '\n\n') ~ message.content }}
{%- endfor -%}
{%- for message in messages if message.role != 'system' -%}
{%- if message.role == 'assistant' -%}
{{ '<｜Assistant｜>' ~ message.content.split('</think>')[-1] ~ eos_token }}
{%- else -%}
{{ '<｜User｜>' ~ message.content }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif -%}
)";

constexpr BuiltIn kBuiltIns[] = {
    {.name = "chatml", .bos = "", .eos = "<|im_end|>", .source = kChatml},
    {.name = "llama-2", .bos = "<s>", .eos = "</s>", .source = kLlama2},
    {.name = "llama-3", .bos = "<|begin_of_text|>", .eos = "<|eot_id|>", .source = kLlama3},
    {.name = "qwen", .bos = "", .eos = "<|im_end|>", .source = kQwen},
    {.name = "mistral", .bos = "<s>", .eos = "</s>", .source = kMistral},
    {.name = "gemma", .bos = "<bos>", .eos = "<end_of_turn>", .source = kGemma},
    {.name = "deepseek", .bos = "<｜begin▁of▁sentence｜>", .eos = "<｜end▁of▁sentence｜>", .source = kDeepseek},
};

}  // namespace

std::span<const BuiltIn> built_ins() {
  return kBuiltIns;
}

}  // namespace intragate::prompt
