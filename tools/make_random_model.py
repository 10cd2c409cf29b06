#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a model of a known one's geometry with random weights: speed without a download, and vectors to compare.

usage: make_random_model.py OUT_DIR [--like bge-base] [--files MODEL_DIR]        needs: numpy, safetensors

Tokenizer and sentence-transformers files are those of MODEL_DIR (build/models/bge-small-en-v1.5). Weights are drawn as
BERT's are before training: deviation 0.02, biases 0, gains 1; the same geometry always gives the same bytes.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent
GEOMETRIES = {  # fields of config.json
    "bge-base": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
    "bge-large": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16},
}
DEVIATION = 0.02
COPIED = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "modules.json", "sentence_bert_config.json")


def shapes_of(config):
    """{tensor: shape} of a BertModel; a linear's bias and a norm's bias follow from their weights."""
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    tables = {"word": "vocab_size", "position": "max_position_embeddings", "token_type": "type_vocab_size"}
    shapes = {f"embeddings.{name}_embeddings.weight": (config[field], hidden) for name, field in tables.items()}
    shapes["embeddings.LayerNorm.weight"] = (hidden,)
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes[f"{at}.attention.{name}.weight"] = (hidden, hidden)
        shapes[f"{at}.attention.output.LayerNorm.weight"] = (hidden,)
        shapes[f"{at}.intermediate.dense.weight"] = (ffn, hidden)
        shapes[f"{at}.output.dense.weight"] = (hidden, ffn)
        shapes[f"{at}.output.LayerNorm.weight"] = (hidden,)
    shapes["pooler.dense.weight"] = (hidden, hidden)
    return shapes


def draw(shapes):
    generator = np.random.default_rng(20260101)
    tensors = {}
    for name, shape in shapes.items():
        if name.endswith("LayerNorm.weight"):
            tensors[name] = np.ones(shape, np.float32)
        else:
            tensors[name] = generator.standard_normal(shape, np.float32) * np.float32(DEVIATION)
        if not name.endswith("_embeddings.weight"):
            tensors[name.removesuffix("weight") + "bias"] = np.zeros(shape[0], np.float32)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--like", choices=GEOMETRIES, default="bge-base")
    parser.add_argument("--files", type=Path, default=ROOT / "build/models/bge-small-en-v1.5")
    args = parser.parse_args()

    config = json.loads((args.files / "config.json").read_text()) | GEOMETRIES[args.like]
    pooling = json.loads((args.files / "1_Pooling/config.json").read_text())
    pooling["word_embedding_dimension"] = config["hidden_size"]
    part = args.out.with_name(args.out.name + ".partial")
    shutil.rmtree(part, ignore_errors=True)
    (part / "1_Pooling").mkdir(parents=True)
    for name in COPIED:
        shutil.copy(args.files / name, part)
    (part / "config.json").write_text(json.dumps(config, indent=1))
    (part / "1_Pooling/config.json").write_text(json.dumps(pooling, indent=1))
    tensors = draw(shapes_of(config))
    save_file(tensors, part / "model.safetensors", metadata={"format": "pt"})
    shutil.rmtree(args.out, ignore_errors=True)
    part.rename(args.out)
    print(f"{args.out}: like {args.like}, {sum(tensor.size for tensor in tensors.values()):,} random numbers")


if __name__ == "__main__":
    main()
