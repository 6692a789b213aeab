"""The real parts that the gateway stands between: llama.cpp with a small real model, and nginx.

    model = parts.chat_model()            # started once, ends with the test run
    with parts.Nginx(gateway.url) as front: …

All of them listen on free ports of this machine, and end with the process that started them, however that ends.
"""

import atexit
import functools
import getpass
import json
import os
import pathlib
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.request

from gateway import ROOT
from wire import eventually

START_PATIENCE = 120.0  # a loaded machine reads a model of 98 MB slowly
MODEL_KEY = "model-secret-7c21"  # what the model server wants of the gateway, and no client may ever see
VENV_PYTHON = ROOT / "build" / "venv" / "bin" / "python"
CHAT_MODEL = "smollm2-135m"
EMBEDDING_MODEL = "smollm2-135m-embedding"
EMBEDDING_SIZE = 576

for name in ("NO_PROXY", "no_proxy"):  # the clients under test honour the tester's proxy settings; loopback needs none
    os.environ[name] = "127.0.0.1,localhost"


def child(command, **options):
    """Starts a process that the kernel ends with us, even if we are killed."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *map(str, command)], stdin=subprocess.DEVNULL, **options)


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class ModelServer:
    """llama.cpp's HTTP server with SmolLM2; the tests can ask it whether it is still generating."""

    def __init__(self, name, *arguments):
        assert VENV_PYTHON.exists(), "the model server is not installed: run scripts/setup"
        self.name = name
        self.log = tempfile.TemporaryFile(mode="w+", prefix="model-server-")
        command = [VENV_PYTHON, ROOT / "scripts" / "model_server.py", "--name", name, *arguments]
        environment = {**os.environ, "MODEL_SERVER_API_KEY": MODEL_KEY}
        self.process = child(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        atexit.register(self.stop)
        select.select([self.process.stdout], [], [], START_PATIENCE)  # a line once the model is loaded, or the end
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.stop()
            self.log.seek(0)
            raise AssertionError(f"the model server did not start:\n{line}{self.log.read()[-3000:]}")
        self.url = line.removeprefix("listening on ").strip()
        self.base = self.url + "/v1"
        eventually(lambda: self._get("/health").get("status") == "ok", "the model's readiness", START_PATIENCE)

    def _get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {MODEL_KEY}"})
        with urllib.request.urlopen(request, timeout=START_PATIENCE) as reply:
            return json.load(reply)

    def busy(self):
        """How many answers it is working on right now."""
        return sum(slot["is_processing"] for slot in self._get("/slots"))

    def endpoint(self):
        """This server as an endpoint of a gateway's configuration; the key is read from UPSTREAM_KEY."""
        return {"url": self.base, "auth": {"type": "bearer", "key": "${UPSTREAM_KEY}"}}

    def stop(self):
        end(self.process)
        self.process.stdout.close()
        atexit.unregister(self.stop)


@functools.cache
def chat_model():
    """Answers chats and completions, and calls tools when asked to ("Use NAME for PLACE.")."""
    return ModelServer(CHAT_MODEL, "--chat-template", str(ROOT / "tests" / "e2e" / "tools.jinja"))


@functools.cache
def embedding_model():
    return ModelServer(EMBEDDING_MODEL, "--embeddings")


def gateway_config(**more):
    """Both models behind one gateway; patience for machines that are busy with other things."""
    patient = {"timeouts": {"connect": "10s", "first_byte": "120s", "between_chunks": "120s", "total": "10m"},
               "retry": {"attempts": 1}}
    models = [{"name": CHAT_MODEL, "aliases": ["gpt-4o-mini"], "endpoints": [chat_model().endpoint()], **patient},
              {"name": EMBEDDING_MODEL, "endpoints": [embedding_model().endpoint()], **patient}]
    return {"models": models, **more}


GATEWAY_ENV = {"UPSTREAM_KEY": MODEL_KEY}


# ---- nginx ---------------------------------------------------------------------------------------------------------

NGINX_CONF = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gateway {{ server {upstream}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    client_max_body_size 32m;
    location / {{
      proxy_pass http://gateway;
      proxy_bind {address};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffering off;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""


class Nginx:
    """A real nginx in front of `upstream` (http://host:port): TLS with a certificate of its own, nothing buffered.

    It speaks to the gateway from `address`, another of this machine's loopback addresses, so that a test can tell the
    proxy's address from a client's.
    """

    def __init__(self, upstream, address="127.0.0.10"):
        self.program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        assert self.program, "nginx is not installed: run scripts/setup"
        self.upstream, self.address = upstream.removeprefix("http://"), address
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
        self.certificate = self.folder / "server.pem"
        self._make_certificate()
        for _ in range(20):  # nginx knows no port 0, and between finding a port and taking it another may take it
            self.process, self.port = None, free_port()
            if self._start():
                break
            end(self.process)
        else:
            raise AssertionError(f"nginx did not start:\n{self.error_log()}")
        self.url = f"https://localhost:{self.port}"
        self.base = self.url + "/v1"

    def _make_certificate(self):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run(["openssl", "req", "-x509", "-days", "2", *key, *name,
                        "-keyout", self.folder / "server.key", "-out", self.certificate],
                       check=True, capture_output=True)

    def _start(self):
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(NGINX_CONF.format(folder=self.folder, user=user, upstream=self.upstream, port=self.port,
                                            address=self.address))
        self.process = child([self.program, "-p", self.folder, "-e", self.folder / "error.log", "-c", config])
        return eventually(lambda: self._accepts() or self.process.poll() is not None, "nginx's start", 30) and \
            self.process.poll() is None

    def _accepts(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as plain, \
                    self.trust().wrap_socket(plain, server_hostname="localhost"):
                return True
        except OSError:  # refused, or another program's socket
            return False

    def trust(self):
        """A TLS context that trusts this nginx's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def error_log(self):
        path = self.folder / "error.log"
        return path.read_text() if path.exists() else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
