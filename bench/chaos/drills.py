"""After the chaos: does everybody serve again, and does the gateway get by when just one thing is down?"""

import asyncio
import functools

from . import settings
from .rooms import Room
from .waiting import eventually, everybody_calls, metrics_of, settled


async def serve_again(world):
    """A whole stream from each sort of model; for a while, because limits may still be used up, and a machine be busy. Returns
    those that gave none."""
    missing = []
    for room in ("fake", "real") if world.has_real else ("fake",):
        async def served(room=room):
            return (await world.people[0].one_call("stream", room)).end == "ok"
        if not await eventually(served):
            missing.append(room)
    return missing


async def drills(world, seconds):
    """One thing is down and the rest is well: nobody may get an error for it. An endpoint dies unnoticed, so that calls
    find out; a whole room is known to be down before the first call comes."""
    world.hang_up()
    await world.reload(settings.drill(world.config), "ok")
    found = []
    for sort in sorted({model.sort for model in world.models}):
        first = next(model for model in world.models if model.sort == sort)
        lone = Room(first.name)
        lone.forwarders.append(first.forwarder)
        found.append((f"with {first.name} dead, calls are served", await _drill(world, lone, seconds, known=False)))
    for room in world.rooms:
        found.append((f"with {room.name} cut, the other one serves", await _drill(world, room, seconds, known=True)))
    if world.cable:
        room = _Pulled(world.cable, next(room for room in world.rooms if room.cable))
        found.append((f"with {room.name} pulled out, the other one serves", await _drill(world, room, seconds, known=True)))
    await world.reload(world.config, "ok")
    return found


class _Pulled:
    """A room whose cable is pulled, where a room is cut."""

    def __init__(self, cable, room):
        self.name, self.forwarders, self._cable = room.name, room.forwarders, cable

    async def cut(self):
        self._cable.pull()

    async def mend(self):
        self._cable.plug()


async def _drill(world, room, seconds, known):
    await settled(world)
    await room.cut()
    try:
        if known and not await eventually(functools.partial(_are_down, world, len(room.forwarders))):
            return ["its endpoints are still taken for well"]
        world.calm = True
        await everybody_calls(world, seconds)
        world.calm = False
        missing = await serve_again(world)
    finally:
        world.calm = False
        await room.mend()
    return [f"{sort}: no call was served" for sort in missing]


async def _are_down(world, count):
    """As the health probes see it."""
    metrics = await metrics_of(world)
    return sum(metrics[key] == 0 for key in metrics.find("intragate_endpoint_up")) == count
