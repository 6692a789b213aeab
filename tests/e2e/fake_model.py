"""A scriptable model server: does on demand what real ones do not, and records every call to the last byte.

    model = FakeModel()
    gate = Gate()
    model.script(stream_head(), sse(delta("one")), wait(gate), sse(delta("two")), cut())
    …
    gate.allow()
    call = model.wait_for_call()
    assert call.ended_by_peer

A script is a list of steps run for one call; each call takes the next script, or the default one, which answers
properly (chat, completions, embeddings, streamed or not). A step is any function of the Call. GET …/models is
answered from `model.models` and kept apart in `model.listings`, so that a gateway's own look-ups never eat a script; so
are all other pages, from `model.pages`.
The server itself is strict: a request that is not proper HTTP ends up in `model.violations`.
"""

import collections
import json
import re
import select
import socket
import struct
import threading
import time

from wire import PATIENCE, Headers, chunk as http_chunk, eventually


class PeerGone(Exception):
    """The gateway ended the connection; `how` is peer_closed or peer_reset."""

    def __init__(self, how):
        super().__init__(how)
        self.how = how


class Stopped(Exception):
    """The fake itself is being closed."""


class EndConnection(Exception):
    """A script ended the connection; `how` is what the record says."""

    def __init__(self, how):
        super().__init__(how)
        self.how = how


class Gate:
    """Lets scripts go on, one permit at a time or for good."""

    def __init__(self):
        self._permits = threading.Semaphore(0)
        self._open = False
        self.reached = threading.Semaphore(0)  # one per script that has come to the gate

    def allow(self, count=1):
        self._permits.release(count)

    def open(self):
        self._open = True
        self._permits.release()

    def wait_reached(self, timeout=PATIENCE):
        assert self.reached.acquire(timeout=timeout), "no script came to the gate"

    def _pass(self, seconds):
        return self._open or self._permits.acquire(timeout=seconds)


class Call:
    """One request the gateway made, and the means to answer it."""

    def __init__(self, model, link, number, position):
        self.model, self._link = model, link
        self.connection = number    # which connection, counted from 0
        self.position = position    # which request on that connection, counted from 0
        self.head = b""             # raw, with its empty line
        self.request_line = self.method = self.target = self.version = ""
        self.headers = Headers()
        self.body = b""             # without its framing
        self.body_complete = False
        self.framing = "none"       # none, length, chunked
        self.began_at = time.monotonic()
        self.end = None             # completed, cut, reset, closed, peer_closed, peer_reset, stopped
        self.ended_at = None
        self.sent = 0               # bytes sent so far
        self.blocked = threading.Event()   # the peer took nothing for a while
        self.ended = threading.Event()

    def __repr__(self):
        return f"<call {self.request_line!r} connection {self.connection}.{self.position} {self.end}>"

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def ended_by_peer(self):
        return self.end in ("peer_closed", "peer_reset")

    def wait_ended(self, timeout=PATIENCE):
        assert self.ended.wait(timeout), f"{self} did not end"
        return self

    # --- used by steps
    def send(self, data):
        self._link.send(data, self)

    def check_peer(self):
        self._link.check_peer()

    def read_body(self, limit=None, pace=None):
        """Reads the rest of the body, at most up to `limit` bytes in all; `pace` is called before every read."""
        self._link.read_body(self, limit, pace)

    def finish(self, how):
        self.end, self.ended_at = how, time.monotonic()
        self.ended.set()


