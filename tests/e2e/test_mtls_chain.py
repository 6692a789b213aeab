"""Mutual TLS on every wire: a client, nginx, the gateway, and llama.cpp with a real model (behind nginx, because its own
TLS asks nobody for a certificate)."""

import getpass
import os
import pathlib
import shutil
import ssl
import tempfile

import openai
import pytest

import parts
from wire import eventually

CONF = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_processes 1;
{user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_client_certificate {ca};
  ssl_verify_client on;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_buffering off;
  proxy_read_timeout 300s;
  upstream gateway {{ server 127.0.0.1:{gateway}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{front} ssl;
    ssl_certificate {front_pair.certificate};
    ssl_certificate_key {front_pair.key};
    location / {{
      proxy_pass https://gateway;
      proxy_ssl_certificate {front_shows.certificate};
      proxy_ssl_certificate_key {front_shows.key};
      proxy_ssl_trusted_certificate {ca};
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
      proxy_ssl_session_reuse on;
    }}
  }}
  server {{
    listen 127.0.0.1:{model} ssl;
    ssl_certificate {model_pair.certificate};
    ssl_certificate_key {model_pair.key};
    location / {{ proxy_pass {llama}; }}
  }}
}}
"""


class Nginx:
    """Both ends of the gateway: in front of it, and in front of the model."""

    def __init__(self, authority, llama):
        self.program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        assert self.program, "nginx is not installed: run scripts/setup"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
        self.front, self.model, self.gateway = (parts.free_port() for _ in range(3))
        config = self.folder / "nginx.conf"
        config.write_text(CONF.format(
            folder=self.folder, ca=authority.certificate, front=self.front, model=self.model, gateway=self.gateway,
            llama=llama, front_pair=authority.server(), model_pair=authority.server(),
            front_shows=authority.issue("nginx-front"),
            user=f"user {getpass.getuser()};" if os.geteuid() == 0 else ""))
        self.process = parts.child([self.program, "-p", self.folder, "-e", self.folder / "error.log", "-c", config])

    def log(self):
        path = self.folder / "error.log"
        return path.read_text() if path.exists() else ""

    def close(self):
        parts.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def nginx(authority):
    nginx = Nginx(authority, parts.chat_model().url)
    yield nginx
    nginx.close()


@pytest.fixture(scope="module")
def gateway(gateway_factory, authority, nginx):
    own, shown = authority.server(), authority.issue("gateway")
    listen = {"address": f"127.0.0.1:{nginx.gateway}",
              "tls": {"certificate": own.certificate, "key": own.key, "client_certificate": "required",
                      "client_ca": authority.certificate}}
    endpoint = {**parts.chat_model().endpoint(), "url": f"https://127.0.0.1:{nginx.model}/v1",
                "tls": {"ca": authority.certificate, "certificate": shown.certificate, "key": shown.key}}
    return gateway_factory(
        config={"listen": [listen],
                "keys": [{"name": "dify", "key": "${TEST_KEY}", "certificate": {"cn": "nginx-front"}, "require": "both"}],
                "models": [{"name": parts.CHAT_MODEL, "endpoints": [endpoint],
                            "timeouts": {"connect": "10s", "first_byte": "120s", "between_chunks": "120s"}}]},
        env=parts.GATEWAY_ENV)


def client(authority, port, key, pair=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return openai.OpenAI(base_url=f"https://localhost:{port}/v1", api_key=key, max_retries=0, timeout=300,
                         http_client=openai.DefaultHttpxClient(verify=context))


def test_a_real_answer_comes_over_three_wires_of_mutual_tls(gateway, nginx, authority):
    eventually(lambda: gateway.get_admin("/readyz")[0] == 200, "the model through its nginx")
    with client(authority, nginx.front, gateway.key, authority.issue("somebody")) as ours:
        ask = {"model": parts.CHAT_MODEL, "messages": [{"role": "user", "content": "Say something."}], "max_tokens": 8}
        chunks = list(ours.chat.completions.create(**ask, stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert ours.chat.completions.create(**ask).choices[0].message.content
    record = gateway.wait_for_record(lambda one: one["outcome"] == "ok")
    assert (record["principal"], record["certificate"]) == ("dify", "CN=nginx-front")


def test_no_wire_is_open_to_whoever_shows_nothing(gateway, nginx, authority):
    for port in (nginx.front, gateway.address[1], nginx.model):
        with client(authority, port, gateway.key) as ours, pytest.raises(openai.OpenAIError):
            ours.models.list()
    with client(authority, gateway.address[1], gateway.key, authority.issue("somebody")) as ours:
        with pytest.raises(openai.AuthenticationError):  # the key belongs together with nginx's certificate
            ours.models.list()
