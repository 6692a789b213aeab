"""The APIs beside text and vectors: reranking in every server's shape, speech that is heard while it is made, forms."""

import http.client
import json

import pytest

import parts
from fake_model import Gate, answer, answer_json, chunk, cut, end, head, refusal, send, wait
from wire import ask, eventually

RANK = {"model": "ranker", "query": "q", "documents": ["a", "b", "c"]}
SOUND = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def model(model_factory):
    return model_factory(models=["m"])


@pytest.fixture(scope="module")
def gateway(gateway_factory, model):
    patient = {"retry": {"attempts": 1}, "health": {"failures": 1000}}
    endpoint = {"url": model.base, "model": "Org/theirs"}
    models = [{"name": "ranker", "kind": "rerank", "endpoints": [endpoint], **patient},
              {"name": "logits", "kind": "rerank", "rerank_scores": "logits", "endpoints": [endpoint], **patient},
              {"name": "vectors", "kind": "embedding", "endpoints": [endpoint], **patient},
              {"name": "voice", "kind": "speech", "endpoints": [endpoint], **patient},
              {"name": "ear", "kind": "transcription", "endpoints": [endpoint], **patient},
              {"name": "real-vectors", "kind": "embedding", "endpoints": [parts.embedding_model().endpoint()],
               "timeouts": {"first_byte": "120s"}}]
    return gateway_factory(config={"models": models}, env=parts.GATEWAY_ENV)


def ranking(reply):
    assert reply.status == 200, reply.body
    return [(result["index"], result["relevance_score"]) for result in reply.json["results"]]


@pytest.mark.parametrize("shape", [
    {"results": [{"index": 0, "relevance_score": 0.5}, {"index": 2, "relevance_score": 0.75}]},
    {"data": [{"index": 2, "score": 0.75}, {"index": 0, "score": 0.5}]},
    [{"index": 0, "score": 0.5, "text": "a"}, {"index": 2, "score": 0.75}]], ids=["jina", "vllm score", "tei"])
@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
def test_every_shape_of_ranking_becomes_the_one_dify_reads(gateway, model, shape, path):
    model.script(answer_json(shape))
    assert ranking(ask(gateway, RANK, path=path)) == [(2, 0.75), (0, 0.5)]
    assert (model.only_call.target, model.only_call.json["model"]) == ("/v1/rerank", "Org/theirs")


def test_logits_become_scores_and_top_n_is_kept(gateway, model):
    model.script(answer_json({"results": [{"index": 0, "relevance_score": 0.0}, {"index": 1, "relevance_score": 0.5},
                                          {"index": 2, "relevance_score": 0.9}], "usage": {"total_tokens": 7}}))
    found = ranking(ask(gateway, {**RANK, "model": "logits", "top_n": 1, "return_documents": True}, path="/v1/rerank"))
    assert [index for index, _ in found] == [2] and 0.7 < found[0][1] < 0.72
    record = eventually(lambda: [found for found in gateway.records() if found["model"] == "logits"], "the record")[0]
    assert (record["api"], record["prompt_tokens"], record["outcome"]) == ("rerank", 7, "ok")


@pytest.mark.parametrize("wrong", [{"query": 1}, {"documents": []}, {"documents": "a"}, {"top_n": 0}])
def test_a_request_that_ranks_nothing_costs_no_model(gateway, model, wrong):
    reply = ask(gateway, {**RANK, **wrong}, path="/v1/rerank")
    assert reply.status == 400 and not model.calls
    assert list(wrong)[0] in reply.json["error"]["message"]


def test_nonsense_from_a_reranker_is_its_fault(gateway, model):
    model.script(answer_json({"results": [{"index": 9, "relevance_score": 1}]}))
    assert ask(gateway, RANK, path="/v1/rerank").status == 502


def test_a_reranker_s_refusal_is_passed_on(gateway, model):
    model.script(refusal(400, "too many tokens"))
    reply = ask(gateway, RANK, path="/v1/rerank")
    assert reply.status == 400 and "too many tokens" in reply.body.decode()


def test_an_embedding_model_ranks_by_vectors(gateway, model):
    vectors = [[1, 0], [0, 1], [3, 0], [1, 1]]
    model.script(answer_json({"data": [{"index": n, "embedding": v} for n, v in enumerate(vectors)],
                              "usage": {"prompt_tokens": 4, "total_tokens": 4}}))
    found = ranking(ask(gateway, {**RANK, "model": "vectors"}, path="/v1/rerank"))
    assert [index for index, _ in found] == [1, 2, 0] and found[0][1] == 1 and found[2][1] == 0
    assert model.only_call.target == "/v1/embeddings" and model.only_call.json["input"] == ["q", "a", "b", "c"]


