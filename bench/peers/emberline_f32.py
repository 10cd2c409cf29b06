# SPDX-License-Identifier: Apache-2.0
"""emberline through its Python package, f32. It cuts its own batches."""

import emberline

BATCHES = (0,)


def load(model, threads):
    loaded = emberline.load(model, dtype="f32", threads=threads)
    return lambda texts, batch: loaded.embed(texts)
