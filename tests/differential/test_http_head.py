"""What our head parser accepts, well-known parsers must accept too, with the same meaning and the same end of the body.

Where we are stricter on purpose is listed here by the rule that we name; where they are, with the reason.
"""

import collections
import os
import pathlib
import struct
import subprocess

import pytest

from head_cases import cases
from other_parsers import Refused, Upgraded, h11_parser, llhttp

CASES = 20_000
SEED = 9112
LONGEST_BODY = 4096
PARSERS = {"llhttp": llhttp, "h11": h11_parser}
NEXT = {"q": b"GET /next HTTP/1.1\r\nHost: n\r\n\r\n", "s": b"HTTP/1.1 299 Next\r\nContent-Length: 0\r\n\r\n"}
CHUNKED_BODY = b"3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nA: b\r\n\r\n"

# Our refusals that another parser may not share, each with the reason why we insist.
STRICTER = {
    "Content-Length and Transfer-Encoding are both given": "RFC 9112 6.3 allows repair; repair is what smuggling needs",
    "Content-Length is given more than once": "even equal ones: the next hop may join them to a list",
    "Content-Length is not a number of 1 to 18 digits": "no lists, no signs; more than 18 digits overflow somewhere",
    "Transfer-Encoding is not exactly \"chunked\"": "no other coding is understood here",
    "Transfer-Encoding is given more than once": "as above",
    "Transfer-Encoding does not exist in HTTP/1.0": "RFC 9112 6.1 calls such framing faulty",
    "Host is missing": "RFC 9112 3.2; llhttp leaves it to its user",
    "Authorization is given more than once": "RFC 9110 11.6.2: one value; which of two counts differs between readers",
    "Host is given more than once": "RFC 9112 3.2; llhttp leaves it to its user",
    "Host holds a forbidden character": "RFC 9112 3.2; others leave it to their users",
    "a header line does not begin with a name": "folded lines (RFC 9112 5.2) and empty names",
    "a header name holds a forbidden character or is not followed by a colon": "RFC 9112 5.1: no white space before it",
    "a header value holds a control character": "RFC 9110 5.5",
    "the reason phrase holds a control character": "RFC 9112 4",
    "the method is not a token of 1 to 32 characters": "RFC 9112 3.1",
    "the target is neither a path nor an http URL": "this is no forward proxy",
    "the target holds a forbidden character or is not followed by one space": "no bytes from 0x80, no fragment",
    "the version is neither HTTP/1.1 nor HTTP/1.0": "nothing else is spoken here",
    "the version is not followed by one space": "RFC 9112 4",
    "the request line does not end behind the version": "RFC 9112 3",
    "the status is not a number of three digits": "RFC 9112 4",
    "the status is not between 100 and 599": "RFC 9110 15",
    "the protocol is switched although nobody asked for it": "RFC 9110 7.8",
    "a body is announced where there can be none": "RFC 9110 8.6, RFC 9112 6.1",
    "Bare LF, NUL or a second empty line in front": "RFC 9112 2.2 allows leniency",
}

Ours = collections.namedtuple("Ours", "size minor framing length keep_alive start headers")

# Where another parser understands what we accept differently: the reason why that is all right, and which differences
# it explains (`what`: "refused" or the part that differs; `detail`: the words of the refusal).
KNOWN = {
    "llhttp": {
        "it knows a fixed list of methods; here any token is one, and gets a 405":
            lambda ours, what, detail: what == "refused" and "InvalidMethod" in detail,
        "it takes the method PRI for the preface of HTTP/2":
            lambda ours, what, detail: ours.start[0] == b"PRI",
        "in HTTP/1.0 keep-alive wins over close there, and close wins here":
            lambda ours, what, detail: what == "keep-alive" and ours.minor == 0 and not ours.keep_alive,
        "it reads Proxy-Connection, which RFC 9112 C.2.2 tells everyone to ignore":
            lambda ours, what, detail: any(name.lower() == b"proxy-connection" for name, _ in ours.headers),
    },
    "h11": {
        "it closes after every HTTP/1.0 message":
            lambda ours, what, detail: ours.minor == 0 and ("expecting EOF" in detail or what == "keep-alive"),
        "it takes no empty line in front of a request":
            lambda ours, what, detail: "no request line" in detail,
    },
}


