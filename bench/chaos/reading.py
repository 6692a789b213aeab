"""How a client reads an answer and notes in its Call what it saw, as far as it came."""

import asyncio
import json

from .calls import CUT, TORN, word
from .link import Broken, Closed, event_of


class Leave(Exception):
    """The client has had enough."""


async def read_answer(link, call, *, patience=lambda call: None, pause=0.0):
    """The whole answer. `patience(call)` is asked at the head and after each chunk and raises Leave; `pause` seconds lie
    between two chunks of a slow reader. Returns whether the connection can serve another call."""
    try:
        status, headers = await link.read_head()
    except Closed as end:
        call.trouble.append(f"no answer: {end}")
        return False
    _note_head(call, status, headers)
    patience(call)
    try:
        if headers.get("transfer-encoding") == "chunked":
            await _read_chunks(link, call, patience, pause)
        else:
            await _read_sized(link, call, headers)
    except Closed:
        if not call.error_event:  # a broken stream says so before it ends
            call.trouble.append(CUT)
        return False
    except (Broken, ValueError, KeyError, TypeError, IndexError) as fault:
        call.trouble.append(f"broken answer: {type(fault).__name__}: {fault}")
        return False
    return call.whole and headers.get("connection", "").lower() != "close"


def _note_head(call, status, headers):
    call.status = status
    if headers.get("x-request-id") != call.id:
        call.trouble.append(f"x-request-id is {headers.get('x-request-id')!r}")
    if status in (429, 503) and "retry-after" not in headers:
        call.trouble.append(f"{status} without Retry-After")
    attempts = headers.get("x-intragate-attempts")
    call.attempts = int(attempts) if attempts else None


async def _read_sized(link, call, headers):
    if "content-length" not in headers:
        raise Broken("neither chunked nor of a known length")
    body = await link.take(int(headers["content-length"]))
    call.seen_bytes, call.whole = len(body), True
    answer = json.loads(body)
    if "error" in answer:
        call.error_code = answer["error"].get("code")
        return
    _note_usage(call, answer)
    _check_text(call, 0, answer["choices"][0]["message"]["content"], last=True)


async def _read_chunks(link, call, patience, pause):
    text_at = 0
    while chunk := await link.read_chunk():
        call.seen_bytes += len(chunk)
        if not call.stream or call.status != 200:  # a plain answer whose length the model did not say
            raise Broken("a chunked answer that is no stream")
        if chunk == TORN + b"\n\n" and call.room == "fake":
            raise Leave  # a whole event of the model's with garbage in it: passed on as it is, and no use to the client
        text_at = _note_event(call, event_of(chunk), text_at)
        patience(call)
        if pause:
            await asyncio.sleep(pause)
    call.whole = True
    if call.end == "no [DONE]" and (call.room != "fake" or text_at == call.pieces):
        call.trouble.append("a stream with a proper end, but without the model's [DONE]")


def _note_event(call, event, text_at):
    """Returns the number of the fake model's next word."""
    if event is None:
        return text_at
    if call.done or call.error_event:
        raise Broken(f"something behind the end: {event!r}")
    if event == "[DONE]":
        call.done = True
        if call.room == "fake" and text_at != call.pieces:
            raise Broken(f"[DONE] after {text_at} of {call.pieces} words")
        return text_at
    if "error" in event and not event.get("choices"):
        call.error_event, call.error_code = True, event["error"].get("code")
        return text_at
    _note_usage(call, event)
    for choice in event["choices"]:
        piece = choice["delta"].get("content")
        if piece:
            call.seen_events += 1
            text_at = _check_text(call, text_at, piece)
    return text_at


def _check_text(call, number, text, last=False):
    """The fake model's words, in their order and of this very call."""
    if call.room != "fake":
        return number
    while text:
        expected = word(call.tag, number, call.piece_bytes)
        if not text.startswith(expected):
            raise Broken(f"word {number} is {text[:40]!r}, expected {expected[:40]!r}")
        text, number = text[len(expected):], number + 1
    if last and number != call.pieces:
        raise Broken(f"{number} of {call.pieces} words")
    return number


def _note_usage(call, answer):
    usage = answer.get("usage")
    if usage:
        call.prompt_tokens, call.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]
