"""Starts and stops the real binary and reads what it leaves behind: records, log, metrics.

    gateway = Gateway.start(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}]})
    gateway = Gateway.start(config="models: …")        # YAML text; what it leaves out is filled in, see _complete
    gateway = Gateway.start(env={"CUSTOM_MODEL_API_BASE": model.url})

The binary is $INTRAGATE_BINARY, or build/dev/intragate. Every gateway listens on port 0 and writes to a directory of
its own.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

from wire import PATIENCE, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEY = "sk-test-5f1c9a7e3b2d4680"
STOP_PATIENCE = 40.0
SANITIZER = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|Sanitizer:DEADLYSIGNAL")


def binary():
    path = pathlib.Path(os.environ.get("INTRAGATE_BINARY") or ROOT / "build" / "dev" / "intragate")
    return str(path if path.is_absolute() else ROOT / path)


def environment(extra=None):
    """A bare environment: nothing of the tester's own reaches the gateway."""
    kept = {name: value for name, value in os.environ.items()
            if name in ("PATH", "LD_LIBRARY_PATH", "TZ") or name.endswith(("SAN_OPTIONS", "SYMBOLIZER_PATH"))}
    return {**kept, **{name: str(value) for name, value in (extra or {}).items() if value is not None}}


def run(*arguments, env=None, cwd=None, timeout=60, input=None):
    """Runs the binary to its end: for the commands, and for starts that must fail."""
    done = subprocess.run([binary(), *map(str, arguments)], env=environment(env), cwd=cwd, timeout=timeout, input=input,
                          capture_output=True, text=True, check=False)
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


class StartFailed(AssertionError):
    pass


class Samples(dict):
    """Prometheus samples, keyed as they are written: name or name{label="value",…}."""

    def total(self, pattern, **labels):
        """The sum of all samples whose name matches the pattern and which carry these labels."""
        return sum(value for key, value in self.items() if self._matches(key, pattern, labels))

    def find(self, pattern, **labels):
        return [key for key in self if self._matches(key, pattern, labels)]

    @staticmethod
    def _matches(key, pattern, labels):
        name, _, rest = key.partition("{")
        return re.fullmatch(pattern, name) and all(f'{label}="{value}"' in rest for label, value in labels.items())


