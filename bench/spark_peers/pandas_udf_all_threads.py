# SPDX-License-Identifier: Apache-2.0
"""The usual recipe with as many PyTorch threads in every Python worker as the machine has cores."""

import pandas_udf_recipe

BATCHES = (32,)


def load(model, threads):
    pandas_udf_recipe.TORCH_THREADS = threads
    return pandas_udf_recipe.load(model, threads)
