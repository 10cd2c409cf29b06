#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make models of well-known geometries with random weights, one for each family: what the real ones cost, and where
layout or precision fails at full size, without a download.

usage: make_shape_models.py OUT_DIR [NAME ...] [--files MODEL_DIR]        run by .venv-reference's Python

Weights are drawn as transformers draws them before training; the same version always draws the same. The tokenizer is
that of MODEL_DIR (build/models/bge-small-en-v1.5), whatever the family's own would be: neither speed nor parity of the
network depends on it. Without a NAME all are made.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parent.parent
BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
DISENTANGLED = {"relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm"}
DISENTANGLED |= {"share_att_key": True, "pos_att_type": "p2c|c2p", "position_biased_input": False}
SPECIALS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
# {name of the model it is like, with "-shape": (prefix of transformers' classes, its configuration)}
SHAPES = {
    "all-distilroberta-v1-shape": (
        "Roberta",
        BASE | {"num_hidden_layers": 6, "vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1},
    ),
    "distilbert-base-shape": ("DistilBert", {"vocab_size": 30522}),
    "all-mpnet-base-v2-shape": ("MPNet", BASE | {"vocab_size": 30527, "max_position_embeddings": 514}),
    "albert-base-v2-shape": ("Albert", BASE | {"vocab_size": 30000 + 522}),
    "electra-base-shape": ("Electra", BASE | {"vocab_size": 30522, "embedding_size": 768}),
    "modernbert-base-shape": ("ModernBert", {"pad_token_id": 0, "cls_token_id": 101, "sep_token_id": 102}),
    "nomic-embed-text-v1.5-shape": ("NomicBert", BASE | {"vocab_size": 30528, "pad_token_id": 0}),
    "gte-base-en-v1.5-shape": ("Gte", BASE | {"vocab_size": 30528, "type_vocab_size": 1}),
    "deberta-v3-base-shape": ("DebertaV2", BASE | {"vocab_size": 30522, "type_vocab_size": 0} | DISENTANGLED),
    "qwen3-embedding-0.6b-shape": (
        "Qwen3",
        {"vocab_size": 30522, "hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16}
        | {"num_key_value_heads": 8, "intermediate_size": 3072},
    ),
    "sentence-t5-base-shape": (
        "T5Encoder",
        {"vocab_size": 30522, "d_model": 768, "num_layers": 12, "num_heads": 12, "d_ff": 3072},
    ),
    "embeddinggemma-300m-shape": (
        "Gemma3Text",
        {"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 24, "num_attention_heads": 3}
        | {"num_key_value_heads": 1, "intermediate_size": 1152, "max_position_embeddings": 2048}
        | {"sliding_window": 512, "use_bidirectional_attention": True},
    ),
}
LAST_TOKEN = ("Qwen3",)  # what the last token became stands for the text; elsewhere the mean does
MAX_TOKENS = 512


def make(name: str, out: Path, files: Path) -> int:
    """Writes a sentence-transformers folder; returns its number of weights."""
    prefix, fields = SHAPES[name]
    torch.manual_seed(20260101)
    network = getattr(transformers, prefix + "Model")(
        getattr(transformers, prefix.removesuffix("Encoder") + "Config")(**fields)
    )
    part = out.with_name(out.name + ".partial")
    shutil.rmtree(part, ignore_errors=True)
    network.save_pretrained(part / "network")
    tokens = {f"{kind}_token": token for kind, token in SPECIALS.items()}
    PreTrainedTokenizerFast(
        tokenizer_file=str(files / "tokenizer.json"), model_max_length=MAX_TOKENS, **tokens
    ).save_pretrained(part / "network")
    transformer = Transformer(str(part / "network"), max_seq_length=MAX_TOKENS)
    pooling = Pooling(transformer.get_embedding_dimension(), "lasttoken" if prefix in LAST_TOKEN else "mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu").save(
        str(part / "model"), create_model_card=False
    )
    settings = part / "model/sentence_bert_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"max_seq_length": MAX_TOKENS}, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    (part / "model").rename(out)
    shutil.rmtree(part)
    return sum(parameter.numel() for parameter in network.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHAPES))
    parser.add_argument("--files", type=Path, default=ROOT / "build/models/bge-small-en-v1.5")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in SHAPES]
    if unknown:
        parser.error(f"NAME: got {unknown[0]}, known: {', '.join(SHAPES)}")
    transformers.utils.logging.disable_progress_bar()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names or SHAPES:
        print(f"{args.out / name}: {make(name, args.out / name, args.files):,} random numbers", flush=True)


if __name__ == "__main__":
    main()
