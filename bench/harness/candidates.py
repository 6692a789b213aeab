"""The proxies under test: how each is found, installed where that is ours to do, configured and started."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from . import machine, processes

PORTKEY = "@portkey-ai/gateway"
PORTKEY_VERSION = "1.15.2"
# Its own dependency range admits newer ones, with which it answers every stream with 500 (its issue 1389).
PORTKEY_OVERRIDES = {"@hono/node-server": "1.14.1"}
FEW_CONNECTIONS = 4608      # for 2,000 streams; nginx sets memory aside for each
PLAIN_CONNECTIONS = 12288   # for 4,000 streams and what is left of others
MANY_CONNECTIONS = 32768    # for 10,000 streams


class Unavailable(Exception):
    """A candidate that cannot take part; the text says why and what to do."""


@dataclass
class Running:
    """A started proxy."""
    name: str
    child: processes.Child
    address: str
    headers: list = field(default_factory=list)
    tls: bool = False


class Candidate:
    """One proxy; subclasses fill in the blanks."""
    name = "?"
    max_rounds = 1000
    patience = 15  # seconds until it accepts
    default = True     # takes part unless --candidates says otherwise
    is_proxy = True    # for every scenario; others only for those that ask for them
    config_name = None  # of its template in configs/; None: its name
    speaks_tls = True

    def __init__(self, bench):
        self.bench = bench

    def prepare(self):
        """Makes sure that it can run. Raises Unavailable."""

    def version(self):
        return "?"

    def command(self, config, port):
        raise NotImplementedError

    def tls_words(self, _certificate):
        """What the configuration says in the place of words for TLS; `_certificate`: machine.Certificate."""
        return {}

    def start(self, model, connections=PLAIN_CONNECTIONS, tls=False):
        """A fresh process on the proxy core with `model` behind it; returns once it accepts."""
        port = machine.free_port()
        folder = self.bench.run_folder / f"{self.name}-{port}"
        folder.mkdir(parents=True)
        limit = self.bench.file_limit - 512
        words = {"port": port, "model_port": model.port, "dir": folder, "connections": min(connections, limit),
                 "clients": min(connections, limit) // 2 - 64,
                 **(self.tls_words(self.bench.certificate) if tls else {"tls": "", "tls_rules": ""})}
        command = self.command(self._fill_in(folder, words), port)
        child = processes.Child(command, self.bench.proxy_core, folder / "log", self.environment())
        running = Running(self.name, child, f"127.0.0.1:{port}", self.headers(model), tls)
        self._wait_until_ready(running, folder / "log")
        return running

    def environment(self):
        return {}

    def headers(self, _model):
        return []

    def _fill_in(self, folder, words):
        """Writes this run's configuration file; returns its path, or None for those that have none."""
        for template in self.bench.source.glob(f"configs/{self.config_name or self.name}.*"):
            text = template.read_text(encoding="utf-8")
            path = folder / template.name
            path.write_text(re.sub(r"@(\w+)@", lambda word: str(words[word.group(1)]), text), encoding="utf-8")
            return path
        return None

    def _wait_until_ready(self, running, log):
        host, port = running.address.split(":")
        for _ in range(self.patience * 20):
            if not running.child.running():
                break
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        running.child.stop()
        said = log.read_text(errors="replace").strip()[-500:]
        raise Unavailable(f"{self.name} did not start: {said or 'no message'}")


class Nginx(Candidate):
    name = "nginx"

    def prepare(self):
        if not shutil.which("nginx"):
            raise Unavailable("nginx is not installed: apt-get install nginx-light")

    def version(self):
        return machine.first_line("nginx", "-v").removeprefix("nginx version: nginx/")

    def tls_words(self, certificate):
        return {"tls": " ssl", "tls_rules": f"ssl_certificate {certificate.pem}; ssl_certificate_key {certificate.key}; "
                "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; ssl_session_timeout 2h;"}

    def command(self, config, port):
        return ["nginx", "-e", str(config.parent / "error.log"), "-p", str(config.parent), "-c", str(config)]


