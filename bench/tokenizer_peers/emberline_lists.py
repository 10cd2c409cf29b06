# SPDX-License-Identifier: Apache-2.0
"""emberline's Model.tokenize: a list of texts in, a list of lists of ids out."""

from flat import flat

import emberline

BATCHES = (0,)


def load(model, threads):
    loaded = emberline.load(model, threads=threads)

    def tokenize(texts, batch, wanted):
        rows = loaded.tokenize(texts)
        return flat(rows) if wanted else None

    return tokenize
