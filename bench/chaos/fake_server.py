"""A fake model as a process of its own, so that it can be killed and frozen as real ones are.

    python -m chaos.fake_server --port 21000 --seed 7

It answers as the request's own member `chaos` says: {"tag", "pieces", "extra", "gap_ms"} (the gateway passes unknown
members on), and on standard input takes `sick SHARE` (that share of calls goes wrong from now on), `well`, and
`status`, answered by a line `status {"busy": …}`. What no strict server accepts is printed as `violation …`.
"""

import argparse
import json
import random
import sys
import threading

from . import ROOT  # noqa: F401  makes the end-to-end tests' modules visible
from .calls import MODEL_PROMPT, TORN, word

from fake_model import (FakeModel, answer_json, chunk, cut, delta, done, end, endless, pause, refusal,  # noqa: E402
                        reset, send, sse, stall, stream_head, usage_event)

NAME = "fake"


def usage_of(wish):
    return {"prompt_tokens": MODEL_PROMPT, "completion_tokens": wish["pieces"],
            "total_tokens": MODEL_PROMPT + wish["pieces"]}


def words(wish, first=0, last=None):
    return [word(wish["tag"], n, wish["extra"]) for n in range(first, wish["pieces"] if last is None else last)]


def proper(asked, wish, last=None):
    """The steps of a good answer; the first `last` words of it without its end."""
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "".join(words(wish))}
        whole = {"id": "cmpl-1", "object": "chat.completion", "created": 1, "model": NAME, "usage": usage_of(wish),
                 "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        return [pause(wish["gap_ms"] / 1000), answer_json(whole)]
    steps = [stream_head()]
    for text in words(wish, last=last):
        steps += [sse(delta(text, NAME)), pause(wish["gap_ms"] / 1000)]
    if last is None:
        steps += [sse(delta(None, NAME, "stop"))]
        if (asked.get("stream_options") or {}).get("include_usage"):
            steps += [sse(usage_event(NAME, usage_of(wish)))]
        steps += [done(), end()]
    return steps


def _says_no(status, *headers):
    return refusal(status, headers=headers, code="model_says_no")


def before_the_answer():
    """What can go wrong while the client has nothing yet."""
    return {
        "reset": [reset()], "cut": [cut()], "stall": [stall()],
        "garbage head": [send(b"\x16\x03\x01 this is not HTTP\r\n\r\n"), cut()],
        "half a head": [send(b"HTTP/1.1 200 OK\r\nContent-Ty"), reset()],
        "endless head": [send(b"HTTP/1.1 200 OK\r\n"), endless(lambda n: b"x" * 64, gap=0.01)],
        "500": [_says_no(500)], "400": [_says_no(400)],
        "503": [_says_no(503, ("Retry-After", "1"))], "429": [_says_no(429, ("Retry-After", "1"))],
    }


def within_the_answer(asked, wish, rng):
    """What can go wrong once words have been sent."""
    if not asked.get("stream"):
        half = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"id": "cmpl'
        return {"cut": [send(half), cut()], "reset": [send(half), reset()], "stall": [send(half), stall()]}
    begin = proper(asked, wish, last=rng.randrange(wish["pieces"]))
    return {
        "cut": begin + [cut()], "cut in an event": begin + [chunk(TORN), cut()], "reset": begin + [reset()],
        "reset in a chunk": begin + [send(b"40\r\ndata: {")] + [reset()], "stall": begin + [stall()],
        "garbage": begin + [send(b"zz\r\nno chunk\r\n")], "no JSON": begin + [chunk(TORN + b"\n\n"), cut()],
        "error event": begin + [sse({"error": {"message": "out of memory", "code": "model_says_no"}}), end()],
        "no [DONE]": begin + [end()],
    }


class RoomModel(FakeModel):
    """Answers as asked, or as ill as it was told to be, and remembers nothing."""

    def __init__(self, port, seed):
        self.illness, self.busy = 0.0, 0
        self._rng, self._counting = random.Random(seed), threading.Lock()
        super().__init__(port=port, models=(NAME,))

    def _register(self, call):
        found = super()._register(call)
        self.listings.clear()
        if call.method == "GET":
            return found
        self.calls.clear()
        return [self._answer], True

    def _answer(self, call):
        self._count(+1)
        try:
            for step in self._steps(call):
                step(call)
        finally:
            self._count(-1)

    def _steps(self, call):
        asked = call.json
        wish = asked["chaos"]
        with self._counting:
            rng = random.Random(self._rng.random())
        if rng.random() >= self.illness:
            return proper(asked, wish)
        faults = before_the_answer() if rng.random() < 0.4 else within_the_answer(asked, wish, rng)
        return faults[rng.choice(sorted(faults))]

    def _count(self, step):
        with self._counting:
            self.busy += step


def say(line):
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", required=True)
    settings = parser.parse_args()
    model = RoomModel(settings.port, settings.seed)
    say(f"listening on {model.url}")
    for line in sys.stdin:
        wanted, _, value = line.strip().partition(" ")
        if wanted == "sick":
            model.illness = float(value)
        elif wanted == "well":
            model.illness = 0.0
        for violation in model.violations:
            say(f"violation {violation}")
        model.violations.clear()
        if wanted == "status":
            say("status " + json.dumps({"busy": model.busy}))


if __name__ == "__main__":
    main()