class _Link:
    """One accepted connection: socket, buffer, strict request reader."""

    def __init__(self, model, sock):
        self.model, self.socket = model, sock
        self.buffer = bytearray()
        sock.setblocking(False)

    def _running(self):
        if self.model.stopping.is_set():
            raise Stopped

    def _receive(self, size=262144):
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        while not poller.poll(100):
            self._running()
        try:
            data = self.socket.recv(size)
        except OSError as error:
            raise PeerGone("peer_reset") from error
        if not data:
            raise PeerGone("peer_closed")
        self.buffer += data

    def check_peer(self):
        self._running()
        try:
            if self.socket.recv(1, socket.MSG_PEEK) == b"":
                raise PeerGone("peer_closed")
        except BlockingIOError:
            return
        except OSError as error:
            raise PeerGone("peer_reset") from error

    def send(self, data, call):
        view = memoryview(data)
        poller = select.poll()
        poller.register(self.socket, select.POLLOUT)
        while view:
            if not poller.poll(200):
                call.blocked.set()
                self._running()
                continue
            try:
                count = self.socket.send(view[:262144])
            except BlockingIOError:
                continue
            except OSError as error:
                raise PeerGone("peer_reset" if isinstance(error, ConnectionResetError) else "peer_closed") from error
            call.sent += count
            view = view[count:]

    def read_head(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._receive()
        head = bytes(self.buffer[:end + 4])
        del self.buffer[:end + 4]
        return head

    def _take(self, count):
        while len(self.buffer) < count:
            self._receive()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_body(self, call, limit, pace):
        while not call.body_complete and (limit is None or len(call.body) < limit):
            if pace:
                pace()
            if call.framing == "chunked":
                self._read_chunk(call)
                continue
            wanted = int(call.headers["content-length"]) if call.framing == "length" else 0
            if len(call.body) < wanted:
                if not self.buffer:
                    self._receive(min(262144, (limit or wanted) - len(call.body)))
                count = min(len(self.buffer), wanted - len(call.body))
                call.body += self._take(count)
            call.body_complete = len(call.body) >= wanted

    def _read_chunk(self, call):
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._take(1)
        if not re.fullmatch(rb"[0-9a-fA-F]+\r\n", line):
            call.model.violations.append(f"chunk size line {line!r}")
        size = int(line.split(b";")[0], 16)
        call.body += self._take(size)
        if self._take(2) != b"\r\n":
            call.model.violations.append("chunk without CRLF at its end")
        call.body_complete = size == 0


class FakeModel:
    def __init__(self, host="127.0.0.1", port=0, models=("fake-model",), receive_buffer=None, send_buffer=None):
        self.host, self.models = host, list(models)
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._scripts = collections.deque()
        self._default = [proper_answer()]
        self._buffers = (receive_buffer, send_buffer)
        self._threads = []
        self.connections = 0   # accepted since the start
        self.reset()
        self._listener = self._listen(port)
        self.port = self._listener.getsockname()[1]
        self._accepting = self._start(self._accept, self._listener)

    @property
    def url(self):
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def base(self):
        return self.url + "/v1"

    # --- what the next calls get
    def script(self, *steps, read_body=True, times=1):
        """The next call (or the next `times` calls) runs these steps. With read_body=False the body is left unread."""
        with self._lock:
            self._scripts.extend([(list(steps), read_body)] * times)

    def default(self, *steps):
        """What calls get that find no script; without steps the proper answer again."""
        self._default = list(steps) or [proper_answer()]

    def forget_scripts(self):
        with self._lock:
            self._scripts.clear()

    def reset(self):
        """Forgets scripts and records. Running calls and open connections stay."""
        with self._lock:
            self._scripts.clear()
            self._default = [proper_answer()]
            self.calls, self.listings, self.violations = [], [], []
            self.pages = {}   # path: text, or a function that makes it

    # --- what happened
    def wait_for_call(self, count=1, timeout=PATIENCE):
        """The count-th call since the last reset, as soon as its head has been read."""
        eventually(lambda: len(self.calls) >= count, f"call {count} at the model", timeout)
        return self.calls[count - 1]

    @property
    def only_call(self):
        assert len(self.calls) == 1, f"expected one call, there are {self.calls}"
        return self.calls[0]

    # --- life
    def refuse(self):
        """Stops listening: new connections are refused. Open ones stay."""
        self._listener.close()
        self._accepting.join(PATIENCE)

    def accept_again(self):
        self._listener = self._listen(self.port)
        self._accepting = self._start(self._accept, self._listener)

    def close(self):
        self.stopping.set()
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a fake model thread hangs"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _listen(self, port):
        listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receive_buffer, send_buffer = self._buffers
        if receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind((self.host, port))
        listener.listen(1024)
        listener.settimeout(0.05)
        return listener

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()
        return thread

    def _accept(self, listener):
        while not self.stopping.is_set():
            try:
                sock, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number, self.connections = self.connections, self.connections + 1
            self._start(self._serve, _Link(self, sock), number)

    def _serve(self, link, number):
        position = 0
        try:
            while self._serve_call(link, number, position):
                position += 1
        except (PeerGone, Stopped):
            pass
        finally:
            link.socket.close()

    def _serve_call(self, link, number, position):
        """True when the connection goes on."""
        head = link.read_head()
        call = Call(self, link, number, position)
        _understand(call, head)
        script, read_body = self._register(call)
        try:
            if read_body:
                call.read_body()
            for step in script:
                step(call)
            if not call.body_complete:
                call.read_body()
        except (PeerGone, EndConnection) as end:
            call.finish(end.how)
            return False
        except Stopped:
            call.finish("stopped")
            return False
        call.finish("completed")
        return True

    def _register(self, call):
        with self._lock:
            if call.method == "GET" and call.target.split("?")[0].endswith("/models"):
                self.listings.append(call)
                return [answer_json({"object": "list", "data": [
                    {"id": name, "object": "model", "created": 1, "owned_by": "fake"} for name in self.models]})], True
            if call.method == "GET":
                self.listings.append(call)
                text = self.pages.get(call.target)
                text = text() if callable(text) else text
                return [answer(text.encode(), content_type="text/plain") if text else refusal(404, "no such page")], True
            self.calls.append(call)
            return self._scripts.popleft() if self._scripts else (self._default, True)


def _understand(call, head):
    """Fills in the request and notes whatever a strict server would refuse."""
    note = call.model.violations.append
    call.head = head
    if re.search(rb"(?<!\r)\n|\r(?!\n)|\0", head):
        note(f"stray CR, LF or NUL in {head!r}")
    lines = head[:-4].decode("latin-1").split("\r\n")
    call.request_line = lines[0]
    match = re.fullmatch(r"([A-Z]+) (\S+) (HTTP/1\.[01])", lines[0])
    if not match:
        note(f"request line {lines[0]!r}")
    call.method, call.target, call.version = match.groups() if match else ("", "", "")
    pairs = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            note(f"header line {line!r}")
        pairs.append((name, value.strip()))
    call.headers = Headers(pairs)
    if len(call.headers.all("host")) != 1:
        note(f"{len(call.headers.all('host'))} Host headers")
    lengths = call.headers.all("content-length") + call.headers.all("transfer-encoding")
    if len(lengths) > 1:
        note(f"several length headers {lengths}")
    call.framing = ("chunked" if "transfer-encoding" in call.headers
                    else "length" if "content-length" in call.headers else "none")
    call.body_complete = call.framing == "none"


class BlackHole:
    """An address where connecting neither succeeds nor fails: a listener that never accepts and whose queue is full."""

    def __init__(self, host="127.0.0.1"):
        self._listener = socket.socket()
        self._listener.bind((host, 0))
        self._listener.listen(0)
        self.port = self._listener.getsockname()[1]
        self.base = f"http://{host}:{self.port}/v1"
        self._fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((host, self.port))
            self._fillers.append(filler)

    def close(self):
        for sock in [self._listener, *self._fillers]:
            sock.close()


def free_port(host="127.0.0.1"):
    """A port where nobody listens."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


# --- steps: bytes

def send(data):
    """Bytes as they are."""
    return lambda call: call.send(data)


def send_apart(data):
    """Byte by byte, each in a packet of its own as far as the kernel allows."""
    def step(call):
        for position in range(len(data)):
            call.send(data[position:position + 1])
    return step


def head(status=200, headers=(), reason="OK", version="HTTP/1.1"):
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = [f"{version} {status} {reason}"] + [f"{name}: {value}" for name, value in pairs]
    return send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


def stream_head(*headers, status=200, framing="chunked", content_type="text/event-stream"):
    """The head of a stream; framing chunked or close."""
    pairs = [("Content-Type", content_type), *headers]
    return head(status, pairs + ([("Transfer-Encoding", "chunked")] if framing == "chunked" else
                                 [("Connection", "close")]))


def chunk(data):
    """One HTTP chunk."""
    return send(http_chunk(data))


def end():
    """The last chunk."""
    return send(b"0\r\n\r\n")


def answer(body, status=200, headers=(), content_type="application/json", reason="OK"):
    """A whole answer with its length."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    text = "".join(f"{name}: {value}\r\n" for name, value in
                   [("Content-Type", content_type), ("Content-Length", len(body)), *pairs])
    return send(f"HTTP/1.1 {status} {reason}\r\n{text}\r\n".encode("latin-1") + body)


