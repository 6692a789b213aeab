"""The parts of one run in one place: models in their rooms, the gateway between, clients in front, the ledger."""

import asyncio
import collections
import functools
import os
import sys

from . import cable, names, settings, watch
from .clients import Person
from .models import FakeProcess, RealModel, start_child
from .rooms import Room

from gateway import Gateway  # noqa: E402  of tests/e2e
from parts import GATEWAY_ENV  # noqa: E402


class World:
    def __init__(self, folder, binary, *, seed, clients, real_models=2, fake_models=3, pause=0.1, quiet=False):
        self.folder, self.binary, self.seed = folder, binary, seed
        self.pause, self._quiet = pause, quiet
        self.models = [RealModel(f"{settings.REAL}/{n}") for n in range(real_models)]
        self.models += [FakeProcess(f"{settings.FAKE}/{n}", f"{seed}/fake/{n}") for n in range(fake_models)]
        self.has_real = real_models > 0
        self.rooms = [Room(zone) for zone in settings.ZONES]
        for model in self.models:  # each model has endpoints in both rooms
            room = self.rooms[int(model.name.split("/")[1]) % 2]
            room.forwarders.append(model.forwarder)
            model.zone = room.name
        self.sanitized = watch.is_sanitized(binary)
        self.patience = 4 if self.sanitized else 1
        self.ledger = []
        self.calm = False         # nothing is being broken: calls must go well
        self.reloading, self.pulling = asyncio.Lock(), asyncio.Lock()
        self.people = [Person(self, number) for number in range(clients)]
        self._strangers = clients
        self._half_closed = collections.deque()
        self.gateway = self.names = self.config = self.watch = self.cable = None
        self.left_out = []        # troubles that this user cannot make, as sentences

    def say(self, text):
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    async def start(self):
        self.folder.mkdir(parents=True)
        self.cable, why_not = await start_child(cable.lay)
        if self.cable:
            self.rooms[1].move_behind(self.cable)
        else:
            self._leave_out(why_not)
        for model in self.models:
            await model.start()
            await model.forwarder.open()
        if names.possible():
            model = self.models[-1]
            model.name_of_host, self.names = settings.NAMED_HOST, names.Names(self.folder, model)
        else:
            self._leave_out("no right to make mounts: names did not stop resolving")
        self.config = settings.base(self.models)
        os.environ["INTRAGATE_BINARY"] = str(names.launcher(self.folder, self.binary, self.names))
        self.gateway = await start_child(functools.partial(
            Gateway.start, self.config, {**settings.SECRETS, **GATEWAY_ENV}, directory=self.folder / "gateway"))
        self.watch = watch.Watch(self.gateway)

    def _leave_out(self, why):
        self.left_out.append(why)
        self.say(f"left out: {why}")

    @property
    def address(self):
        return self.gateway.address

    async def reload(self, config, expect):
        if self.watch.fatal.is_set():
            raise OSError("the gateway is gone")
        await asyncio.to_thread(self.gateway.reload, config, expect=expect)

    async def crowd(self, count, kind):
        """Clients that come together, make one call and are gone."""
        crowd = [Person(self, self._strangers + n) for n in range(count)]
        self._strangers += count
        await asyncio.gather(*(person.one_call(kind) for person in crowd))
        for person in crowd:
            person.hang_up()

    def keep_half_closed(self, link):
        """Its FIN alone must be enough, so it stays open a while; not for ever, for files are limited."""
        self._half_closed.append(link)
        if len(self._half_closed) > 20:
            self._half_closed.popleft().close()

    def hang_up(self):
        for person in self.people:
            person.hang_up()
        while self._half_closed:
            self._half_closed.pop().close()

    async def end(self):
        """Ends everything that was started, whatever state it is in."""
        self.hang_up()
        for model in self.models:
            await model.forwarder.close()
            await asyncio.to_thread(model.stop)
        if self.cable:
            self.cable.remove()
