"""A scripted KServe v2 server over gRPC, which does what real ones do not do on demand. It speaks HTTP/2 by `h2`.

    model = GrpcModel()
    model.script(lambda call: (call.stream("Hel"), call.stream("lo"), call.end()))

A script runs on a thread of its own, once for each call; calls without one are answered with "ok".
"""

import collections
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import hyperframe.frame

from wire import PATIENCE, eventually

SERVICE = "/inference.GRPCInferenceService/"


# ---- the messages, as far as tests need them -----------------------------------------------------------------------

def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(message):
    """[(number, bytes or number)] of a message without fixed-size fields."""
    at, out = 0, []

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = number()
        assert tag & 7 in (0, 2), "a message of varints and bytes"
        value = number()
        if tag & 7 == 2:
            value, at = message[at:at + value], at + value
        out.append((tag >> 3, value))
    return out


def answer(text, tensor="text_output"):
    data = text.encode()
    output = field(1, tensor.encode()) + field(2, b"BYTES") + field(3, b"\x01")
    return field(5, output) + field(6, len(data).to_bytes(4, "little") + data)


def frame(message, flag=0):
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


# ---- the server ----------------------------------------------------------------------------------------------------

class Call:
    def __init__(self, link, stream, headers):
        self.link, self.stream_id, self.headers = link, stream, headers
        self.path = headers[":path"]
        self.body = b""
        self.complete = threading.Event()  # the request has come
        self.ended = threading.Event()     # by the client, or with the connection
        self.reset = None                  # the code of the client's RST_STREAM
        self.begun = False
        self.seen = threading.Event()      # for tests: the client has what was sent so far

    @property
    def model(self):
        return next(value.decode() for number, value in fields(self.body[5:]) if number == 1)

    @property
    def prompt(self):
        return next(value[4:].decode() for number, value in fields(self.body[5:]) if number == 7)

    @property
    def target(self):
        return self.path

    @property
    def connection(self):
        return self.link.number

    def head(self, status="200", content_type="application/grpc"):
        self.begun = True
        self.link.do(lambda h: h.send_headers(self.stream_id, [(":status", status), ("content-type", content_type)]))

    def send(self, data):
        if not self.begun:
            self.head()
        while data:
            room = self.link.room(self.stream_id)
            if room == 0:
                if not self.link.wait_for_room():
                    return
                continue
            piece, data = data[:room], data[room:]
            self.link.do(lambda h, piece=piece: h.send_data(self.stream_id, piece))

    def infer(self, text):
        self.send(frame(answer(text)))

    def stream(self, text):
        self.send(frame(field(2, answer(text))))

    def end(self, status=0, message=""):
        trailers = [("grpc-status", str(status)), ("grpc-message", message)]
        if not self.begun:
            trailers = [(":status", "200"), ("content-type", "application/grpc"), *trailers]
        self.link.do(lambda h: h.send_headers(self.stream_id, trailers, end_stream=True))

    def break_off(self, code):
        self.link.do(lambda h: h.reset_stream(self.stream_id, code))

    def go_away(self, last):
        """GOAWAY; the stream goes on, which h2's own way would not let it."""
        self.link.raw(hyperframe.frame.GoAwayFrame(0, last_stream_id=last).serialize())

    def hang_up(self):
        self.link.close()

    def ping(self, count):
        for _ in range(count):
            if not self.link.do(lambda h: h.ping(b"12345678")):
                return

    def wait_ended(self):
        assert self.ended.wait(PATIENCE), "the call was not ended by the gateway"


class Link:
    """One connection: a thread that reads, and scripts that write."""

    def __init__(self, model, sock, number):
        self.model, self.sock, self.number = model, sock, number
        self.lock, self.news = threading.RLock(), threading.Event()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.calls = {}
        self.closed = False

    def do(self, work):
        """False: nobody is there any more."""
        try:
            with self.lock:
                work(self.h2)
                self.sock.sendall(self.h2.data_to_send())
            return True
        except Exception:  # whatever h2 and the socket say of a connection that is over
            return False

    def raw(self, data):
        with self.lock:
            self.sock.sendall(data)

    def room(self, stream):
        try:
            with self.lock:
                return min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
        except Exception:
            return 0

    def wait_for_room(self):
        self.news.clear()
        return not self.closed and self.news.wait(PATIENCE)

    def close(self):
        self.closed = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def serve(self):
        self.do(lambda h: h.initiate_connection())
        try:
            while data := self.sock.recv(65536):
                with self.lock:
                    happened = self.h2.receive_data(data)
                    self.sock.sendall(self.h2.data_to_send())
                for event in happened:
                    self.take(event)
                self.news.set()
        except (OSError, h2.exceptions.ProtocolError) as failure:
            if isinstance(failure, h2.exceptions.ProtocolError):
                self.model.violations.append(repr(failure))
        self.closed = True
        self.news.set()
        for call in self.calls.values():
            call.ended.set()
        self.sock.close()

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            headers = {name.decode(): value.decode() for name, value in event.headers}
            call = self.calls[event.stream_id] = Call(self, event.stream_id, headers)
            if call.path != SERVICE + "ServerReady":
                self.model.calls.append(call)
        call = self.calls.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.DataReceived):
            call.body += event.data
            self.do(lambda h: h.acknowledge_received_data(event.flow_controlled_length, event.stream_id))
        if isinstance(event, h2.events.StreamReset):
            call.reset = event.error_code
            call.ended.set()
        if isinstance(event, h2.events.StreamEnded):
            call.complete.set()
            if call.path == SERVICE + "ServerReady":
                call.send(frame(b"\x08\x01"))
                call.end()
            else:
                threading.Thread(target=self.model.run, args=(call,), daemon=True).start()


class GrpcModel:
    def __init__(self, tls=None):
        """`tls`: a certificates.Pair."""
        self.calls, self.violations = [], []
        self.scripts = collections.deque()
        self.links = []
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls.certificate, tls.key)
            self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://localhost:{self.listener.getsockname()[1]}".replace("http://localhost",
                                                                                                 "http://127.0.0.1")
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, *scripts):
        self.scripts.extend(scripts)

    def run(self, call):
        script = self.scripts.popleft() if self.scripts else None
        if script:
            script(call)
        else:
            call.stream("ok") if call.path.endswith("ModelStreamInfer") else call.infer("ok")
            call.end()

    def wait_for_call(self, count=1):
        eventually(lambda: len(self.calls) >= count and self.calls[count - 1].complete.is_set(), "the call")
        return self.calls[count - 1]

    @property
    def only_call(self):
        assert len(self.calls) == 1, f"expected one call, there are {self.calls}"
        return self.calls[0]

    def reset(self):
        self.calls.clear()
        self.scripts.clear()

    def close(self):
        self.listener.close()
        for link in self.links:
            link.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        if self.context:
            try:
                sock = self.context.wrap_socket(sock, server_side=True)
            except OSError:
                return
            if sock.selected_alpn_protocol() != "h2":
                self.violations.append(f"ALPN: {sock.selected_alpn_protocol()}")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(self, sock, len(self.links))
        self.links.append(link)
        link.serve()
