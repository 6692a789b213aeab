"""Copies of the records elsewhere, as they are written: a real rsyslogd by UDP, TCP and TLS, and lines that verify."""

import json
import pathlib
import shutil
import socket
import tempfile

import pytest

import parts
from gateway import run
from wire import ask, chat, eventually, new_id

RSYSLOG = """
module(load="imudp")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
module(load="imptcp")
global(defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{ca}" maxMessageSize="128k"
       defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}" workDirectory="{folder}")
template(name="raw" type="string" string="%msg%\\n")
template(name="head" type="string" string="%pri% %hostname% %app-name% %procid% %msgid% %timereported:::date-rfc3339%\\n")
ruleset(name="udp") {{ action(type="omfile" file="{folder}/udp" template="raw") }}
ruleset(name="tcp") {{ action(type="omfile" file="{folder}/tcp" template="raw") }}
ruleset(name="tls") {{ action(type="omfile" file="{folder}/tls" template="raw")
                       action(type="omfile" file="{folder}/heads" template="head") }}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="udp")
input(type="imptcp" address="127.0.0.1" port="{tcp}" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="{tls}" ruleset="tls")
"""


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rsyslogd:
    """The real one, in a folder of its own, without this machine's configuration and log."""

    def __init__(self, authority):
        assert shutil.which("rsyslogd"), "rsyslogd is not installed: run scripts/setup"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rsyslog-"))
        self.ports = {"udp": free_port(socket.SOCK_DGRAM), "tcp": free_port(socket.SOCK_STREAM),
                      "tls": free_port(socket.SOCK_STREAM)}
        own = authority.server()
        (self.folder / "conf").write_text(RSYSLOG.format(ca=authority.certificate, certificate=own.certificate,
                                                         key=own.key, folder=self.folder, **self.ports))
        self.process = None

    def start(self):
        command = ["rsyslogd", "-n", "-f", self.folder / "conf", "-i", self.folder / "pid"]
        with open(self.folder / "log", "ab") as log:
            self.process = parts.child(command, stdout=log, stderr=log)

        def listens():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.ports["tls"])) == 0
        eventually(listens, "rsyslogd")

    def stop(self):
        parts.end(self.process)

    def lines(self, name):
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def rsyslogd(authority):
    rsyslogd = Rsyslogd(authority)
    rsyslogd.start()
    yield rsyslogd
    rsyslogd.close()


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


@pytest.fixture(scope="module")
def gateway(gateway_factory, model, authority, rsyslogd):
    shown = authority.issue("gateway")
    tls = {"ca": authority.certificate, "certificate": shown.certificate, "key": shown.key, "server_name": "localhost"}
    at = {name: f"127.0.0.1:{port}" for name, port in rsyslogd.ports.items()}
    copies = [{"to": f"syslog+udp://{at['udp']}"}, {"to": f"syslog+tcp://{at['tcp']}"},
              {"to": f"syslog+tls://{at['tls']}", "tls": tls}]
    return gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}],
                                   "audit": {"content": "full", "copies": copies}})


def call(gateway, text="hello"):
    name = new_id()
    assert ask(gateway, chat("m", messages=[{"role": "user", "content": text}]), headers={"x-request-id": name}).status == 200
    gateway.wait_for_record(name)
    return name


def chain_lines(gateway):
    return [line for path in sorted((gateway.data_dir / "audit").glob("*.jsonl"))
            for line in path.read_text().splitlines()]


def test_every_record_arrives_as_it_stands_in_the_file(gateway, rsyslogd):
    names = [call(gateway), call(gateway, "x" * 12000), call(gateway, 'quotes " and 汉字')]
    for way in ("tls", "tcp", "udp"):
        eventually(lambda way=way: all(any(name in line for line in rsyslogd.lines(way)) for name in names), way)
        assert rsyslogd.lines(way) == chain_lines(gateway)[:len(rsyslogd.lines(way))], way
    priority, _host, app, process, kind, time = rsyslogd.lines("heads")[0].split()
    assert (priority, app, process, kind) == ("110", "intragate", str(gateway.process.pid), "start")
    assert time[:19] == json.loads(rsyslogd.lines("tls")[0])["time"][:19]
    copied = gateway.metrics()
    assert copied.total("intragate_audit_copy_up") == 3 and copied.total("intragate_audit_copy_dropped_total") == 0


