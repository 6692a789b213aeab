"""What is measured. A scenario knows how to load one running candidate once and which figures that gives."""

import operator
import os
import statistics
import time
from dataclasses import dataclass
from typing import Optional

from . import candidates, loads, machine, processes

SIZES = {"1k": 1024, "32k": 32768, "400k": 409600}
CALLS = {"1k": 20000, "32k": 12000, "400k": 2000}
CONTENTS = {"text": "text", "chinese": "Chinese as \\u escapes", "tools": "tools"}
SETTLE = 0.02  # seconds that a proxy gets to finish what follows the last answer


@dataclass
class Metric:
    """One row of the table."""
    key: str
    title: str
    unit: str
    digits: int = 1
    target: Optional[float] = None  # of the ratio to nginx, or of the figure itself where `absolute`
    absolute: bool = False          # the target is no ratio, and nginx's figure may be zero
    yardstick: str = "nginx"        # whose figure ratios are of


class Scenario:
    """Base: candidates that stay up between scenarios, and as many rounds as the user wants."""
    default = True
    slices = 1  # pieces of a round's sample, candidates taking turns: what disturbs for seconds then hits all alike
    max_rounds = 1000
    fresh_process = False
    tls = False  # between the load and the proxy
    also = ()    # candidates that it needs besides those that take part by themselves

    def __init__(self, name, metrics):
        self.name = name
        self.metrics = metrics

    def invites(self, candidate):
        """Whether the candidate takes part."""
        return candidate.is_proxy and (candidate.speaks_tls or not self.tls)

    def begin(self, bench):
        """Before the first round."""

    def warm_up(self, bench, running):
        """Once for each new process."""
        bench.model.set(20, 5)
        bench.load.run("requests", running, calls=2000, seconds=3)
        bench.load.run("streams", running, streams=64, events=20, seconds=3)

    def before_round(self, bench):
        """Before the candidates of one round; the result is given to each measure()."""

    def measure(self, bench, running, before):
        """One sample: {metric key: value, "errors": number, "note": text}."""
        raise NotImplementedError

    def end(self, bench):
        """After the last round."""

    def joined(self, pieces):
        """One sample out of the pieces of a round: figures weighed by what was completed, errors summed."""
        weights = [max(piece.get("weight", 1), 1) for piece in pieces]
        return self._joined(pieces, lambda values: sum(map(operator.mul, values, weights)) / sum(weights))

    def _joined(self, pieces, mean):
        if len(pieces) == 1:
            return pieces[0]
        figures = {metric.key: mean([piece[metric.key] for piece in pieces]) for metric in self.metrics}
        return {**figures, "errors": sum(piece["errors"] for piece in pieces), "pieces": pieces,
                "note": next((piece["note"] for piece in pieces if piece["note"]), "")}


def cost(bench, running, mode, **options):
    """Runs one load; returns (its result, CPU seconds that the proxy spent on it)."""
    before = running.child.cpu_seconds()
    result = bench.load.run(mode, running, **options)
    time.sleep(SETTLE)
    return result, running.child.cpu_seconds() - before


def sample(result, **figures):
    errors = result["errors"] + result.get("wrong_events", 0)
    return {**figures, "errors": errors, "note": result.get("first_error", ""), "load": result}


