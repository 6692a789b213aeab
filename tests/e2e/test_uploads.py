"""Recordings that are passed on while they come: held by nobody, paced by whoever is slowest, and safe against forms that
say their model twice."""

import hashlib

import pytest

from fake_model import Gate, answer_json, free_port, read_body, refusal, reset, wait
from wire import Connection, chunk, eventually

MIB = 1 << 20
PATH = "/v1/audio/transcriptions"
LONG = bytes(range(256)) * 16384    # 4 MiB: longer than what a gateway holds, and than any socket's buffer


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(models=["m"], receive_buffer=65536)


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    endpoint = {"url": model.base, "model": "Org/theirs"}
    patient = {"kind": "transcription", "retry": {"attempts": 2}, "health": {"failures": 1000}}
    dead = {"url": f"http://127.0.0.1:{free_port()}/v1"}
    models = [{"name": "ear", "endpoints": [endpoint], **patient},
              {"name": "one", "endpoints": [{**endpoint, "max_concurrency": 1}], **patient},
              {"name": "twins", "balance": "round_robin", "endpoints": [dead, endpoint], **patient},
              {"name": "other", "endpoints": [endpoint], **patient}]
    listen = [{"address": "127.0.0.1:0", "max_body": "1MiB"},
              {"address": "127.0.0.1:0", "max_upload": "2MiB", "timeouts": {"body": "1s"}}]
    return gateway_factory(config={"listen": listen, "models": models,
                                   "keys": [{"name": "all", "key": "${TEST_KEY}", "content": "digest",
                                             "models": ["ear", "one", "twins"]}]})


@pytest.fixture(autouse=True)
def good_answers(model, _fresh_models):
    model.default(answer_json({"text": "good"}))


def part(name, value, more=""):
    return f'--zz9\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def form(model, sound=LONG, behind=b""):
    return part("model", model.encode()) + part("file", sound, '; filename="a.wav"') + behind + b"--zz9--\r\n"


class Upload(Connection):
    """A request whose head is sent, and whose body the test sends."""

    def __init__(self, gateway, length=None, listener=0, target=PATH):
        super().__init__(gateway.addresses[listener])
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self.id = f"up-{self.local_port}-{length}"
        self.send(f"POST {target} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {gateway.key}\r\nX-Request-Id: {self.id}"
                  f"\r\nContent-Type: multipart/form-data; boundary=zz9\r\n{framing}\r\n\r\n".encode())

    def send_what_is_taken(self, body):
        """Sends until nobody takes any more for a while; how much that was."""
        self.socket.settimeout(0.3)
        sent = 0
        try:
            while sent < len(body):
                sent += self.socket.send(body[sent:sent + 65536])
        except TimeoutError:
            pass
        self.socket.settimeout(20)
        return sent


def upload(gateway, body, listener=0, chunked=False):
    with Upload(gateway, None if chunked else len(body), listener) as client:
        try:
            client.send(b"".join(chunk(body[at:at + 50000]) for at in range(0, len(body), 50000)) + b"0\r\n\r\n"
                        if chunked else body)
        except OSError:
            pass  # it was refused on the way: what was said about it can be read
        answer = client.read_answer()
        answer.id = client.id
        return answer


def record(gateway, name):
    return gateway.wait_for_record(lambda found: found["request_id"] == name)


def peak_memory(gateway):
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def swallow(into):
    """Reads a body and keeps its hash alone."""
    def step(call):
        left = int(call.headers["content-length"])
        while left > 0:
            if not call._link.buffer:
                call._link._receive()
            into.update(call._link.buffer)
            left -= len(call._link.buffer)
            call._link.buffer.clear()
    return step


