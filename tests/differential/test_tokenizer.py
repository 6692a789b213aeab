"""Our token counts against Hugging Face's `tokenizers`, with the tokenizer of a real model, and with those that the test
trains: byte-level BPE with the pre-tokenizers of GPT-2, Llama 3 and Qwen 2, BPE over characters as SentencePiece has
it, Unigram as T5 and XLM-R have it, also by SentencePiece itself with its own normalizing, WordPiece as BERT has it."""
import io
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest
import sentencepiece

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads spin: minutes instead of seconds on a busy machine

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402

BUILD = pathlib.Path(os.environ.get("INTRAGATE_BUILD", "build/dev"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from fake_grpc import fields  # noqa: E402
from gguf_tokenizer import model_file, tokenizer_of  # noqa: E402

LLAMA_3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN_2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def texts():
    files = [path.read_text() for path in sorted(ROOT.glob("src/base/*.cpp"))[:8]]
    files += [(ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md", "LICENSE")]
    lines = [line for text in files for line in text.splitlines()]
    chooser = random.Random(7)
    made = ["", " ", "  ", "\n", "\n\n\n", "\t\r\n x", "a", "I'm you'LL they've 'S", "你好，世界！这是一个测试。", "🙂👩‍👩‍👧‍👦🇨🇳 émoji",
            "e\u0301 \u00e9 \ufb01 \u2460 ｆｕｌｌ", "1234567890 3.14 1,000", "x" * 500, "ab" * 300, " " * 100, "a\u3000b\u00a0c\u2028d",
            "<|end|>x <|end|> <think>y</think>  <mask>  z", "<|end|><|end|>", "\u200b\u200d", "def f(x):\n    return x**2  # done\n", "नमस्ते עולם สวัสดี",
            "\x00\x01\x7f"]
    for _ in range(150):
        made.append("".join(chr(chooser.choice([chooser.randrange(32, 127), chooser.randrange(0x80, 0x800), chooser.randrange(0x4E00, 0x9FFF),
                                                chooser.randrange(0x1F300, 0x1F6FF), 32, 10])) for _ in range(chooser.randrange(1, 60))))
    return lines[:400] + files[:4] + made


TEXTS = texts()
FEW = [text for text in TEXTS if text.isascii()] + ["你好，世界！", "这是一个测试。", "émoji é ü"]  # so that many characters stay unknown


def trained(tokenizer, trainer, on=TEXTS):
    tokenizer.train_from_iterator(on, trainer)
    tokenizer.add_special_tokens(["<|end|>", AddedToken("<mask>", lstrip=True, rstrip=True, special=True)])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    return tokenizer


def byte_level(pre_tokenizer, normalizer=None, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    return trained(tokenizer, trainers.BpeTrainer(vocab_size=3000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))


def over_characters(normalizer, pre_tokenizer, **model):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **model))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    bytes_of_old = [f"<0x{byte:02X}>" for byte in range(256)] if model.get("byte_fallback") else []
    return trained(tokenizer, trainers.BpeTrainer(vocab_size=2000, show_progress=False, special_tokens=["<unk>", *bytes_of_old], limit_alphabet=300))


def unigram(normalizer, pre_tokenizer, **trainer):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    return trained(tokenizer, trainers.UnigramTrainer(vocab_size=1500, show_progress=False, unk_token="<unk>", special_tokens=["<unk>"], **trainer), FEW)


def falls_back_to_bytes(tokenizer):
    """Its vocabulary with tokens for all bytes."""
    made = json.loads(tokenizer.to_str())
    made["model"]["vocab"] += [[f"<0x{byte:02X}>", -30.0] for byte in range(256)]
    made["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(made))


def sentence_piece(normalizing, pre_tokenizer, first):
    """A model that SentencePiece trained, with its `nmt_nfkc` (the charsmap of T5's and XLM-R's models), as Hugging Face
    makes a tokenizer.json of such models."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(text for text in FEW if text.strip() and "\0" not in text), model_writer=model, vocab_size=1200,
        hard_vocab_limit=False, num_threads=1, minloglevel=2)
    made = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    own = [(made.id_to_piece(at), made.get_score(at)) for at in range(3, made.vocab_size())]  # behind <unk>, <s>, </s>
    rules = next(value for number, value in fields(model.getvalue()) if number == 3)
    charsmap_of_all = next(value for number, value in fields(rules) if number == 2)
    assert len(charsmap_of_all) > 200_000, "SentencePiece's own rules, and not none"
    tokenizer = Tokenizer(models.Unigram([(token, 0.0) for token in first] + own, unk_id=first.index("<unk>")))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap_of_all), *normalizing])
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.add_special_tokens([*first, "<|end|>", AddedToken("<mask>", lstrip=True, rstrip=True, special=True)])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    return tokenizer


def word_piece(normalizer, pre_tokenizer, **model):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", **model))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    return trained(tokenizer, trainers.WordPieceTrainer(vocab_size=2000, show_progress=False, special_tokens=["[UNK]", "[CLS]", "[SEP]"], limit_alphabet=400))


def charsmap():
    """A small precompiled map in darts-clone's packing: each of the keys a chain of its own from the root."""
    keys = {"\ufb01": "fi", "\u2460": "1", "\u3000": " ", "\t": " ", "ｆ": "f", "é": "e\u0301", "e\u0301": "E"}
    tree, texts = {}, b""
    for key, value in keys.items():
        node = tree
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = len(texts)
        texts += value.encode() + b"\0"
    units, free = {0: 0}, [1]

    def place(at, node):
        base = next(base for base in range(free[0], 1 << 20, 1) if (base ^ at) < 1 << 20 and all(base ^ label not in units for label in node))
        free[0] = max(1, base - 256)
        offset = at ^ base
        units[at] = units.get(at, 0) | (offset << 10)
        if 0 in node:
            units[at] |= 1 << 8
        for label, child in node.items():
            units[base ^ label] = (child | 1 << 31) if label == 0 else label
        for label, child in node.items():
            if label:
                place(base ^ label, child)

    place(0, tree)
    size = (max(units) | 0xFF) + 1
    array = b"".join(units.get(at, 0).to_bytes(4, "little") for at in range(size))
    return (len(array).to_bytes(4, "little") + array + texts)


def split(expression, **more):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(expression), "isolated", **more), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


MARK = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
KINDS = {
    "SmolLM2": lambda: Tokenizer.from_str(json.dumps(tokenizer_of(model_file()))),
    "gpt-2": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "prefix space": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "llama-3": lambda: byte_level(split(LLAMA_3), ignore_merges=True),
    "qwen-2": lambda: byte_level(split(QWEN_2), normalizers.NFC()),
    "digits": lambda: byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])),
    "llama-2": lambda: over_characters(normalizers.Sequence(MARK), None, byte_fallback=True, fuse_unk=True),
    "gemma": lambda: over_characters(normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), byte_fallback=True, fuse_unk=True),
    "metaspace": lambda: over_characters(normalizers.NFKC(), pre_tokenizers.Metaspace(prepend_scheme="first", split=False), fuse_unk=True),
    "t5": lambda: unigram(normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]), pre_tokenizers.Metaspace()),
    "xlm-r": lambda: unigram(normalizers.Precompiled(charsmap()), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])),
    "t5 by SentencePiece": lambda: sentence_piece(
        [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")], pre_tokenizers.Metaspace(),
        ["<pad>", "</s>", "<unk>"]),
    "xlm-r by SentencePiece": lambda: sentence_piece(
        [], pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), ["<s>", "<pad>", "</s>", "<unk>"]),
    "unigram of texts": lambda: falls_back_to_bytes(unigram(normalizers.Replace(" ", "▁"), None)),
    "albert": lambda: unigram(normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()]), pre_tokenizers.Metaspace()),
    "bert": lambda: word_piece(normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()),
    "bert cased": lambda: word_piece(normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer(), max_input_chars_per_word=20),
    "words": lambda: word_piece(normalizers.NFC(), pre_tokenizers.Whitespace()),
    "words and marks": lambda: word_piece(normalizers.NFC(), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])),
    "metaspace words": lambda: over_characters(normalizers.Lowercase(), pre_tokenizers.Metaspace(), fuse_unk=False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_has_as_many_tokens(kind, tmp_path):
    theirs = KINDS[kind]()
    path = tmp_path / "tokenizer.json"
    theirs.save(str(path))
    lines = "".join(json.dumps(text) + "\n" for text in TEXTS)
    done = subprocess.run([BUILD / "token_count"], input=f"{path}\n{lines}", stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    ready, *counts = done.stdout.splitlines()
    assert ready == "ready"
    expected = [str(len(theirs.encode(text, add_special_tokens=False).ids)) for text in TEXTS]
    wrong = [(text[:80], ours, their) for text, ours, their in zip(TEXTS, counts, expected, strict=True) if ours != their]
    assert not wrong


def test_kinds_that_are_not_known_are_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(path))
    done = subprocess.run([BUILD / "token_count"], input=f"{path}\n", stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    assert done.stdout == "tokenizer: models of the kind `WordLevel` are not supported, only BPE, WordPiece and Unigram\n"