def test_a_real_embedding_model_ranks(gateway):
    documents = ["a river", "A bank lends money.", "银行"] * 10
    found = ranking(ask(gateway, {"model": "real-vectors", "query": "A bank lends money.", "documents": documents},
                        path="/v1/rerank"))
    assert len(found) == 30 and documents[found[0][0]] == documents[1]


def test_other_kinds_do_not_rank(gateway):
    assert ask(gateway, {**RANK, "model": "voice"}, path="/v1/rerank").status == 403


def test_speech_is_heard_while_it_is_made(gateway, model):
    gate = Gate()
    model.script(head(200, [("Content-Type", "audio/mpeg"), ("Transfer-Encoding", "chunked")]), chunk(SOUND[:1000]),
                 wait(gate), chunk(SOUND[1000:]), end())
    with open_call(gateway, "/v1/audio/speech", json.dumps({"model": "voice", "input": "Hello.", "voice": "alloy"}),
                   "application/json") as reply:
        assert (reply.status, reply.getheader("content-type")) == (200, "audio/mpeg")
        assert reply.read(1000) == SOUND[:1000]
        gate.allow()
        assert reply.read() == SOUND[1000:]
    assert model.only_call.json == {"model": "Org/theirs", "input": "Hello.", "voice": "alloy"}


def test_speech_that_breaks_off_is_no_whole_answer(gateway, model):
    model.script(head(200, [("Content-Type", "audio/mpeg"), ("Transfer-Encoding", "chunked")]), chunk(SOUND), cut())
    with open_call(gateway, "/v1/audio/speech", '{"model":"voice","input":"a","voice":"b"}', "application/json") as reply:
        with pytest.raises(http.client.IncompleteRead):
            reply.read()


class open_call:
    """A POST whose answer is read piece by piece."""

    def __init__(self, gateway, path, body, content_type):
        self.connection = http.client.HTTPConnection(*gateway.addresses[0], timeout=60)
        self.connection.request("POST", path, body, {"Authorization": f"Bearer {gateway.key}",
                                                     "Content-Type": content_type})

    def __enter__(self):
        return self.connection.getresponse()

    def __exit__(self, *_):
        self.connection.close()


def form(model, **fields):
    lines = []
    for name, value in {"model": model, "language": "zh", **fields}.items():
        lines.append(f'--zz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    lines.append(b'--zz\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n' + SOUND + b"\r\n")
    return b"".join(lines) + b"--zz--\r\n"


def test_a_recording_reaches_the_model_byte_for_byte(gateway, model):
    model.script(answer_json({"text": "你好"}))
    with open_call(gateway, "/v1/audio/transcriptions", form("ear"), "multipart/form-data; boundary=zz") as reply:
        assert json.load(reply) == {"text": "你好"}
    call = model.only_call
    assert call.body == form("Org/theirs")
    assert (call.target, call.headers["content-type"]) == ("/v1/audio/transcriptions", "multipart/form-data; boundary=zz")


def test_a_transcript_may_be_plain_text(gateway, model):
    model.script(answer(b"1\n00:00 --> 00:01\nhello\n", content_type="text/plain"))
    with open_call(gateway, "/v1/audio/transcriptions", form("ear"), "multipart/form-data; boundary=zz") as reply:
        assert reply.read().startswith(b"1\n00:00") and reply.getheader("content-type") == "text/plain"


@pytest.mark.parametrize("body, content_type, status", [
    (form("ear"), "application/json", 400), (form("ear"), "multipart/form-data", 400),
    (form("ear")[:-20], "multipart/form-data; boundary=zz", 400), (form(""), "multipart/form-data; boundary=zz", 400),
    (form("nobody"), "multipart/form-data; boundary=zz", 404), (form("voice"), "multipart/form-data; boundary=zz", 403)])
def test_what_is_no_form_is_told_so(gateway, model, body, content_type, status):
    with open_call(gateway, "/v1/audio/transcriptions", body, content_type) as reply:
        assert reply.status == status and json.load(reply)["error"]["message"]
    assert not model.calls
