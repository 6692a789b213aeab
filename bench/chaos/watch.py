"""Looks at the gateway from outside while all this goes on: does it live, does it answer, how much does it hold?"""

import asyncio
import mmap
import os
import pathlib

from gateway import SANITIZER


class Watch:
    """`fatal` is set as soon as going on makes no sense; `complaints` say why."""

    def __init__(self, gateway):
        self._gateway = gateway
        self.fatal = asyncio.Event()
        self.complaints = []
        self.most = {"waiting": 0, "slots used": 0, "streams": 0, "connections": 0, "resident MiB": 0}

    async def work(self):
        while not self.fatal.is_set():
            if self._gateway.process.poll() is not None:
                self.give_up(f"the gateway ended with {self._gateway.process.returncode}")
                return
            try:
                self._note(await asyncio.to_thread(self._gateway.metrics))
            except Exception as error:  # no answer in time, or not one that can be read
                self.give_up(f"the admin address: {type(error).__name__}: {error}")
                return
            await asyncio.sleep(0.5)

    def give_up(self, why):
        self.complaints.append(why)
        self.fatal.set()

    def _note(self, metrics):
        seen = {"waiting": metrics.total("intragate_queue_waiting"),
                "slots used": metrics.total("intragate_slots", state="used"),
                "streams": metrics.total("intragate_open_streams"),
                "connections": metrics.total("intragate_open_connections"),
                "resident MiB": round(metrics["process_resident_memory_bytes"] / 2**20)}
        for name, value in seen.items():
            if value < 0:
                self.complaints.append(f"{name} is {value}")
            self.most[name] = max(self.most[name], int(value))

    def sanitizer_reports(self):
        return [line for line in self._gateway.log() if SANITIZER.search(line)]


def open_files(process):
    """What the process holds open, as text; its own view of metrics is not asked, for that takes a connection."""
    found = []
    for entry in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except OSError:
            continue  # closed meanwhile
    return found


def is_sanitized(binary):
    """A build with AddressSanitizer or ThreadSanitizer is slow, and its memory is another matter."""
    with open(binary, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        return whole.find(b"__asan_init") >= 0 or whole.find(b"__tsan_init") >= 0
