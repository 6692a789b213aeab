"""What MLServer serves in tests."""

import numpy
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceResponse


class Model(MLModel):
    async def predict(self, payload):
        texts = StringCodec.decode_input(payload.inputs[0])
        return InferenceResponse(model_name=self.name, outputs=[self.output(texts)])


class Upper(Model):
    """One text in, one text out."""

    @staticmethod
    def output(texts):
        if "fail" in texts[0]:
            raise ValueError("the model gave up")
        return StringCodec.encode_output("summary", [text.upper() for text in texts])


class Embedder(Model):
    """Of each text its length, a tenth of that, and how many texts came with it."""

    @staticmethod
    def output(texts):
        rows = [[len(text), len(text) / 10, len(texts)] for text in texts]
        return NumpyCodec.encode_output("vectors", numpy.array(rows, dtype="float32"))
