"""The two programs of bench/src as objects: the fake model and the load generator."""

import json
import select
import subprocess
import sys
import time
import urllib.request

from . import processes


def build(source, folder):
    """Compiles the benchmark's programs; quiet unless it fails."""
    for command in (["cmake", "-S", str(source), "-B", str(folder)], ["cmake", "--build", str(folder), "-j2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"the benchmark's programs could not be built:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


class FakeModel:
    """bench_model on one core."""

    def __init__(self, folder, core):
        self.child = processes.Child([str(folder / "bench_model")], core)
        line = self.child.process.stdout.readline().decode()
        self.address = line.split()[-1]
        self.port = int(self.address.rpartition(":")[2])

    def set(self, events, interval_ms, check=False):
        """What streams do from now on: `events` events (0 = endless), one every `interval_ms`."""
        return self._get(f"/set?events={events}&interval_us={int(interval_ms * 1000)}&check={int(check)}")

    def stats(self):
        return self._get("/stats")

    def wait_until_quiet(self, seconds):
        """Waits until no call is running; returns how many still are."""
        end = time.monotonic() + seconds
        while True:
            running = self.stats()["calls_running"]
            if running == 0 or time.monotonic() > end:
                return running
            time.sleep(0.02)

    def _get(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=20) as answer:
            return json.load(answer)


class Load:
    """bench_load on one core, aimed at one proxy."""

    def __init__(self, folder, core):
        self._program = str(folder / "bench_load")
        self._core = core

    def run(self, mode, running, **options):
        """Runs one load to its end; a load that hangs or dies is reported as one error."""
        child = processes.Child(self._command(mode, running, options), self._core)
        try:
            out, _ = child.process.communicate(timeout=int(options.get("seconds", 30)) + 20)
            return json.loads(out)
        except (subprocess.TimeoutExpired, ValueError):
            return {"completed": 0, "errors": 1, "first_error": "the load generator gave up", "events": 0}
        finally:
            child.stop()

    def hold(self, running, **options):
        """Opens endless streams; returns (what the generator says once all are open, the child to let go of)."""
        command = self._command("hold", running, options)
        child = processes.Child(command, self._core, stdin=subprocess.PIPE)
        ready, _, _ = select.select([child.process.stdout], [], [], int(options["seconds"]) + 20)
        line = child.process.stdout.readline() if ready else b""
        return json.loads(line or b'{"open":0,"errors":1,"first_error":"the load generator gave up"}'), child

    def spinner(self, core):
        """Keeps a core awake at idle priority."""
        return processes.Child([self._program, "spin"], core)

    def _command(self, mode, running, options):
        command = [self._program, mode, "--target", running.address, *(["--tls", "1"] if running.tls else [])]
        for header in running.headers:
            command += ["--header", header]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        return command
