"""A real MLServer (the package mlserver): a server of KServe's v2 protocol that is not Triton."""

import json
import os
import pathlib
import shutil
import tempfile

from gateway import ROOT
from parts import child, end, free_port
from wire import eventually

VENV = ROOT / "build" / "venv-mlserver"
MODELS = ROOT / "tests" / "e2e" / "mlserver"


class MlServer:
    def __init__(self, **models):
        """A model's name and its class in mlserver/words.py."""
        program = VENV / "bin" / "mlserver"
        assert program.exists(), "MLServer is not installed: run scripts/setup"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mlserver-"))
        ports = [free_port() for _ in range(2)]
        self.http, self.grpc = (f"http://127.0.0.1:{port}" for port in ports)
        (self.folder / "settings.json").write_text(json.dumps({
            "host": "127.0.0.1", "http_port": ports[0], "grpc_port": ports[1], "metrics_endpoint": None,
            "parallel_workers": 0, "debug": False}))
        for name, kind in models.items():
            (self.folder / name).mkdir()
            (self.folder / name / "model-settings.json").write_text(json.dumps({"name": name, "implementation": f"words.{kind}"}))
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(MODELS), "PYTHONDONTWRITEBYTECODE": "1"}
        # By its interpreter: the program's first line names the folder in which it was installed.
        self.process = child([VENV / "bin" / "python", program, "start", self.folder], stdout=self.log, stderr=self.log,
                             env=environment)
        try:
            eventually(self._is_up, "MLServer's start", 60)
        except AssertionError:
            self.close()
            raise

    def _is_up(self):
        text = (self.folder / "log").read_text()
        assert self.process.poll() is None, f"MLServer did not start:\n{text[-3000:]}"
        return "gRPC server running" in text and "Uvicorn running" in text

    def close(self):
        end(self.process)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
