# SPDX-License-Identifier: Apache-2.0
"""Input files as streams of Arrow record batches, a bounded number of bytes at a time.

CSV and JSON lines carry no schema. Both are read twice: once for row counts and for types that hold for every row, once
for the rows. Next to embedding them that costs nothing, and no job dies at its last row over a guessed type.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

BATCH_ROWS = 4096
BATCH_BYTES = 8 << 20
BLOCK_BYTES = 1 << 20


class InputError(Exception):
    """An input that cannot be read as what its name says; the message names the file."""


class Reader(ABC):
    """One file. ``schema`` and ``num_rows`` are known before the first batch."""

    schema: pa.Schema
    num_rows: int

    def __init__(self, path: Path):
        self.path = path

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, in order."""


class ParquetReader(Reader):
    """Decodes pages as they are needed, so memory does not grow with the row group."""

    def __init__(self, path: Path):
        super().__init__(path)
        with self._open() as file:
            self.schema = file.schema_arrow
            self.num_rows = file.metadata.num_rows
            groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
        row_bytes = sum(group.total_byte_size for group in groups) // max(self.num_rows, 1)
        self._batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES // max(row_bytes, 1)))

    def _open(self) -> pq.ParquetFile:
        # A buffer size makes the column readers stream; without it each reads its whole column chunk at once.
        return pq.ParquetFile(self.path, buffer_size=BLOCK_BYTES, pre_buffer=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        with self._open() as file:
            yield from file.iter_batches(self._batch_rows, use_threads=False)


class CsvReader(Reader):
    """A header line, then records; quoted fields may hold line breaks.

    ``as_text`` keeps every field as it is written, for output that is CSV again.
    """

    def __init__(self, path: Path, as_text: bool = False):
        super().__init__(path)
        self._block_bytes = BLOCK_BYTES
        self._types: dict[str, pa.DataType] = {}
        self._settle(as_text)

    def _open(self) -> pa.csv.CSVStreamingReader:
        return pa.csv.open_csv(
            self.path,
            read_options=pa.csv.ReadOptions(block_size=self._block_bytes, use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(column_types=self._types),
        )

    def _settle(self, as_text: bool) -> None:
        """Finds types and a block size that hold for the whole file."""
        while True:
            try:
                with self._open() as reader:
                    names = reader.schema.names
                    if as_text and not self._types:
                        self._types = dict.fromkeys(names, pa.string())
                        continue
                    # A column that starts empty has no type yet.
                    if untyped := [field.name for field in reader.schema if pa.types.is_null(field.type)]:
                        self._types.update(dict.fromkeys(untyped, pa.string()))
                        continue
                    self.schema = reader.schema
                    self.num_rows = sum(batch.num_rows for batch in reader)
                    return
            except pa.ArrowInvalid as error:
                self._relax(str(error), error)

    def _relax(self, message: str, error: Exception) -> None:
        if "straddling object" in message and self._block_bytes < 1 << 30:
            self._block_bytes *= 4
        elif (name := _failed_column(message, self._header())) and self._types.get(name) != pa.string():
            self._types[name] = pa.string()
        else:
            raise error

    def _header(self) -> list[str]:
        with self._open() as reader:
            return reader.schema.names

    def batches(self) -> Iterator[pa.RecordBatch]:
        with self._open() as reader:
            for batch in reader:
                yield from _pieces(batch)


class JsonLinesReader(Reader):
    """One object a line. A key that a line lacks is null there; strings stay strings, whatever they look like."""

    def __init__(self, path: Path):
        super().__init__(path)
        self.schema, self.num_rows = pa.schema([]), 0
        for block in self._full_blocks():
            table = self._parse(block, None)
            fields = [field.with_type(_undated(field.type)) for field in table.schema]
            try:
                self.schema = pa.unify_schemas([self.schema, pa.schema(fields)], promote_options="permissive")
            except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
                raise InputError(f"{path}: {error}") from None
            self.num_rows += table.num_rows

    def _parse(self, block: bytes, schema: pa.Schema | None) -> pa.Table:
        return pa.json.read_json(
            io.BytesIO(block),
            read_options=pa.json.ReadOptions(block_size=len(block) + 1, use_threads=False),
            parse_options=pa.json.ParseOptions(explicit_schema=schema),
        )

    def _full_blocks(self) -> Iterator[bytes]:
        return (block for block in _blocks(self.path) if not block.isspace())

    def batches(self) -> Iterator[pa.RecordBatch]:
        for block in self._full_blocks():
            for batch in self._parse(block, self.schema).select(self.schema.names).to_batches():
                yield from _pieces(batch)


class TextReader(Reader):
    """One row a line, in a column named text. Invalid UTF-8 becomes U+FFFD; an empty line is an empty text."""

    schema = pa.schema([("text", pa.string())])

    def __init__(self, path: Path):
        super().__init__(path)
        self.num_rows = sum(block.count(b"\n") + (not block.endswith(b"\n")) for block in _blocks(path))

    def batches(self) -> Iterator[pa.RecordBatch]:
        for block in _blocks(self.path):
            lines = block.decode(errors="replace").removesuffix("\n").split("\n")
            texts = pa.array([line.removesuffix("\r") for line in lines], pa.string())
            yield from _pieces(pa.record_batch([texts], schema=self.schema))


READERS = {
    ".parquet": ParquetReader,
    ".csv": CsvReader,
    ".jsonl": JsonLinesReader,
    ".ndjson": JsonLinesReader,
    ".txt": TextReader,
}


def find_files(inputs: list[str]) -> list[Path]:
    """Files in the order given; a directory stands for every file below it that can be read, sorted by path.

    Names that begin with ``.`` or ``_`` are left out of directories, as Spark leaves them out.
    """
    files: list[Path] = []
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            found = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in READERS and p.is_file()]
            found = [p for p in found if not any(part[0] in "._" for part in p.relative_to(path).parts)]
            if not found:
                raise InputError(f"{path} has no file that ends in {', '.join(READERS)}")
            files += found
        elif not path.exists():
            raise InputError(f"{path} does not exist")
        elif path.suffix.lower() not in READERS:
            raise InputError(f"{path}: unknown kind of input; known are {', '.join(READERS)}")
        else:
            files.append(path)
    return files


def open_reader(path: Path, as_text: bool) -> Reader:
    """The reader for a file's extension. ``as_text`` keeps untyped fields (CSV) as they are written."""
    kind = READERS[path.suffix.lower()]
    if kind is CsvReader:
        kind = partial(CsvReader, as_text=as_text)
    try:
        return kind(path)
    except (pa.ArrowException, OSError) as error:
        raise _named(path, error) from None


class Table:
    """Many files as one stream with one schema; a column that a file lacks is null there."""

    def __init__(self, readers: list[Reader]):
        self._readers = readers
        self.num_rows = sum(reader.num_rows for reader in readers)
        self.schema = readers[0].schema
        for reader in readers[1:]:
            try:
                self.schema = pa.unify_schemas([self.schema, reader.schema], promote_options="permissive")
            except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
                raise InputError(f"{reader.path} does not fit the files before it: {error}") from None

    def batches(self) -> Iterator[tuple[Path, int, pa.RecordBatch]]:
        """Path, number of the batch's first row in that file, batch."""
        for reader in self._readers:
            first_row = 0
            try:
                for batch in _merged(reader.batches()):
                    yield reader.path, first_row, self._conform(batch)
                    first_row += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise _named(reader.path, error) from None

    def _conform(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.schema.equals(self.schema):
            return batch
        columns = [
            pa.nulls(batch.num_rows, field.type)
            if batch.schema.get_field_index(field.name) < 0
            else batch.column(field.name).cast(field.type)
            for field in self.schema
        ]
        return pa.record_batch(columns, schema=self.schema)


def _named(path: Path, error: Exception) -> InputError:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"{path}: {' '.join(text.split())}")


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def _merged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Small row groups put together: the engine's threads wait for each other at the end of every call."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= BATCH_ROWS // 2 or sum(b.nbytes for b in held) >= BATCH_BYTES:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces of whole lines; longer than BLOCK_BYTES only where a line is."""
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block if block.endswith(b"\n") else block + file.readline()


def _failed_column(message: str, names: list[str]) -> str | None:
    """The name in Arrow's "In CSV column #2: CSV conversion error to int64: ..."."""
    _, found, rest = message.partition("In CSV column #")
    number = rest.partition(":")[0]
    return names[int(number)] if found and number.isdigit() and int(number) < len(names) else None


def _undated(kind: pa.DataType) -> pa.DataType:
    """``kind`` with the timestamps that Arrow sees in JSON strings taken back."""
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_undated(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _undated(field.type)) for field in kind])
    return kind
