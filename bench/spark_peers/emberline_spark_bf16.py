# SPDX-License-Identifier: Apache-2.0
"""emberline inside the executor's JVM, bf16."""

import emberline_spark

BATCHES = emberline_spark.BATCHES


def load(model, threads):
    return emberline_spark.load(model, threads, "bf16")
