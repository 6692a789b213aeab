"""One call against its audit record: does the gateway's account agree with what the client saw? Pure."""

import functools
import re

from . import ROOT
from .calls import CUT, MODEL_PROMPT
from .clients import REFUSED
from .settings import KEYS, MAX_WAIT, WRITE

ENDS_OF_WHO_LEFT = {"client_cancelled", "ok", "upstream_error", "upstream_timeout", "refused"}  # all but the first: it raced
FRAME = 12  # bytes of HTTP framing around one chunk


@functools.cache
def outcomes():
    """Error code → outcome, from the table that users read."""
    rows = re.findall(r"^\| `(\w+)` \| \d+ \| `\w+` \| \S+ \| (\w+) \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    return dict(rows)


def judge(call, record):
    """What does not agree, as sentences."""
    found = list(call.trouble)
    if record is None:
        if call.head_sent:
            found.append("no record")
        return found
    found += _identity(call, record)
    if read_too_slowly(call, record):
        return [trouble for trouble in found if trouble != CUT]
    if call.left:
        found += _who_left(call, record)
    elif call.status is not None:
        found += _who_stayed(call, record)
    return found


def read_too_slowly(call, record):
    """A slow reader that had not taken all of it when its time was over (`timeouts.write`, or the model's `total`), as happens
    on a busy machine: with its buffers full nothing can be told to it."""
    return (call.kind == "slow reader" and call.end == "cut" and record["error"] == "client_gone"
            and record["total_ms"] >= WRITE * 1000)


def failed_for_nothing(call, record=None):
    """Whether it should have been served. Limits and a full queue are no fault; nor are deadlines that a busy machine is
    too slow for, also while a call waited for an endpoint other than the one where it had failed."""
    fair = call.end in ("ok", "429", "504") or call.error_code in ("queue_full", "upstream_timeout")
    if record:
        waited = call.error_code == "upstream_unreachable" and record["queue_ms"] >= MAX_WAIT * 1000
        fair = fair or waited or read_too_slowly(call, record)
    return call.undisturbed and not call.left and call.kind not in REFUSED and not fair


def _differences(record, **expected):
    return [f"record says {name} {record[name]!r}, expected {value!r}" for name, value in expected.items() if record[name] != value]


def _identity(call, record):
    unknown = call.kind == "wrong key" or record["error"] == "invalid_api_key"  # its key may be revoked at the moment
    found = _differences(record, address="127.0.0.1", principal="" if unknown else call.key)
    if call.body_sent and call.room != "none" and not unknown:
        found += _differences(record, api="chat", model=call.model, bytes_in=call.body_bytes,
                              end_user=call.user if KEYS[call.key][1] else "")
    return found


def _who_left(call, record):
    found = []
    outcome, status = record["outcome"], record["status"]
    if outcome not in ENDS_OF_WHO_LEFT:
        found.append(f"left, and the record says {outcome}")
    if not call.body_sent and outcome != "client_cancelled" and record["error"] != "invalid_api_key":
        found.append(f"left in mid-body, and the record says {outcome} {status}")
    if (outcome == "client_cancelled") != (status == 499):
        found.append(f"record says {outcome} with status {status}")
    if outcome == "ok":
        found += _differences(record, status=200)
        if call.room == "fake" and record["usage_source"] == "upstream":  # else the model ended it too early, in good order
            found += _differences(record, completion_tokens=call.pieces)
            if record["bytes_out"] < call.text_bytes():
                found.append(f"ok with {record['bytes_out']} bytes of an answer of at least {call.text_bytes()}")
    if call.error_event and outcome == "ok":
        found.append("an error event was seen, and the record says ok")
    # What the client's system had taken is on the record. A reset may overtake its acknowledgement.
    if call.left == "fin" and record["bytes_out"] + FRAME * (call.seen_events + 4) < call.seen_bytes:
        found.append(f"saw {call.seen_bytes} bytes, and the record has {record['bytes_out']}")
    return found


def _who_stayed(call, record):
    found = _differences(record, status=call.status)
    if call.attempts is not None and call.attempts != record["attempts"]:
        found.append(f"x-intragate-attempts {call.attempts}, and the record says {record['attempts']}")
    if call.kind in REFUSED and call.error_code != "invalid_api_key":
        status, code = REFUSED[call.kind]
        found += _differences(record, status=status, error=code, outcome=outcomes()[code], bytes_out=call.seen_bytes)
    elif call.end == "ok":
        found += _differences(record, outcome="ok", error="", bytes_out=call.seen_bytes)
        found += _tokens(call, record)
    elif call.end == "no [DONE]":  # as the model ended it: in good order, though too early
        found += _differences(record, outcome="ok", usage_source="counted", completion_tokens=call.seen_events,
                              bytes_out=call.seen_bytes)
    elif call.error_code or call.status != 200:
        code = call.error_code if call.error_code in outcomes() else "upstream_status"  # or the model's own words
        found += _differences(record, error=code, outcome=outcomes()[code], bytes_out=call.seen_bytes)
    return found


def _tokens(call, record):
    if call.room == "fake":
        return _differences(record, prompt_tokens=MODEL_PROMPT, completion_tokens=call.pieces, usage_source="upstream")
    if call.completion_tokens is not None:
        return _differences(record, prompt_tokens=call.prompt_tokens, completion_tokens=call.completion_tokens,
                            usage_source="upstream")
    return []
