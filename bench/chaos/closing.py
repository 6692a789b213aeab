"""The last look: what does the gateway still hold, and do the books balance?"""

import asyncio
import dataclasses
import json

from . import invariants
from .waiting import eventually, metrics_of
from .watch import open_files


def resident_bytes(world):
    return world.gateway.metrics()["process_resident_memory_bytes"]


def files_of(world):
    """(files open, of which connections that rest in a pool)."""
    idle = int(world.gateway.metrics().total("intragate_pool_connections", state="idle"))
    return open_files(world.gateway.process), idle


async def judge_quiet(world, outcome, resident, files):
    metrics = await metrics_of(world)
    outcome.invariants += invariants.check_quiet(metrics)
    outcome.invariants += invariants.check_slots(metrics, world.config)
    before, idle_before = files
    latest = files

    async def files_are_back():
        nonlocal latest
        latest = await asyncio.to_thread(files_of, world)
        return len(latest[0]) - latest[1] == len(before) - idle_before
    back = await eventually(files_are_back)
    outcome.invariants.append(("open files as after warm-up, besides the idle pool", [] if back else [
        f"{len(before)} with {idle_before} in the pool, then {len(latest[0])} with {latest[1]}: {sorted(latest[0])}"]))

    async def memory_is_back():
        return all(not wrong for _, wrong in invariants.check_memory(resident, resident_bytes(world), not world.sanitized))
    await eventually(memory_is_back, 15)
    outcome.invariants += invariants.check_memory(resident, resident_bytes(world), not world.sanitized)
    working = {model.name: await model.busy() for model in world.models}
    outcome.invariants.append(("no model works for nobody", [f"{name}: {busy}" for name, busy in working.items() if busy]))


async def judge_books(world, outcome):
    gateway, wrong = world.gateway, world.watch.complaints
    owed = {call.id for call in world.ledger if call.head_sent}
    metrics = None
    if not world.watch.fatal.is_set():
        async def written():
            return owed <= {record["request_id"] for record in await asyncio.to_thread(gateway.records)}
        await eventually(written, 10)
        metrics = await asyncio.to_thread(gateway.metrics)
    try:
        await asyncio.to_thread(gateway.stop)
    except AssertionError as failure:
        wrong.append(str(failure)[:2000])
    outcome.ledger, outcome.records, outcome.chain = world.ledger, gateway.records(), gateway.chain()
    note = outcome.invariants.extend
    note([("the gateway lives, answers and ends cleanly", wrong + world.watch.sanitizer_reports()),
          ("what it sends to models is strict HTTP",
           [violation for model in world.models for violation in model.violations])])
    note(invariants.check_books(outcome.ledger, outcome.records))
    note(invariants.check_service(outcome.ledger, outcome.records))
    note(invariants.check_sequence(outcome.chain))
    if metrics:
        note(invariants.check_metrics(outcome.records, metrics))


def leave_evidence(world, outcome):
    """Ledger and log, beside the records that the gateway left."""
    if not world.gateway:
        return
    (world.folder / "gateway.log").write_text("\n".join(world.gateway.log()))
    with open(world.folder / "ledger.jsonl", "w", encoding="utf-8") as file:
        for call in world.ledger:
            file.write(json.dumps(dataclasses.asdict(call)) + "\n")
