# SPDX-License-Identifier: Apache-2.0
"""Every kind of text column that a caller may hold, brought into Arrow's large_binary layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from emberline._native import Rows

_EXPECTED = "expected str, bytes or None"


def to_arrow(rows: object) -> tuple[pa.Array, bool]:
    """``rows`` as one large_binary array, and whether the caller gave Arrow (and so gets Arrow back).

    Copies no text where the input is one Arrow string or binary array. Raises TypeError that names the first wrong row.
    """
    if isinstance(rows, (pa.Array, pa.ChunkedArray)):
        return _from_arrow(rows), True
    if type(rows).__module__.partition(".")[0] == "pandas":
        return _from_pandas(rows), False
    if hasattr(rows, "__arrow_c_stream__"):
        return _from_arrow(pa.chunked_array(rows)), True
    if hasattr(rows, "__arrow_c_array__"):
        return _from_arrow(pa.array(rows)), True
    if isinstance(rows, np.ndarray):
        return _from_numpy(rows), False
    if isinstance(rows, (str, bytes)):
        raise TypeError(f"rows is one {type(rows).__name__}: expected many rows, as in [text]")
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise TypeError(f"rows is {_name(rows)}: expected a list, a numpy array, a pandas Series or an Arrow array")
    return _from_list(rows if isinstance(rows, list) else list(rows)), False


def native_rows(array: pa.Array) -> Rows:
    """The addresses of a large_binary array, its slice offset counted in."""
    validity, offsets, data = array.buffers()
    if offsets is None or offsets.size == 0:  # Arrow allows it for an array of no rows
        offsets = pa.py_buffer(bytes(8))
    owner = (array, offsets)
    address = data.address if data is not None and data.size else offsets.address
    has_nulls = validity is not None and array.null_count > 0
    return Rows(
        owner=owner,
        data=address,
        offsets=offsets.address + 8 * array.offset,
        validity=validity.address if has_nulls else None,
        validity_offset=array.offset,
        num_rows=len(array),
    )


def _name(value: object) -> str:
    return type(value).__name__


def is_text(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    is_string = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_binary = types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
    return is_string or is_binary or types.is_null(kind)


def _from_arrow(rows: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(rows.type, pa.BaseExtensionType):
        rows = rows.cast(rows.type.storage_type)
    if not is_text(rows.type):
        raise TypeError(
            f"rows is an Arrow array of {rows.type}: expected string, binary, a dictionary of them, or null"
        )
    if pa.types.is_dictionary(rows.type) and pa.types.is_null(rows.type.value_type):
        return pa.nulls(len(rows), pa.large_binary())
    rows = rows.cast(pa.large_binary())
    if isinstance(rows, pa.ChunkedArray):
        rows = rows.chunk(0) if rows.num_chunks == 1 else pa.concat_arrays(rows.chunks or [pa.array([], rows.type)])
    return rows


def _from_pandas(rows: object) -> pa.Array:
    if getattr(rows, "ndim", None) != 1:
        raise TypeError(f"rows is a pandas {_name(rows)}: expected a Series, as in frame[column]")
    if str(rows.dtype) == "category":
        rows = rows.astype(object)
    values = rows.to_numpy(dtype=object, na_value=None)
    return _from_list(values.tolist())


def _from_numpy(rows: np.ndarray) -> pa.Array:
    if rows.ndim != 1:
        raise ValueError(f"rows is a numpy array of shape {rows.shape}: expected one dimension")
    if rows.dtype.kind not in "USOT":
        raise TypeError(f"rows is a numpy array of {rows.dtype}: {_EXPECTED}")
    return _from_list(rows.tolist())


def _from_list(rows: list) -> pa.Array:
    try:
        return pa.array(rows, pa.large_binary())
    except UnicodeEncodeError:  # half of a surrogate pair: no UTF-8 has it
        return pa.array([_without_lone_surrogates(row) for row in rows], pa.large_binary())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        for position, row in enumerate(rows):
            if not isinstance(row, (str, bytes, bytearray, memoryview, type(None))):
                raise TypeError(f"row {position} is {_name(row)}: {_EXPECTED}") from None
        raise


def _without_lone_surrogates(row: object) -> object:
    """Pairs become their character, halves U+FFFD."""
    return row.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(row, str) else row
