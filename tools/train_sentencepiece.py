#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train a SentencePiece model of every kind that models came with, and write each as a directory OUT/<kind>.

usage: train_sentencepiece.py OUT [KIND ...] [--vocab-size N] [--lines FILE]
                                                        needs: pip install sentencepiece protobuf

FILE is one of tools/make_lines.py (build/corpus/lines-10000.bin). The same sentencepiece version gives the same files.
Kinds that name a class have a config.json and a tokenizer_config.json: transformers builds their tokenizers.
"""

import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizer_training import parse_arguments

NORMAL, USER_DEFINED, UNUSED = 1, 4, 5


@dataclass(frozen=True)
class Kind:
    file: str
    options: dict
    model_type: str = ""  # of config.json; empty: no file but the model
    settings: dict = field(default_factory=dict)  # tokenizer_config.json
    unused: int = 0  # every so many normal pieces one becomes unused


def unigram(**options):
    return {"model_type": "unigram", "normalization_rule_name": "identity", **options}


def bpe(**options):
    return {"model_type": "bpe", "normalization_rule_name": "identity", "byte_fallback": True, **options}


def pad_first(**options):
    return unigram(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"], **options)


KINDS = {
    "unigram": Kind(
        "sp.model",
        unigram(
            normalization_rule_name="nmt_nfkc",
            control_symbols=["<ctl>"],
            user_defined_symbols=["<user>", "two", "\u2581 \u2581", "\u00bd"],
        ),
        unused=40,
    ),
    "unigram-as-it-is": Kind(
        "spm.model",
        unigram(
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            byte_fallback=True,
            split_by_whitespace=False,
            allow_whitespace_only_pieces=True,
        ),
    ),
    "bpe": Kind("sentencepiece.model", bpe(user_defined_symbols=["<user>", "lines", "'s"]), unused=40),
    "bpe-unknown": Kind(
        "tokenizer.model", bpe(byte_fallback=False, normalization_rule_name="nfkc_cf", split_by_whitespace=False)
    ),
    "xlm-roberta": Kind(
        "sentencepiece.bpe.model",
        unigram(normalization_rule_name="nmt_nfkc"),
        "xlm-roberta",
        {"tokenizer_class": "XLMRobertaTokenizer"},
    ),
    "camembert": Kind("sentencepiece.bpe.model", unigram(), "camembert", {"tokenizer_class": "CamembertTokenizer"}),
    "t5": Kind(
        "spiece.model",
        unigram(pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
        "t5",
        {"tokenizer_class": "T5Tokenizer", "extra_ids": 10},
    ),
    "albert": Kind("spiece.model", pad_first(), "albert", {"tokenizer_class": "AlbertTokenizer"}),
    "deberta-v3": Kind(
        "spm.model",
        unigram(
            pad_id=0,
            pad_piece="[PAD]",
            bos_id=1,
            bos_piece="[CLS]",
            eos_id=2,
            eos_piece="[SEP]",
            unk_id=3,
            unk_piece="[UNK]",
            user_defined_symbols=["new york"],
        ),
        "deberta-v2",
        {"tokenizer_class": "DebertaV2Tokenizer"},
    ),
    "llama": Kind(
        "tokenizer.model",
        bpe(user_defined_symbols=["two"]),
        "llama",
        {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False},
    ),
    "gemma": Kind(
        "tokenizer.model",
        bpe(
            pad_id=0,
            eos_id=1,
            bos_id=2,
            unk_id=3,
            eos_piece="<eos>",
            bos_piece="<bos>",
            user_defined_symbols=["<mask>", "  ", "   "],
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
        ),
        "gemma2",
        {"tokenizer_class": "GemmaTokenizer", "add_bos_token": True, "add_eos_token": True},
    ),
}


def train(kind: Kind, lines: list[str], size: int) -> bytes:
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=writer,
        vocab_size=size + (256 if kind.options.get("byte_fallback") else 0),
        num_threads=1,
        hard_vocab_limit=False,
        character_coverage=0.99,
        minloglevel=2,
        **kind.options,
    )
    model = proto.ModelProto.FromString(writer.getvalue())
    if kind.unused:
        normal = [piece for piece in model.pieces if piece.type == NORMAL and len(piece.piece) > 1]
        for piece in normal[:: kind.unused]:
            piece.type = UNUSED
    # Paths and options of the trainer that say nothing about the tokenizer.
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    return model.SerializeToString(deterministic=True)


def write_directory(folder: Path, kind: Kind, model: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / kind.file).write_bytes(model)
    if kind.model_type:
        (folder / "config.json").write_text(json.dumps({"model_type": kind.model_type}), encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(kind.settings), encoding="utf-8")


def main() -> int:
    args = parse_arguments(__doc__, KINDS)
    for name in args.kinds:
        kind = KINDS[name]
        model = train(kind, args.lines, args.vocab_size)
        write_directory(args.out / name, kind, model)
        print(f"{args.out / name}: {len(proto.ModelProto.FromString(model).pieces)} pieces", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
