# SPDX-License-Identifier: Apache-2.0
"""Writes what sentence-transformers answers to encode_cases.py.

usage: .venv-reference/bin/python tests/python/make_encode_golden.py [FILE]
"""

import sys
from pathlib import Path

import numpy as np
import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import quantize_embeddings

from data_paths import ROOT
from encode_cases import CASES, SENTENCES


def main() -> None:
    torch.manual_seed(0)
    models = {path: SentenceTransformer(str(ROOT / path), device="cpu") for path, _, _ in CASES.values()}
    arrays = {name: getattr(models[path], method)(SENTENCES, **kw) for name, (path, method, kw) in CASES.items()}
    floats = np.random.default_rng(7).standard_normal((150, 13)).astype(np.float32)
    floats[:, 3] = 0.5  # a dimension without a range
    floats[5, 4] = 0.0
    arrays["floats"] = floats
    arrays["ranges"] = np.stack([floats.min(axis=0) / 2, floats.max(axis=0) / 2])
    for precision in ("int8", "uint8", "binary", "ubinary"):
        arrays[f"quantized-{precision}"] = quantize_embeddings(floats, precision)
        if precision.endswith("int8"):
            arrays[f"quantized-{precision}-ranges"] = quantize_embeddings(floats, precision, ranges=arrays["ranges"])
    arrays["version"] = np.array(sentence_transformers.__version__)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "golden" / "encode.npz"
    np.savez_compressed(target, **arrays)
    print(f"{target}: {len(arrays)} arrays, sentence-transformers {sentence_transformers.__version__}")


if __name__ == "__main__":
    main()
