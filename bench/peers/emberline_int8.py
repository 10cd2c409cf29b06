# SPDX-License-Identifier: Apache-2.0
"""emberline through its Python package, int8."""

import emberline_f32

BATCHES = emberline_f32.BATCHES


def load(model, threads):
    return emberline_f32.load(model, threads, "int8")
