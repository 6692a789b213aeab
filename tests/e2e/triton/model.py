"""What Triton serves in tests: models that do as the prompt says, by the tensors of the backends they stand for."""

import os
import time

import numpy
import triton_python_backend_utils as triton


def text(value):
    return triton.Tensor("text_output", numpy.array([value.encode()], dtype=object))


class TritonPythonModel:
    def initialize(self, arguments):
        self.name = arguments["model_name"]

    def execute(self, requests):
        if self.name == "upper":  # not decoupled: one answer to each request
            return [triton.InferenceResponse([text(self.upper(request))]) for request in requests]
        if self.name in ("embedder", "list"):
            return [triton.InferenceResponse(self.vectors(request)) for request in requests]
        for request in requests:
            sender = request.get_response_sender()
            for piece in self.pieces(request):
                answer = triton.InferenceResponse([text(piece)] if isinstance(piece, str) else [],
                                                  None if isinstance(piece, str) else piece)
                sender.send(answer)
            sender.send(flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        return None

    @staticmethod
    def value(request, name):
        """A tensor's first value; None: the request has no such tensor."""
        tensor = triton.get_input_tensor_by_name(request, name)
        value = None if tensor is None else tensor.as_numpy().flat[0]
        return value.decode() if isinstance(value, bytes) else value

    def vectors(self, request):
        """Of each text its length, a tenth of that, and how many texts came with it."""
        texts = triton.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)
        rows = [[len(text.decode()), len(text.decode()) / 10, len(texts)] for text in texts]
        kinds = {"text_output": "float32"} if self.name == "list" else {"single": "float32", "double": "float64", "half": "float16"}
        wanted = request.requested_output_names()
        return [triton.Tensor(name, numpy.array(rows, dtype=kind)) for name, kind in kinds.items() if name in wanted]

    def upper(self, request):
        prompt = self.value(request, "text_input")
        if "fail" in prompt:
            raise ValueError("the model gave up")
        return prompt.upper()[:int(self.value(request, "length"))]

    def pieces(self, request):
        prompt = self.value(request, "text_input")
        if "parameters" in prompt:
            yield self.parameters(request)
            return
        yield "Hel"
        if "fail" in prompt:
            yield triton.TritonError("the model gave up")
        elif "slow" in prompt:
            yield from self.slowly(request)
        else:
            yield "lo, "
            yield "wörld ☀"

    def slowly(self, request):
        """Until somebody says that nobody listens any more."""
        for _ in range(2000):
            if request.is_cancelled():
                with open(os.path.join(os.environ["TEST_FOLDER"], "cancelled"), "a", encoding="utf-8") as seen:
                    seen.write(self.name + "\n")
                return
            yield "."
            time.sleep(0.01)

    def parameters(self, request):
        names = ("sampling_parameters", "stream", "exclude_input_in_output", "max_tokens", "temperature", "top_k",
                 "random_seed", "stop_words")
        said = {name: self.value(request, name) for name in names}
        return " ".join(f"{name}={value}" for name, value in said.items() if value is not None)
