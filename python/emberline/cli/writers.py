# SPDX-License-Identifier: Apache-2.0
"""Output files: written beside their place, moved there when whole, gone without a trace otherwise."""

from __future__ import annotations

import base64
import contextlib
import datetime
import decimal
import json
import math
import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

ROW_GROUP_BYTES = 16 << 20


class OutputError(Exception):
    """An output that cannot be written."""


class AtomicFile:
    """A file that appears under its name, replacing what was there, only by ``commit``."""

    def __init__(self, path: Path):
        self.path = path
        self._partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        self.stream: BinaryIO = open(self._partial, "xb")  # noqa: SIM115  closed by commit or discard

    def commit(self) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        os.replace(self._partial, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        self.stream.close()
        self._partial.unlink(missing_ok=True)


class Writer(ABC):
    """Takes record batches of the input's columns followed by the embedding column."""

    def __init__(self, stream: BinaryIO, schema: pa.Schema):
        self._stream = stream
        self._schema = schema

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> None: ...

    @abstractmethod
    def finish(self) -> None:
        """Writes what is still held back. The stream stays open."""

    @abstractmethod
    def abandon(self) -> None:
        """Lets go of the stream, whatever was written."""


class ParquetWriter(Writer):
    """Row groups of about ROW_GROUP_BYTES. Vectors get no dictionary and no statistics: they do not repeat."""

    def __init__(self, stream: BinaryIO, schema: pa.Schema):
        super().__init__(stream, schema)
        others = [path for path in _leaves(schema) if path.partition(".")[0] != schema.names[-1]]
        self._writer = pq.ParquetWriter(
            stream,
            schema,
            compression="zstd",
            use_dictionary=others,
            write_statistics=others,
        )
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._held_bytes += batch.get_total_buffer_size()
        if self._held_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
        self._held, self._held_bytes = [], 0

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()


def _leaves(schema: pa.Schema) -> list[str]:
    """Parquet's own paths of the columns that hold values: "tags.list.element"."""
    empty = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), empty)
    columns = pq.ParquetFile(pa.BufferReader(empty.getvalue())).schema
    return [columns.column(index).path for index in range(len(columns))]


class CsvWriter(Writer):
    """Lists, structs and vectors become JSON text; a null is an empty field."""

    def __init__(self, stream: BinaryIO, schema: pa.Schema):
        super().__init__(stream, schema)
        flat = [field.with_type(pa.string()) if _is_nested(field.type) else field for field in schema]
        self._flat = pa.schema(flat)
        self._writer = pa.csv.CSVWriter(stream, self._flat)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [_as_json(column) if _is_nested(column.type) else column for column in batch.columns[:-1]]
        last = batch.columns[-1]
        columns.append(json_texts(last) if _is_nested(last.type) else last)
        self._writer.write_batch(pa.record_batch(columns, schema=self._flat))

    def finish(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()


class JsonLinesWriter(Writer):
    """One object a line, UTF-8. Dates are ISO 8601, binary is base64, decimals are text, NaN is null."""

    def write(self, batch: pa.RecordBatch) -> None:
        *names, embedding = (json.dumps(name, ensure_ascii=False) for name in self._schema.names)
        columns = [[_json(value) for value in column.to_pylist()] for column in batch.columns[:-1]]
        vectors = json_texts(batch.columns[-1]).to_pylist()
        lines = []
        for row, vector in enumerate(vectors):
            members = [f"{name}: {column[row]}" for name, column in zip(names, columns, strict=True)]
            members.append(f"{embedding}: {vector or 'null'}")
            lines.append(f"{{{', '.join(members)}}}\n")
        self._stream.write("".join(lines).encode(errors="replace"))

    def finish(self) -> None:
        pass

    def abandon(self) -> None:
        pass


WRITERS: dict[str, type[Writer]] = {
    ".parquet": ParquetWriter,
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".ndjson": JsonLinesWriter,
}


class Output:
    """One output file: batches go in, and it is there whole after ``commit`` or not at all after ``discard``."""

    def __init__(self, path: Path, schema: pa.Schema):
        self._file = AtomicFile(path)
        try:
            self._writer = WRITERS[path.suffix.lower()](self._file.stream, schema)
        except BaseException:
            self._file.discard()
            raise

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write(batch)

    def commit(self) -> None:
        self._writer.finish()
        self._file.commit()

    def discard(self) -> None:
        self._writer.abandon()
        self._file.discard()


def check_output(path: Path) -> None:
    """Raises OutputError unless a file may be written there."""
    if path.suffix.lower() not in WRITERS:
        raise OutputError(f"{path}: unknown kind of output; known are {', '.join(WRITERS)}")
    if path.is_dir():
        raise OutputError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the directory {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path}: the directory {path.parent} cannot be written")


def json_texts(vectors: pa.ListArray | pa.FloatArray) -> pa.StringArray:
    """Every vector as "[0.25,-1e-8]", or every score as "0.25", shortest digits that read back as the same float; null
    for null."""
    if not _is_nested(vectors.type):
        return pc.cast(vectors, pa.string())
    texts = pa.ListArray.from_arrays(vectors.offsets, pc.cast(vectors.values, pa.string()), mask=vectors.is_null())
    return pc.binary_join_element_wise("[", pc.binary_join(texts, ","), "]", "")


def _is_nested(kind: pa.DataType) -> bool:
    return pa.types.is_nested(kind)


def _as_json(column: pa.Array) -> pa.Array:
    return pa.array(
        [None if value is None else _json(value) for value in column.to_pylist()],
        pa.string(),
    )


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # NaN and infinities are not JSON
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.timedelta, decimal.Decimal)):
        return str(value)
    raise OutputError(f"a value of type {type(value).__name__} cannot be written as JSON")


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
