"""A client's connection, byte by byte: what was sent is known exactly, and what comes is read strictly.

Not a library's client, because those send again, read ahead or hide a connection's end, and then the books cannot
balance.
"""

import asyncio
import json
import re
import socket
import struct


class Broken(Exception):
    """The answer is not the protocol it should be."""


class Closed(Exception):
    """The gateway ended the connection; what came before is in the buffer or was read."""


class Link:
    def __init__(self, sock):
        self.socket, self.buffer, self.calls = sock, bytearray(), 0
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def connect(cls, address, receive_buffer=None):
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer:  # before connecting, so that the window is bound by it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    # --- sending and leaving
    async def send(self, data):
        try:
            await self._loop.sock_sendall(self.socket, data)
        except OSError as error:
            raise Closed(f"while sending: {error}") from error

    def leave(self, how):
        """fin: FIN and close; rst: reset; half: FIN, and never a look at the answer."""
        if how == "rst":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:  # also before a close: without it bytes that nobody has read yet would make a reset of it
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the other side was faster
        if how != "half":
            self.socket.close()

    def close(self):
        self.socket.close()

    # --- receiving
    async def receive(self, most=65536):
        try:
            data = await self._loop.sock_recv(self.socket, most)
        except OSError as error:
            raise Closed(f"reset: {error}") from error
        if not data:
            raise Closed("closed")
        self.buffer += data

    async def take(self, count):
        while len(self.buffer) < count:
            await self.receive()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def take_until(self, mark):
        start = 0
        while (end := self.buffer.find(mark, start)) < 0:
            start = max(0, len(self.buffer) - len(mark))
            await self.receive()
        return (await self.take(end + len(mark)))[:-len(mark)]

    async def read_head(self):
        """(status, headers as a dict with lower-case names)."""
        lines = (await self.take_until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) ?.*", lines[0])
        if not match:
            raise Broken(f"status line {lines[0]!r}")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name.lower() in headers:
                raise Broken(f"header line {line!r}")
            headers[name.lower()] = value.strip()
        return int(match[1]), headers

    async def read_chunk(self):
        """One HTTP chunk; b"" is the last one."""
        line = await self.take_until(b"\r\n")
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", line):
            raise Broken(f"chunk size {line[:60]!r}")
        size = int(line, 16)
        data = await self.take(size)
        if await self.take(2) != b"\r\n":
            raise Broken("a chunk does not end in CRLF")
        return data


def request_head(address, key, request_id, length, path="/v1/chat/completions"):
    """The head's bytes; length None means a chunked body."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nAuthorization: Bearer {key}\r\n"
            f"X-Request-Id: {request_id}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n").encode()


def event_of(chunk):
    """What an SSE client makes of a chunk: None for a comment, text for [DONE], else the parsed event. A chunk that is
    not exactly one event is broken: Dify's client reads chunk by chunk."""
    text = chunk.decode("utf-8")
    if not text.endswith("\n\n") or text.count("\n\n") != 1:
        raise Broken(f"not exactly one event in a chunk: {chunk[:200]!r}")
    if text.startswith(":"):
        return None
    if not text.startswith("data: ") or text.count("\n") != 2:
        raise Broken(f"not a one-line data event: {chunk[:200]!r}")
    data = text[6:-2]
    return data if data == "[DONE]" else json.loads(data)