def parse_verdict(kind, line):
    """Ours, a refusal's rule, or None for an unfinished head."""
    words = line.split(" ")
    if words[0] == "refused":
        return line.removeprefix("refused ").split(": ", 1)[-1].rstrip(".")
    if words[0] == "incomplete":
        return None
    size, minor, framing, length, keep_alive = words[1:6]
    start_words = 2 if kind == "q" else 1
    start, headers = words[6:6 + start_words], words[6 + start_words:]
    start = [bytes.fromhex(word) for word in start] if kind == "q" else [int(start[0])]
    pairs = [tuple(bytes.fromhex(part) for part in word.split(":")) for word in headers]
    return Ours(int(size), int(minor), framing, int(length), keep_alive == "1", start, pairs)


@pytest.fixture(scope="module")
def verdicts():
    """All cases, each with what our parser says."""
    program = pathlib.Path(os.environ["INTRAGATE_BUILD"]) / "http_head_verdict"
    everything = list(cases(CASES, SEED))
    stdin = b"".join(kind.encode() + struct.pack("<I", len(head)) + head for kind, head in everything)
    done = subprocess.run([program], input=stdin, capture_output=True, check=True, timeout=120)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(everything)
    return [(kind, head, parse_verdict(kind, line)) for (kind, head), line in zip(everything, lines)]


def body_for(ours):
    """A body that ends where we say it does: the bytes to send and what they mean."""
    if ours.framing == "chunked":
        return CHUNKED_BODY, b"abcdefgh"
    body = b"x" * ours.length if ours.framing == "length" else b""
    return body, body


def comparable(headers):
    """h11 writes the transfer coding in small letters."""
    return [(name, value.lower() if name.lower() == b"transfer-encoding" else value) for name, value in headers]


def differences(kind, head, ours, parser):
    """What another parser understands differently in a head that we accept. Raises Upgraded."""
    if ours.length > LONGEST_BODY:
        stretches, meant = [head], b""
    else:
        body, meant = body_for(ours)
        stretches = [head] + ([body] if body else []) + ([NEXT[kind]] if ours.keep_alive else [])
    if ours.framing == "until_close":
        stretches, meant = [head, b"until the end"], b"until the end"
    try:
        messages = parser(kind, stretches)
    except Refused as refusal:
        return {"refused": str(refusal)}
    first = messages[0]
    pairs = [("minor version", ours.minor, first.minor), ("body", meant, first.body),
             ("headers", comparable(ours.headers), comparable(first.headers))]
    if kind == "q":
        pairs += [("method", ours.start[0], first.method), ("target", ours.start[1], first.target)]
    else:
        pairs += [("status", ours.start[0], first.status)]
    if first.whole and first.status // 100 != 1:
        pairs.append(("keep-alive", ours.keep_alive, first.keep_alive))
    if ours.framing == "until_close":
        pairs.append(("end", False, first.whole))
    elif ours.length <= LONGEST_BODY:
        pairs.append(("messages", 2 if ours.keep_alive else 1, sum(message.whole for message in messages)))
    return {what: f"ours {mine!r}, theirs {theirs!r}" for what, mine, theirs in pairs if mine != theirs}


def takes(kind, head, parser):
    try:
        return bool(parser(kind, [head]))
    except Upgraded:
        return True
    except Refused:
        return False


@pytest.mark.parametrize("name, parser", PARSERS.items())
def test_what_we_accept_means_the_same_to_another_parser(verdicts, name, parser):
    counts, failures = collections.Counter(), []
    for kind, head, ours in verdicts:
        if not isinstance(ours, Ours):
            continue
        try:
            found = differences(kind, head[:ours.size], ours, parser)
        except Upgraded:
            counts["upgrade: it expects another protocol now; here Upgrade is ignored, as RFC 9110 7.8 allows"] += 1
            continue
        counts["different" if found else "the same"] += 1
        for what, detail in found.items():
            reasons = [reason for reason, explains in KNOWN[name].items() if explains(ours, what, detail)]
            counts.update(reasons[:1])
            failures += [] if reasons else [f"{head!r}\n    {what}: {detail}"]
    print(*counts.items(), sep="\n")
    assert not failures, f"{len(failures)} differences:\n" + "\n".join(failures[:20])
    assert counts["the same"] > CASES // 4, "too few heads were accepted for this to prove anything"
    assert counts.keys() >= KNOWN[name].keys(), "a known difference no longer occurs"


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS.keys())
def test_where_we_are_stricter_is_on_the_list(verdicts, parser):
    refused = [verdict for verdict in verdicts if isinstance(verdict[2], str)]
    counts = collections.Counter(rule for kind, head, rule in refused if takes(kind, head, parser))
    print(*counts.most_common(), sep="\n")
    assert counts.keys() <= STRICTER.keys(), "refused by us alone, for a reason that is not on the list"
