# SPDX-License-Identifier: Apache-2.0
"""The usual recipe with weights and activations in bf16."""

import pandas_udf_recipe
import torch

BATCHES = pandas_udf_recipe.BATCHES


def load(model, threads):
    return pandas_udf_recipe.load(model, threads, dtype=torch.bfloat16)
