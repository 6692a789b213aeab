"""A file system that is really full (a tmpfs in a mount namespace of the test's own): `on_full`, and a whole chain after."""

import contextlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

import pytest

import parts
from gateway import binary, run
from wire import ask, chat, eventually, new_id


class SmallDisk:
    """A tmpfs that only processes started through `self.binary` see as their data directory."""

    def __init__(self, size):
        self.inner = pathlib.Path(tempfile.mkdtemp(prefix="small-disk-"))
        script = f'mount -t tmpfs -o size={size} tmpfs "{self.inner}" && echo mounted && exec sleep 600'
        self.holder = parts.child(["unshare", "-m", "--propagation", "private", "sh", "-c", script],
                                  stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "mounted\n", "mounting a tmpfs needs root"
        self.outer = pathlib.Path(f"/proc/{self.holder.pid}/root{self.inner}")
        self.binary = self.inner.with_suffix(".sh")
        self.binary.write_text(f'#!/bin/sh\nexec nsenter -t {self.holder.pid} -m -- "{binary()}" "$@"\n')
        self.binary.chmod(self.binary.stat().st_mode | stat.S_IXUSR)

    def fill(self):
        """Not a byte more goes in."""
        with open(self.outer / "ballast", "ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        assert shutil.disk_usage(self.outer).free == 0

    def empty(self):
        os.unlink(self.outer / "ballast")

    def close(self):
        parts.end(self.holder)
        shutil.rmtree(self.inner, ignore_errors=True)
        self.binary.unlink()


@pytest.fixture
def disk(monkeypatch):
    disk = SmallDisk("512k")
    monkeypatch.setenv("INTRAGATE_BINARY", str(disk.binary))
    yield disk
    disk.close()


@pytest.fixture
def start(gateway_factory, model_factory, disk):
    """Gateways on the small disk."""
    model = model_factory()

    def start(on_full):
        gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}],
                                          "data_dir": str(disk.inner / "data"), "audit": {"on_full": on_full}})
        gateway.data_dir = disk.outer / "data"
        return gateway
    return start


def call(gateway):
    """Its status and its id. Each leaves a record that is longer than what may be left of the last page."""
    name = new_id()
    return ask(gateway, chat("m"), headers={"x-request-id": name}).status, name


def verified(disk):
    done = run("audit", "verify", "--dir", disk.inner / "data" / "audit", "--json")
    return json.loads(done.stdout)


def fill_up(gateway, disk):
    """Calls until records wait for room."""
    disk.fill()

    def waits():
        call(gateway)
        return gateway.log() and any("records cannot be written" in line for line in gateway.log())
    eventually(waits, "a full disk")


def test_refuse_serves_nobody_without_a_record_and_loses_none(start, disk):
    gateway = start("refuse")
    status, first = call(gateway)
    assert status == 200
    gateway.wait_for_record(first)
    fill_up(gateway, disk)
    assert call(gateway)[0] == 503
    assert gateway.get_admin("/readyz")[0] == 503
    unrecorded = run("keys", "create", "late", "--config", gateway.config_file, env={"TEST_KEY": gateway.key})
    assert unrecorded.returncode == 1 and "the audit record cannot be written" in unrecorded.stderr
    disk.empty()
    eventually(lambda: call(gateway)[0] == 200, "calls again")
    status, last = call(gateway)
    assert status == 200
    gateway.wait_for_record(last)
    assert gateway.metrics()["intragate_audit_dropped_total"] == 0
    gateway.stop()
    told = verified(disk)
    assert told["breaks"] == [] and told["records"] == told["last_seq"]


def test_drop_serves_on_and_says_what_is_missing_and_the_chain_stays_whole(start, disk):
    gateway = start("drop")
    fill_up(gateway, disk)
    status, waiting = call(gateway)
    assert status == 200 and gateway.get_admin("/readyz")[0] == 200
    gateway.terminate()
    gateway.wait_for_log("audit records lost: the disk took none until the end")
    gateway.stop()
    disk.empty()
    again = start("drop")
    status, name = call(again)
    assert status == 200
    again.wait_for_record(name)
    assert all(record["request_id"] != waiting for record in again.records())
    again.stop()
    told = verified(disk)
    assert told["breaks"] == [], told
