"""Raw HTTP/1.1 for tests: every byte sent is the test's, every byte and every HTTP chunk received is seen.

Nothing here is lenient: an answer that is not the protocol it should be is an assertion error.
Waiting is always for a condition under a deadline (PATIENCE), never for a time.
"""

import json
import os
import re
import select
import socket
import struct
import time
import uuid

# Seconds until something that should happen at once counts as "never"; more for slow builds (sanitizers).
PATIENCE = float(os.environ.get("INTRAGATE_TEST_PATIENCE", "20"))


class Closed(Exception):
    """The peer ended the connection (FIN) before what was waited for had come."""


class Reset(Closed):
    """The peer reset the connection (RST)."""


def eventually(condition, what="the condition", timeout=PATIENCE):
    """Polls until `condition()` is truthy and returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout:g} s")
        time.sleep(0.005)


def new_id():
    return "t-" + uuid.uuid4().hex[:16]


class Headers:
    """Header lines in their order, names compared without case."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)

    def get(self, name, default=None):
        return next((value for key, value in self.pairs if key.lower() == name.lower()), default)

    def all(self, name):
        return [value for key, value in self.pairs if key.lower() == name.lower()]

    def names(self):
        return [key.lower() for key, _ in self.pairs]

    def __contains__(self, name):
        return self.get(name) is not None

    def __getitem__(self, name):
        value = self.get(name)
        assert value is not None, f"no header {name} among {self.names()}"
        return value

    def __repr__(self):
        return repr(self.pairs)


def parse_headers(lines):
    pairs = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name), f"bad header line {line!r}"
        pairs.append((name, value.strip(" \t")))
    return Headers(pairs)


class Response:
    def __init__(self, version, status, reason, headers):
        self.version, self.status, self.reason, self.headers = version, status, reason, headers
        self.body = b""
        self.chunks = None   # list of HTTP chunks when the body was chunked
        self.interim = []    # 1xx answers seen before this one
        self.complete = True  # False: the connection ended before the body did

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def request_id(self):
        return self.headers["x-request-id"]

    @property
    def framing(self):
        if self.status < 200 or self.status in (204, 304):
            return "none"
        if "transfer-encoding" in self.headers:
            assert self.headers["transfer-encoding"].lower() == "chunked"
            assert "content-length" not in self.headers, "both length headers in one answer"
            return "chunked"
        return "length" if "content-length" in self.headers else "close"

    def __repr__(self):
        return f"<{self.status} {self.headers.pairs} {self.body[:300]!r}>"


