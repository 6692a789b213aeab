"""Our Jinja engine against the real one, set up as Hugging Face's apply_chat_template does it."""
import datetime
import json
import os
import pathlib
import subprocess

import jinja2
import jinja2.ext
import jinja2.sandbox
import pytest

BUILD = pathlib.Path(os.environ.get("INTRAGATE_BUILD", "build/dev"))
NOW = datetime.datetime(2026, 3, 7, 13, 0, 5)


class Refused(Exception):
    pass


class Generation(jinja2.ext.Extension):
    """{% generation %}, with which templates mark what the model said: it changes nothing in the text."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

    def _said(self, caller):
        return caller()


def environment(chat):
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=chat, lstrip_blocks=chat, extensions=[jinja2.ext.loopcontrols, Generation])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise Refused(message)

    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return made


def theirs(template, context, chat):
    try:
        return environment(chat).from_string(template).render(**context)
    except Exception as problem:  # what kind of failure it is does not matter here
        return problem


@pytest.fixture(scope="module")
def render():
    with subprocess.Popen([BUILD / "jinja_render"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ours:

        def ask(template, context, chat=True):
            print(json.dumps({"template": template, "context": context, "chat": chat}), file=ours.stdin, flush=True)
            return json.loads(ours.stdout.readline())

        yield ask
        ours.stdin.close()
        assert ours.wait(timeout=10) == 0


CONTEXT = {
    "name": "Zoë 你好 🙂", "n": 7, "x": 2.5, "yes": True, "nothing": None, "text": "  The quick\tbrown\n fox's \"end\"  ",
    "list": [3, 1, 2, 1], "words": ["pear", "Apple", "fig", "apple"], "deep": {"a": {"b": [1, {"c": None}]}, "z": 1, "Y": 2},
    "users": [{"name": "b", "age": 3, "on": True}, {"name": "a", "age": 5}, {"name": "c", "age": 3, "on": False}],
    "empty": [], "html": "<a href='x'>&\"\u2028\x7f\x01",
}

# Each line is a template of its own: same text, or a failure on both sides.
LINES = (pathlib.Path(__file__).parent / "jinja_lines.txt").read_text().splitlines()
CASES = [json.loads('"' + line + '"') if "\\n" in line and line.startswith("@") else line for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize("template", CASES)
@pytest.mark.parametrize("chat", [True, False], ids=["chat", "plain"])
def test_a_line_means_the_same(render, template, chat):
    template = template.removeprefix("@")
    expected, answer = theirs(template, CONTEXT, chat), render(template, CONTEXT, chat)
    if isinstance(expected, Exception):
        assert "error" in answer, f"they fail: {expected!r}"
    else:
        assert answer.get("text", answer) == expected
