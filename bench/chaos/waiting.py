"""Phases have an end: so long, or until something holds under a deadline, or until the gateway is gone."""

import asyncio
import contextlib
import time

from . import invariants

SETTLING = 60.0  # seconds until everything must be quiet; the longest deadline of a call is shorter


class Gone(Exception):
    """The gateway is dead or answers no more: what is left to do is to look at what it wrote."""


async def everybody_calls(world, seconds, disturbers=None):
    """Everybody calls for so long, or until the gateway is gone."""
    over = asyncio.Event()
    tasks = [asyncio.create_task(person.live(over)) for person in world.people]
    if disturbers:
        tasks.append(asyncio.create_task(disturbers.work(over)))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(world.watch.fatal.wait(), seconds)
    over.set()
    await asyncio.gather(*tasks)
    still_there(world)


def still_there(world):
    if world.watch.fatal.is_set():
        raise Gone


async def eventually(condition, seconds=SETTLING):
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def settled(world):
    """Waits until nothing is held any more, or for so long that the invariants will say what is."""
    async def quiet():
        still_there(world)
        return invariants.is_quiet(await metrics_of(world))
    await eventually(quiet)


async def metrics_of(world):
    try:
        return await asyncio.to_thread(world.gateway.metrics)
    except OSError as error:
        world.watch.give_up(f"the admin address: {error}")
        raise Gone from error
