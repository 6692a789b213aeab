"""`dialect: triton` and `triton-grpc` against a real Triton: the same promises over HTTP and over gRPC."""

import openai
import pytest

from triton_server import Triton
from wire import Connection, Stream, eventually, new_id

WAYS = ("http", "grpc")
DIALECTS = {"http": "triton", "grpc": "triton-grpc"}
HELLO = "Hello, wörld ☀"
TENSORRT = {"model": "ensemble", "preset": "tensorrt-llm"}
KINDS = {"single": 1e-6, "double": 1e-12, "half": 1e-2}
UPPER = {"model": "upper", "preset": "text", "inputs": ["length INT32 max_tokens 99"]}


@pytest.fixture(scope="module")
def triton():
    server = Triton("vllm_model", "ensemble", "upper", "embedder", "list")
    yield server
    server.close()


@pytest.fixture(scope="module")
def secure(authority):
    server = Triton("upper", tls=authority.server())
    yield server
    server.close()


@pytest.fixture(scope="module")
def gateway(gateway_factory, triton, secure, authority):
    def one(name, url, dialect, tensors, **more):
        return {"name": name, "retry": {"attempts": 1}, "health": {"failures": 1000}, "endpoints": [
            {"url": url, "dialect": dialect, "chat_template": "chatml", "triton": tensors, **more}]}
    models = []
    for way in WAYS:
        place = (getattr(triton, way), DIALECTS[way])
        models += [one(f"vllm-{way}", *place, {"model": "vllm_model"}), one(f"tensorrt-{way}", *place, TENSORRT),
                   one(f"upper-{way}", *place, UPPER), one(f"nobody-{way}", *place, {"model": "nobody", "preset": "text"})]
        vectors = {"model": "embedder", "preset": "text", "batched": True}
        models += [{**one(f"{kind}-{way}", *place, {**vectors, "output": kind}), "kind": "embedding", "batch": {"max_items": 4}}
                   for kind in KINDS]
        models.append({**one(f"list-{way}", *place, {"model": "list", "preset": "text"}), "kind": "embedding"})
    pieces = {"model": "vllm_model", "preset": "text"}
    models += [one("one-piece", triton.grpc, "triton-grpc", pieces),
               one("pieces", triton.grpc, "triton-grpc", {**pieces, "decoupled": True}),
               one("wrong-grpc", triton.http, "triton-grpc", pieces), one("wrong-http", triton.grpc, "triton", UPPER)]
    models.append(one("secure", secure.grpc, "triton-grpc", UPPER, tls={"ca": authority.certificate}))
    return gateway_factory(config={"models": models})


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=60) as client:
        yield client


def complete(client, model, prompt="Say hello.", **more):
    return client.completions.create(model=model, prompt=prompt, **more)


def text_of(stream):
    return "".join(event.choices[0].text for event in stream if event.choices)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("backend", ["vllm", "tensorrt"])
def test_a_stream_comes_in_pieces(backend, way, client):
    events = list(complete(client, f"{backend}-{way}", stream=True))
    assert text_of(events) == HELLO and len([event for event in events if event.choices and event.choices[0].text]) == 3
    assert [event.choices[0].finish_reason for event in events if event.choices][-1] == "stop"


@pytest.mark.parametrize("way", WAYS)
def test_a_chat_goes_by_the_chat_template(way, client):
    chat = client.chat.completions.create(model=f"vllm-{way}", stream=True, messages=[{"role": "user", "content": "Hi"}])
    assert "".join(event.choices[0].delta.content or "" for event in chat if event.choices) == HELLO


def test_a_whole_answer_of_a_model_that_answers_in_pieces(client):
    """Over HTTP Triton's /generate knows no more than one piece."""
    assert complete(client, "vllm-grpc").choices[0].text == HELLO
    assert complete(client, "tensorrt-grpc").choices[0].text == HELLO


def test_a_model_of_ones_own_that_answers_in_pieces_is_said_to_be_decoupled(client, gateway):
    assert complete(client, "pieces").choices[0].text == HELLO
    assert text_of(complete(client, "one-piece", stream=True)) == HELLO
    with pytest.raises(openai.InternalServerError):
        complete(client, "one-piece")
    gateway.wait_for_log("status 501")


@pytest.mark.parametrize("way,said", [("grpc", "closed before the answer"), ("http", "the answer is not HTTP")])
def test_the_wrong_port_shows_in_the_log(way, said, client, gateway):
    """As docs/servers/triton.md says."""
    with pytest.raises(openai.InternalServerError):
        complete(client, f"wrong-{way}")
    gateway.wait_for_log(f'"model":"wrong-{way}".*{said}')