def test_a_recording_goes_through_and_is_not_held(gateway, model):
    assert upload(gateway, form("ear")).status == 200  # whatever is needed once is there
    before, seen, expected, sent = peak_memory(gateway), *(hashlib.sha256() for _ in range(3))
    model.script(swallow(seen), answer_json({"text": "long"}), read_body=False)
    start, end = form("ear", b"").split(b"\r\n--zz9--")[0], b"\r\n--zz9--\r\n"
    size = 64 * MIB
    with Upload(gateway, len(start) + size + len(end)) as client:
        for piece in (start, *[LONG] * (size // len(LONG)), end):
            client.send(piece)
            sent.update(piece)
            expected.update(piece.replace(b"ear", b"Org/theirs") if piece is start else piece)
        assert client.read_answer().json == {"text": "long"}
        assert seen.digest() == expected.digest()
        found = record(gateway, client.id)
    assert found["bytes_in"] == len(start) + size + len(end) and found["outcome"] == "ok"
    assert found["content"]["prompt"] == "sha256:" + sent.hexdigest()
    assert peak_memory(gateway) - before < 48 * MIB, "and nearly all of that under a sanitizer, which keeps what was freed"


def test_chunked_forms_go_on_in_chunks(gateway, model):
    assert upload(gateway, form("ear"), chunked=True).status == 200
    call = model.only_call
    assert (call.framing, call.body) == ("chunked", form("Org/theirs"))


def test_while_a_call_waits_for_a_slot_its_client_is_not_read(gateway, model):
    gate = Gate()
    model.script(wait(gate), answer_json({"text": "first"}))
    with Upload(gateway, len(form("one", b"x"))) as first, Upload(gateway, 8 * len(LONG)) as second:
        first.send(form("one", b"x"))
        model.wait_for_call()
        body = form("one", LONG * 8)[:8 * len(LONG)]
        assert second.send_what_is_taken(body) < len(body) - MIB
        assert gateway.metrics().total("intragate_memory_held_bytes") < MIB
        gate.open()
        assert first.read_answer().status == 200
    record(gateway, second.id)  # its call, which nobody waits for, is no other test's


def test_a_slow_model_slows_its_client_down(gateway, model):
    gate = Gate()
    model.script(read_body(100000), wait(gate), read_body(), answer_json({"text": "x"}), read_body=False)
    body = form("ear", LONG * 8)  # more than the system keeps on the way
    with Upload(gateway, len(body)) as client:
        sent = client.send_what_is_taken(body)
        assert sent < len(body) - MIB
        gate.open()
        assert client.send(body[sent:]).read_answer().status == 200


def test_a_client_that_leaves_in_the_middle_ends_the_call(gateway, model):
    with Upload(gateway, len(form("one"))) as client:
        client.send(form("one")[:MIB])
        call = model.wait_for_call()
    assert call.wait_ended().ended_by_peer and not call.body_complete
    found = record(gateway, client.id)
    assert (found["outcome"], found["attempts"]) == ("client_cancelled", 1) and found["bytes_in"] <= MIB
    assert upload(gateway, form("one", b"x")).status == 200, "its slot is free again"


def test_a_client_that_stalls_is_told_so(gateway, model):
    with Upload(gateway, len(form("ear", LONG[:MIB])), listener=1) as client:
        client.send(form("ear")[:400000])
        answer = client.read_answer()
        assert answer.status == 408 and "timeouts.body" in answer.error["message"]
    assert model.wait_for_call().wait_ended().ended_by_peer
    assert record(gateway, client.id)["outcome"] == "refused"


def test_a_model_may_answer_before_it_has_heard_everything(gateway, model):
    model.script(refusal(413, "too long for me"), read_body=False)
    with Upload(gateway, 16 * len(LONG)) as client:
        client.send(form("ear")[:400000])
        try:
            client.send(LONG * 15)  # more than the system keeps on the way
        except OSError:
            pass
        answer = client.read_answer()
    assert answer.status == 413 and "too long for me" in answer.error["message"]


def test_what_was_not_passed_on_can_be_sent_elsewhere(gateway, model):
    for _ in range(2):
        assert upload(gateway, form("twins")).status == 200
    assert [call.body == form("Org/theirs") for call in model.calls] == [True, True]


def test_what_was_passed_on_is_not_tried_again(gateway, model):
    model.script(read_body(MIB), reset(), read_body=False)
    answer = upload(gateway, form("ear"))
    assert answer.status == 502 and answer.headers["x-intragate-attempts"] == "1"
    assert len(model.calls) == 1


@pytest.mark.parametrize("behind", [part("model", b"other"), b'--zz9\r\nContent-Disposition: form-data; name="x"; name="model"'
                                    b"\r\n\r\nother\r\n", b"\n--zz9\nx"], ids=["again", "two names", "other line ends"])
def test_no_second_model_slips_through_behind_the_recording(gateway, model, behind):
    answer = upload(gateway, form("ear", behind=behind))
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert not model.wait_for_call().wait_ended().body_complete


def test_a_form_that_says_its_model_last_is_held(gateway, model):
    late = part("file", LONG[:600000], '; filename="a.wav"') + part("model", b"ear") + b"--zz9--\r\n"
    assert upload(gateway, late).status == 200
    assert model.only_call.body == late.replace(b"\r\near\r\n", b"\r\nOrg/theirs\r\n")
    longer = part("file", LONG, '; filename="a.wav"') + part("model", b"ear") + b"--zz9--\r\n"
    answer = upload(gateway, longer)
    assert answer.status == 413 and "`model` before the recording" in answer.error["message"]


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_has_a_bound_of_its_own(gateway, model, chunked):
    answer = upload(gateway, form("ear"), listener=1, chunked=chunked)
    assert answer.status == 413 and "listen.max_upload" in answer.error["message"]


def test_who_may_not_use_the_model_is_not_read(gateway, model):
    with Upload(gateway, 64 * MIB) as client:
        client.send(form("other")[:200000])
        assert client.read_answer().status == 403
    assert not model.calls


def test_the_beginning_alone_is_no_form(gateway, model):
    with Upload(gateway, len(LONG)) as client:
        client.send(form("ear", LONG)[:len(LONG)])
        assert client.read_answer().status == 400
    assert not model.wait_for_call().wait_ended().body_complete