def answer_json(value, status=200, headers=(), reason="OK"):
    return answer(json.dumps(value).encode(), status, headers, reason=reason)


def refusal(status, message="the model says no", headers=(), **more):
    """An OpenAI-shaped error answer."""
    return answer_json({"error": {"message": message, "type": "model_error", "param": None, "code": None, **more}},
                       status, headers, reason="No")


def interim(status=102, reason="Processing"):
    return send(f"HTTP/1.1 {status} {reason}\r\n\r\n".encode())


# --- steps: events

def sse_bytes(value):
    return b"data: " + (value.encode() if isinstance(value, str) else json.dumps(value).encode()) + b"\n\n"


def sse(value):
    """One event as one HTTP chunk; text is sent as it is, anything else as JSON."""
    return chunk(sse_bytes(value))


def delta(text, model="fake-model", finish=None, **more):
    """A chat.completion.chunk; text None makes an empty delta."""
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [{"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}],
            **more}


def says(finish=None, **what):
    """An event with this delta, and no more than a model has to say."""
    return sse({"choices": [{"index": 0, "delta": what, "finish_reason": finish}]})


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def usage_event(model="fake-model", usage=None):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [],
            "usage": usage or USAGE}


def done():
    return sse("[DONE]")


def stream(*texts, usage=None):
    """The steps of a whole proper stream, as a list: script(*stream("a", "b"))."""
    return [stream_head(), *[sse(delta(text)) for text in texts], sse(delta(None, finish="stop")),
            *([sse(usage_event(usage=usage))] if usage else []), done(), end()]


