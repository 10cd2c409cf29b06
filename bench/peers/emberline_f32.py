# SPDX-License-Identifier: Apache-2.0
"""emberline through its Python package, f32. It cuts its own batches."""

import emberline

BATCHES = (0,)


def load(model, threads, dtype="f32"):
    loaded = emberline.load(model, dtype=dtype, threads=threads)
    return lambda texts, batch: loaded.embed(texts)