class Gateway:
    running = []  # every gateway that has not been stopped, for the fixture and for failure reports

    def __init__(self, process, directory, data_dir, key):
        self.process, self.directory, self.data_dir, self.key = process, directory, pathlib.Path(data_dir), key
        self.config_file = None
        self.output = []      # stdout, line by line
        self._log = []        # stderr, line by line
        self.addresses = []   # (host, port) of every API listener, in the order of the configuration
        self.admin_address = None
        self.stopped = self.ending = False
        self.mark = 0         # log lines there were when the running test began
        self._readers = [self._read(process.stdout, self.output), self._read(process.stderr, self._log)]

    @classmethod
    def start(cls, config=None, env=None, *, env_file=None, arguments=(), directory=None, key=KEY, defaults=True):
        """Starts `serve` and waits until it accepts. `config` (text or dict) or `env`, not both; `env_file` is the text
        of a ./.env. `directory` keeps data of an earlier gateway; `defaults=False` adds nothing to what is given."""
        directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="intragate-e2e-"))
        directory.mkdir(parents=True, exist_ok=True)
        data_dir = directory / "data"
        command, config_file = [binary(), "serve", *arguments], None
        if not pathlib.Path(command[0]).is_file():
            raise StartFailed(f"there is no {command[0]}: build it (scripts/build dev) or set INTRAGATE_BINARY")
        if config is not None:
            config_file = directory / "intragate.yaml"
            config_file.write_text(_complete(config, data_dir) if defaults else _text(config))
            command += ["--config", str(config_file)]
            env = {"TEST_KEY": key, **(env or {})}
        elif defaults:
            env = {"MODEL_PROVIDER": "custom", "INTRAGATE_LISTEN": "127.0.0.1:0",
                   "INTRAGATE_ADMIN_LISTEN": "127.0.0.1:0", "INTRAGATE_API_KEY": key, "INTRAGATE_DATA_DIR": data_dir,
                   **(env or {})}
        if env_file is not None:
            (directory / ".env").write_text(env_file)
        process = subprocess.Popen(command, env=environment(env), cwd=directory, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        gateway = cls(process, directory, data_dir, key)
        gateway.config_file = config_file
        cls.running.append(gateway)
        gateway._wait_ready()
        return gateway

    def _read(self, pipe, lines):
        def work():
            for line in pipe:
                lines.append(line.rstrip("\n"))
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                self._finish_reading()
                Gateway.running.remove(self)
                self.stopped = True
                self.forget()
                raise StartFailed(f"exit {self.process.returncode}\n" + "\n".join(self.output + self._log))
            return any(line.startswith("data in ") for line in self.output)
        eventually(ready, "the gateway's start", STOP_PATIENCE)
        for line in list(self.output):
            if match := re.fullmatch(r"(admin )?listening on (?:\[([^\]]+)\]|([^:]+)):(\d+)", line):
                address = (match[2] or match[3], int(match[4]))
                if match[1]:
                    self.admin_address = address
                else:
                    self.addresses.append(address)
            if match := re.fullmatch(r"api key: (sk-\S+)", line):
                self.key = match[1]

    # --- where it is
    @property
    def address(self):
        return self.addresses[0]

    @property
    def url(self):
        return _url(self.address)

    @property
    def base(self):
        return self.url + "/v1"

    @property
    def admin_url(self):
        return _url(self.admin_address)

    @property
    def is_dead(self):
        """Whether it ended without having been told to."""
        return self.process.poll() is not None and not self.ending

    # --- what it leaves behind
    def records(self):
        """The audit records of calls on disk, in their order."""
        return [record for record in self.chain() if "event" not in record]

    def events(self):
        """What administrators and the gateway itself did, in its order."""
        return [record for record in self.chain() if "event" in record]

    def chain(self):
        """All audit records on disk, in their order; an unfinished last line is left out."""
        found = []
        for path in sorted((self.data_dir / "audit").glob("*.jsonl")):
            *lines, _ = path.read_text().split("\n")
            found += [json.loads(line) for line in lines]
        return found

    def wait_for_record(self, predicate, timeout=PATIENCE):
        """The first record for which `predicate(record)` holds; a string means the request id."""
        if isinstance(predicate, str):
            request_id = predicate
            predicate = lambda record: record["request_id"] == request_id  # noqa: E731
        return eventually(lambda: next((record for record in self.records() if predicate(record)), None),
                          "the audit record", timeout)

    def log(self):
        """stderr so far, line by line."""
        return list(self._log)

    def wait_for_log(self, pattern, since=0, timeout=PATIENCE):
        """The first log line after the first `since` ones that matches."""
        return eventually(lambda: next((line for line in self.log()[since:] if re.search(pattern, line)), None),
                          f"a log line with {pattern!r}", timeout)

    def get_admin(self, path, headers=None):
        """(status, text) of an admin page."""
        asked = urllib.request.Request(self.admin_url + path, headers=headers or {})
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        status, text = self.get_admin("/metrics")
        assert status == 200, text
        samples = Samples()
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = re.fullmatch(r"(\w+(?:\{.*\})?) (\S+)(?: \d+)?", line).groups()
                assert name not in samples, f"{name} twice"
                samples[name] = float(value)
        return samples

    # --- what is done to it
    def reload(self, config, *, expect="ok", defaults=True):
        """Writes a new configuration, sends SIGHUP, and waits until a reload has ended as expected: ok or refused."""
        def count():
            return self.metrics().total("intragate_reloads_total", result=expect)
        before = count()
        fresh = self.config_file.with_suffix(".new")
        fresh.write_text(_complete(config, self.data_dir) if defaults else _text(config))
        fresh.replace(self.config_file)
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: count() > before, f"a reload with the result {expect}")

    def terminate(self, how=signal.SIGTERM):
        """Only sends the signal; stop() waits and judges."""
        self.ending = how in (signal.SIGTERM, signal.SIGINT) or self.ending
        self.process.send_signal(how)

    def stop(self, how=signal.SIGTERM):
        """Ends the gateway and proves a clean end: exit code 0 and silent sanitizers."""
        if self.stopped:
            return
        self.stopped = True
        if self in Gateway.running:
            Gateway.running.remove(self)
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the gateway did not stop\n" + self.tail()) from None
        finally:
            self._finish_reading()
        assert not SANITIZER.search("\n".join(self._log)), "\n".join(self._log[-200:])
        assert self.process.returncode == 0, f"exit code {self.process.returncode}\n{self.tail()}"

    def forget(self):
        """Removes its files."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _finish_reading(self):
        for reader in self._readers:
            reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()

    def tail(self, lines=40):
        """The log since the running test began, at most that many lines of it."""
        return "\n".join(line[:500] for line in self._log[self.mark:][-lines:])


def _url(address):
    host, port = address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _text(config):
    return config if isinstance(config, str) else json.dumps(config, indent=1)  # JSON is YAML


def _complete(config, data_dir):
    """Fills in what a test does not care about: a listener, the admin address, the data directory, a key, one loop."""
    defaults = {
        "listen": [{"address": "127.0.0.1:0"}],
        "admin": {"address": "127.0.0.1:0"},
        "data_dir": str(data_dir),
        "keys": [{"name": "test", "key": "${TEST_KEY}", "models": ["*"]}],
        "workers": 1,
        "drain": "3s",
    }
    if not isinstance(config, str):
        return _text({**{name: value for name, value in defaults.items() if name not in config}, **config})
    missing = [name for name in defaults if not re.search(rf"^{name}:", config, re.MULTILINE)]
    return config.rstrip("\n") + "\n" + "".join(f"{name}: {json.dumps(defaults[name])}\n" for name in missing)
