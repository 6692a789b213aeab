"""One interleaved run: every round measures all candidates one after the other, A B A B …"""

import os
import shutil
import sys
import time

from . import candidates, loads, machine, processes, scenarios

NOISY = 0.10  # cores that strangers may use before a sample is called disturbed
SLOW = 0.80   # speed of the proxy's core, against the best seen, below which it is called disturbed too
CHECK_CALLS = 40


class Bench:
    """What scenarios and candidates need to know about this run."""

    def __init__(self, source, build, settings):
        self.source = source
        self.build = build
        self.run_folder = build / "run"
        self.rounds = settings.rounds
        self.scale = settings.scale
        self.intragate = settings.intragate
        self.file_limit = machine.raise_file_limit()
        self.proxy_core, self.load_core = machine.cores()
        os.sched_setaffinity(0, {self.load_core})
        self.model = loads.FakeModel(build, self.load_core)
        self.load = loads.Load(build, self.load_core)
        self._certificate = None
        shutil.rmtree(self.run_folder, ignore_errors=True)
        self.run_folder.mkdir(parents=True)

    @property
    def certificate(self):
        """What every proxy shows where TLS is measured: ECDSA P-256, made once."""
        self._certificate = self._certificate or machine.Certificate(self.run_folder)
        return self._certificate

    def scaled(self, count):
        return max(1, int(count * self.scale))


def say(text):
    print(text, file=sys.stderr, flush=True)


def prepare(bench, names):
    """The candidates that can take part, and a line for each that cannot."""
    ready, skipped = [], []
    for name in names:
        candidate = candidates.ALL[name](bench)
        try:
            candidate.prepare()
            check(bench, candidate)
            ready.append(candidate)
        except candidates.Unavailable as reason:
            skipped.append(f"{name} skipped: {reason}")
            say(skipped[-1])
    return ready, skipped


def check(bench, candidate):
    """Before anything is measured: do bodies of every kind reach the model whole, and streams come back whole?"""
    running = candidate.start(bench.model)
    try:
        bench.model.set(5, 5, check=True)
        before = bench.model.stats()
        for size in scenarios.SIZES.values():
            for content in scenarios.CONTENTS:
                result = bench.load.run("requests", running, calls=CHECK_CALLS, connections=8, seconds=5, bytes=size,
                                        content=content)
                all_answered = result["completed"] == CHECK_CALLS
                _demand(candidate, all_answered, f"{size} bytes {content}: {result['first_error']}")
        result = bench.load.run("streams", running, streams=16, events=5, seconds=5)
        _demand(candidate, result["errors"] + result["wrong_events"] == 0, f"streams: {result['first_error']}")
        bad = bench.model.stats()["bad_bodies"] - before["bad_bodies"]
        _demand(candidate, bad == 0, f"{bad} bodies reached the model damaged")
    finally:
        bench.model.set(5, 5, check=False)
        running.child.stop()


def _demand(candidate, holds, text):
    if not holds:
        raise candidates.Unavailable(f"{candidate.name} failed the check before the run: {text}")


class Run:
    """Walks scenarios and rounds; collects samples[scenario][candidate] = [sample, …]."""

    def __init__(self, bench, ready):
        self.bench = bench
        self.ready = ready
        self.samples = {}
        self._standing = {}

    def measure(self, scenario):
        rounds = min(self.bench.rounds, scenario.max_rounds)
        invited = [candidate for candidate in self.ready if scenario.invites(candidate)]
        taken = self.samples[scenario.name] = {candidate.name: [] for candidate in invited}
        scenario.begin(self.bench)
        try:
            if scenario.fresh_process:
                self._stop_standing()
            for number in range(rounds):
                say(f"{scenario.name}: round {number + 1} of {rounds}")
                before = scenario.before_round(self.bench)
                taking_part = [candidate for candidate in invited if number < candidate.max_rounds]
                self._round(scenario, taking_part, before, taken)
        finally:
            scenario.end(self.bench)

    def _round(self, scenario, taking_part, before, taken):
        pieces = {candidate.name: [] for candidate in taking_part}
        for _ in range(scenario.slices):
            for candidate in taking_part:
                pieces[candidate.name].append(self._sample(scenario, candidate, before))
        for name, all_of in pieces.items():
            one = scenario.joined(all_of)
            one["strangers"] = max(piece["strangers"] for piece in all_of)
            one["speed"] = min(piece["speed"] for piece in all_of)
            taken[name].append(one)
            say(_line(scenario, name, one))

    def _standing_one(self, scenario, candidate):
        """The process that serves this candidate's samples, warmed up when it is new."""
        running = self._standing.get((candidate.name, scenario.tls))
        if running is None:
            running = candidate.start(self.bench.model, tls=scenario.tls)
            self._standing[candidate.name, scenario.tls] = running
            where = f"core {self.bench.proxy_core}, {'https' if running.tls else 'http'}://{running.address}"
            say(f"{candidate.name}: process {running.child.pid} on {where}")
            scenario.warm_up(self.bench, running)
        return running

    def _stop_standing(self):
        for running in self._standing.values():
            running.child.stop()
        self._standing.clear()

    def _sample(self, scenario, candidate, before):
        if scenario.fresh_process:
            running = candidate.start(self.bench.model, scenario.connections, scenario.tls)
            scenario.warm_up(self.bench, running)
        else:
            running = self._standing_one(scenario, candidate)
        watch = scenarios.Watch(self.bench.proxy_core)
        one = scenario.measure(self.bench, running, before)
        one["strangers"], one["speed"] = watch.end()
        if not running.child.running():
            one["errors"] += 1
            one["note"] = "the proxy died"
        left = self.bench.model.wait_until_quiet(0 if one["errors"] else 1)
        if scenario.fresh_process or one["errors"] or left:
            # What it still has to do for clients that gave up would be counted as somebody else's.
            running.child.stop()
            self._standing.pop((candidate.name, scenario.tls), None)
        return one


def _line(scenario, name, one):
    figures = ", ".join(f"{metric.key} {one[metric.key]:.2f}" for metric in scenario.metrics)
    faults = f", {one['errors']} errors ({one['note']})" if one["errors"] else ""
    noise = f", others used {one['strangers']:.2f} cores" if one["strangers"] > NOISY else ""
    slow = f", core at {one['speed']:.0%} of its best" if one["speed"] < SLOW else ""
    return f"  {name:<10} {figures}{faults}{noise}{slow}"


def run(bench, ready, chosen):
    """Measures all chosen scenarios; what was measured before a Ctrl-C is kept."""
    one = Run(bench, ready)
    start = time.monotonic()
    try:
        for scenario in chosen:
            one.measure(scenario)
    except KeyboardInterrupt:
        say("interrupted: the table holds what was measured until now")
    finally:
        processes.stop_all()
    return one.samples, time.monotonic() - start
