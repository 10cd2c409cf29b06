# SPDX-License-Identifier: Apache-2.0
"""The ranges of a model's vectors, which output=int8 and uint8 divide into levels."""

from __future__ import annotations

import os

import numpy as np

from emberline import _native


class Ranges:
    """The least and the largest value of each dimension, over all vectors that were added."""

    def __init__(self, handle: _native.Handle):
        self.num_vectors = 0
        self._handle = handle
        self._least = np.full(handle.dim, np.inf, np.float32)
        self._largest = np.full(handle.dim, -np.inf, np.float32)

    def add(self, outcome: _native.Outcome) -> None:
        """Rows without a vector count for nothing. The outcome's vectors are float32."""
        vectors = outcome.vectors[outcome.status == _native.STATUS_OK]
        if len(vectors):
            self.num_vectors += len(vectors)
            self._least = np.minimum(self._least, vectors.min(axis=0))
            self._largest = np.maximum(self._largest, vectors.max(axis=0))

    def write(self, file: str | os.PathLike) -> None:
        """The file is there whole or not at all. Raises InvalidArgument where no vectors were added."""
        self._handle.write_ranges(self._least, self._largest, self.num_vectors, file)
