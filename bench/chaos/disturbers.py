"""What goes wrong around the gateway: one function for each kind of trouble. Each ends by healing what it broke.

The order of troubles and their choices come from the seed; when exactly they hit does not, because real processes and
sockets are part of the run.
"""

import asyncio
import contextlib
import random
import signal

from . import settings
from .models import FakeProcess

AT_ONCE = 3  # troubles at the same time


@contextlib.contextmanager
def taken(models):
    """The models are nobody else's to disturb meanwhile."""
    for model in models:
        model.taken = True
    try:
        yield
    finally:
        for model in models:
            model.taken = False


def _free(world, sort=None):
    """The models that nobody disturbs, in a stable order."""
    return [model for model in world.models if not model.taken and sort in (None, model.sort)]


async def kill_a_model(world, rng):
    """SIGKILL, refused for a while, then a new process on the same port."""
    model = _choose(rng, _free(world))
    if not model:
        return None
    with taken([model]):
        await model.kill()
        await asyncio.sleep(rng.uniform(0.2, 3))
        await model.restart()
    return model.name


async def freeze_a_model(world, rng):
    """SIGSTOP and SIGCONT: connections stand, the kernel acknowledges, nobody answers."""
    model = _choose(rng, _free(world))
    if not model:
        return None
    with taken([model]):
        model.freeze()
        try:
            await asyncio.sleep(rng.uniform(0.2, 5))
        finally:
            model.thaw()
    return model.name


async def sicken_a_model(world, rng):
    """A fake model whose answers break in every way: RST, cut in an event, garbage, silence, errors."""
    model = _choose(rng, _free(world, FakeProcess.sort))
    if not model:
        return None
    with taken([model]):
        model.tell(f"sick {rng.uniform(0.2, 0.9):.2f}")
        try:
            await asyncio.sleep(rng.uniform(2, 6))
        finally:
            model.tell("well")
    return model.name


async def reset_connections(world, rng):
    """RST on (a share of) the connections to one model; the model itself is well."""
    model = rng.choice(world.models)
    return f"{model.forwarder.reset(rng.choice((0.3, 1.0)), rng)} of {model.name}"


async def cut_a_room(world, rng):
    """All its connections reset, new ones refused."""
    room = rng.choice(world.rooms)
    await room.cut()
    try:
        await asyncio.sleep(rng.uniform(0.3, 4))
    finally:
        await room.mend()
    return room.name


async def darken_a_room(world, rng):
    """No byte goes through, and nobody says so; later what is still wanted arrives."""
    room = rng.choice(world.rooms)
    room.go_dark()
    try:
        await asyncio.sleep(rng.uniform(0.3, 5))
    finally:
        room.lighten()
    return room.name


async def pull_the_cable(world, rng):
    """The link to the room that stands in a network namespace goes down: no packet, no word, until it is up again."""
    if not world.cable:
        return None
    async with world.pulling:
        world.cable.pull()
        try:
            await asyncio.sleep(rng.uniform(0.3, 6))
        finally:
            world.cable.plug()
    return next(room.name for room in world.rooms if room.cable)


async def take_a_name_away(world, rng):
    """The name of an endpoint resolves no more; connections that stand go on."""
    if not world.names:
        return None
    world.names.remove()
    try:
        world.names.model.forwarder.reset()  # or kept connections would hide it
        await asyncio.sleep(rng.uniform(1, 4))
    finally:
        world.names.restore()
    return settings.NAMED_HOST


async def change_the_configuration(world, rng):
    """A reload with other limits, weights, slots, or without a model or a key; later the first configuration comes back.
    Sometimes the signal comes more than once."""
    async with world.reloading:
        what, config = settings.changed(world.config, rng)
        await world.reload(config, "ok")
        for _ in range(rng.choice((0, 0, 3))):
            world.gateway.terminate(signal.SIGHUP)
        await asyncio.sleep(rng.uniform(0.2, 3))
        await world.reload(world.config, "ok")
    return what


async def break_the_configuration(world, rng):
    """A file that must be refused; the old configuration goes on."""
    async with world.reloading:
        what, config = settings.broken(world.config, rng)
        await world.reload(config, "refused")
        await world.reload(world.config, "ok")
    return what


async def a_crowd(world, rng):
    """Many clients at once, who all leave in the same moment."""
    count = rng.randrange(10, 40)
    await world.crowd(count, rng.choice(("leaves in mid-stream", "leaves while waiting", "leaves at once")))
    return str(count)


KINDS = {
    "model killed (SIGKILL)": (kill_a_model, 4), "model frozen (SIGSTOP)": (freeze_a_model, 4),
    "model sick": (sicken_a_model, 6), "connections reset": (reset_connections, 4), "room cut": (cut_a_room, 3),
    "room dark": (darken_a_room, 3), "room's cable pulled": (pull_the_cable, 3), "name gone": (take_a_name_away, 2),
    "configuration changed": (change_the_configuration, 5), "configuration broken": (break_the_configuration, 2),
    "crowd": (a_crowd, 2),
}


def _choose(rng, things):
    return rng.choice(things) if things else None


class Disturbers:
    """Starts troubles at random, a few at a time, and heals all of them at the end."""

    def __init__(self, world):
        self._world, self._rng, self._running = world, random.Random(f"{world.seed}/disturbers"), set()
        self.count = {name: 0 for name in KINDS}
        self.failures = []

    async def work(self, until):
        weights = [weight for _, weight in KINDS.values()]
        while not until.is_set():
            name = self._rng.choices(list(KINDS), weights)[0]
            task = asyncio.create_task(self._one(name, random.Random(self._rng.random())))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.sleep(self._rng.uniform(0.2, 1.5))
            while len(self._running) >= AT_ONCE:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        await self.heal()

    async def heal(self):
        if self._running:
            await asyncio.wait(set(self._running))

    async def _one(self, name, rng):
        try:
            detail = await KINDS[name][0](self._world, rng)
        except Exception as error:  # what the harness or the gateway could not do is told at the end
            self.failures.append(f"{name}: {type(error).__name__}: {error}")
            return
        if detail is not None:
            self.count[name] += 1
            self._world.say(f"  {name}: {detail}")
