# SPDX-License-Identifier: Apache-2.0
"""``emberline embed``: files of text in, one file with all their columns and a vector each out; and the way of rows
through any command that adds a column.

Three things happen at once: a thread reads the next batch, the engine computes this one, a thread writes the last one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

import emberline
from emberline import _native, _rows
from emberline.cli import readers, writers
from emberline.cli.progress import Progress, make_progress
from emberline.cli.timing import int8_outlook


@dataclass
class Job:
    """What the command line asked for."""

    inputs: list[str]
    output: Path
    model: str
    options: dict[str, str]
    column: str | None = None
    output_column: str = "embedding"
    errors: str = "fail"
    report: Path | None = None
    is_quiet: bool = False


class Vectors:
    """The column that embed adds. Its methods are what ``run`` asks of any."""

    counted = "embedded"  # rows that have a value, in the report

    def __init__(self, job: Job, schema: pa.Schema):
        self._column = choose_column(schema, job.column)

    def kind(self, model: emberline.Model) -> pa.DataType:
        return pa.list_(model.vector_type)

    def compute(self, model: emberline.Model, batch: pa.RecordBatch, tick: emberline.model.Progress) -> _native.Outcome:
        return model.run(_rows.to_arrow(batch.column(self._column))[0], tick)

    def array(self, outcome: _native.Outcome) -> pa.Array:
        return vector_lists(outcome)

    def more(self, job: Job, model: emberline.Model) -> dict:
        """What else the report says."""
        return {"int8": int8_outlook(job.model, job.options, model)}


@dataclass
class Totals:
    """Counts over all batches."""

    rows: int = 0
    nulls: int = 0
    failed: int = 0
    truncated: int = 0
    tokens: int = 0
    batches: int = 0
    rows_done: int = field(default=0, repr=False)  # rows, nulls and failed ones together

    def add(self, stats: _native.Stats, num_rows: int) -> None:
        for name in ("rows", "nulls", "failed", "truncated", "tokens", "batches"):
            setattr(self, name, getattr(self, name) + getattr(stats, name))
        self.rows_done += num_rows


class JobError(Exception):
    """A job that cannot be done as asked; the message is for the user."""


def run(job: Job, column_class: type = Vectors) -> dict:
    """Adds the column to the job's rows and returns the report. On any failure, Ctrl-C included, the output is as it
    was before."""
    writers.check_output(job.output)
    if job.report is not None and not job.report.parent.is_dir():
        raise JobError(f"{job.report}: the directory {job.report.parent} does not exist")
    is_csv = job.output.suffix.lower() == ".csv"
    files = readers.find_files(job.inputs)
    table = readers.Table([readers.open_reader(path, is_csv) for path in files])
    column = column_class(job, table.schema)
    if job.output_column in table.schema.names:
        raise JobError(f"the input has a column {job.output_column} already: name another with --output-column")

    load_start = time.monotonic()
    model = emberline.load(job.model, **job.options)
    start = time.monotonic()
    schema = table.schema.append(pa.field(job.output_column, column.kind(model)))
    output = writers.Output(job.output, schema)
    try:
        with make_progress(table.num_rows, job.is_quiet) as progress:
            totals, waited = _pump(table, model, column, job.errors, schema, output.write, progress)
        output.commit()
    except BaseException:
        output.discard()
        raise
    seconds = time.monotonic() - start
    report = _report(job, model, files, totals, seconds, waited, start - load_start, column.counted)
    if job.report is not None:
        report.update(column.more(job, model))
        _write_report(job.report, report)
    return report


def choose_column(schema: pa.Schema, asked: str | None, taken: str | None = None) -> str:
    """The text column: the one asked for, else the only one of text that is not taken, else the one named text."""
    is_free = [field.name != taken and not pa.types.is_null(field.type) for field in schema]
    texts = [field.name for field, free in zip(schema, is_free, strict=True) if free and _rows.is_text(field.type)]
    if asked is not None:
        if asked not in schema.names:
            raise JobError(f"the input has no column {asked}; it has {', '.join(schema.names)}")
        if not _rows.is_text(kind := schema.field(asked).type):
            raise JobError(f"column {asked} is {kind}, expected text; columns of text: {', '.join(texts) or 'none'}")
        return asked
    if "text" in texts:
        return "text"
    if len(texts) == 1:
        return texts[0]
    reason = f"columns of text: {', '.join(texts)}" if texts else f"no column is text: {', '.join(schema.names)}"
    raise JobError(f"name the column to embed with --column; {reason}")


def _pump(
    table: readers.Table,
    model: emberline.Model,
    column: Vectors,
    errors: str,
    schema: pa.Schema,
    write: Callable[[pa.RecordBatch], None],
    progress: Progress,
) -> tuple[Totals, float]:
    """Moves all rows through; returns counts and the seconds the engine waited for input or output."""
    totals, waited = Totals(), 0.0
    batches = table.batches()
    written: Future[None] | None = None
    with (
        ThreadPoolExecutor(1, "read") as reading,
        ThreadPoolExecutor(1, "write") as writing,
    ):
        ahead = reading.submit(next, batches, None)
        while True:
            idle_start = time.monotonic()
            item = ahead.result()
            waited += time.monotonic() - idle_start
            if item is None:
                break
            ahead = reading.submit(next, batches, None)
            path, first_row, batch = item

            def tick(rows_done: int, _rows_total: int, tokens_done: int) -> None:
                progress.update(totals.rows_done + rows_done, totals.tokens + tokens_done)

            outcome = column.compute(model, batch, tick)
            if errors == "fail" and outcome.stats.failed:
                try:
                    model.raise_row_error(outcome, first_row)
                except emberline.RowError as error:
                    raise JobError(f"{path}: {error}; --errors null gives such rows null") from None
            totals.add(outcome.stats, batch.num_rows)
            progress.update(totals.rows_done, totals.tokens)
            columns = [*batch.columns, column.array(outcome)]
            idle_start = time.monotonic()
            if written is not None:
                written.result()
            waited += time.monotonic() - idle_start
            written = writing.submit(write, pa.record_batch(columns, schema=schema))
        if written is not None:
            written.result()
    return totals, waited


def vector_lists(outcome: _native.Outcome) -> pa.ListArray:
    """The vectors as lists: most Parquet readers in use cannot read a fixed_size_list that has a null row."""
    is_valid = outcome.status == _native.STATUS_OK
    offsets = np.concatenate([[0], np.cumsum(np.where(is_valid, outcome.vectors.shape[1], 0))]).astype(np.int32)
    vectors = outcome.vectors if is_valid.all() else outcome.vectors[is_valid]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.reshape(-1)), mask=pa.array(~is_valid))


def peak_memory_bytes() -> int:
    """VmHWM: the most memory this process ever had resident."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def _report(
    job,
    model,
    files,
    totals: Totals,
    seconds: float,
    waited: float,
    load_seconds: float,
    counted: str,
) -> dict:
    info = model.info
    return {
        "emberline": emberline.__version__,
        "model": job.model,
        "inputs": [str(path) for path in files],
        "output": str(job.output),
        "rows": totals.rows_done,
        counted: totals.rows,
        "nulls": totals.nulls,
        "failed": totals.failed,
        "truncated": totals.truncated,
        "tokens": totals.tokens,
        "seconds": round(seconds, 3),
        "rows_per_second": round(totals.rows_done / seconds, 1),
        "tokens_per_second": round(totals.tokens / seconds, 1),
        "waited_seconds": round(waited, 3),
        "model_load_seconds": round(load_seconds, 3),
        "peak_memory_bytes": peak_memory_bytes(),
        "dtype": info.get("dtype"),
        "isa": info.get("isa"),
        "options": {
            option.name: info["layers_selected"] if option.name == "layers" else info.get(option.name)
            for option in emberline.options()
        },
    }


def _write_report(path: Path, report: dict) -> None:
    file = writers.AtomicFile(path)
    try:
        file.stream.write((json.dumps(report, indent=2, ensure_ascii=False) + os.linesep).encode())
        file.commit()
    except BaseException:
        file.discard()
        raise
