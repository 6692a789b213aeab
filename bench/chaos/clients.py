"""The clients: a bounded number of people, each making one call after the other, well-behaved or not, and noting in the
ledger what they sent and saw."""

import asyncio
import json
import random

from . import settings
from .calls import Call
from .link import Closed, Link, request_head
from .models import FAKE, REAL
from .reading import Leave, read_answer

# How often each kind is chosen.
KINDS = {
    "stream": 24, "plain": 14, "slow reader": 6, "large body": 4,
    "leaves in mid-head": 2, "leaves in mid-body": 4, "leaves at once": 4, "leaves while waiting": 7,
    "leaves at the head": 4, "leaves in mid-stream": 9, "leaves unread": 4, "half-closes": 3,
    "wrong key": 2, "unknown model": 2, "no JSON": 2, "unknown path": 1,
}
LEAVERS = [kind for kind in KINDS if kind.startswith(("leaves", "half"))]
REFUSED = {"wrong key": (401, "invalid_api_key"), "unknown model": (404, "model_not_found"),
           "no JSON": (400, "invalid_json"), "unknown path": (404, "unknown_path")}


class Person:
    """One client. Everything it decides comes from its own seeded generator."""

    def __init__(self, world, number):
        self._world, self._number, self._count = world, number, 0
        self._rng = random.Random(f"{world.seed}/client/{number}")
        self._link = None    # kept open for the next call

    async def live(self, until):
        """One call after the other until the event is set."""
        try:
            while not until.is_set():
                await self.one_call(self._rng.choices(list(KINDS), KINDS.values())[0])
                await asyncio.sleep(self._rng.expovariate(1 / self._world.pause))
        finally:
            self.hang_up()

    def hang_up(self):
        if self._link:
            self._link.close()
            self._link = None

    async def one_call(self, kind, room=None):
        """Makes the call and has it in the ledger whatever happens."""
        call, body, head = self._compose(kind, room)
        self._world.ledger.append(call)
        calm, keep = self._world.calm, False
        try:
            async with asyncio.timeout(settings.LONGEST_CALL * self._world.patience):
                self._link = await self._connect(call)
                keep = await self._talk(call, head, body)
        except TimeoutError:
            call.trouble.append("hung: no end within the longest time a call may take")
        except OSError as error:
            call.trouble.append(f"connecting: {error}")
        call.undisturbed = calm and self._world.calm
        if not keep:
            self.hang_up()
        return call

    # --- what is asked
    def _compose(self, kind, room):
        rng, self._count = self._rng, self._count + 1
        room = "none" if kind in REFUSED else room or self._room(kind)
        key = rng.choice(list(settings.KEYS))
        variable, trusted = settings.KEYS[key]
        user = rng.choice(settings.USERS)
        stream = kind not in ("plain", "large body") and (kind not in LEAVERS or rng.random() < 0.8) and room != "none"
        if kind in ("leaves in mid-stream", "leaves unread"):
            stream = True
        call = Call(id=f"chaos-{self._number:02d}-{self._count:06d}", kind=kind, room=room, key=key, stream=stream,
                    model={"fake": FAKE, "real": REAL}.get(room, "nobody"), user=user if trusted else "")
        body = json.dumps(self._body(call, user)).encode()
        if kind == "no JSON":
            body = b'{"model": "fake", "messages": [' + b"x" * rng.randrange(50)
        call.body_bytes = len(body)
        secret = settings.SECRETS[variable] if kind != "wrong key" else "sk-chaos-not-a-key"
        chunked = rng.random() < 0.2
        head = request_head(self._world.address, secret, call.id, None if chunked else len(body),
                            "/v1/no/such/path" if kind == "unknown path" else "/v1/chat/completions")
        if chunked:
            half = len(body) // 2
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part) + b"0\r\n\r\n"
        return call, body, head

    def _room(self, kind):
        if not self._world.has_real or kind in ("slow reader", "leaves unread"):
            return "fake"
        return self._rng.choices(("fake", "real"), (7, 3))[0]

    def _body(self, call, user):
        """Answers are short, or long enough to be left; those of slow readers are larger than all buffers on the way."""
        rng = self._rng
        long_one = call.kind in LEAVERS
        call.pieces = rng.randint(40, 120) if long_one else rng.randint(1, 30)
        call.piece_bytes = rng.choice((0, 0, 200))
        gap = rng.choice((5, 20, 50) if long_one else (0, 0, 2, 10))
        if call.kind in ("slow reader", "leaves unread"):
            call.pieces, call.piece_bytes, gap = rng.randint(60, 150), 8000, 0
        body = {"model": call.model, "messages": [{"role": "user", "content": "Count." + " word" * rng.randrange(60)}],
                "max_tokens": 48 if long_one else rng.randint(4, 24), "user": user, "stream": call.stream,
                "chaos": {"tag": call.tag, "pieces": call.pieces, "extra": call.piece_bytes, "gap_ms": gap,
                          "pad": "x" * self._padding(call.kind)}}
        if call.stream and rng.random() < 0.5:
            body["stream_options"] = {"include_usage": True}
        return body

    def _padding(self, kind):
        """Makes bodies that do not fit into one packet. No prompt: a real model's context is short."""
        if kind == "large body":
            return self._rng.randrange(50_000, 400_000)
        return self._rng.choice((0, 2_000, 100_000)) if kind == "leaves in mid-body" else 0

    # --- how it is asked
    async def _connect(self, call):
        if self._link and call.kind not in ("slow reader", "leaves unread"):
            call.kept = True
            return self._link
        self.hang_up()
        small = 16384 if call.kind in ("slow reader", "leaves unread") else None
        return await Link.connect(self._world.address, small)

    async def _talk(self, call, head, body):
        """Returns whether the connection can serve another call."""
        try:
            await self._send(call, head, body)
            if call.left:
                return False
            pause = 0.02 if call.kind == "slow reader" else 0.0
            return await self._read(call, pause)
        except Leave:
            self._leave(call)
        except Closed as end:
            call.trouble.append(str(end))
        return False

    async def _send(self, call, head, body):
        link, rng = self._link, self._rng
        if call.kind == "leaves in mid-head":
            await link.send(head[:rng.randrange(1, len(head) - 2)])
            return await self._leave_after(call, rng.choice((0, 0.02)))
        if call.kind == "leaves in mid-body":
            cut = rng.randrange(len(body))
            await link.send(head + body[:cut])
            call.head_sent = True
            return await self._leave_after(call, rng.choice((0, 0, 0.05, 0.5)))
        if call.kind == "large body":
            await link.send(head)
            call.head_sent = True
            for start in range(0, len(body), 16384):
                await link.send(body[start:start + 16384])
                await asyncio.sleep(0.001)
        else:
            await link.send(head + body)
        call.head_sent = call.body_sent = True

    async def _read(self, call, pause):
        rng = self._rng
        if call.kind == "leaves at once":
            return self._leave(call)
        if call.kind in ("leaves while waiting", "leaves unread", "half-closes"):
            return await self._leave_after(call, rng.choice((0.001, 0.01, 0.05, 0.2, 0.8, 2.0)))
        chunks = rng.randrange(1, 20)

        def patience(seen):
            if call.kind == "leaves at the head" or call.kind == "leaves in mid-stream" and seen.seen_events >= chunks:
                raise Leave
        return await read_answer(self._link, call, patience=patience, pause=pause)

    async def _leave_after(self, call, seconds):
        await asyncio.sleep(seconds)
        self._leave(call)

    def _leave(self, call):
        call.left = "half" if call.kind == "half-closes" else self._rng.choice(("fin", "fin", "rst"))
        self._link.leave(call.left)
        if call.left == "half":
            self._world.keep_half_closed(self._link)  # stays open: only the FIN says that it left
            self._link = None
        return False
