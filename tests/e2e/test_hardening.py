"""What makes an attacker's work harder when all else has failed: how the shipped binary was built, what a crash leaves
behind, and the sandbox of deploy/systemd/intragate.service."""

import os
import pathlib
import re
import subprocess

import pytest

import gateway as starting
from gateway import ROOT, Gateway, binary
from wire import Stream, ask, chat, eventually

RELEASE = ROOT / "build" / "release" / "intragate"
UNIT = ROOT / "deploy" / "systemd" / "intragate.service"


def tool(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- the binary

@pytest.fixture(scope="module")
def elf():
    path = pathlib.Path(os.environ.get("INTRAGATE_RELEASE") or RELEASE)
    assert path.is_file(), f"there is no {path}: scripts/build release intragate"
    return tool("readelf", "-W", "-h", "-l", "-d", "--dyn-syms", path)


def test_program_and_stack_lie_where_nobody_can_guess_and_data_never_runs(elf):
    assert "DYN (Position-Independent Executable file)" in elf
    assert re.search(r"GNU_STACK\s.*\sRW\s", elf), "the stack can be run"
    assert not re.search(r"LOAD\s.*\sRWE\s", elf), "something can be written and run"
    assert "TEXTREL" not in elf


def test_tables_of_addresses_are_read_only_once_it_runs(elf):
    assert "GNU_RELRO" in elf and ("BIND_NOW" in elf or re.search(r"Flags:.*\bNOW\b", elf))


def test_overflows_are_noticed(elf):
    assert "__stack_chk_fail" in elf
    assert re.search(r"\b__(memcpy|memmove|snprintf|vsnprintf|fprintf|read|recv|fdelt|poll)_chk\b", elf)


def test_libraries_come_from_the_system_only(elf):
    assert "RPATH" not in elf and "RUNPATH" not in elf


# --- a crash

@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


def test_cwe_528_a_crash_leaves_no_core_with_memory_in_it(gateway_factory, model):
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    process = pathlib.Path(f"/proc/{gateway.process.pid}")
    limit = next(line for line in (process / "limits").read_text().splitlines() if line.startswith("Max core file size"))
    assert limit.split()[4:6] == ["0", "0"]
    assert int((process / "coredump_filter").read_text(), 16) == 0


@pytest.mark.parametrize("verb", ["forward", "explain"])
def test_cwe_528_nor_does_one_of_another_command(authority, model, tmp_path, verb):
    pair, config = authority.issue("dify"), tmp_path / "c.yaml"
    config.write_text(f'models: [{{name: m, endpoints: [{{url: "{model.base}"}}]}}]')
    words = {"forward": ["--listen", "127.0.0.1:0", "--to", "https://localhost:9", "--cert", pair.certificate, "--key",
                         pair.key],
             "explain": [str(config), "-"]}  # waits for the request
    process = subprocess.Popen([binary(), verb, *words[verb]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        state = pathlib.Path(f"/proc/{process.pid}")
        eventually(lambda: re.search(r"Max core file size +0 +0 ", (state / "limits").read_text()), "no cores")
        eventually(lambda: int((state / "coredump_filter").read_text(), 16) == 0, "none with memory")
    finally:
        process.kill()
        process.communicate()


# --- the service

def settings():
    """[(name, value)] of the unit, in their order."""
    lines = [line for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return [tuple(line.split("=", 1)) for line in lines]


def test_systemd_finds_the_service_well_confined():
    report = tool("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    exposure = re.search(r"Overall exposure level for intragate.service: ([\d.]+)", report)
    assert exposure and float(exposure[1]) <= 2.0, report


def group(name):
    """The system calls of one of systemd's groups."""
    calls = set()
    for line in tool("systemd-analyze", "syscall-filter", "--no-pager", name).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= group(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def test_service_may_do_all_that_the_gateway_does(model, tmp_path, monkeypatch):
    """Every system call from start to stop is one that the unit's filter lets through."""
    allowed = set()
    for name, value in settings():
        if name != "SystemCallFilter":
            continue
        for word in value.lstrip("~").split():
            allowed = allowed - group(word) if value.startswith("~") else allowed | group(word)
    traced, trace = tmp_path / "traced", tmp_path / "trace"
    traced.write_text(f'#!/bin/sh\nexec strace -D -f -qq -o {trace} "{binary()}" "$@"\n')
    traced.chmod(0o755)
    monkeypatch.setattr(starting, "binary", lambda: str(traced))
    gateway = Gateway.start(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}], "workers": 2})
    try:
        assert ask(gateway, chat("m")).status == 200
        with Stream(gateway, chat("m", stream=True)) as reply:
            reply.rest()
        gateway.reload({"models": [{"name": "m", "endpoints": [{"url": model.base}]}], "workers": 2, "drain": "2s"})
    finally:
        gateway.stop()
        gateway.forget()
    used = set(re.findall(r"^(?:\d+ +)?(?:<\.\.\. )?(\w+)(?:\(| resumed)", trace.read_text(), re.MULTILINE))
    assert {"epoll_wait", "accept4"} & used, "nothing was traced"
    # setrlimit is refused, and not needed: the unit sets both limits itself. (glibc asks by prlimit64.)
    assert used - allowed - {"setrlimit"} == set()


def test_service_starts_what_exists_and_stops_later_than_a_drain():
    unit = dict(settings())
    assert unit["ExecStart"] == "/usr/bin/intragate serve --config /etc/intragate/intragate.yaml"
    assert unit["LimitCORE"] == "0" and unit["DynamicUser"] == "yes" and unit["StateDirectory"] == "intragate"
    assert int(unit["TimeoutStopSec"].removesuffix("s")) > 30 and int(unit["LimitNOFILE"]) >= 20_000