@pytest.mark.parametrize("way", WAYS)
def test_parameters_have_the_names_and_types_of_their_backends(way, client):
    more = {"max_tokens": 7, "temperature": 0.5, "seed": 11, "stop": ["a", "b"], "extra_body": {"top_k": 3}}
    said = complete(client, f"vllm-{way}", "parameters", **more).choices[0].text
    assert said == ('sampling_parameters={"temperature":0.5,"top_k":3,"seed":11,"max_tokens":7,"stop":["a","b"]} '
                    "stream=False exclude_input_in_output=True")
    said = complete(client, f"tensorrt-{way}", "parameters", **more).choices[0].text
    assert said == ("stream=False exclude_input_in_output=True max_tokens=7 temperature=0.5 top_k=3 random_seed=11 "
                    "stop_words=a")


@pytest.mark.parametrize("way", WAYS)
def test_one_text_in_one_text_out(way, client):
    assert complete(client, f"upper-{way}", "abcdef", max_tokens=4).choices[0].text == "ABCD"
    assert text_of(complete(client, f"upper-{way}", "abcdef", stream=True)) == "ABCDEF"


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_fails_is_no_answer(way, client):
    with pytest.raises(openai.InternalServerError):
        complete(client, f"upper-{way}", "fail")
    with pytest.raises(openai.APIError):
        text_of(complete(client, f"vllm-{way}", "fail", stream=True))


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_is_not_there_is_said_so(way, client):
    with pytest.raises(openai.APIStatusError) as refused:
        complete(client, f"nobody-{way}")
    assert refused.value.status_code in (400, 404) and "nobody" in refused.value.message, refused.value


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_leaves_ends_the_work(way, gateway, triton):
    before = len(triton.cancelled())
    body = {"model": f"vllm-{way}", "prompt": "slow", "stream": True}
    with Stream(gateway, body, path="/v1/completions") as reply:
        reply.next()
    eventually(lambda: len(triton.cancelled()) > before, "Triton to tell its model")
    assert gateway.wait_for_record(reply.request_id)["outcome"] == "client_cancelled"


def test_a_client_that_leaves_before_the_answer_ends_the_work(gateway, triton):
    before, name = len(triton.cancelled()), new_id()
    with Connection(gateway.address) as connection:
        connection.ask(target="/v1/completions", body={"model": "vllm-grpc", "prompt": "slow"}, key=gateway.key,
                       headers={"X-Request-Id": name})
        eventually(lambda: gateway.metrics().total("intragate_pool_connections", state="busy") > 0, "the call")
    eventually(lambda: len(triton.cancelled()) > before, "Triton to tell its model")
    assert gateway.wait_for_record(name)["outcome"] == "client_cancelled"


def embed(client, model, texts, **more):
    return [entry.embedding for entry in client.embeddings.create(model=model, input=texts, **more).data]


@pytest.mark.parametrize("way,kind", [(way, kind) for way in WAYS for kind in KINDS if (way, kind) != ("http", "half")])
def test_embeddings_of_many_texts(way, kind, client):
    """Six texts, and the model takes four at once."""
    texts = ["a" * size for size in range(1, 6)] + ["wörld☀"]
    vectors = embed(client, f"{kind}-{way}", texts, encoding_format="float")
    assert vectors == [pytest.approx([size, size / 10, 4 if size < 5 else 2], rel=KINDS[kind]) for size in range(1, 7)]


@pytest.mark.parametrize("way", WAYS)
def test_embeddings_of_a_model_that_takes_a_list(way, client, gateway):
    assert embed(client, f"list-{way}", ["abc", "ab", "a"]) == [pytest.approx([n, n / 10, 3]) for n in (3, 2, 1)]
    reply = client.embeddings.with_raw_response.create(model=f"list-{way}", input="abcdefgh")
    assert reply.parse().usage.prompt_tokens > 0
    assert gateway.wait_for_record(reply.headers["x-request-id"])["usage_source"] == "estimated"


@pytest.mark.parametrize("way", WAYS)
def test_what_gives_no_vectors_is_said_so(way, client, gateway):
    with pytest.raises(openai.BadRequestError, match="leave out `dimensions`"):
        embed(client, f"single-{way}", ["a"], dimensions=2)
    with pytest.raises(openai.APIError):
        embed(client, f"upper-{way}", ["a"])


def test_half_numbers_over_http(client):
    """Triton's JSON has none, and says so."""
    with pytest.raises(openai.APIStatusError):
        embed(client, "half-http", ["a"])


def test_grpc_over_tls(client):
    for _ in range(3):
        assert complete(client, "secure", "abcdef", max_tokens=4).choices[0].text == "ABCD"
        assert text_of(complete(client, "secure", "abcdef", stream=True)) == "ABCDEF"


def test_a_long_prompt_and_a_long_answer(client):
    long = "abc" * 400_000
    assert complete(client, "upper-grpc", long, max_tokens=2_000_000).choices[0].text == long.upper()
