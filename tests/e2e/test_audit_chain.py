"""The chain of records: what a second implementation, kill -9, a full disk and a thief's hand make of it."""

import datetime
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

from fake_model import delta, done, end, pause, proper_answer, sse, stream_head
from gateway import Gateway, StartFailed, binary, environment, run
from wire import Closed, ask, chat, eventually


def verify_again(directory):
    """The rule of docs/audit.md in a second implementation: the number of records, or the first one that is wrong."""
    seq, prev, names = 0, "0" * 64, sorted(pathlib.Path(directory).glob("[0-9]*.jsonl*"))
    for path in names:
        if path.name.endswith(".zst"):
            data = subprocess.run(["zstdcat", str(path)], capture_output=True, check=True).stdout
        else:
            data = path.read_bytes()
        for line in data.splitlines():
            body, digest = line[:-75], line[-66:-2].decode()
            assert line[-75:-66] == b',"hash":"' and line[-2:] == b'"}', seq + 1
            assert hashlib.sha256(body).hexdigest() == digest, seq + 1
            record = json.loads(line)
            assert (record["seq"], record["prev"], record["hash"]) == (seq + 1, prev, digest), seq + 1
            seq, prev = record["seq"], digest
    return seq


def verify(directory, *arguments):
    """(exit code, what it found) of `audit verify`."""
    done = run("audit", "verify", "--dir", directory, "--json", *arguments)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def kinds(directory, *arguments):
    code, found = verify(directory, *arguments)
    assert code == (0 if found["whole"] else 1)
    return [broken["kind"] for broken in found["breaks"]]


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory()


def config(model, **audit):
    return {"models": [{"name": "m", "endpoints": [{"url": model.base}]}], "audit": {"on_full": "drop", **audit}}


@pytest.fixture(scope="module")
def written(gateway_factory, model):
    """A directory as a gateway left it, over several files."""
    keys = [{"name": "test", "key": "${TEST_KEY}", "trust_user": True}]
    gateway = gateway_factory(config={**config(model, file_size="4KiB", compress="off"), "keys": keys})
    for number in range(30):
        assert ask(gateway, chat("m", user=("ann", "annika", "bob")[number % 3])).status == 200
        eventually(lambda: gateway.metrics().total("intragate_audit_waiting_records") == 0)
    gateway.stop()
    directory = gateway.data_dir / "audit"
    assert len(list(directory.glob("*.jsonl"))) > 3
    return directory


@pytest.fixture
def copy(written, tmp_path):
    return pathlib.Path(shutil.copytree(written, tmp_path / "audit"))


def test_a_second_implementation_agrees(written):
    assert verify_again(written) == 32  # 30 calls, start and stop
    code, found = verify(written)
    assert code == 0 and found["whole"] and found["records"] == 32 and (found["first_seq"], found["last_seq"]) == (1, 32)
    done = run("audit", "verify", "--dir", written)
    assert done.returncode == 0 and done.stdout.endswith(": the chain is whole\n")


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def change(directory):
    path = directory / "00000002.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"status":200', b'"status":500', 1))


def take_out(directory):
    path = directory / "00000002.jsonl"
    lines = lines_of(path)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))


def reorder(directory):
    path = directory / "00000002.jsonl"
    lines = lines_of(path)
    path.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))


def splice(directory):
    """A record that nobody wrote, sealed by the book, in place of one that somebody did."""
    path = directory / "00000002.jsonl"
    lines = lines_of(path)
    body = lines[1][:-76].replace(b'"principal":"test"', b'"principal":"else"')
    lines[1] = body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    path.write_bytes(b"".join(lines))


def cut_the_end(directory):
    path = sorted(directory.glob("*.jsonl"))[-1]
    path.write_bytes(b"".join(lines_of(path)[:-1]))


def remove_a_file(directory):
    (directory / "00000002.jsonl").unlink()


def remove_the_first_file(directory):
    (directory / "00000001.jsonl").unlink()


