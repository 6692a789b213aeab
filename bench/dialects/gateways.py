"""The two gateways that convert: intragate, and LiteLLM's proxy in a Python environment of its own."""

import subprocess
import sys

from harness import candidates

LITELLM = "litellm[proxy]==1.108.7"


class Intragate(candidates.Intragate):
    config_name = "dialects"


class LiteLLM(candidates.Candidate):
    """One worker, as its documentation recommends for each core."""
    name = "litellm"
    patience = 60

    def prepare(self):
        stamp = self._folder() / "installed"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == LITELLM:
            return
        print(f"installing {LITELLM} …", file=sys.stderr, flush=True)
        for command in ([sys.executable, "-m", "venv", "--clear", str(self._folder())],
                        [str(self._folder() / "bin/pip"), "install", "--quiet", LITELLM]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode != 0:
                raise candidates.Unavailable(f"{LITELLM} could not be installed: {done.stderr.strip()[-300:]}")
        stamp.write_text(LITELLM, encoding="utf-8")

    def version(self):
        return f"{LITELLM.partition('==')[2]}, Python {sys.version.split()[0]}, uvloop"

    def command(self, config, port):
        return [str(self._folder() / "bin/litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port),
                "--num_workers", "1", "--telemetry", "False"]

    def environment(self):
        return {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1"}

    def _folder(self):
        return self.bench.build / "litellm"
