# SPDX-License-Identifier: Apache-2.0
"""CTranslate2, int8 with f32 between the products, all cores on one batch (two batches at a time were no faster)."""

import ctypes
import pathlib

import ctranslate2
import numpy as np
from ctranslate2.converters import TransformersConverter
from tokens import PaddedBatches, pool_of

BATCHES = (4, 16)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def load(model, threads):
    converted = pathlib.Path(model, "ctranslate2_int8")
    if not (converted / "model.bin").exists():
        TransformersConverter(model).convert(str(converted), quantization="int8", force=True)
    # Keeps the memory of a batch for the next: fresh pages take a good part of the time else.
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
    encoder = ctranslate2.Encoder(str(converted), compute_type="int8", inter_threads=1, intra_threads=threads)
    source, pool = PaddedBatches(model), pool_of(model)

    def view(array):
        return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, np.int32))

    def embed(texts, batch):
        vectors = [None] * len(texts)
        for rows, ids, mask in source.batches(texts, batch):
            types = np.zeros_like(ids).tolist()
            hidden = encoder.forward_batch(view(ids), view(mask.sum(axis=1)), types).last_hidden_state
            for row, vector in zip(rows, pool(np.asarray(hidden), mask), strict=True):
                vectors[row] = vector
        return np.stack(vectors)

    return embed
