"""The run: warm up, break everything, heal, wait until it is quiet, and balance the books."""

import asyncio
import contextlib
import dataclasses
import functools
import json
import time

from . import invariants, settings
from .disturbers import Disturbers
from .rooms import Room
from .watch import open_files
from .world import World

from gateway import run as run_binary  # noqa: E402  of tests/e2e

SETTLING = 60.0  # seconds until everything must be quiet; the longest deadline of a call is shorter


@dataclasses.dataclass
class Outcome:
    version: str = ""
    seed: object = None
    seconds: float = 0.0
    disturbed_seconds: float = 0.0
    ledger: list = dataclasses.field(default_factory=list)
    records: list = dataclasses.field(default_factory=list)
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
        _leave_evidence(world, outcome)
    return outcome


class _Gone(Exception):
    """The gateway is dead or answers no more: what is left to do is to look at what it wrote."""


async def _phases(world, outcome, warm_up, disturbed, drill):
    watching = asyncio.create_task(world.watch.work())
    try:
        resident, files = await _warm_up(world, warm_up)
        await _chaos(world, outcome, disturbed)
        outcome.invariants.append(("each model serves again", await _serve_again(world)))
        if drill:
            outcome.invariants += await _drills(world, drill)
        world.hang_up()
        await _settled(world)
        await _judge_quiet(world, outcome, resident, files)
    except _Gone:
        pass
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    await _judge_books(world, outcome)
    outcome.notes.append("most at one moment: " + ", ".join(f"{value} {name}" for name, value in world.watch.most.items()))
    if not world.names:
        outcome.notes.append("no right to make mounts: names did not stop resolving")


async def _warm_up(world, seconds):
    """Calls without troubles. Returns what the gateway holds when it has worked and rests: memory, open files."""
    world.say("warm-up")
    await _settled(world)
    world.calm = True
    await _clients(world, seconds)
    world.calm = False
    await _settled(world)
    return await asyncio.to_thread(_resident, world), await asyncio.to_thread(_files, world)


async def _chaos(world, outcome, seconds):
    world.say("chaos")
    disturbers = Disturbers(world)
    start = time.monotonic()
    outcome.disturbances = disturbers.count
    try:
        await _clients(world, seconds, disturbers)
    finally:
        outcome.disturbed_seconds = time.monotonic() - start
        outcome.invariants.append(("every disturbance was healed, every reload ended as it should", disturbers.failures))
    world.say("quiet")
    await _settled(world)


async def _clients(world, seconds, disturbers=None):
    """Everybody calls for so long, or until the gateway is gone."""
    over = asyncio.Event()
    tasks = [asyncio.create_task(person.live(over)) for person in world.people]
    if disturbers:
        tasks.append(asyncio.create_task(disturbers.work(over)))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(world.watch.fatal.wait(), seconds)
    over.set()
    await asyncio.gather(*tasks)
    _still_there(world)


def _still_there(world):
    if world.watch.fatal.is_set():
        raise _Gone


async def _eventually(condition, seconds=SETTLING):
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def _settled(world):
    """Waits until nothing is held any more, or for so long that the invariants will say what is."""
    async def quiet():
        _still_there(world)
        return invariants.is_quiet(await _metrics(world))
    await _eventually(quiet)


async def _metrics(world):
    try:
        return await asyncio.to_thread(world.gateway.metrics)
    except OSError as error:
        world.watch.give_up(f"the admin address: {error}")
        raise _Gone from error


async def _serve_again(world):
    """A whole stream from each sort of model, a few tries at most: limits may still be used up."""
    missing = []
    for room in ("fake", "real") if world.has_real else ("fake",):
        async def served(room=room):
            return (await world.people[0].one_call("stream", room)).end == "ok"
        if not await _eventually(served):
            missing.append(room)
    return missing


async def _drills(world, seconds):
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
    await world.reload(world.config, "ok")
    return found


async def _drill(world, room, seconds, known):
    await _settled(world)
    await room.cut()
    if known and not await _eventually(functools.partial(_are_down, world, len(room.forwarders))):
        return ["its endpoints are still taken for well"]
    begin = len(world.ledger)
    world.calm = True
    await _clients(world, seconds)
    world.calm = False
    await room.mend()
    served = {call.room for call in world.ledger[begin:] if call.end == "ok"}
    return [f"{sort}: no call was served" for sort in {model.sort for model in world.models} if sort not in served]


async def _are_down(world, count):
    """As the health probes see it."""
    metrics = await _metrics(world)
    return sum(metrics[key] == 0 for key in metrics.find("intragate_endpoint_up")) == count


def _resident(world):
    return world.gateway.metrics()["process_resident_memory_bytes"]


def _files(world):
    """(files open, of which connections that rest in a pool)."""
    idle = int(world.gateway.metrics().total("intragate_pool_connections", state="idle"))
    return open_files(world.gateway.process), idle


async def _judge_quiet(world, outcome, resident, files):
    outcome.invariants += invariants.check_quiet(await _metrics(world))
    before, idle_before = files
    latest = files

    async def files_are_back():
        nonlocal latest
        latest = await asyncio.to_thread(_files, world)
        return len(latest[0]) - latest[1] == len(before) - idle_before
    back = await _eventually(files_are_back)
    outcome.invariants.append(("open files as after warm-up, besides the idle pool", [] if back else [
        f"{len(before)} with {idle_before} in the pool, then {len(latest[0])} with {latest[1]}: {sorted(latest[0])}"]))
    async def memory_is_back():
        return all(not wrong for _, wrong in invariants.check_memory(resident, _resident(world), not world.sanitized))
    await _eventually(memory_is_back, 15)
    outcome.invariants += invariants.check_memory(resident, _resident(world), not world.sanitized)
    working = {model.name: await model.busy() for model in world.models}
    outcome.invariants.append(("no model works for nobody", [f"{name}: {busy}" for name, busy in working.items() if busy]))


async def _judge_books(world, outcome):
    gateway, wrong = world.gateway, world.watch.complaints
    owed = {call.id for call in world.ledger if call.head_sent}
    metrics = None
    if not world.watch.fatal.is_set():
        async def written():
            return owed <= {record["request_id"] for record in await asyncio.to_thread(gateway.records)}
        await _eventually(written, 10)
        metrics = await asyncio.to_thread(gateway.metrics)
    try:
        await asyncio.to_thread(gateway.stop)
    except AssertionError as failure:
        wrong.append(str(failure)[-2000:])
    outcome.ledger, outcome.records = world.ledger, gateway.records()
    note = outcome.invariants.extend
    note([("the gateway lives, answers and ends cleanly", wrong + world.watch.sanitizer_reports()),
          ("what it sends to models is strict HTTP",
           [violation for model in world.models for violation in model.violations])])
    note(invariants.check_books(outcome.ledger, outcome.records))
    note(invariants.check_service(outcome.ledger))
    note(invariants.check_sequence(outcome.records))
    if metrics:
        note(invariants.check_metrics(outcome.records, metrics))


def _leave_evidence(world, outcome):
    """Ledger and log, beside the records that the gateway left."""
    if not world.gateway:
        return
    (world.folder / "gateway.log").write_text("\n".join(world.gateway.log()))
    with open(world.folder / "ledger.jsonl", "w", encoding="utf-8") as file:
        for call in world.ledger:
            file.write(json.dumps(dataclasses.asdict(call)) + "\n")
