"""The machine under the benchmark: its cores, limits and versions, and who else is using it."""

import os
import platform
import re
import resource
import shutil
import socket
import subprocess

HERTZ = os.sysconf("SC_CLK_TCK")
WANTED_FILES = 131072


def cores():
    """(core of the proxy, core of load generator and model): the last two that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


def raise_file_limit():
    """Lifts the limit of open files as far as allowed; children inherit it. Returns what it is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(WANTED_FILES, hard), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def busy_seconds():
    """CPU seconds that all cores together have spent working, or lost to other guests, since boot."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(field) for field in stat.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / HERTZ


def first_line(*command):
    """The first line that a program prints about its version, or why there is none."""
    if not shutil.which(command[0]):
        return "not installed"
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20, check=False)
    return (done.stdout.strip().splitlines() or ["?"])[0]


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        found = re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def distribution():
    with open("/etc/os-release", encoding="utf-8") as release:
        found = re.search(r'^PRETTY_NAME="?([^"\n]*)', release.read(), re.MULTILINE)
    return found.group(1) if found else "?"


def description():
    proxy, load = cores()
    return {
        "cpu": f"{cpu_model()}, {os.cpu_count()} cores",
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": distribution(),
        "kernel": platform.release(),
        "compiler": first_line("c++", "--version"),
        "pinned": f"proxy on core {proxy}, load generator and model on core {load}",
        "load_average_before": os.getloadavg()[0],
        "somaxconn": int(open("/proc/sys/net/core/somaxconn", encoding="ascii").read()),
    }


class Certificate:
    """A certificate of this run's own, which every proxy shows: ECDSA P-256."""

    def __init__(self, folder):
        self.pem, self.key, self.both = (folder / name for name in ("server.pem", "server.key", "server.both"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", str(self.key), "-out", str(self.pem)], check=True, capture_output=True)
        self.key.chmod(0o600)
        self.both.write_bytes(self.pem.read_bytes() + self.key.read_bytes())
