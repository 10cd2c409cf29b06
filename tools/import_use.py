#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn Universal Sentence Encoder multilingual v3, as its package ships it, into a directory that emberline reads.

usage: import_use.py SOURCE_DIR OUT_DIR        needs: numpy, safetensors

SOURCE_DIR holds weights.npz and sp.model (tools/get_models.py OUT_DIR use-multilingual-v3). The table of embeddings
comes as 6-bit codes in 17 parts, each with a scale and an offset of its own, where token i is row i // 17 of part
i % 17. It is written as f16, whose rounding is about a hundredth of a step of the codes; all other tensors as f32, as
they are.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

# Size of each branch's n-grams, and how many of its tokens stand before the one that it belongs to.
NGRAMS = ({"size": 2, "before": 0}, {"size": 3, "before": 1}, {"size": 5, "before": 2})
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"


def load(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        sys.exit(f"{path}: no such file; tools/get_models.py OUT_DIR use-multilingual-v3 brings it")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def table(arrays: dict[str, np.ndarray]) -> np.ndarray:
    parts = len(arrays["scale"])
    rows, width = arrays["q1"].shape
    whole = np.empty((parts * rows, width), np.float16)
    for part in range(parts):
        codes = arrays[f"q{part + 1}"].astype(np.float32)
        whole[part::parts] = codes * arrays["scale"][part] + arrays["lo"][part]
    if not np.isfinite(whole).all():
        sys.exit("weights.npz: an embedding is not finite in f16; expected numbers below 65504")
    return whole


def transposed(*blocks: np.ndarray) -> np.ndarray:
    """Weights that rows are multiplied by, [in, out], as [out, in]; several are for inputs side by side."""
    return np.ascontiguousarray(np.concatenate(blocks).T)


def tensors_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    sizes = [ngrams["size"] for ngrams in NGRAMS]

    def beside(name: str) -> np.ndarray:
        return np.concatenate([arrays[f"{name}{size}"] for size in sizes], axis=-1)

    tensors = {
        "embeddings.weight": table(arrays),
        "projection.weight": transposed(beside("proj")),
        "projection.bias": beside("proj_b"),
        "projection_norm.weight": beside("ln_g"),
        "projection_norm.bias": beside("ln_b"),
        "token_norm.weight": arrays["ln_g"],
        "token_norm.bias": arrays["ln_b"],
        "pooled_projection.weight": transposed(arrays["cnn_W"]),
        "pooled_projection.bias": arrays["cnn_b"],
        "residual_blocks.0.inner.weight": transposed(arrays["d0"]),
        "residual_blocks.0.outer.weight": transposed(arrays["p1"], arrays["d1"]),
        "residual_blocks.1.inner.weight": transposed(arrays["d2"]),
        "residual_blocks.1.outer.weight": transposed(arrays["p3"], arrays["d3"]),
    }
    for branch, size in enumerate(sizes):
        for place, name in (("first", "1"), ("second", "2")):
            tensors[f"ngrams.{branch}.{place}.weight"] = transposed(arrays[f"w{name}_{size}"])
            tensors[f"ngrams.{branch}.{place}.bias"] = arrays[f"b{name}_{size}"]
    return tensors


def config_of(tensors: dict[str, np.ndarray], eps: float) -> dict:
    vocab_size, embedding_size = tensors["embeddings.weight"].shape
    blocks = [
        {
            "inner": len(tensors[f"residual_blocks.{block}.inner.weight"]),
            "out_features": len(tensors[f"residual_blocks.{block}.outer.weight"]),
        }
        for block in (0, 1)
    ]
    return {
        "model_type": "use-multilingual",
        "vocab_size": vocab_size,
        "embedding_size": embedding_size,
        "ngrams": list(NGRAMS),
        "ngram_features": len(tensors["ngrams.0.first.weight"]),
        "pooled_features": len(tensors["pooled_projection.weight"]),
        "residual_blocks": blocks,
        "layer_norm_eps": eps,
    }


TOKENIZER = {  # ids are those of SentencePiece itself
    "add_bos_token": True,
    "add_eos_token": True,
    "bos_token": BEGIN,
    "eos_token": END,
    "unk_token": UNKNOWN,
    "unk_for_empty_text": True,
}


def convert(source: Path, out: Path) -> None:
    arrays = load(source / "weights.npz")
    tensors = tensors_of(arrays)
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(source / "sp.model", out / "spiece.model")
    for name, content in (
        ("config.json", config_of(tensors, float(arrays["eps"]))),
        ("tokenizer_config.json", TOKENIZER),
    ):
        (out / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = map(Path, sys.argv[1:])
    convert(source, out)
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    print(f"{out} written, {size:.0f} MB")


if __name__ == "__main__":
    main()