def test_the_copy_of_a_target_that_was_away_is_complete_and_verifies(gateway, rsyslogd):
    rsyslogd.stop()
    gateway.wait_for_log("audit records cannot be copied.*syslog\\+tls")
    names = [call(gateway) for _ in range(3)]
    assert "audit copy syslog+tls" in gateway.get_admin("/readyz")[1]
    rsyslogd.start()
    for way in ("tls", "tcp"):
        eventually(lambda way=way: all(any(name in line for line in rsyslogd.lines(way)) for name in names), way)
    fresh = list(dict.fromkeys(rsyslogd.lines("tls")))  # a record whose arrival was never confirmed may come twice
    folder = rsyslogd.folder / "copy"
    folder.mkdir()
    (folder / "00000001.jsonl").write_text("\n".join(fresh) + "\n")
    told = json.loads(run("audit", "verify", "--dir", folder, "--json").stdout)
    assert [one["kind"] for one in told["breaks"]] == ["no_head"], told


def test_calls_are_refused_for_a_copy_that_must_be_whole(gateway_factory, model):
    port = free_port(socket.SOCK_STREAM)
    to = f"lines+tcp://127.0.0.1:{port}"
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}],
                                      "audit": {"content": "full",
                                                "copies": [{"to": to, "buffer": "64KiB", "on_full": "refuse"}]}})
    long = chat("m", messages=[{"role": "user", "content": "x" * 12000}])
    statuses = []

    def refused():
        answer = ask(gateway, long)
        statuses.append(answer.status)
        return answer if answer.status == 503 else None
    answer = eventually(refused, "a refusal")
    assert answer.error["code"] == "audit_unavailable" and statuses[0] == 200
    assert json.loads(gateway.get_admin("/readyz")[1])["ready"] is False
    with socket.create_server(("127.0.0.1", port)) as receiver:
        connection, _ = receiver.accept()
        with connection, connection.makefile() as lines:
            assert json.loads(lines.readline())["event"] == "start"
            eventually(lambda: ask(gateway, chat("m")).status == 200, "calls again")


def test_what_a_copy_lacks_is_said_in_the_chain_and_can_be_brought(gateway_factory, model, tmp_path):
    port = free_port(socket.SOCK_STREAM)
    to = f"lines+tcp://127.0.0.1:{port}"
    gateway = gateway_factory(config={"models": [{"name": "m", "endpoints": [{"url": model.base}]}],
                                      "audit": {"content": "full", "copies": [{"to": to, "buffer": "64KiB"}]}})
    for _ in range(8):  # 12 KB each
        call(gateway, "x" * 12000)
    with socket.create_server(("127.0.0.1", port)) as receiver:
        connection, _ = receiver.accept()
        with connection, connection.makefile() as lines:
            got = [json.loads(lines.readline())]
            call(gateway)
            while got[-1].get("event") != "copy_gap":
                got.append(json.loads(lines.readline()))
    gap = got[-1]["detail"]
    assert gap["to"] == to and gap["records"] == gap["last_seq"] - gap["first_seq"] + 1
    assert not [one for one in got if gap["first_seq"] <= one["seq"] <= gap["last_seq"]]
    out = tmp_path / "missing.jsonl"
    done = run("audit", "export", "--dir", gateway.data_dir / "audit", "--from", gap["first_seq"], "--to", gap["last_seq"],
               "--output", out)
    assert done.returncode == 0, done.stderr
    whole = sorted(got + [json.loads(line) for line in out.read_text().splitlines()], key=lambda one: one["seq"])
    assert [one["seq"] for one in whole] == list(range(1, len(whole) + 1))


def test_egress_holds_for_copies_too(gateway_factory, model, tmp_path):
    config = {"models": [{"name": "m", "endpoints": [{"url": model.base}]}],
              "audit": {"copies": [{"to": "syslog+udp://192.0.2.1"}]}}
    gateway = gateway_factory(config=config)
    gateway.wait_for_log("audit records cannot be copied.*egress does not allow")
    done = run("validate", "--egress", gateway.config_file, env={"TEST_KEY": "sk-0123456789abcdef"})
    assert done.returncode == 1 and "audit copy syslog+udp://192.0.2.1" in done.stdout, done.stdout
