#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train a tokenizer of every kind that models came with, and write each as OUT/<kind>/tokenizer.json.

usage: train_tokenizers.py OUT [KIND ...] [--vocab-size N] [--lines FILE]        needs: pip install tokenizers

FILE is one of tools/make_lines.py (build/corpus/lines-10000.bin). The same tokenizers version gives the same files for
most kinds, but not for those of Unigram and word-parts: their trainers go through tables whose order each run draws
anew. So what tools/make_tokenizer_goldens.py makes of these kinds differs from run to run: its tokenizers and their ids
belong together. Charsmap and large vocabulary come from the SentencePiece model in build/models/use-multilingual-v3.
"""

import json
import struct
import sys

from tokenizer_training import ROOT, parse_arguments
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCEPIECE = ROOT / "build/models/use-multilingual-v3/sp.model"
META = "\u2581"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + REST
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + REST
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def fields(data: bytes):
    """(number, value) of each field of a protobuf message; value is bytes or an integer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = varint() if key & 7 == 2 else 4 if key & 7 == 5 else 8
            value, at = data[at : at + size], at + size
        yield key >> 3, value


def charsmap() -> bytes:
    spec = next(value for number, value in fields(SENTENCEPIECE.read_bytes()) if number == 3)
    return next(value for number, value in fields(spec) if number == 2)


def special(content: str, **flags) -> AddedToken:
    return AddedToken(content, special=True, normalized=False, **flags)


def template(first: str | None, last: str | None, tokenizer: Tokenizer):
    used = [token for token in (first, last) if token]
    return processors.TemplateProcessing(
        single=" ".join([first, "$A"] if first else ["$A"]) + (f" {last}" if last else ""),
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in dict.fromkeys(used)],
    )


def train_unigram(tokenizer: Tokenizer, lines, size: int, specials: list[str], unk: str) -> Tokenizer:
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=specials, unk_token=unk, show_progress=False, shrinking_factor=0.6
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def train_bpe(tokenizer: Tokenizer, lines, size: int, specials: list[str], **options) -> Tokenizer:
    options = {"show_progress": False, "special_tokens": specials, "vocab_size": size, **options}
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(**options))
    return tokenizer


def xlm_roberta(lines, size):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    train_unigram(tokenizer, lines, size, ["<s>", "<pad>", "</s>", "<unk>"], "<unk>")
    tokenizer.add_special_tokens([special("<mask>", lstrip=True)])
    tokenizer.post_processor = template("<s>", "</s>", tokenizer)
    return tokenizer


def t5(lines, size):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    train_unigram(tokenizer, lines, size, ["<pad>", "</s>", "<unk>"], "<unk>")
    tokenizer.add_special_tokens([special(f"<extra_id_{i}>") for i in range(9, -1, -1)])
    tokenizer.post_processor = template(None, "</s>", tokenizer)
    return tokenizer


def albert(lines, size):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("``", '"'),
            normalizers.Replace("''", '"'),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Precompiled(charsmap()),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    train_unigram(tokenizer, lines, size, ["<pad>", "<unk>", "[CLS]", "[SEP]"], "<unk>")
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True, normalized=False, special=True)])
    tokenizer.post_processor = template("[CLS]", "[SEP]", tokenizer)
    return tokenizer


def deberta_v3(lines, size):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), normalizers.NFC(), normalizers.Strip(left=False)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    train_unigram(tokenizer, lines, size, ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "[UNK]")
    tokenizer.add_special_tokens([special("[MASK]")])
    tokenizer.post_processor = template("[CLS]", "[SEP]", tokenizer)
    return tokenizer


