# SPDX-License-Identifier: Apache-2.0
"""emberline in Spark's Python workers, without a jar, bf16."""

import emberline_udf

BATCHES = emberline_udf.BATCHES


def load(model, threads):
    return emberline_udf.load(model, threads, "bf16")
