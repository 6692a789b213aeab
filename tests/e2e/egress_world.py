"""A small internet for test_egress.py, run inside a network namespace of its own: every address there is answers here,
names are answered by a server that lies on demand, and every packet is on record. Prints what was seen, as JSON.

    unshare --net --mount python tests/e2e/egress_world.py
"""

import atexit
import collections
import json
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fake_model import FakeModel, answer_json, close, proper_answer  # noqa: E402
from gateway import Gateway, run  # noqa: E402
from wire import Connection, ask, chat, eventually  # noqa: E402

NAMES, CLIENTS, STEADY, OTHER = "10.53.0.53", "10.88.0.1", "10.66.0.1", "10.66.0.2"
OUTSIDE, LITERAL, METADATA = "203.0.113.9", "198.51.100.7", "169.254.169.254"
SIX, SIX_OUTSIDE = "fd66::1", "2001:db8::9"
TRANSLATED = "64:ff9b::a42:1"  # STEADY, by way of a translator (NAT64): not what `egress` names
PORT, SYSLOG = 9001, 514
SYN, ACK = 0x02, 0x10


def shell(*words):
    subprocess.run(words, check=True)


def build(folder):
    """All addresses are local ones, so that whatever leaves is seen, and would even be answered."""
    shell("ip", "link", "set", "lo", "up")
    for address in (NAMES, CLIENTS, STEADY, OTHER):
        shell("ip", "address", "add", f"{address}/32", "dev", "lo")
    for address in (SIX, SIX_OUTSIDE, TRANSLATED):  # to be listened on, an IPv6 address must be one of ours
        shell("ip", "address", "add", f"{address}/128", "dev", "lo", "nodad")
    shell("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo")
    shell("ip", "-6", "route", "add", "local", "::/0", "dev", "lo")
    files = {"resolv.conf": f"nameserver {NAMES}\noptions timeout:1 attempts:1 ndots:0\n", "nsswitch.conf": "hosts: files dns\n",
             "hosts": "127.0.0.1 localhost\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
        shell("mount", "--bind", str(folder / name), f"/etc/{name}")


class Sniffer:
    """Every connection that is begun and every datagram, by (protocol, address, port)."""

    def __init__(self):
        self.seen = collections.Counter()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data, where = self._socket.recvfrom(65535)
            if where[1] in (0x0800, 0x86DD) and where[2] == socket.PACKET_OUTGOING:
                self._note(data, where[1] == 0x86DD)
            elif where[1] not in (0x0800, 0x86DD):
                self.seen["other", hex(where[1]), 0] += 1

    def _note(self, data, six):
        begin, protocol = (40, data[6]) if six else ((data[0] & 15) * 4, data[9])
        to = socket.inet_ntop(socket.AF_INET6, data[24:40]) if six else socket.inet_ntoa(data[16:20])
        if protocol == socket.IPPROTO_TCP:
            if data[begin + 13] & (SYN | ACK) == SYN:
                self.seen["tcp", to, struct.unpack("!H", data[begin + 2:begin + 4])[0]] += 1
        elif protocol == socket.IPPROTO_UDP:
            source_port, port = struct.unpack("!HH", data[begin:begin + 4])
            if source_port != 53:  # an answer
                self.seen["udp", to, port] += 1
        else:
            self.seen[f"ip {protocol}", to, 0] += 1

    def take(self):
        seen, self.seen = self.seen, collections.Counter()
        return sorted([*key] for key in seen if key[1] != CLIENTS)  # without the test's own calls


class NameServer:
    """Answers A and AAAA questions from `table`, with what is there at that moment; `silent` answers nothing."""

    def __init__(self):
        self.table, self.asked, self.silent = {}, collections.Counter(), False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((NAMES, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, client = self._socket.recvfrom(4096)
            labels, at = [], 12
            while question[at]:
                labels.append(question[at + 1:at + 1 + question[at]].decode())
                at += 1 + question[at]
            kind, name = struct.unpack("!H", question[at + 1:at + 3])[0], ".".join(labels)
            if kind == 1:
                self.asked[name] += 1
            if self.silent:
                continue
            family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
            found = self.table.get(name)
            if found is not None:
                found = [a for a in found if family == (socket.AF_INET6 if ":" in a else socket.AF_INET)]
            head = question[:2] + struct.pack("!HHHHH", 0x8180 | (3 if found is None else 0), 1, len(found or ()), 0, 0)
            packed = [socket.inet_pton(family, a) for a in found or ()]
            rows = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(a)) + a for a in packed)
            self._socket.sendto(head + question[12:at + 5] + rows, client)


def endpoint(host):
    return {"url": f"http://{host}:{PORT}/v1"}


def configuration(folder):
    hosts = {"steady": "steady.test", "rebind": "rebind.test", "mixed": "mixed.test", "outside": "outside.test",
             "literal": LITERAL, "metadata": METADATA, "gone": "gone.test", "six": "six.test",
             "six_outside": "six_outside.test", "translated": f"[{TRANSLATED}]"}
    return {"listen": [{"address": f"{CLIENTS}:0"}], "admin": {"address": f"{CLIENTS}:0", "token": "admin-token-for-this-test"},
            "egress": {"allow": ["10.66.0.0/16", "fd66::/64"]},
            "audit": {"copies": [{"to": f"syslog+udp://{host}:{SYSLOG}"} for host in (STEADY, "outside.test")]}, "data_dir": str(folder / "data"),
            "keys": [{"name": "test", "key": "${TEST_KEY}"}],
            "models": [{"name": name, "endpoints": [endpoint(host)], "retry": {"attempts": 1}}
                       for name, host in hosts.items()]}


def said(reply):
    return [reply.status, (reply.error or {}).get("code")] if reply.status >= 400 else [reply.status, None]


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="egress-"))
    build(folder)
    sniffer, names = Sniffer(), NameServer()
    names.table = {"steady.test": [STEADY], "rebind.test": [OTHER], "mixed.test": [OUTSIDE, STEADY],
                   "outside.test": [OUTSIDE], "six.test": [SIX], "six_outside.test": [SIX_OUTSIDE]}
    inside = [FakeModel(host=STEADY, port=PORT), FakeModel(host=OTHER, port=PORT)]
    inside.append(FakeModel(host=SIX, port=PORT))
    traps = [FakeModel(host=address, port=PORT) for address in (OUTSIDE, LITERAL, METADATA, SIX_OUTSIDE, TRANSLATED)]
    records = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    records.settimeout(20)
    records.bind((STEADY, SYSLOG))
    inside[1].default(proper_answer(), close())  # so that the name is looked up again
    report = {"seen": {}, "answers": {}}
    config = configuration(folder)
    (folder / "validated.yaml").write_text(json.dumps(config))
    listed = run("validate", "--egress", folder / "validated.yaml", "--json", env={"TEST_KEY": "sk-test-5f1c9a7e3b2d4680"})
    report["validate"] = [listed.returncode, json.loads(listed.stdout)]
    report["validate_text"] = run("validate", "--egress", folder / "validated.yaml",
                                  env={"TEST_KEY": "sk-test-5f1c9a7e3b2d4680"}).stdout
    report["seen"]["validate"] = sniffer.take()

    gateway = Gateway.start(config=config, directory=folder / "gateway")
    atexit.register(gateway.process.kill)  # whatever fails below
    eventually(lambda: inside[0].listings and inside[1].listings, "the first questions to the models")
    assert b'"event":"start"' in records.recv(65535)  # the copy of a record
    eventually(lambda: sniffer.seen["udp", STEADY, SYSLOG], "the packet's record")
    report["seen"]["start"] = sniffer.take()

    def call(model, **more):
        return said(ask(gateway, chat(model), **more))
    report["answers"]["work"] = {model["name"]: call(model["name"]) for model in config["models"]}
    with Connection(gateway.address) as connection:  # a client that would like to choose
        connection.ask(target=f"http://{OUTSIDE}:{PORT}/v1/chat/completions", body=chat("steady"), key=gateway.key,
                       host=f"{OUTSIDE}:{PORT}", headers={"X-Forwarded-Host": OUTSIDE, "X-Original-URL": f"http://{OUTSIDE}/"})
        report["answers"]["absolute"] = said(connection.read_answer())
    inside[0].script(answer_json({}, status=307, headers=[("Location", f"http://{OUTSIDE}:{PORT}/v1/chat/completions")]))
    report["answers"]["redirect"] = call("steady")
    report["seen"]["work"] = sniffer.take()

    names.table["rebind.test"] = [OUTSIDE]  # inside a moment ago
    eventually(lambda: call("rebind")[0] != 200, "the name's new address to be noticed", 30)
    report["answers"]["rebound"] = call("rebind")
    report["seen"]["rebound"] = sniffer.take()

    names.silent = True
    report["answers"]["no names"] = {name: call(name)[0] for name in ("steady", "gone", "outside")}
    report["seen"]["no names"] = sniffer.take()
    report["asked"] = sorted(names.asked)
    report["trapped"] = sum(trap.connections for trap in traps)
    gateway.stop()
    gateway.forget()
    for model in inside + traps:
        model.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
