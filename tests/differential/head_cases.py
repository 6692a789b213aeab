"""Heads for the differential test: good ones, and mutations of them that attackers and broken programs send."""

import random

REQUESTS = [
    b"GET /v1/models HTTP/1.1\r\nHost: gateway:8080\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: python-requests/2.32.3\r\nAccept: */*\r\n"
    b"Connection: keep-alive\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-abc\r\n"
    b"Content-Length: 5\r\n\r\n",
    b"POST /v1/embeddings?a=b HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    b"GET http://gateway/v1/models HTTP/1.1\r\nHost: gateway\r\nX: \xe4\xbd\xa0\tb\r\n\r\n",
    b"DELETE /v1/files/1 HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n",
    b"HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 500 \xe9\x94\x99\r\nContent-Length: 0\r\n\r\n",
]
LINES = [  # what request smuggling lives on, and neighbours of it
    b"Content-Length: 5", b"Content-Length: 6", b"content-length:5", b"Content-Length: 05", b"Content-Length: +5",
    b"Content-Length: -5", b"Content-Length: 5, 5", b"Content-Length: 5,6", b"Content-Length: 5 5",
    b"Content-Length:",
    b"Content-Length: 0x5", b"Content-Length: 5\t", b"Content-Length: \x0b5", b"Content-Length: 18446744073709551621",
    b"Content-Length: 999999999999999999", b"Content-Length : 5", b"Content-Length\t: 5", b" Content-Length: 5",
    b"Content_Length: 5", b"Content-Length: 5\r\n 6", b"Content-Length: five", b"Content-Length: 5;a=b",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"transfer-encoding:\tchunked \t",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked;a=b",
    b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding:",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding\n: chunked", b"Transfer-Encoding: chunk",
    b"Transfer-Encoding:\r\n chunked",
    b"Host: b", b"Host:", b"host: a", b"Host: a b", b"Host: a/b", b"Host: a,b", b"Host: user@a", b"Host : a",
    b"Connection: close", b"Connection: keep-alive", b"Connection: close, keep-alive", b"Connection: x, Close",
    b"Connection: ,",
    b"Connection: upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings",
    b"Connection: closed",
    b"Proxy-Connection: close", b"Keep-Alive: timeout=5", b"Expect: 100-continue", b"Expect: tea", b"Trailer: X",
    b"TE: trailers",
    b"A", b"A:", b":b", b": b", b"A :b", b"A\0: b", b"A: \0", b"A: b\rc", b"A: b\nc", b"A: \x7f", b"A: \x01",
    b"A\x80: b", b"A: \xff",
    b"A(: b", b"A,B: c", b"A/B: c", b"A\"B: c", b"A{: b", b"!#$%&'*+-.^_`|~: b", b"A: b\r\n c", b"A: b\r\n\tc",
    b" A: b", b"\tA: b", b"\r",
]
METHODS = [
    b"", b"G", b"get", b"PUT", b"PATCH", b"HEAD", b"CONNECT", b"TRACE", b"BREW", b"M-SEARCH", b"PRI", b"SOURCE",
    b"GE T", b"GE\tT", b"G\x80T", b"HTTP",
]
TARGETS = [
    b"", b"*", b"a", b"/a b", b"/\x80", b"/\x7f", b"/\t", b"/#a", b"//", b"/%", b"/\"<>\\^`{|}", b"http://",
    b"http://a", b"HTTPS://a:1/", b"ftp://a/", b"a:443", b"?x", b"http://a b/", b"http://[::1]/", b"http://u@a/",
]
VERSIONS = [
    b"", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.10", b"HTTP/1", b"http/1.1", b"HTTP/1.1 ", b"HTTP /1.1",
    b"ICE/1.0", b"RTSP/1.0", b"HTTP/1.0",
]
STATUSES = [
    b"", b"100", b"101", b"103", b"204", b"304", b"099", b"600", b"999", b"20", b"2000", b"2x0", b"+20", b"200OK",
    b"-1",
]
BYTES = [bytes([value]) for value in (0, 1, 8, 9, 10, 11, 12, 13, 27, 32, 34, 35, 40, 44, 47, 48, 58, 59, 64, 92,
                                      127, 128, 160, 255)]
STRINGS = [
    b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n ", b"\r\n\t", b"  ", b" \t", b"HTTP/1.1", b": ", b"5",
    b"chunked",
]


def _lines(head):
    return head[:-4].split(b"\r\n")


def _join(lines):
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _in_lines(change):
    """A mutation of the list of lines."""
    def mutate(rng, head):
        lines = _lines(head)
        change(rng, lines)
        return _join(lines)
    return mutate


def _in_start_line(place, words):
    def change(rng, lines):
        parts = lines[0].split(b" ", 2)
        if place < len(parts):
            parts[place] = rng.choice(words)
        lines[0] = b" ".join(parts)
    return _in_lines(change)


def _replace_byte(rng, head):
    at = rng.randrange(len(head))
    return head[:at] + rng.choice(BYTES) + head[at + 1:]


def _insert(rng, head):
    at = rng.randrange(len(head) + 1)
    return head[:at] + rng.choice(BYTES + STRINGS) + head[at:]


def _delete(rng, head):
    at = rng.randrange(len(head))
    return head[:at] + head[at + rng.choice((1, 1, 2, 3)):]


def _flip_case(rng, head):
    at = rng.randrange(len(head))
    return head[:at] + head[at:at + 1].swapcase() + head[at + 1:]


def _prepend(rng, head):
    return rng.choice((b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\0", b"\r")) + head


ANYWHERE = [
    _in_lines(lambda rng, lines: lines.insert(rng.randint(1, len(lines)), rng.choice(LINES))),
    _in_lines(lambda rng, lines: lines.insert(rng.randint(1, len(lines)), rng.choice(LINES))),
    _in_lines(lambda rng, lines: lines.insert(rng.randint(0, len(lines)), rng.choice(lines))),
    _in_lines(lambda rng, lines: lines.pop(rng.randrange(len(lines))) if len(lines) > 1 else None),
    _in_lines(lambda rng, lines: rng.shuffle(lines) if rng.random() < 0.1 else None),
    _replace_byte, _insert, _delete, _flip_case, _flip_case, _prepend,
]
OF_REQUESTS = ANYWHERE + [_in_start_line(0, METHODS), _in_start_line(1, TARGETS), _in_start_line(2, VERSIONS)]
OF_RESPONSES = ANYWHERE + [_in_start_line(0, VERSIONS), _in_start_line(1, STATUSES)]


def cases(count, seed):
    """Pairs of kind ('q' request, 's' response) and bytes; the same for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        kind, heads, mutations = ("q", REQUESTS, OF_REQUESTS) if number % 3 else ("s", RESPONSES, OF_RESPONSES)
        head = rng.choice(heads)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
            head = rng.choice(mutations)(rng, head)
        yield kind, head
