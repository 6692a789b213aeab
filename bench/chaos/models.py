"""The models: real llama.cpp servers and fake ones, each a process that is started, killed, frozen and started again
on the same port, behind a forwarder of its own."""

import asyncio
import concurrent.futures
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading

from . import ROOT
from .rooms import Forwarder, quiet_port

import parts  # noqa: E402  of tests/e2e

REAL = "smollm2"
FAKE = "fake"
_starter = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="starter")


async def start_child(function, *arguments):
    """Runs what starts a process that shall end with us: the kernel ends it with the thread that started it
    (PR_SET_PDEATHSIG), so that thread must live as long as we do."""
    return await asyncio.get_running_loop().run_in_executor(_starter, functools.partial(function, *arguments))


class Model:
    """What both sorts share."""

    sort = ""

    def __init__(self, name):
        self.name, self.port, self.process = name, quiet_port(), None
        self.name_of_host = None    # how the configuration names its machine, if not by address
        self.zone = None
        self.taken = False          # by a disturbance: one at a time
        self.forwarder = Forwarder(self.port)
        self.violations = []

    async def start(self):
        await start_child(self._launch)

    async def kill(self):
        """SIGKILL; the address refuses connections until the model is started again."""
        await self.forwarder.hold()
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
        self.forwarder.reset()

    async def restart(self):
        await self.start()
        await self.forwarder.release()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def endpoint(self):
        host = self.name_of_host or self.forwarder.host
        return {"url": f"http://{host}:{self.forwarder.port}/v1", "zone": self.zone}

    def stop(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            parts.end(self.process)


class RealModel(Model):
    """llama.cpp's server with the small model of the tests: one thread, short context."""

    sort = "real"
    slots = 2
    _server = None

    def _launch(self):
        if self._server:
            self._server.stop()
        self._server = parts.ModelServer(REAL, "--port", str(self.port), "--slots", str(self.slots), "--context", "512")
        self.process = self._server.process

    def endpoint(self):
        return {**super().endpoint(), "auth": {"type": "bearer", "key": "${UPSTREAM_KEY}"}}

    async def busy(self):
        return await asyncio.to_thread(self._server.busy)


class FakeProcess(Model):
    sort = "fake"
    slots = 4

    def __init__(self, name, seed):
        super().__init__(name)
        self._seed, self._starts = seed, 0
        self._answers = None

    def _launch(self):
        self._close_pipes()
        self._starts += 1
        command = [sys.executable, "-m", "chaos.fake_server", "--port", self.port, "--seed", f"{self._seed}/{self._starts}"]
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *map(str, command)], cwd=ROOT / "bench", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"fake model {self.name} did not start: {line!r}")
        self._answers = []
        threading.Thread(target=self._read, args=(self.process.stdout, self._answers), daemon=True).start()

    def _read(self, pipe, answers):
        with pipe:
            for line in pipe:
                wanted, _, rest = line.strip().partition(" ")
                if wanted == "violation":
                    self.violations.append(rest)
                else:
                    answers.append(json.loads(rest))

    def _close_pipes(self):
        if self.process:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def tell(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # killed meanwhile, and well again once it is restarted

    async def busy(self):
        """How many calls it is working on."""
        heard = len(self._answers)
        self.tell("status")
        for _ in range(1000):
            if len(self._answers) > heard:
                return self._answers[-1]["busy"]
            await asyncio.sleep(0.01)
        raise RuntimeError(f"fake model {self.name} does not answer")
