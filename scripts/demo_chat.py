#!/usr/bin/env python3
"""Asks one question through the gateway and shows the answer as it arrives, word by word, with its timings.

    scripts/demo_chat.py BASE_URL KEY [QUESTION]        # BASE_URL as typed into Dify: http://127.0.0.1:8080/v1

Needs nothing but Python. Exits 1 if no answer came, with what the gateway said.
"""

import http.client
import json
import statistics
import sys
import time
import urllib.parse

QUESTION = "Why do banks keep their language models on their own network? Answer in three sentences."
PATIENCE = 120  # seconds of silence; the gateway's own limits are shorter and say more


class NoAnswer(Exception):
    pass


def connect(base):
    url = urllib.parse.urlsplit(base)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.netloc, timeout=PATIENCE), url.path.rstrip("/")


def call(base, key, path, body=None):
    """The open answer of one call; anything but 200 is NoAnswer with the gateway's own sentence."""
    connection, prefix = connect(base)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST" if body else "GET", prefix + path, json.dumps(body) if body else None, headers)
    reply = connection.getresponse()
    if reply.status != 200:
        raise NoAnswer(f"{path} was answered with status {reply.status}: {reply.read(2000).decode(errors='replace')}")
    return reply


def first_model(base, key):
    models = json.load(call(base, key, "/models"))["data"]
    if not models:
        raise NoAnswer("the gateway lists no model; its log says why")
    return models[0]["id"]


def events(reply):
    """The JSON objects of an SSE stream, each as soon as its line is there."""
    for line in reply:
        if line.startswith(b"data: ") and (data := line[6:].strip()) != b"[DONE]":
            yield json.loads(data)


def show(base, key, model, question):
    """Prints the answer; returns the moments at which its pieces came, the first being the moment of asking."""
    moments = [time.monotonic()]
    usage = None
    body = {"model": model, "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 160,
            "messages": [{"role": "user", "content": question}]}
    for event in events(call(base, key, "/chat/completions", body)):
        if "error" in event:
            raise NoAnswer(f"\nthe answer broke off: {event['error'].get('message')}")
        usage = event.get("usage") or usage
        if event["choices"] and (text := event["choices"][0]["delta"].get("content")):
            moments.append(time.monotonic())
            print(text, end="", flush=True)
    print()
    if len(moments) < 2:
        raise NoAnswer("the stream ended without a word")
    return moments, usage


def summary(moments, usage):
    gaps = [(after - before) * 1000 for before, after in zip(moments[1:], moments[2:])]
    first = (moments[1] - moments[0]) * 1000
    took = moments[-1] - moments[1]
    tokens = (usage or {}).get("completion_tokens") or len(moments) - 1
    print(f"\n  first token after {first:.0f} ms", end="")
    if gaps and took > 0:
        shown = " ".join(f"{gap:.0f}" for gap in gaps[:24]) + (" …" if len(gaps) > 24 else "")
        print(f", then {len(gaps) / took:.1f} tokens/s, {tokens} tokens in all")
        print(f"  between tokens, ms: {shown}")
        print(f"  median {statistics.median(gaps):.1f}, longest {max(gaps):.1f}")
    else:
        print()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    base, key = sys.argv[1:3]
    question = sys.argv[3] if len(sys.argv) > 3 else QUESTION
    try:
        model = first_model(base, key)
        print(f"{model} is asked: {question}\n")
        summary(*show(base, key, model, question))
    except (NoAnswer, OSError, http.client.HTTPException, ValueError) as problem:
        sys.exit(f"no answer: {problem or type(problem).__name__}")


if __name__ == "__main__":
    main()