class Floor(Candidate):
    """Passes bytes on and looks at nothing: what the kernel takes for any proxy."""
    name = "floor"
    default = False
    speaks_tls = False
    _model_port = 0

    def version(self):
        return "of the benchmark"

    def command(self, _config, port):
        return [str(self.bench.build / "bench_floor"), "--listen", f"127.0.0.1:{port}", "--model",
                f"127.0.0.1:{self._model_port}"]

    def start(self, model, *words, **named):
        self._model_port = model.port
        return super().start(model, *words, **named)


class Haproxy(Candidate):
    name = "haproxy"

    def prepare(self):
        if not shutil.which("haproxy"):
            raise Unavailable("haproxy is not installed: apt-get install haproxy")

    def version(self):
        return machine.first_line("haproxy", "-v").split()[2]

    def tls_words(self, certificate):
        return {"tls": f" ssl crt {certificate.both} ssl-min-ver TLSv1.2 alpn http/1.1"}

    def command(self, config, port):
        return ["haproxy", "-db", "-f", str(config)]


class Portkey(Candidate):
    """A gateway of the same trade, on Node. Told by headers where the model is."""
    name = "portkey"
    max_rounds = 3  # it is slower by so much that more would only cost time
    speaks_tls = False

    def prepare(self):
        wanted = json.dumps(
            {"private": True, "dependencies": {PORTKEY: PORTKEY_VERSION}, "overrides": PORTKEY_OVERRIDES})
        package = self._folder() / "package.json"
        if self._script().exists() and package.read_text(encoding="utf-8") == wanted:
            return
        if not shutil.which("npm"):
            raise Unavailable("portkey needs Node and npm: apt-get install nodejs npm")
        print(f"installing {PORTKEY} {PORTKEY_VERSION} …", file=sys.stderr, flush=True)
        shutil.rmtree(self._folder(), ignore_errors=True)
        self._folder().mkdir(parents=True)
        package.write_text(wanted, encoding="utf-8")
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts"],
                              cwd=self._folder(), capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0 or not self._script().exists():
            raise Unavailable(f"{PORTKEY} could not be installed: {done.stderr.strip()[-300:]}")

    def version(self):
        return f"{PORTKEY_VERSION}, node {machine.first_line('node', '--version')}"

    def command(self, config, port):
        return ["node", str(self._script()), f"--port={port}", "--headless"]

    def environment(self):
        return {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}

    def headers(self, model):
        return ["x-portkey-provider: openai", f"x-portkey-custom-host: http://127.0.0.1:{model.port}/v1"]

    def _folder(self):
        return self.bench.build / "portkey"

    def _script(self):
        return self._folder() / "node_modules" / PORTKEY / "build" / "start-server.js"


class Intragate(Candidate):
    """The gateway itself, with key check, address list, metrics and audit on."""
    name = "intragate"

    def prepare(self):
        if not self.bench.intragate.exists():
            raise Unavailable("the binary is not built: scripts/build release, or name it with --intragate")

    def version(self):
        return machine.first_line(str(self.bench.intragate), "version")

    def tls_words(self, certificate):
        return {"tls": f"tls: {{certificate: {certificate.pem}, key: {certificate.key}}}"}

    def command(self, config, port):
        return [str(self.bench.intragate), "serve", "--config", str(config)]


class WithoutAudit(Intragate):
    """The same program, built so that it keeps no records of calls: what the cost of audit is measured against."""
    name = "without-audit"
    config_name = "intragate"
    default = False
    is_proxy = False

    def prepare(self):
        if not self._binary().exists():
            raise Unavailable("it is not built: scripts/build release intragate_without_audit")

    def version(self):
        return machine.first_line(str(self._binary()), "version") + " without records of calls"

    def command(self, config, port):
        return [str(self._binary()), "serve", "--config", str(config)]

    def _binary(self):
        return self.bench.intragate.with_name("intragate_without_audit")


ALL = {candidate.name: candidate for candidate in (Nginx, Floor, Haproxy, Portkey, Intragate, WithoutAudit)}
