"""Whole chat templates of real models, and those built in: our engine against the real one, set up as apply_chat_template does it.

The real ones are those of the npm package @huggingface/ollama-utils (MIT), which has them from the models' own GGUF files.
"""
import ast
import pathlib
import re

import pytest

from test_jinja import environment, render  # noqa: F401  `render` is a fixture

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "build/node/node_modules/@huggingface/ollama-utils/src/chat-template-automap.ts"  # scripts/setup
BUILT_IN = ROOT / "src/prompt/built_in.cpp"


def real_templates():
    """By model; each stands in two lines: model: "…", gguf: "…". Escapes are those of Python too."""
    if not PACKAGE.is_file():
        return {}  # test_there_are_real_templates fails
    pairs = re.findall(r"model: (\"[^\"\n]*\"),\n\s*gguf: (.*),\n", PACKAGE.read_text())
    return {ast.literal_eval(model).removeprefix("library/"): ast.literal_eval(template) for model, template in pairs}


REAL = real_templates()
OURS = {name: source for name, source in re.findall(r'string_view k(\w+) = R"\((.*?)\)";', BUILT_IN.read_text(), re.S)}

TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "Weather <b> of a \"city\"",
    "parameters": {"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "description": "城市", "enum": ["Zürich", "北京"]}, "days": {"type": "integer"},
        "units": {"type": "array", "items": {"type": "string"}}}}}}]
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 2}}}
CONVERSATIONS = {
    "user": [{"role": "user", "content": " Hi <|im_end|> 你好 😀\n"}],
    "system": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
               {"role": "assistant", "content": "<think>Hm.</think>Hello."}, {"role": "user", "content": "Again"}],
    "result": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": "", "tool_calls": [CALL]},
               {"role": "tool", "tool_call_id": "abcdefghi", "name": "get_weather", "content": "{\"t\": 20}"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "What is"}, {"type": "text", "text": "this"}]}],
    "wrong": [{"role": "assistant", "content": "x"}, {"role": "assistant", "content": "y"}],
}


def contexts():
    for name, messages in CONVERSATIONS.items():
        for tools in (None, TOOLS):
            for generate in (True, False):
                said = {"messages": messages, "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": generate,
                        "functions": "[]", "datetime": "2026-03-07"}  # the last two: of one template's own
                yield f"{name}, {'tools, ' if tools else ''}{generate}", {**said, **({"tools": tools} if tools else {})}


def test_there_are_real_templates():
    assert len(REAL) > 90, f"{PACKAGE} is missing: run scripts/setup"
    assert {"llama3.1:8b", "qwen3:0.6b", "mistral:7b-instruct-fp16", "gemma2:2b", "deepseek-v3:671b", "phi4:14b"} <= REAL.keys()
    assert len(OURS) == 7


@pytest.mark.parametrize("template", [pytest.param(source, id=name) for name, source in {**REAL, **OURS}.items()])
def test_a_template_makes_the_same_prompt(render, template):  # noqa: F811
    compiled = environment(True).from_string(template)
    rendered = 0
    for name, context in contexts():
        answer = render(template, context)
        try:
            expected = compiled.render(**context)
        except Exception as problem:  # what kind of failure it is does not matter here
            assert "error" in answer, f"{name}: they fail: {problem!r}"
            continue
        rendered += 1
        assert answer.get("text", answer) == expected, name
    assert rendered > 0