def rewrite_everything(directory):
    """The whole chain anew, as a thief would who knows the rule: only the head, or its signature, tells."""
    prev = "0" * 64
    for path in sorted(directory.glob("*.jsonl")):
        fresh = []
        for line in path.read_bytes().splitlines():
            head = line[:line.rindex(b',"prev":"')].replace(b'"principal":"test"', b'"principal":"else"')
            body = head + f',"prev":"{prev}"'.encode()
            prev = hashlib.sha256(body).hexdigest()
            fresh.append(body + f',"hash":"{prev}"}}\n'.encode())
        path.write_bytes(b"".join(fresh))


@pytest.mark.parametrize(("tamper", "found"), [
    (change, ["changed"]), (take_out, ["missing"]), (reorder, ["missing", "reordered"]), (splice, ["spliced"]),
    (cut_the_end, ["cut"]), (remove_a_file, ["missing"]), (remove_the_first_file, ["missing"]),
    (rewrite_everything, ["rewritten"])], ids=lambda value: getattr(value, "__name__", ""))
def test_tampering_is_found_and_named(copy, tamper, found):
    tamper(copy)
    assert kinds(copy) == found


def test_the_place_is_named(copy):
    change(copy)
    first = json.loads(lines_of(copy / "00000002.jsonl")[0])
    done = run("audit", "verify", "--dir", copy)
    assert done.returncode == 1
    assert done.stdout.startswith(f"00000002.jsonl:1: changed: record {first['seq']} was changed")
    assert kinds(copy, "--from", first["seq"] + 1) == []


def test_wrong_use_and_nothing_there(tmp_path):
    assert run("audit").returncode == 2
    assert run("audit", "verify", "--dir", tmp_path, "--config", "x.yaml").returncode == 2
    assert run("audit", "query", "--dir", tmp_path, "--since", "yesterday").returncode == 2
    assert run("audit", "verify", "--dir", tmp_path).returncode == 1
    assert run("audit", "verify", "--dir", tmp_path / "none").returncode == 1


# --- crashes

def ask_until_on_disk(gateway, count=1):
    for _ in range(count):
        assert ask(gateway, chat("m")).status == 200
    eventually(lambda: gateway.metrics().total("intragate_audit_waiting_records") == 0)


def kill(gateway):
    """As a machine does that has no time: no signal that could be handled."""
    gateway.ending = gateway.stopped = True
    Gateway.running.remove(gateway)
    gateway.process.send_signal(signal.SIGKILL)
    gateway.process.wait()
    gateway._finish_reading()


def start_after(gateway_factory, model, directory):
    """A gateway that goes on in this directory, and what its record `start` says."""
    def starts():
        found = (directory / "data" / "audit").glob("*.jsonl")
        return [json.loads(line) for path in sorted(found) for line in lines_of(path) if b'"event":"start"' in line]
    before = len(starts())
    gateway = gateway_factory(config=config(model), directory=directory)
    return gateway, eventually(lambda: starts()[before:])[0]


def test_kill_9_under_load_loses_at_most_what_was_younger_than_a_flush(gateway_factory, model):
    """Judged by the times in the records; a busy machine may write twenty times later than `audit.flush` says."""
    late = 2.0
    model.default(pause(0.05), proper_answer())  # so few that no write is early because there is much to write
    gateway = gateway_factory(config=config(model, flush="100ms"))
    ended, over = {}, threading.Event()

    def load():
        while not over.is_set():
            try:
                reply = ask(gateway, chat("m"))
            except (Closed, OSError):
                return
            assert reply.status == 200
            ended[reply.request_id] = time.time()
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: ended and max(list(ended.values())) - min(list(ended.values())) > 1.5 * late, "a while of load")
    kill(gateway)  # with calls under way
    over.set()
    for thread in threads:
        thread.join()
    kept = {record["request_id"]: datetime.datetime.fromisoformat(record["time"]).timestamp() for record in gateway.records()}
    assert max(ended.values()) - max(kept.values()) < late
    lost = [ended[name] for name in ended if name not in kept]
    assert all(when > max(kept.values()) - late for when in lost) and len(lost) < len(kept)
    told = json.loads(run("audit", "verify", "--dir", gateway.data_dir / "audit", "--json").stdout)
    assert {one["kind"] for one in told["breaks"]} <= {"torn_line", "head_behind", "no_head"}, told


