# SPDX-License-Identifier: Apache-2.0
"""The usual recipe by a user who tried batch sizes."""

from pandas_udf_recipe import load

BATCHES = (16, 64)

__all__ = ["BATCHES", "load"]
