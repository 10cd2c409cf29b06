# SPDX-License-Identifier: Apache-2.0
"""What runs in a Python worker of Spark: batches of a partition's texts in, their vectors out.

Each function takes what ``pip_only`` described: the model, the folder that the driver had, the options, and how rows
that cannot be embedded are to be told. A worker serves one task at a time and may serve many, one after the other; it
loads a model once. Nothing is loaded for a partition without rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from emberline import _native, _rows, errors
from emberline.model import Model, validity_of
from emberline.spark import worker_models

if TYPE_CHECKING:
    import pandas as pd

# Rows of one call of the engine: few at first, so that a limit above is soon served, then enough for full batches.
FIRST_ROWS, MOST_ROWS = 16, 1024

VECTOR_TYPE = pa.list_(pa.field("element", pa.float32()))
DETAILS_NAMES = ("embedding", "tokens", "truncated", "error")


def arrow_function(call: dict) -> Callable[[Iterator[pa.Array]], Iterator[pa.Array]]:
    """Arrays of texts into arrays of vectors, list<float> or binary, or of structs with their details."""
    result = _details if call["details"] else lambda _model, outcome: _vectors(outcome)

    def embed(batches):
        for model, outcome in _outcomes(call, batches):
            yield result(model, outcome)

    return embed


def pandas_function(call: dict) -> Callable[[Iterator[pd.Series]], Iterator[pd.Series | pd.DataFrame]]:
    """The same for Series. A null text has details that are null, because pandas has no null struct."""
    import pandas

    def embed(batches):
        for model, outcome in _outcomes(call, batches):
            if call["details"]:
                details = _details(model, outcome)
                columns = zip(DETAILS_NAMES, details.flatten(), strict=True)
                yield pandas.DataFrame({name: column.to_pandas(integer_object_nulls=True) for name, column in columns})
            else:
                is_there = outcome.status == _native.STATUS_OK
                values = outcome.vectors if _is_float32(outcome) else map(np.ndarray.tobytes, outcome.vectors)
                vectors = zip(values, is_there.tolist(), strict=True)
                yield pandas.Series([vector if there else None for vector, there in vectors], dtype=object)

    return embed


def predict_function(call: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Texts [n] into vectors [n, dim], NaN for those that have none."""
    model = worker_models.loaded(call)

    def predict(texts: np.ndarray) -> np.ndarray:
        return model.embed(texts, errors=call["errors"])

    return predict


def _outcomes(call: dict, batches: Iterator[object]) -> Iterator[tuple[Model, _native.Outcome]]:
    model, rows_before, piece_rows = None, 0, FIRST_ROWS
    for batch in batches:
        texts, _ = _rows.to_arrow(batch)
        start = 0
        while start < len(texts):
            model = model or worker_models.loaded(call)
            outcome = model.run(texts.slice(start, piece_rows))
            if call["errors"] == "raise" and not call["details"]:
                _raise_failure(model, outcome, rows_before + start)
            yield model, outcome
            start += piece_rows
            piece_rows = min(2 * piece_rows, MOST_ROWS)
        rows_before += len(texts)


def _raise_failure(model: Model, outcome: _native.Outcome, first_row: int) -> None:
    try:
        model.raise_row_error(outcome, first_row)
    except errors.RowError as error:
        raise errors.Error(
            f"udf: row {error.row} of partition {_partition()} (both counted from 0) has no vector: {error.reason}"
            f" (model {model.path}). With errors='null' such a row is null, with details=True it has the reason."
        ) from None


def _partition() -> int | str:
    from pyspark import TaskContext

    context = TaskContext.get()
    return "unknown" if context is None else context.partitionId()


def _is_float32(outcome: _native.Outcome) -> bool:
    return outcome.vectors.dtype == np.float32


def _vectors(outcome: _native.Outcome) -> pa.ListArray | pa.BinaryArray:
    """Arrow over the vectors' own memory: lists of floats, or bytes where option output says something else."""
    count = len(outcome.status)
    width = outcome.vectors.shape[1] * (1 if _is_float32(outcome) else outcome.vectors.itemsize)
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    validity, null_count = validity_of(outcome)
    buffers = [validity, pa.py_buffer(offsets)]
    if not _is_float32(outcome):
        return pa.Array.from_buffers(pa.binary(), count, [*buffers, pa.py_buffer(outcome.vectors)], null_count)
    floats = pa.Array.from_buffers(pa.float32(), count * width, [None, pa.py_buffer(outcome.vectors)])
    return pa.Array.from_buffers(VECTOR_TYPE, count, buffers, null_count, children=[floats])


def _details(model: Model, outcome: _native.Outcome) -> pa.StructArray:
    columns = [
        _vectors(outcome),
        pa.array(outcome.tokens),
        pa.array(outcome.truncated.astype(bool)),
        model.row_messages(outcome),
    ]
    is_null = pa.array(outcome.status == _native.STATUS_NULL)
    fields = [pa.field(name, column.type) for name, column in zip(DETAILS_NAMES, columns, strict=True)]
    return pa.StructArray.from_arrays(columns, fields=fields, mask=is_null)