def test_kill_9_loses_no_record_that_was_written_and_the_chain_says_so(gateway_factory, model, tmp_path):
    gateway, start = start_after(gateway_factory, model, tmp_path)
    assert start["detail"]["found"] == ["new"]
    ask_until_on_disk(gateway, 20)
    kill(gateway)
    assert len(gateway.records()) == 20
    with open(gateway.data_dir / "audit" / "00000001.jsonl", "ab") as file:
        file.write(b'{"seq":22,"time":"20')
    gateway, start = start_after(gateway_factory, model, tmp_path)
    assert [word for word in start["detail"]["found"] if word != "head_behind"] == ["killed", "torn_line"]
    assert start["detail"]["torn_bytes"] == 20 and start["seq"] == 22
    ask_until_on_disk(gateway)
    gateway.stop()
    assert verify_again(gateway.data_dir / "audit") == 24 and kinds(gateway.data_dir / "audit") == []
    gateway, start = start_after(gateway_factory, model, tmp_path)
    assert start["detail"]["found"] == ["clean"]
    gateway.stop()


def test_records_cut_off_while_no_gateway_ran_are_missed_at_the_next_start(gateway_factory, model, tmp_path):
    gateway, _ = start_after(gateway_factory, model, tmp_path)
    ask_until_on_disk(gateway, 5)
    gateway.stop()
    cut_the_end(gateway.data_dir / "audit")
    cut_the_end(gateway.data_dir / "audit")
    gateway, start = start_after(gateway_factory, model, tmp_path)
    assert start["detail"]["found"] == ["killed", "head_ahead"]  # the stop is gone too
    assert start["seq"] == 8 and start["detail"]["last_seq"] == 5  # no number is given twice
    gateway.stop()
    code, found = verify(gateway.data_dir / "audit")
    assert code == 1 and [(broken["kind"], broken["seq"]) for broken in found["breaks"]] == [("missing", 6)]


def test_a_file_deleted_while_it_is_written_is_on_record(gateway_factory, model, tmp_path):
    gateway, _ = start_after(gateway_factory, model, tmp_path)
    ask_until_on_disk(gateway)
    (gateway.data_dir / "audit" / "00000001.jsonl").unlink()
    ask_until_on_disk(gateway)
    lost = eventually(lambda: next((event for event in gateway.events() if event["event"] == "file_lost"), None))
    assert lost["detail"] == {"file": "00000001.jsonl"}
    gateway.stop()
    assert kinds(gateway.data_dir / "audit") == ["missing"]


def test_two_gateways_do_not_share_a_chain(gateway_factory, model, tmp_path):
    gateway, _ = start_after(gateway_factory, model, tmp_path)
    with pytest.raises(StartFailed, match="another gateway"):
        Gateway.start(config={**config(model), "data_dir": str(gateway.data_dir)})
    gateway.stop()
    assert kinds(gateway.data_dir / "audit") == []


# --- who changed what

def test_what_administrators_do_is_in_the_chain(gateway_factory, model, tmp_path):
    gateway, _ = start_after(gateway_factory, model, tmp_path)
    gateway.reload(config(model))
    gateway.reload("models: 1", expect="refused")
    answer = run("calls", "cancel", "--admin", "{}:{}".format(*gateway.admin_address), "--id", "req_none")
    assert answer.returncode == 1
    gateway.stop()
    assert [(event["event"], event["principal"], event["outcome"], event["address"]) for event in gateway.events()] == [
        ("start", "gateway", "ok", ""), ("reload", "signal", "ok", ""), ("reload", "signal", "refused", ""),
        ("calls.cancel", "admin", "refused", "127.0.0.1"), ("stop", "signal", "ok", "")]
    assert gateway.events()[3]["detail"] == {"id": "req_none", "user": "", "key": "", "cancelled": 0}


