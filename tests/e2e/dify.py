"""Dify's own model code (dify-plugin) in a process of its own, told what to do as Dify's plugin daemon tells it."""

import json
import os
import subprocess
import tempfile

import parts
from gateway import ROOT

PYTHONS = [path for path in (ROOT / "build/venv/bin/python", ROOT / "build/venv-dify/bin/python") if path.exists()]
CHAT, EMBEDDING = parts.CHAT_MODEL, parts.EMBEDDING_MODEL
SHORT = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "What is a bank?"}]


class DifyError(Exception):
    def __init__(self, error):
        super().__init__(error["text"])
        self.name, self.text = error["class"], error["text"]


class Dify:
    """A plugin process, and the credentials that an administrator typed into the form."""

    def __init__(self, python):
        self.folder = tempfile.TemporaryDirectory(prefix="dify-")
        self.unread = False  # an answer has not been read to its end
        self.log = open(os.path.join(self.folder.name, "stderr"), "w+")
        self.process = subprocess.Popen([python, ROOT / "tests/e2e/dify_process.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=self.folder.name)

    def calls(self, **request):
        """Sends a request; yields ("chunk", value) as they come and at last ("result", value), or raises DifyError."""
        while self.unread:  # what a failed test left behind
            self._next()
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        self.unread = True
        while self.unread:
            kind, value = self._next()
            if kind == "error":
                raise DifyError(value)
            yield kind, value

    def _next(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise AssertionError("the plugin process ended:\n" + self.log.read()[-3000:])
        (kind, value), = json.loads(line).items()
        self.unread = kind == "chunk"
        return kind, value

    def validate(self, credentials, model=CHAT, kind="llm"):
        return list(self.calls(do="validate", kind=kind, model=model, credentials=credentials))[-1][1]

    def invoke(self, credentials, messages=None, model=CHAT, **more):
        more["parameters"] = {"max_tokens": 24, "temperature": 0, **more.get("parameters", {})}
        found = self.calls(do="invoke", model=model, credentials=credentials, messages=messages or SHORT, **more)
        return [chunk for kind, chunk in found if kind == "chunk"]

    def embed(self, credentials, texts, model=EMBEDDING):
        return list(self.calls(do="embed", model=model, credentials=credentials, texts=texts))[-1][1]

    def ask(self, do, credentials, model, **more):
        return list(self.calls(do=do, model=model, credentials=credentials, **more))[-1][1]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()