class Connection:
    """One TCP connection as a client. `source` binds the client's address (127.0.0.2 …)."""

    def __init__(self, address, source=None, receive_buffer=None, timeout=PATIENCE):
        host, port = address[:2]
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:  # must be set before connecting to bound the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        if source:
            self.socket.bind((source, 0))
        try:
            self.socket.connect((host, port))
        except BaseException:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.host_header = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.local_port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- sending
    def send(self, data):
        self.socket.sendall(data)
        return self

    def send_apart(self, data, step=1):
        """Sends in pieces of `step` bytes, each in a packet of its own as far as the kernel allows."""
        for start in range(0, len(data), step):
            self.socket.sendall(data[start:start + step])
        return self

    def ask(self, method="POST", target="/v1/chat/completions", body=None, **options):
        """Sends a whole request (see `request`)."""
        return self.send(request(method, target, body, **{"host": self.host_header, **options}))

    def finish(self):
        """FIN: nothing more will be sent, answers are still read."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    # --- receiving
    def receive(self):
        """Reads what is there into the buffer; raises Closed or Reset at the end of the connection."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as error:
            raise Reset("connection reset") from error
        except TimeoutError as error:
            raise AssertionError(f"nothing came; held so far: {bytes(self.buffer[:500])!r}") from error
        if not data:
            raise Closed(f"connection closed; held so far: {bytes(self.buffer[:500])!r}")
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.receive()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def take_line(self):
        while (end := self.buffer.find(b"\r\n")) < 0:
            self.receive()
        return self.take(end + 2)[:-2]

    def read_head(self):
        """The next head, interim ones included."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.receive()
        lines = self.take(end + 4)[:-4].decode("latin-1").split("\r\n")
        match = re.fullmatch(r"(HTTP/1\.[01]) (\d{3}) ?(.*)", lines[0])
        assert match, f"bad status line {lines[0]!r}"
        return Response(match[1], int(match[2]), match[3], parse_headers(lines[1:]))

    def read_final_head(self):
        interim = []
        while (answer := self.read_head()).status < 200:
            interim.append(answer.status)
        answer.interim = interim
        return answer

    def read_chunk(self):
        """One HTTP chunk; b"" is the last one (its trailers, if any, are read too)."""
        line = self.take_line()
        assert re.fullmatch(rb"[0-9a-fA-F]{1,15}", line), f"bad chunk size {line[:80]!r}"
        size = int(line, 16)
        if size == 0:
            while self.take_line():
                pass
            return b""
        data = self.take(size)
        assert self.take(2) == b"\r\n", "a chunk does not end in CRLF"
        return data

    def read_answer(self, method="POST"):
        """A whole answer. One that is cut short comes back with `complete` False."""
        answer = self.read_final_head()
        try:
            self._read_body(answer, method)
        except Closed:
            answer.complete = False
            answer.body += bytes(self.buffer) if answer.chunks is None else b""
        return answer

    def _read_body(self, answer, method):
        if method == "HEAD" or answer.framing == "none":
            return
        if answer.framing == "chunked":
            answer.chunks = []
            while chunk := self.read_chunk():
                answer.chunks.append(chunk)
                answer.body += chunk
        elif answer.framing == "length":
            answer.body = self.take(int(answer.headers["content-length"]))
        else:
            answer.body = self.read_to_end()

    def read_to_end(self):
        """Everything until the peer closes."""
        deadline = time.monotonic() + PATIENCE
        try:
            while True:
                self.receive()
                assert time.monotonic() < deadline, f"no end in sight: {bytes(self.buffer[-500:])!r}"
        except Reset:
            raise
        except Closed:
            return self.take(len(self.buffer))

    def expect_closed(self):
        """Nothing more comes and the peer ends the connection (FIN or RST)."""
        try:
            rest = self.read_to_end()
        except Reset:
            rest = bytes(self.buffer)
        assert rest == b"", f"more came before the end: {rest[:300]!r}"

    @property
    def is_closed(self):
        """Whether the peer has ended the connection already (looks, does not wait)."""
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        if not poller.poll(0):
            return False
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


def request(method="POST", target="/v1/chat/completions", body=None, *, key=None, headers=(), host="gateway.test",
            version="HTTP/1.1", chunked=False):
    """A request's bytes. `body`: bytes as they are, anything else as JSON; `chunked`: True, or a list of
    pieces (an empty one: only the last chunk)."""
    lines = [f"{method} {target} {version}", f"Host: {host}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        lines.append("Content-Type: application/json")
        lines.append("Transfer-Encoding: chunked" if chunked is not False else f"Content-Length: {len(body)}")
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines += [f"{name}: {value}" for name, value in pairs]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if chunked is not False and body is not None:
        pieces = chunked if isinstance(chunked, list) else [body]
        body = b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n"
    return head + (body or b"")


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chat(model, text="Say hello.", **more):
    """A chat request as a dict."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def ask(gateway, body=None, path="/v1/chat/completions", method="POST", *, key=True, headers=(), address=None,
        source=None, chunked=False):
    """One call on a connection of its own. `key`: True for the gateway's, None for none, or a string. The answer's
    request id is the one sent in, so that its record can be found."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    if not any(name.lower() == "x-request-id" for name, _ in pairs):
        pairs.append(("X-Request-Id", new_id()))
    with Connection(address or gateway.address, source=source) as connection:
        connection.ask(method, path, body, key=gateway.key if key is True else key, headers=pairs, chunked=chunked)
        return connection.read_answer(method)


class Stream:
    """A streamed call in progress: the head is read, then one HTTP chunk at a time."""

    def __init__(self, gateway, body, path="/v1/chat/completions", *, key=True, headers=(), address=None, **options):
        self.connection = Connection(address or gateway.address, **options)
        pairs = list(headers.items() if isinstance(headers, dict) else headers) + [("X-Request-Id", new_id())]
        self.connection.ask("POST", path, body, key=gateway.key if key is True else key, headers=pairs)
        self.head = None
        self.chunks = []
        self.ended = None  # "clean" (last chunk seen) or "cut"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def read_head(self):
        self.head = self.connection.read_final_head()
        return self.head

    @property
    def request_id(self):
        return self.head.request_id

    def next(self):
        """The next HTTP chunk as it came; b"" at the end, clean or cut (see `ended`)."""
        if self.head is None:
            self.read_head()
        assert self.head.framing == "chunked", f"not a chunked stream: {self.head}"
        try:
            data = self.connection.read_chunk()
        except Closed:
            self.ended = "cut"
            return b""
        if not data:
            self.ended = "clean"
        else:
            self.chunks.append(data)
        return data

    def rest(self):
        """All chunks until the end."""
        while self.ended is None:
            self.next()
        return self.chunks

    @property
    def raw(self):
        return b"".join(self.chunks)


# --- what clients understand of a stream

def event_data(chunks):
    """The data of each event, after checking the one form that every client reads: each HTTP chunk is exactly one
    block, "data: <one line>" or a comment, ended by a blank line, without carriage returns."""
    found = []
    for piece in chunks:
        text = piece.decode("utf-8")
        assert text.endswith("\n\n") and text.count("\n\n") == 1, f"not exactly one block in a chunk: {piece!r}"
        assert "\r" not in text and "\ufeff" not in text, f"stray byte in {piece!r}"
        if text.startswith(":"):
            assert not any(line.startswith("data") for line in text.split("\n")), f"event swallowed: {piece!r}"
            continue
        assert text.startswith("data:") and text.count("\n") == 2, f"not a one-line data event: {piece!r}"
        found.append(text[5:-2].removeprefix(" "))
    return found


def events(chunks):
    """Parsed events; "[DONE]" stays text."""
    return [data if data == "[DONE]" else json.loads(data) for data in event_data(chunks)]


class DifyAnswer:
    def __init__(self):
        self.text, self.reasoning, self.finish_reason, self.usage, self.error = "", "", None, None, None
        self.tool_calls = []


class DifyError(Exception):
    pass


def dify_read(chunks):
    """Reads a stream the way Dify's model SDK does: an independent judge of what the gateway sends."""
    answer, tail = DifyAnswer(), ""
    for piece in list(chunks) + [None]:
        blocks = (tail + piece.decode("utf-8")).split("\n\n") if piece is not None else [tail]
        tail = blocks.pop() if piece is not None else ""
        for block in map(str.strip, blocks):
            if not block or block.startswith(":"):
                continue
            data = block.removeprefix("data:").strip()
            if data == "[DONE]":
                continue
            try:
                event = json.loads(data)
            except ValueError:
                answer.finish_reason = "Non-JSON encountered."
                return answer
            _dify_event(answer, event)
    return answer


def _dify_event(answer, event):
    if event.get("error") and not event.get("choices"):
        answer.error = event["error"]
        raise DifyError(answer.error)
    answer.usage = event.get("usage") or answer.usage
    choices = event["choices"]  # a KeyError here is Dify's own
    if not choices:
        return
    answer.finish_reason = choices[0].get("finish_reason")
    if "delta" not in choices[0]:
        answer.text += choices[0].get("text") or ""
        return
    delta = choices[0]["delta"]
    answer.reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
    answer.text += delta.get("content") or ""
    for fragment in delta.get("tool_calls") or []:
        _dify_tool(answer.tool_calls, fragment)


def _dify_tool(calls, fragment):
    function = fragment.get("function") or {}
    known = next((call for call in calls if call["id"] == fragment.get("id")), None)
    if known is None and (fragment.get("id") or function.get("name")):
        known = {"id": fragment.get("id") or f"generated-{len(calls)}", "name": "", "arguments": ""}
        calls.append(known)
    known = known or calls[-1]
    known["name"] += function.get("name") or ""
    known["arguments"] += function.get("arguments") or ""
