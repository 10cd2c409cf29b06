# SPDX-License-Identifier: Apache-2.0
"""The file of ranges that output=int8 and uint8 divide into levels: see src/engine/ranges.h for what it holds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from emberline.errors import InvalidArgument

OWN_FILE = "emberline_ranges.json"  # in a model's folder: taken where option ranges is not set


class Ranges:
    """The least and the largest value of each dimension, over all vectors that were added."""

    def __init__(self, dim: int):
        self.num_vectors = 0
        self._least = np.full(dim, np.inf, np.float32)
        self._largest = np.full(dim, -np.inf, np.float32)

    def add(self, vectors: np.ndarray) -> None:
        """``vectors`` is float32 [n, dim]."""
        if len(vectors):
            self.num_vectors += len(vectors)
            self._least = np.minimum(self._least, vectors.min(axis=0))
            self._largest = np.maximum(self._largest, vectors.max(axis=0))

    def write(self, path: str | os.PathLike, info: dict) -> None:
        """``info`` is that of the model whose vectors they are. The file is there whole or not at all."""
        if not self.num_vectors:
            raise InvalidArgument(f"{path}: ranges need rows with a vector, and there were none")
        options = {name: _option_text(info[name]) for name in ("layer_op", "pooling", "normalize")}
        content = {
            "model": info["weights_print"],
            "dim": info["dim"],
            "options": {"task": info["task"] or "", "layers": ",".join(map(str, info["layers_selected"])), **options},
            "rows": self.num_vectors,
            "least": [float(value) for value in self._least],
            "largest": [float(value) for value in self._largest],
        }
        path = Path(path)
        partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
        try:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def _option_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