class Requests(Scenario):
    """CPU of a plain call over kept connections, or with a new one each time."""

    slices = 4

    def __init__(self, name, title, target, calls, **options):
        super().__init__(name, [Metric("cpu_us", f"CPU per request, {title}", "µs", 1, target)])
        self.calls = calls
        self.tls = options.pop("tls", False)
        self.options = options

    def measure(self, bench, running, before):
        calls = bench.scaled(self.calls // self.slices)
        result, cpu = cost(bench, running, "requests", calls=calls, seconds=1, connections=64, **self.options)
        one = sample(result, cpu_us=cpu / max(result["completed"], 1) * 1e6, weight=result["completed"])
        if self.options.get("resume") and result.get("resumed", 0) < 0.9 * result["completed"]:
            one["note"] = one["note"] or f"only {result['resumed']} of {result['completed']} sessions were resumed"
        return one


class AuditCost(Requests):
    """What records cost: the gateway beside the same program built without them."""

    default = False
    also = ("without-audit",)

    def __init__(self):
        super().__init__("audit-1k", "1 KB, with and without audit", None, CALLS["1k"], bytes=1024)
        self.metrics = [Metric("cpu_us", "CPU per request, 1 KB: audit on (intragate) and off (without-audit)", "µs", 2,
                               1.06, yardstick="without-audit")]

    def invites(self, candidate):
        return candidate.name in ("intragate", *self.also)


class Streams(Scenario):
    """CPU of one SSE event, connection set-up included."""

    def __init__(self, name, title, target, streams, interval_ms, events, default=True, tls=False):
        super().__init__(name, [Metric("cpu_us", f"CPU per SSE event, {title}", "µs", 1, target)])
        self.tls = tls
        self.plan = (streams, interval_ms, events)
        self.default = default

    def measure(self, bench, running, before):
        streams, interval_ms, events = self.plan
        events = bench.scaled(events)
        bench.model.set(events, interval_ms)
        result, cpu = cost(bench, running, "streams", streams=streams, events=events, seconds=15)
        bench.model.wait_until_quiet(3)
        one = sample(result, cpu_us=cpu / max(result["events"], 1) * 1e6)
        one["uneven_chunks"] = result.get("uneven_chunks", 0) / max(result.get("chunks", 0), 1)
        return one


class Burst(Scenario):
    """All streams opened at once: when does each get its first event?

    It takes tens of milliseconds, so whatever disturbs hits it whole: a round has several, and the median counts."""

    slices = 5

    def __init__(self, name, streams, target, default=True):
        title = f"first byte, {streams:,} streams opened at once"
        super().__init__(name, [Metric("p50_ms", f"{title}, p50", "ms"),
                                Metric("p99_ms", f"{title}, p99", "ms", 1, target),
                                Metric("max_ms", f"{title}, max", "ms")])
        self.streams = streams
        self.default = default

    def measure(self, bench, running, before):
        bench.model.set(1, 1500)
        result = bench.load.run("streams", running, streams=self.streams, events=1, seconds=10)
        bench.model.wait_until_quiet(3)
        figures = {f"{part}_ms": result.get(f"first_byte_{part}_us", 0) / 1000 for part in ("p50", "p99", "max")}
        return sample(result, **figures)

    def joined(self, pieces):
        return self._joined(pieces, statistics.median)


class Latency(Scenario):
    """What the proxy adds to a call on one connection: percentile through it minus percentile direct, same round."""

    def __init__(self):
        super().__init__("latency", [Metric("p50_us", "added latency, 1 connection, p50", "µs", 1, 49, True),
                                     Metric("p99_us", "added latency, 1 connection, p99", "µs", 1, 61, True)])
        self._spinners = []
        self._direct_model = None

    def begin(self, bench):
        # For the direct run client and model need different cores, so a second model sits on the proxy's.
        self._direct_model = loads.FakeModel(bench.build, bench.proxy_core)
        self._spinners = [bench.load.spinner(core) for core in {bench.proxy_core, bench.load_core}]

    def before_round(self, bench):
        direct = candidates.Running("direct", None, self._direct_model.address)
        return self._ask(bench, direct)

    def measure(self, bench, running, before):
        result = self._ask(bench, running)
        added = {f"{part}_us": result.get(f"call_{part}_us", 0) - before[f"call_{part}_us"] for part in ("p50", "p99")}
        one = sample(result, **added)
        one["direct"] = {part: before[f"call_{part}_us"] for part in ("p50", "p99")}
        return one

    def end(self, bench):
        for child in [*self._spinners, self._direct_model.child]:
            child.stop()

    def _ask(self, bench, running):
        return bench.load.run("requests", running, calls=bench.scaled(8000), seconds=3, connections=1)


class IdleStreams(Scenario):
    """Memory of a fresh process, and of each open stream that waits."""
    max_rounds = 3
    fresh_process = True
    connections = candidates.FEW_CONNECTIONS
    streams = 2000

    def __init__(self, name="memory", tls=False):
        over = " over TLS" if tls else ""
        super().__init__(name, [Metric("idle_mib", f"resident memory, idle{over and ', with TLS'}", "MiB", 1,
                                       None if tls else 10, True),
                                Metric("stream_kib", f"memory per open idle stream{over}", "KiB", 1,
                                       14 if tls else 5, True)])
        self.tls = tls

    def warm_up(self, bench, running):
        time.sleep(0.3)

    def measure(self, bench, running, before):
        bench.model.set(0, 600_000)
        idle = running.child.resident_bytes()
        opened, holder = bench.load.hold(running, streams=self.streams, rate=1000, seconds=15)
        time.sleep(0.5)
        held = running.child.resident_bytes()
        holder.stop()
        bench.model.wait_until_quiet(5)
        return sample(opened, idle_mib=idle / 2**20, stream_kib=(held - idle) / max(opened["open"], 1) / 1024)


class Vanish(Scenario):
    """Thousands of clients that leave in mid-answer: does the work for them stop, and does the memory come back?"""
    max_rounds = 2
    fresh_process = True
    connections = candidates.MANY_CONNECTIONS

    def __init__(self):
        super().__init__("vanish", [
            Metric("left", "upstream calls still running 1 s after the clients vanished", "calls", 0, 0, True),
            Metric("gone_ms", "time until the last upstream call had ended", "ms", 0, 1000, True),
            Metric("open_mib", "resident memory with all of them open", "MiB"),
            Metric("after_mib", "resident memory 3 s after", "MiB"),
            Metric("after_ratio", "… as a multiple of idle", "×", 2, 1.2, True)])

    def warm_up(self, bench, running):
        time.sleep(0.3)

    def measure(self, bench, running, before):
        wanted = bench.scaled(10_000)
        waves = -(-wanted // ((bench.file_limit - 2048) // 2))  # a proxy needs two descriptors for each stream
        bench.model.set(0, 2000)
        idle = running.child.resident_bytes()
        seen = [self._wave(bench, running, wanted // waves) for _ in range(waves)]
        after = running.child.resident_bytes()
        one = sample(max((wave[0] for wave in seen), key=lambda opened: opened["errors"]),
                     left=sum(wave[1] for wave in seen), gone_ms=max(wave[2] for wave in seen) * 1000,
                     open_mib=max(wave[3] for wave in seen) / 2**20, after_mib=after / 2**20,
                     after_ratio=after / max(idle, 1))
        if waves > 1 and not one["note"]:
            one["note"] = f"in {waves} waves of {wanted // waves:,}: only {bench.file_limit:,} files may be open"
        return one

    def _wave(self, bench, running, wanted):
        """(what the generator said, calls left after 1 s, seconds until none was left, memory while all were open)."""
        opened, holder = bench.load.hold(running, streams=wanted, rate=2000, seconds=20)
        held = running.child.resident_bytes()
        holder.stop()  # killed where it stands: the kernel closes its sockets
        start = time.monotonic()
        time.sleep(1)
        left = bench.model.stats()["calls_running"]
        still = bench.model.wait_until_quiet(5)
        gone = time.monotonic() - start - (0 if still else bench.model.stats()["quiet_us"] / 1e6)
        time.sleep(max(0.0, 3 - (time.monotonic() - start)))
        return opened, left, max(gone, 0.0), held


def everything():
    """All scenarios in the order of the table."""
    targets = {"1k": 0.70, "32k": 0.85, "400k": 0.80}
    found = []
    for size, target in targets.items():
        for content, words in CONTENTS.items():
            name = f"plain-{size}" if content == "text" else f"plain-{size}-{content}"
            aim = 0.95 if (size, content) == ("400k", "tools") else target
            title = f"{size[:-1]} KB, {words}"
            found.append(Requests(name, title, aim, CALLS[size], bytes=SIZES[size], content=content))
    found.append(Requests("fresh-1k", "1 KB, a new connection for every call", 0.95, 8000, bytes=1024, fresh=1))
    for name, title, target, resume in (("full", "full", 0.90, 0), ("resumed", "resumed", 0.95, 1)):
        found.append(Requests(f"fresh-1k-tls-{name}", f"1 KB, a new connection for every call, TLS 1.3 {title} handshake",
                              target, 4000, bytes=1024, fresh=1, tls=True, **({"resume": 1} if resume else {})))
    found.append(AuditCost())
    found.append(Streams("streams-256", "256 streams × 10 ms", 0.90, 256, 10, 200))
    found.append(Streams("streams-256-tls", "256 streams × 10 ms over TLS", 1.0, 256, 10, 200, tls=True))
    found.append(Streams("streams-2000", "2,000 streams × 50 ms", 0.90, 2000, 50, 60))
    found.append(Streams("streams-2000-overload", "2,000 streams × 10 ms (overloaded)", None, 2000, 10, 100, False))
    found.append(Streams("streams-4000", "4,000 streams × 50 ms", None, 4000, 50, 60, False))
    found.append(Latency())
    found.append(Burst("burst-2000", 2000, 1.0))
    found.append(Burst("burst-4000", 4000, None, False))
    found.append(IdleStreams())
    found.append(IdleStreams("memory-tls", tls=True))
    found.append(Vanish())
    return found


class Watch:
    """Tells how undisturbed the machine was while a sample was taken."""
    _best = None  # the shortest time that the probe ever took

    def __init__(self, core):
        self._core = core
        self._probes = [self._probe()]
        self._busy = machine.busy_seconds()
        self._own = processes.own_cpu_seconds()
        self._start = time.monotonic()

    def end(self):
        """(cores that other programs used, on average; the speed of the proxy's core against its best in this run).

        The speed shows what a guest cannot see otherwise: that the host gives its core to somebody else."""
        busy = machine.busy_seconds() - self._busy
        own = processes.own_cpu_seconds() - self._own
        strangers = max(0.0, busy - own) / max(time.monotonic() - self._start, 1e-9)
        self._probes.append(self._probe())
        return round(strangers, 3), round(Watch._best * len(self._probes) / sum(self._probes), 3)

    def _probe(self):
        """Seconds that a fixed piece of work takes on the proxy's core."""
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self._core})
        start = time.perf_counter()
        for _ in range(10):
            sum(range(20000))
        taken = time.perf_counter() - start
        os.sched_setaffinity(0, allowed)
        Watch._best = min(taken, Watch._best or taken)
        return taken
