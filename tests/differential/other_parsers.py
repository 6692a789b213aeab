"""Two well-known HTTP parsers behind one small face: llhttp (Node's, through httptools) and h11."""

import dataclasses

import h11
import httptools


class Refused(Exception):
    """The parser does not take these bytes."""


class Upgraded(Exception):
    """The parser took the head, and means that another protocol begins behind it."""


@dataclasses.dataclass
class Message:
    method: bytes = b""
    target: bytes = b""
    status: int = 0
    minor: int = 0
    headers: list = dataclasses.field(default_factory=list)  # (name, value), the value without white space around it
    keep_alive: bool = False
    body: bytes = b""
    head_whole: bool = False
    whole: bool = False  # its end was seen


class _Listener:
    def __init__(self):
        self.messages = []
        self.parser = None

    def on_message_begin(self):
        self.messages.append(Message())

    def on_url(self, url):
        self.messages[-1].target += url

    def on_header(self, name, value):
        if not self.messages[-1].head_whole:  # else it is a trailer
            self.messages[-1].headers.append((name, (value or b"").strip(b" \t")))

    def on_headers_complete(self):
        message = self.messages[-1]
        message.head_whole = True
        message.minor = int(self.parser.get_http_version()[-1])
        message.keep_alive = self.parser.should_keep_alive()
        if isinstance(self.parser, httptools.HttpRequestParser):
            message.method = self.parser.get_method()
        else:
            message.status = self.parser.get_status_code()

    def on_body(self, body):
        self.messages[-1].body += body

    def on_message_complete(self):
        self.messages[-1].whole = True


def llhttp(kind, stretches):
    """The messages that llhttp finds in these bytes, which come in stretches."""
    listener = _Listener()
    listener.parser = (httptools.HttpRequestParser if kind == "q" else httptools.HttpResponseParser)(listener)
    try:
        for stretch in stretches:
            listener.parser.feed_data(stretch)
    except httptools.HttpParserUpgrade:
        raise Upgraded() from None
    except httptools.HttpParserError as error:
        raise Refused(f"{type(error).__name__}: {error}") from None
    return listener.messages


def _take(connection, messages):
    """Adds what h11 has understood to `messages`."""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            return
        if isinstance(event, (h11.Request, h11.Response, h11.InformationalResponse)):
            message = Message(minor=int(event.http_version[-1:]), headers=list(event.headers.raw_items()))
            message.keep_alive = connection.their_state is not h11.MUST_CLOSE
            if isinstance(event, h11.Request):
                message.method, message.target = bytes(event.method), bytes(event.target)
            else:
                message.status, message.whole = event.status_code, isinstance(event, h11.InformationalResponse)
            messages.append(message)
        elif isinstance(event, h11.Data):
            messages[-1].body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            messages[-1].whole = True
            messages[-1].keep_alive = connection.their_state is not h11.MUST_CLOSE


def _next_cycle(connection, kind):
    """Makes h11 ready for another message, as if the first had been answered."""
    if connection.their_state is not h11.DONE:
        return
    if kind == "q":
        connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        connection.send(h11.EndOfMessage())
    connection.start_next_cycle()
    if kind == "s":
        _ask(connection)


def _ask(connection):
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())


def h11_parser(kind, stretches):
    """The messages that h11 finds in these bytes, which come in stretches."""
    connection = h11.Connection(h11.SERVER if kind == "q" else h11.CLIENT)
    messages = []
    try:
        if kind == "s":
            _ask(connection)
        for stretch in stretches:
            if messages and messages[-1].whole:
                _next_cycle(connection, kind)
            connection.receive_data(stretch)
            _take(connection, messages)
    except h11.ProtocolError as error:
        raise Refused(f"{type(error).__name__}: {error}") from None
    if connection.their_state is h11.MIGHT_SWITCH_PROTOCOL or connection.their_state is h11.SWITCHED_PROTOCOL:
        raise Upgraded()
    return messages
