"""Child processes: started pinned to a core, measured with all that they fork, stopped by process id and not otherwise."""

import ctypes
import os
import resource
import signal
import subprocess
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
HERTZ = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

_living = []


def _fields(pid):
    """/proc/PID/stat from the state on; None once the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()
    except OSError:
        return None


def _tree(root):
    """A process and all that it started, by id."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _fields(name)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def _cpu_of(pid):
    """CPU seconds of a process in nanosecond steps: its POSIX CPU clock, which counts ended threads too."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


class Child:
    """One started program. Its output goes to the file `log`; without one, standard output is ours to read."""

    def __init__(self, command, core, log=None, environment=None, stdin=subprocess.DEVNULL):
        self._log = open(log, "ab") if log else None
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=self._log or subprocess.PIPE, stderr=self._log,
            env={**os.environ, **(environment or {})}, preexec_fn=lambda: _settle_in(core))
        self.pid = self.process.pid
        _living.append(self)

    def cpu_seconds(self):
        """CPU of the whole tree: living processes by their clocks, ended ones as their parent was told (10 ms steps)."""
        fields = _fields(self.pid)
        ended = (int(fields[13]) + int(fields[14])) / HERTZ if fields else 0.0
        return ended + sum(_cpu_of(pid) for pid in _tree(self.pid))

    def resident_bytes(self):
        """Resident memory of the whole tree; pages shared by two of its processes count twice."""
        total = 0
        for pid in _tree(self.pid):
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
                    total += int(statm.read().split()[1]) * PAGE
            except OSError:
                continue
        return total

    def running(self):
        return self.process.poll() is None

    def stop(self):
        """Asks politely, then not. Returns the exit status."""
        if self in _living:
            _living.remove(self)
        if self.running():
            self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            for pid in reversed(_tree(self.pid)):
                _kill(pid)
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
        if self._log:
            self._log.close()
        return self.process.returncode


def _settle_in(core):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.sched_setaffinity(0, {core})


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def own_cpu_seconds():
    """CPU of the benchmark itself and everything it started, to tell it from strangers on the same machine."""
    me = resource.getrusage(resource.RUSAGE_SELF)
    gone = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = me.ru_utime + me.ru_stime + gone.ru_utime + gone.ru_stime
    return ended + sum(child.cpu_seconds() for child in _living)


def stop_all():
    for child in list(_living):
        child.stop()