# --- signatures, compression, retention

@pytest.fixture(scope="module")
def key_pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for command in (("genpkey", "-algorithm", "ed25519", "-out", folder / "private.pem"),
                    ("pkey", "-in", folder / "private.pem", "-pubout", "-out", folder / "public.pem")):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return folder


def test_a_thief_without_the_key_cannot_rewrite_a_signed_chain(gateway_factory, model, key_pair, tmp_path):
    gateway = gateway_factory(config=config(model, sign={"key": f"file:{key_pair}/private.pem", "every": "1s"}),
                              directory=tmp_path)
    ask_until_on_disk(gateway)
    eventually(lambda: ask(gateway, chat("m")) and [e for e in gateway.events() if e["event"] == "checkpoint"], "a checkpoint")
    gateway.stop()
    directory = gateway.data_dir / "audit"
    code, found = verify(directory, "--key", key_pair / "public.pem")
    assert code == 0 and found["checkpoints"] >= 1
    assert verify(directory)[1]["remarks"]  # signed, and nobody looked
    rewrite_everything(directory)
    last = json.loads(lines_of(directory / "00000001.jsonl")[-1])
    head = json.loads((directory / "head.json").read_text())
    (directory / "head.json").write_text(json.dumps({**head, "hash": last["hash"]}))
    assert kinds(directory) == []  # by the chain alone nobody could tell
    assert set(kinds(directory, "--key", key_pair / "public.pem")) == {"bad_signature"}
    again = gateway_factory(config=config(model, sign={"key": f"file:{key_pair}/private.pem"}), directory=tmp_path)
    start = eventually(lambda: [event for event in again.events() if event["event"] == "start"][1:])[0]
    assert start["detail"]["found"] == ["head_unsigned"]
    again.stop()


def test_full_files_are_compressed_and_old_ones_go_on_record(gateway_factory, model):
    gateway = gateway_factory(config=config(model, file_size="4KiB", max_total="16KiB"))
    directory = gateway.data_dir / "audit"

    def settled():
        for _ in range(8):
            ask(gateway, chat("m"))
        if not list(directory.glob("*.zst")):
            return []
        return [json.loads(line) for line in lines_of(sorted(directory.glob("*.jsonl"))[-1]) if b'"removed"' in line]
    eventually(settled, "a removal", 60)
    gateway.stop()
    assert not (directory / "00000001.jsonl.zst").exists() and list(directory.glob("*.zst"))
    code, found = verify(directory)
    assert code == 0 and found["first_seq"] > 1 and "were removed, as the chain says" in found["remarks"][0]
    sorted(directory.glob("*.zst"))[-1].unlink()
    assert kinds(directory) == ["missing"]


# --- prompts and answers

