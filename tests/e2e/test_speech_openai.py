"""Speech with real servers (Piper and Whisper) through the gateway: what the one says of a text, the other one understands.
With the official OpenAI client for Python, and with Dify's own model code."""

import io
import re
import wave

import openai
import pytest

import voices
from dify import PYTHONS, Dify
from wire import eventually

WORDS = "The quick brown fox jumps over the lazy dog."
PATIENT = {"timeouts": {"connect": "10s", "first_byte": "120s", "between_chunks": "120s", "total": "10m"}}


@pytest.fixture(scope="module")
def gateway(gateway_factory):
    servers = [voices.Speaker(), voices.Listener()]
    yield gateway_factory(config={"models": [
        {"name": "voice", "kind": "speech", "endpoints": [servers[0].endpoint()], **PATIENT},
        {"name": "ear", "kind": "transcription", "endpoints": [servers[1].endpoint()], **PATIENT}]})
    for server in servers:
        server.stop()


def words(text):
    return re.findall("[a-z]+", text.lower())


def expect_speech(sound):
    with wave.open(io.BytesIO(sound)) as speech:
        assert speech.getframerate() == 22050 and speech.getnframes() > 22050  # more than a second


def records(gateway, api):
    return eventually(lambda: [record for record in gateway.records() if record["api"] == api], f"a record of {api}")


def test_what_is_spoken_is_understood(gateway):
    with openai.OpenAI(base_url=gateway.base, api_key=gateway.key, max_retries=0, timeout=180) as client:
        sound = client.audio.speech.create(model="voice", voice="alloy", input=WORDS, response_format="wav").read()
        expect_speech(sound)
        heard = client.audio.transcriptions.create(model="ear", file=("speech.wav", sound))
    assert words(heard.text) == words(WORDS)
    for api in ("speech", "transcription"):
        record = records(gateway, api)[0]
        assert (record["status"], record["outcome"]) == (200, "ok")


def test_dify_speaks_and_hears(gateway):
    dify = Dify(PYTHONS[-1])
    form = {"endpoint_url": gateway.base, "api_key": gateway.key, "audio_type": "wav"}
    sound = dify.ask("speak", form, "voice", text=WORDS).encode("latin-1")
    expect_speech(sound)
    heard = dify.ask("write_down", form, "ear", sound=sound.decode("latin-1"))
    dify.close()
    assert words(heard) == words(WORDS)