# --- steps: waiting and ending

def wait(gate):
    """Goes on when the gate lets it, or ends when the gateway hangs up."""
    def step(call):
        gate.reached.release()
        while not gate._pass(0.005):
            call.check_peer()
    return step


def stall():
    """Nothing more, until the gateway hangs up."""
    def step(call):
        while True:
            call.check_peer()
            time.sleep(0.002)
    return step


def pause(seconds):
    """Not for synchronisation: for models that are slow by nature."""
    def step(call):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            call.check_peer()
            time.sleep(min(left, 0.005))
    return step


def endless(make=lambda number: http_chunk(sse_bytes(delta(f"{number} "))), gap=0.0):
    """Sends for ever; `gap` seconds between two sendings."""
    def step(call):
        number = 0
        while True:
            call.send(make(number))
            number += 1
            if gap:
                pause(gap)(call)
    return step


def read_body(limit=None, gate=None):
    """With script(read_body=False): reads the body, up to `limit` bytes, one permit of the gate a read."""
    return lambda call: call.read_body(limit, (lambda: wait(gate)(call)) if gate else None)


def _raise_end(how):
    raise EndConnection(how)


def cut():
    """FIN, wherever the answer stands."""
    return lambda call: _raise_end("cut")


def close():
    """FIN after a whole answer."""
    return lambda call: _raise_end("closed")


def reset():
    """RST, wherever the answer stands."""
    def step(call):
        call._link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        _raise_end("reset")
    return step


# --- proper answers

def proper_answer(text="Hello there, friend.", usage=None):
    """Answers chat, completions and embeddings as a good model does, streamed where the request says so."""
    return lambda call: [step(call) for step in _proper_steps(call, text, usage or USAGE)]


def _proper_steps(call, text, usage):
    try:
        asked = call.json
    except (ValueError, RecursionError):
        return [refusal(400, "not JSON")]
    model = asked.get("model", "")
    path = call.target.split("?")[0]
    if path.endswith("/embeddings"):
        texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        data = [{"object": "embedding", "index": n, "embedding": [0.5, -0.25, 1.0]} for n in range(len(texts))]
        return [answer_json({"object": "list", "model": model, "data": data,
                             "usage": {"prompt_tokens": 4, "total_tokens": 4}})]
    chat = path.endswith("/chat/completions")
    if not chat and not path.endswith("/completions"):
        return [refusal(404, "no such path at the model")]
    if asked.get("stream"):
        return _proper_stream(asked, model, text, usage, chat)
    choice = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    return [answer_json({"id": "cmpl-1", "object": "chat.completion" if chat else "text_completion", "created": 1,
                         "model": model, "choices": [{"index": 0, **choice, "finish_reason": "stop"}], "usage": usage})]


def _proper_stream(asked, model, text, usage, chat):
    def event(piece, finish=None):
        made = delta(piece, model, finish)
        if not chat:
            made = {**made, "object": "text_completion",
                    "choices": [{"index": 0, "text": piece or "", "finish_reason": finish}]}
        return sse(made)
    wants_usage = (asked.get("stream_options") or {}).get("include_usage")
    words = re.findall(r"\S+\s*", text)
    return [stream_head(), *[event(word) for word in words], event(None, "stop"),
            *([sse(usage_event(model, usage))] if wants_usage else []), done(), end()]
