"""The rooms where models stand: one TCP forwarder in front of each, which the harness can cut or let go dark.

A forwarder on loopback needs no privileges; to the gateway a room that is cut looks like a machine that went down
(connections refused, open ones reset), a dark one like a network that swallows packets. With root the forwarders of one
room stand in a network namespace of their own, and its cable can be pulled (cable.py).
"""

import asyncio
import random
import socket
import struct

PIECE = 65536


def quiet_port(rng=random.Random()):
    """A free port below the range from which the kernel takes ports for connections: it can be given up and taken again."""
    while True:
        port = rng.randrange(20000, 30000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Forwarder:
    """Everything that comes to its port goes to the model's port, both ways, with back-pressure and the same ends."""

    def __init__(self, target_port):
        self.host, self.port, self._target = "127.0.0.1", quiet_port(), target_port
        self.make_socket = socket.socket
        self._listener = self._accepting = None
        self._holds = 0          # who keeps the port closed: a killed model, a room that is cut, or both
        self._darkness = 0       # the same for silence
        self._pairs = set()
        self._light = asyncio.Event()
        self._light.set()
        self._loop = asyncio.get_running_loop()

    async def open(self):
        """Listens. Another program may have the port for a moment: then a little later."""
        for _ in range(200):
            listener = self.make_socket()
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self.host, self.port))
            except OSError:
                listener.close()
                await asyncio.sleep(0.05)
                continue
            listener.listen(1024)
            self._listener = listener
            self._accepting = asyncio.create_task(self._accept(listener))
            return
        raise OSError(f"port {self.port} of a forwarder was taken by somebody else")

    async def hold(self):
        """New connections are refused until release(); open ones stay."""
        self._holds += 1
        accepting, listener, self._accepting = self._accepting, self._listener, None
        if accepting:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            listener.close()

    async def release(self):
        self._holds -= 1
        if self._holds == 0:
            await self.open()

    def reset(self, share=1.0, rng=random):
        """RST to both ends of (a share of) the open connections. Returns how many that were."""
        chosen = [pair for pair in self._pairs if rng.random() < share]
        for pair in chosen:
            for sock in pair.sockets:
                _abort(sock)
            pair.task.cancel()
        return len(chosen)

    def go_dark(self):
        """Bytes stay where they are, both ways, until lighten()."""
        self._darkness += 1
        self._light.clear()

    def lighten(self):
        self._darkness -= 1
        if self._darkness == 0:
            self._light.set()

    async def close(self):
        await self.hold()
        tasks = [pair.task for pair in self._pairs]
        self.reset()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, listener):
        while True:
            client, _ = await self._loop.sock_accept(listener)
            pair = _Pair(client)
            pair.task = asyncio.create_task(self._serve(pair))
            self._pairs.add(pair)

    async def _serve(self, pair):
        client, model = pair.sockets[0], socket.socket()
        pair.sockets.append(model)
        for sock in pair.sockets:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pumps = []
        try:
            await self._light.wait()
            await self._loop.sock_connect(model, ("127.0.0.1", self._target))
            pumps = [asyncio.create_task(self._pump(client, model)), asyncio.create_task(self._pump(model, client))]
            ended, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in ended:
                pump.result()
        except OSError:
            for sock in pair.sockets:
                _abort(sock)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._pairs.discard(pair)
            for sock in pair.sockets:
                sock.close()

    async def _pump(self, source, sink):
        while data := await self._loop.sock_recv(source, PIECE):
            await self._light.wait()
            await self._loop.sock_sendall(sink, data)


class _Pair:
    def __init__(self, client):
        self.sockets, self.task = [client], None


def _abort(sock):
    """The next close sends RST."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass  # closed already


class Room:
    """Some forwarders that fail together: a zone of the configuration."""

    def __init__(self, name):
        self.name, self.forwarders, self.cable = name, [], None

    def move_behind(self, cable):
        """Before the forwarders open."""
        self.cable = cable
        for forwarder in self.forwarders:
            forwarder.host, forwarder.make_socket = cable.address, cable.socket

    async def cut(self):
        for forwarder in self.forwarders:
            await forwarder.hold()
            forwarder.reset()

    async def mend(self):
        for forwarder in self.forwarders:
            await forwarder.release()

    def go_dark(self):
        for forwarder in self.forwarders:
            forwarder.go_dark()

    def lighten(self):
        for forwarder in self.forwarders:
            forwarder.lighten()
