"""`dialect: triton` and `triton-grpc` against a real MLServer, another server of KServe's v2 protocol than Triton."""

import openai
import pytest

from ml_server import MlServer

WAYS = {"http": "triton", "grpc": "triton-grpc"}
UPPER = {"model": "upper", "preset": "text", "output": "summary"}
VECTORS = {"model": "embedder", "preset": "text", "output": "vectors"}


@pytest.fixture(scope="module")
def server():
    server = MlServer(upper="Upper", embedder="Embedder")
    yield server
    server.close()


@pytest.fixture(scope="module")
def client(gateway_factory, server):
    models = []
    for way, dialect in WAYS.items():
        place = {"url": getattr(server, way), "dialect": dialect}
        models += [{"name": f"upper-{way}", "retry": {"attempts": 1}, "health": {"failures": 1000},
                    "endpoints": [{**place, "chat_template": "chatml", "triton": UPPER}]},
                   {"name": f"list-{way}", "kind": "embedding", "endpoints": [{**place, "triton": VECTORS}]},
                   {"name": f"batch-{way}", "kind": "embedding", "batch": {"max_items": 2},
                    "endpoints": [{**place, "triton": {**VECTORS, "batched": True}}]}]
    gateway = gateway_factory(config={"models": models})
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60) as client:
        yield client


@pytest.mark.parametrize("way", WAYS)
def test_a_chat(way, client):
    said = client.chat.completions.create(model=f"upper-{way}", messages=[{"role": "user", "content": "wörld ☀"}])
    assert "WÖRLD ☀" in said.choices[0].message.content and said.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("way", WAYS)
def test_a_text_whole_and_streamed(way, client):
    assert client.completions.create(model=f"upper-{way}", prompt="abc").choices[0].text == "ABC"
    stream = client.completions.create(model=f"upper-{way}", prompt="abc", stream=True)
    assert "".join(event.choices[0].text for event in stream if event.choices) == "ABC"


@pytest.mark.parametrize("way", WAYS)
def test_embeddings(way, client):
    texts = ["abc", "wörld☀", "a"]
    for model, batches in ((f"list-{way}", [3, 3, 3]), (f"batch-{way}", [2, 2, 1])):
        vectors = client.embeddings.create(model=model, input=texts, encoding_format="float").data
        assert [vector.embedding for vector in vectors] == [
            pytest.approx([len(text), len(text) / 10, batch]) for text, batch in zip(texts, batches)]


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_fails_is_no_answer(way, client):
    with pytest.raises(openai.InternalServerError):
        client.completions.create(model=f"upper-{way}", prompt="fail")