def unigram_bytes(lines, size):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    train_unigram(tokenizer, lines[::20], size // 2, ["<unk>", *BYTES], "<unk>")
    content = json.loads(tokenizer.to_str())
    content["model"]["byte_fallback"] = True
    content["added_tokens"] = content["added_tokens"][:1]
    return Tokenizer.from_str(json.dumps(content))


def use_multilingual(lines, size):
    """The real vocabulary of 128,010 pieces, in the pipeline that SentencePiece gives it."""
    pieces = [dict(fields(value)) for number, value in fields(SENTENCEPIECE.read_bytes()) if number == 1]
    scores = [(p[1].decode(), struct.unpack("<f", p.get(2, b"\0\0\0\0"))[0]) for p in pieces]
    unknown = next(i for i, p in enumerate(pieces) if p.get(3) == 2)
    tokenizer = Tokenizer(models.Unigram(scores, unknown, False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def byte_bpe(lines, size, specials, pre_tokenizer, normalizer=None):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return train_bpe(tokenizer, lines, size, specials, initial_alphabet=alphabet)


def roberta(lines, size):
    tokenizer = byte_bpe(
        lines, size, ["<s>", "<pad>", "</s>", "<unk>"], pre_tokenizers.ByteLevel(add_prefix_space=False)
    )
    tokenizer.add_special_tokens([special("<mask>", lstrip=True)])
    ids = {token: tokenizer.token_to_id(token) for token in ("<s>", "</s>")}
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", ids["</s>"]), ("<s>", ids["<s>"]))
    return tokenizer


def gpt2_with_space(lines, size):
    tokenizer = byte_bpe(lines, size, ["<|endoftext|>"], pre_tokenizers.ByteLevel(add_prefix_space=True))
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def modernbert(lines, size):
    tokenizer = byte_bpe(
        lines,
        size,
        ["[UNK]", "[CLS]", "[SEP]", "[PAD]"],
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        normalizers.NFC(),
    )
    tokenizer.add_special_tokens([special("[MASK]", lstrip=True)])
    tokenizer.add_tokens([AddedToken("   ", normalized=True), AddedToken("  ", normalized=True)])
    tokenizer.post_processor = template("[CLS]", "[SEP]", tokenizer)
    return tokenizer


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def qwen2(lines, size):
    tokenizer = byte_bpe(lines, size, ["<|endoftext|>"], split_then_bytes(QWEN2), normalizers.NFC())
    tokenizer.post_processor = template(None, "<|endoftext|>", tokenizer)
    return tokenizer


def llama3(lines, size):
    tokenizer = byte_bpe(lines, size, ["<|begin_of_text|>"], split_then_bytes(LLAMA3))
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False), template("<|begin_of_text|>", None, tokenizer)]
    )
    content = json.loads(tokenizer.to_str())
    content["model"]["ignore_merges"] = True
    # Some pieces become unreachable by merges, so that what ignore_merges does can be seen.
    content["model"]["merges"] = [pair for i, pair in enumerate(content["model"]["merges"]) if i % 7 != 6 or i < 500]
    return Tokenizer.from_str(json.dumps(content))


def llama2(lines, size):
    """One word a text, as Llama 2 and Mistral have it; the vocabulary is learned from single words."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    train_bpe(tokenizer, lines, size, ["<unk>", "<s>", "</s>", *BYTES], limit_alphabet=1000)
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = content["added_tokens"][:3]
    content["pre_tokenizer"] = None
    content["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": META},
            {"type": "Replace", "pattern": {"String": " "}, "content": META},
        ],
    }
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.post_processor = template("<s>", None, tokenizer)
    return tokenizer


def gemma(lines, size):
    tokenizer = Tokenizer.from_str(llama2(lines, size).to_str())
    tokenizer.normalizer = normalizers.Replace(" ", META)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    return tokenizer


def word_parts(lines, size):
    """BPE over characters with marks of where in a word a piece stands."""
    tokenizer = Tokenizer(
        models.BPE(unk_token="<unk>", continuing_subword_prefix="##", end_of_word_suffix="</w>", fuse_unk=False)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(True)]
    )
    return train_bpe(
        tokenizer,
        lines[::4],
        size,
        ["<unk>"],
        continuing_subword_prefix="##",
        end_of_word_suffix="</w>",
        limit_alphabet=300,
    )


def word_level(lines, size):
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits()])
    trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


KINDS = {
    "xlm-roberta": xlm_roberta,
    "t5": t5,
    "albert": albert,
    "deberta-v3": deberta_v3,
    "unigram-bytes": unigram_bytes,
    "use-multilingual": use_multilingual,
    "roberta": roberta,
    "gpt2-with-space": gpt2_with_space,
    "modernbert": modernbert,
    "qwen2": qwen2,
    "llama3": llama3,
    "llama2": llama2,
    "gemma": gemma,
    "word-parts": word_parts,
    "word-level": word_level,
}


def main() -> int:
    args = parse_arguments(__doc__, KINDS)
    for kind in args.kinds:
        tokenizer = KINDS[kind](args.lines, args.vocab_size)
        folder = args.out / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
        print(f"{folder}: {tokenizer.get_vocab_size()} pieces", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