def test_content_is_kept_as_the_key_says(gateway_factory, model):
    keys = {name: f"sk-content-{name}-0123456789" for name in ("none", "digest", "full")}
    gateway = gateway_factory(config={
        "models": [{"name": "m", "endpoints": [{"url": model.base}]}],
        "audit": {"content": "digest", "max_content": "1KiB"},
        "keys": [{"name": name, "key": key, **({} if name == "digest" else {"content": name})} for name, key in keys.items()]})
    body = json.dumps(chat("m", "a prompt to keep"))

    def content(name, prompt="a prompt to keep", **more):
        reply = ask(gateway, chat("m", prompt, **more), key=keys[name])
        assert reply.status == 200
        return gateway.wait_for_record(reply.request_id)["content"], reply
    assert content("none")[0] is None
    kept, reply = content("digest")
    assert kept == {"kind": "digest", "prompt": "sha256:" + hashlib.sha256(body.encode()).hexdigest(),
                    "answer": "sha256:" + hashlib.sha256(reply.body).hexdigest()}
    kept, reply = content("full")
    assert kept == {"kind": "full", "prompt": body, "answer": reply.body.decode(), "cut": False}
    kept, _ = content("full", "x" * 5000)
    assert len(kept["prompt"]) == 1024 and kept["cut"] is True
    model.script(stream_head(), sse(delta("Grü")), sse(delta("ße")), done(), end())
    kept, _ = content("full", stream=True)
    assert kept["answer"] == "Grüße"
    model.script(stream_head(), sse(delta("Grü")), sse(delta("ße")), done(), end())
    kept, _ = content("digest", stream=True)
    assert kept["answer"] == "sha256:" + hashlib.sha256("Grüße".encode()).hexdigest()
    gateway.stop()
    assert kinds(gateway.data_dir / "audit") == []


# --- reading it

def test_query_and_export_select_and_show(written):
    chain = [json.loads(line) for path in sorted(written.glob("*.jsonl")) for line in lines_of(path)]
    calls = [record for record in chain if "event" not in record]

    def query(*arguments):
        done = run("audit", "query", "--dir", written, "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
    assert query() == chain
    assert query("--calls") == calls and query("--events") == [r for r in chain if "event" in r]
    assert query("--id", calls[3]["request_id"]) == [calls[3]]
    assert query("--key", "test", "--model", "m", "--outcome", "ok", "--limit", 4) == calls[:4]
    assert query("--user", "ann") == calls[::3] and query("--user", "bob", "--limit", 2) == calls[2:8:3]
    assert query("--user", "nobody") == [] and query("--outcome", "refused") == []
    assert query("--since", calls[10]["time"], "--until", calls[20]["time"], "--calls") == [
        call for call in calls if calls[10]["time"] <= call["time"] < calls[20]["time"]]
    assert query("--since", "1h") == chain and query("--until", "1h") == []
    table = run("audit", "query", "--dir", written, "--limit", 1, "--calls").stdout.splitlines()
    assert table[0].split()[:3] == ["TIME", "KEY", "USER"] and table[1].split()[-1] == calls[0]["request_id"]


def test_export_writes_csv_to_a_new_file_only(written, tmp_path):
    import csv
    target = tmp_path / "out.csv"
    done = run("audit", "export", "--dir", written, "--format", "csv", "--output", target)
    assert done.returncode == 0 and done.stdout == ""
    with open(target, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 32 and rows[0]["event"] == "start" and rows[1]["principal"] == "test"
    assert json.loads(rows[0]["detail"])["found"] == ["new"] and [int(row["seq"]) for row in rows] == list(range(1, 33))
    assert run("audit", "export", "--dir", written, "--output", target).returncode == 1


def test_csv_does_not_hand_formulas_to_spreadsheets(gateway_factory, model):
    gateway = gateway_factory(config=config(model))
    ask(gateway, chat("=1+1"))
    gateway.stop()
    done = run("audit", "export", "--dir", gateway.data_dir / "audit", "--format", "csv", "--calls")
    assert ",'=1+1," in done.stdout


def test_tail_follows_through_new_files(gateway_factory, model):
    gateway = gateway_factory(config=config(model, file_size="4KiB"))
    ask_until_on_disk(gateway)
    tail = subprocess.Popen([binary(), "audit", "tail", "-f", "-n", "1", "--json", "--dir", gateway.data_dir / "audit"],
                            stdout=subprocess.PIPE, text=True, env=environment())
    try:
        seen = [json.loads(tail.stdout.readline())["seq"]]
        for _ in range(20):
            ask_until_on_disk(gateway)
        while seen[-1] < 22:
            seen.append(json.loads(tail.stdout.readline())["seq"])
        assert seen == list(range(2, 23))
    finally:
        tail.kill()
        tail.wait()
    gateway.stop()
