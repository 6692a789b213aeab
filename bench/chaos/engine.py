"""The run: warm up, break everything, heal, wait until it is quiet, and balance the books."""

import asyncio
import dataclasses
import time

from .closing import files_of, judge_books, judge_quiet, leave_evidence, resident_bytes
from .disturbers import Disturbers
from .drills import drills, serve_again
from .waiting import Gone, everybody_calls, settled
from .world import World

from gateway import run as run_binary  # noqa: E402  of tests/e2e


@dataclasses.dataclass
class Outcome:
    version: str = ""
    seed: object = None
    seconds: float = 0.0
    disturbed_seconds: float = 0.0
    ledger: list = dataclasses.field(default_factory=list)
    records: list = dataclasses.field(default_factory=list)  # of calls
    chain: list = dataclasses.field(default_factory=list)    # and of events
    disturbances: dict = dataclasses.field(default_factory=dict)
    invariants: list = dataclasses.field(default_factory=list)  # (what must hold, complaints)
    notes: list = dataclasses.field(default_factory=list)

    @property
    def failed(self):
        return [name for name, wrong in self.invariants if wrong]


async def run(folder, binary, *, seed, warm_up, disturbed, drill, **options):
    """A whole run; `warm_up`, `disturbed` and `drill` are its phases' seconds. What it leaves is in `folder`."""
    begun = time.monotonic()
    outcome = Outcome(seed=seed)
    world = World(folder, binary, seed=seed, **options)
    try:
        await world.start()
        outcome.version = run_binary("version").stdout.split("\n")[0]
        await _phases(world, outcome, warm_up, disturbed, drill)
    finally:
        await world.end()
        if world.gateway and world.gateway.process.poll() is None:
            world.gateway.process.kill()
            world.gateway.process.wait()
        outcome.seconds = time.monotonic() - begun
        leave_evidence(world, outcome)
    return outcome


async def _phases(world, outcome, warm_up, disturbed, drill):
    watching = asyncio.create_task(world.watch.work())
    try:
        resident, files = await _warm_up(world, warm_up)
        await _chaos(world, outcome, disturbed)
        outcome.invariants.append(("each model serves again", await serve_again(world)))
        if drill:
            outcome.invariants += await drills(world, drill)
        world.hang_up()
        await settled(world)
        await judge_quiet(world, outcome, resident, files)
    except Gone:
        pass
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    await judge_books(world, outcome)
    outcome.notes.append("most at one moment: " + ", ".join(f"{value} {name}" for name, value in world.watch.most.items()))
    outcome.notes += world.left_out


async def _warm_up(world, seconds):
    """Calls without troubles. Returns what the gateway holds when it has worked and rests: memory, open files."""
    world.say("warm-up")
    await settled(world)
    world.calm = True
    await everybody_calls(world, seconds)
    world.calm = False
    await settled(world)
    return await asyncio.to_thread(resident_bytes, world), await asyncio.to_thread(files_of, world)


async def _chaos(world, outcome, seconds):
    world.say("chaos")
    disturbers = Disturbers(world)
    start = time.monotonic()
    outcome.disturbances = disturbers.count
    try:
        await everybody_calls(world, seconds, disturbers)
    finally:
        outcome.disturbed_seconds = time.monotonic() - start
        outcome.invariants.append(("every disturbance was healed, every reload ended as it should", disturbers.failures))
    world.say("quiet")
    await settled(world)
