# SPDX-License-Identifier: Apache-2.0
"""Tables that need sessions of their own: memory by concurrent tasks, time and memory by rows."""

import itertools
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
from harness import ROOT, running, say
from memory import PeakMemory

# The JVM takes what heap it is given before it collects: a small one shows what is needed.
SMALL_HEAP = {"EMBERLINE_BENCH_MEMORY": "1g"}
ROWS_PER_TASK = 250
FILES = 16  # of a scale table: several for each task
WORDS = 6


def peak_while_embedding(worker, table, rows):
    """(seconds, bytes) of one run, which comes after one that warms up."""
    worker.embed(table, rows, worker.batches[0])
    with PeakMemory(worker.process.pid) as memory:
        seconds = worker.embed(table, rows, worker.batches[0])
    return seconds, memory.bytes


def memory_by_tasks(peers, names, args):
    """Lines of the table: peak memory of all processes while 2, 4, ... tasks run at a time."""
    lines = [f"| way | {' | '.join(f'{tasks} tasks' for tasks in args.tasks)} |", "|---" * (len(args.tasks) + 1) + "|"]
    for name in names:
        cells = []
        for tasks in args.tasks:
            with running(peers, [name], args.model, tasks, SMALL_HEAP) as workers:
                _, peak = peak_while_embedding(workers[name], args.table, ROWS_PER_TASK * tasks)
            say(f"  {name}, {tasks} tasks: {peak / 2**20:.0f} MiB")
            cells.append(f"{peak / 2**20:,.0f} MiB")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def time_by_rows(peers, names, args, settings):
    """Lines of the table: seconds and peak memory for each number of rows of short texts, read from files."""
    lines = ["| way | rows | seconds | rows/s | peak memory |", "|---|---|---|---|---|"]
    for name in names:
        with running(peers, [name], args.model, args.threads, SMALL_HEAP | settings) as workers:
            for rows in args.scale:
                seconds, peak = peak_while_embedding(workers[name], short_texts(args.table, rows), rows)
                say(f"  {name}, {rows} rows: {seconds:.1f} s, {peak / 2**20:.0f} MiB")
                lines.append(f"| {name} | {rows:,} | {seconds:.1f} | {rows / seconds:,.0f} | {peak / 2**20:,.0f} MiB |")
    return lines


def short_texts(table, rows):
    """A folder of Parquet files with so many different short texts: first words of the table's rows, and a number."""
    folder = ROOT / f"build/bench/short-{rows}"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    starts = itertools.cycle(" ".join(text.split()[:WORDS]) for text in pq.read_table(table)["text"].to_pylist())
    texts = [f"{start} {number}" for number, start in zip(range(rows), starts, strict=False)]
    for file in range(FILES):
        ids = pa.array(range(file, rows, FILES))
        pq.write_table(pa.table({"id": ids, "text": texts[file::FILES]}), folder / f"{file}.parquet")
    (folder / "complete").touch()
    return folder
