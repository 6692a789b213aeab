"""A real Triton Inference Server with its Python backend, as the package nvidia-pytriton carries it: no GPU needed."""

import os
import pathlib
import shutil
import tempfile

from gateway import ROOT
from parts import child, end, free_port
from wire import eventually

VENV = ROOT / "build" / "venv-triton"
PIECES = "model_transaction_policy {decoupled: true}\n"
TEXT = 'output [{name: "text_output" data_type: TYPE_STRING dims: [1]}]\n'


def inputs(*tensors):
    rows = [f'{{name: "{name}" data_type: TYPE_{kind} dims: [{size}] optional: {"false" if name == "text_input" else "true"}}}'
            for name, kind, size in tensors]
    return f"input [{', '.join(rows)}]\n"


# By the backends' own configurations: names and types of their tensors.
MODELS = {
    "vllm_model": "max_batch_size: 0\n" + PIECES + TEXT + inputs(
        ("text_input", "STRING", 1), ("stream", "BOOL", 1), ("sampling_parameters", "STRING", 1),
        ("exclude_input_in_output", "BOOL", 1)),
    "ensemble": "max_batch_size: 4\n" + PIECES + TEXT + inputs(
        ("text_input", "STRING", 1), ("max_tokens", "INT32", 1), ("stream", "BOOL", 1),
        ("exclude_input_in_output", "BOOL", 1), ("temperature", "FP32", 1), ("top_k", "INT32", 1),
        ("random_seed", "UINT64", 1), ("stop_words", "STRING", -1)),
    "embedder": 'max_batch_size: 4\n' + inputs(("text_input", "STRING", 1)) +
                'output [{name: "single" data_type: TYPE_FP32 dims: [3]}, {name: "double" data_type: TYPE_FP64 dims: [3]},'
                ' {name: "half" data_type: TYPE_FP16 dims: [3]}]\n',
    "list": "max_batch_size: 0\n" + inputs(("text_input", "STRING", -1)) +
            'output [{name: "text_output" data_type: TYPE_FP32 dims: [-1, 3]}]\n',
    "upper": "max_batch_size: 0\n" + TEXT + inputs(("text_input", "STRING", 1), ("length", "INT32", 1)),
}


class Triton:
    def __init__(self, *models, tls=None):
        """`tls`: a certificates.Pair; then it speaks gRPC only."""
        packages = next(VENV.glob("lib/python3.*/site-packages"), None)
        assert packages is not None, "Triton is not installed: run scripts/setup"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="triton-"))
        self._lay_out(packages / "pytriton" / "tritonserver", models)
        ports = [free_port() for _ in range(3)]
        self.http, self.grpc = (f"http://127.0.0.1:{port}" for port in ports[:2])
        command = [packages / "pytriton" / "tritonserver" / "bin" / "tritonserver",
                   "--model-repository", self.folder / "models", "--backend-directory", self.folder / "backends",
                   "--http-address", "127.0.0.1", "--http-port", ports[0], "--grpc-address", "127.0.0.1",
                   "--grpc-port", ports[1], "--metrics-port", ports[2], "--allow-gpu-metrics", "false", "--exit-timeout-secs", "0"]
        if tls:
            self.grpc = self.grpc.replace("http://127.0.0.1", "https://localhost")
            command += ["--allow-http", "false", "--allow-metrics", "false", "--grpc-use-ssl", "true",
                        "--grpc-server-cert", tls.certificate, "--grpc-server-key", tls.key]
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        environment = {**os.environ, "PATH": f"{VENV}/bin:{os.environ['PATH']}", "TEST_FOLDER": str(self.folder),
                       "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs")}
        self.process = child(command, stdout=self.log, stderr=self.log, env=environment)
        try:
            eventually(self._is_up, "Triton's start", 60)
        except AssertionError:
            self.close()
            raise

    def _lay_out(self, server, models):
        backend = self.folder / "backends" / "python"
        backend.mkdir(parents=True)
        version = next(VENV.glob("lib/python3.*")).name.removeprefix("python")
        for file in (*(server / "backends" / "python").iterdir(),
                     server / "python_backend_stubs" / version / "triton_python_backend_stub"):
            if file.is_file():
                shutil.copy(file, backend)  # the backend looks for its utilities beside itself
        for name in models:
            model = self.folder / "models" / name
            (model / "1").mkdir(parents=True)
            (model / "config.pbtxt").write_text(f'backend: "python"\n{MODELS[name]}'
                                                "instance_group [{kind: KIND_CPU count: 1}]\n")
            shutil.copy(ROOT / "tests" / "e2e" / "triton" / "model.py", model / "1")

    def _is_up(self):
        text = (self.folder / "log").read_text()
        assert self.process.poll() is None, f"Triton did not start:\n{text[-3000:]}"
        return "Started GRPCInferenceService" in text

    def cancelled(self):
        """The models whose answers somebody left, in order."""
        seen = self.folder / "cancelled"
        return seen.read_text().split() if seen.exists() else []

    def close(self):
        end(self.process)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
