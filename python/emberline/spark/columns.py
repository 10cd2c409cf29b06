# SPDX-License-Identifier: Apache-2.0
"""The SQL functions that the jars bring, named from PySpark."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from emberline.spark.model_argument import resolved

if TYPE_CHECKING:
    from pyspark.sql import Column


def embed(col: Column | str, model: object = None, *, tokenizer: object = None, **options: object) -> Column:
    """Embeddings of a text column, array<float>; null for null. A row that cannot be embedded fails the job.
    Vectors are binary with an option ``output`` other than float32.

    ``col`` may also hold UTF-8 as binary, or arrays of texts, whose elements get a vector each: array<array<float>>.

    ``model`` is a folder of the driver or of every executor, or a URI of shared storage; without it
    ``spark.emberline.model`` is taken. Or it is a sentence-transformers object, or a transformers one together with its
    ``tokenizer``: it is saved in a temporary folder of the driver, once as long as it does not change. ``options`` are
    those of ``emberline.load``.

    Raises TypeError for an object that is none of these, and ValueError for one that a Connect client has.
    """
    return _call("embed", col, model, tokenizer, options)


def try_embed(col: Column | str, model: object = None, *, tokenizer: object = None, **options: object) -> Column:
    """As embed, with null for a row that cannot be embedded."""
    return _call("try_embed", col, model, tokenizer, options)


def embed_details(col: Column | str, model: object = None, *, tokenizer: object = None, **options: object) -> Column:
    """As embed, giving struct<embedding: array<float>, tokens: int, truncated: boolean, error: string>."""
    return _call("embed_details", col, model, tokenizer, options)


def _call(function: str, col: Column | str, model: object, tokenizer: object, options: dict[str, object]) -> Column:
    from pyspark.sql import functions

    model, options = resolved(model, tokenizer, options)
    texts = [functions.lit(text) for name, value in options.items() for text in (name, option_text(value))]
    arguments = [_column(col)]
    if model is not None:
        arguments.append(functions.lit(os.fspath(model)))
    if texts:
        arguments.append(functions.create_map(*texts))
    return functions.call_function(function, *arguments)


def _column(col: Column | str) -> Column:
    from pyspark.sql import functions

    return functions.col(col) if isinstance(col, str) else col


def option_text(value: object) -> str:
    """An option's value as SQL functions and saved stages spell it; whether it can be is theirs to check."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
