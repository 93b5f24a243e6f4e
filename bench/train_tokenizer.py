#!/usr/bin/env python3
"""Trains the tokenizer of the embedded model `tiny`: byte-level BPE of 2048 tokens, Qwen's pre-tokenizer.

The text is the source and documentation strings of Python's own standard library: English and code.
    pip install tokenizers && python3 bench/train_tokenizer.py
"""
import pathlib
import sysconfig

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SIZE = 2048

tokenizer = Tokenizer(models.BPE())
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
    ]
)
tokenizer.decoder = decoders.ByteLevel()
sources = sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
tokenizer.train_from_iterator(
    (source.read_text(encoding="utf-8", errors="replace") for source in sources),
    trainers.BpeTrainer(
        vocab_size=SIZE - len(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    ),
)
tokenizer.add_special_tokens(SPECIAL)
assert tokenizer.get_vocab_size() == SIZE, tokenizer.get_vocab_size()
target = pathlib.Path(__file__).parent.parent / "src/main/resources/bestfit/model/tiny/tokenizer.json"
tokenizer.save(str(target), pretty=False)
print(f"{target}: {len(sources)} sources, {tokenizer.get_vocab_size()} tokens")
