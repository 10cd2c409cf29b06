#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows per second on Spark: emberline against the usual recipe, and against emberline's own command line.

Same rows (natural.parquet), same cores, warm: models loaded, JVM and Python workers running, rows in memory, vectors
computed and dropped. The engines take turns, the best of the rounds counts. The first row is timed apart, and memory is
that of all processes of a way, driver included, sampled in a run that is not timed.

--master 'local-cluster[2,1,4096]' gives executors processes of their own. --tasks 2 4 8 makes a table of memory while
so many tasks run at a time; --scale 10000 100000 1000000 one of time and memory for so many rows of short text.
"""

import argparse
import datetime
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from harness import ROOT, commit, measure, processor, running, say, with_graph, write_between_marks
from memory import PeakMemory
from spark_tables import ROWS_PER_TASK, memory_by_tasks, time_by_rows

OURS = "emberline on Spark, f32"
RECIPE = "usual recipe"
CLI = "emberline CLI, f32"
PEERS = {  # name in the table -> (module, virtual environment)
    OURS: ("spark_peers/emberline_spark", ".venv"),
    "emberline on Spark, bf16": ("spark_peers/emberline_spark_bf16", ".venv"),
    "emberline on Spark, int8": ("spark_peers/emberline_spark_int8", ".venv"),
    "emberline pip only, f32": ("spark_peers/emberline_udf", ".venv"),
    "emberline pip only, bf16": ("spark_peers/emberline_udf_bf16", ".venv"),
    CLI: ("spark_peers/emberline_cli", ".venv"),
    RECIPE: ("spark_peers/pandas_udf_recipe", ".venv-reference"),
    f"{RECIPE}, best batch": ("spark_peers/pandas_udf_tuned", ".venv-reference"),
    f"{RECIPE}, bf16": ("spark_peers/pandas_udf_bf16", ".venv-reference"),
    f"{RECIPE}, PyTorch threads = cores": ("spark_peers/pandas_udf_all_threads", ".venv-reference"),
    "predict_batch_udf, sentence-transformers": ("spark_peers/predict_batch_recipe", ".venv-reference"),
    "OpenVINO in a pandas_udf, bf16": ("spark_peers/pandas_udf_openvino_bf16", ".venv-reference"),
}
# Those whose memory and time by rows say something: one of each kind.
KINDS = (OURS, "emberline pip only, f32", RECIPE, "predict_batch_udf, sentence-transformers")
SCALED = ("emberline on Spark, bf16", "emberline pip only, bf16")


def worst_cosine(workers, table):
    """Lowest cosine between our vectors and the recipe's; also warms everything up."""
    vectors = {}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "vectors.npy")
        for name, worker in workers.items():
            worker.embed(table, 200, worker.batches[0], file)
            vectors[name] = np.load(file).astype(np.float64)
    if RECIPE not in vectors:
        return {}
    expected = vectors[RECIPE] / np.linalg.norm(vectors[RECIPE], axis=1, keepdims=True)
    worst = {
        n: ((v / np.linalg.norm(v, axis=1, keepdims=True)) * expected).sum(axis=1).min() for n, v in vectors.items()
    }
    for name, cosine in worst.items():
        if not cosine >= (0.98 if "int8" in name else 0.998 if "bf16" in name else 0.999999):
            raise SystemExit(f"{name} does not compute what the {RECIPE} does: worst cosine {cosine:.8f}")
    return worst


def compared(args, settings):
    """Lines of the main table."""
    names = args.only or [name for name in PEERS if name != CLI or not args.master]
    with running(PEERS, names, args.model, args.threads, settings) as workers:
        say("comparing vectors, warming up")
        worst_cosine(workers, args.table)
        best = measure(workers, args.table, args.rows, args.rounds)
        say("first rows and memory")
        first = {name: worker.first(args.table, args.rows, best[name][1]) for name, worker in workers.items()}
        peak = {name: peak_of(worker, args, best[name][1]) for name, worker in workers.items()}
    lines = [
        f"| way | batch | rows/s | to the {RECIPE} | first row, s | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    base = best.get(RECIPE, (None,))[0]
    for name, (seconds, batch) in best.items():
        ratio = f"{base / seconds:.2f}" if base else "-"
        start = "-" if first[name] is None else f"{first[name]:.2f}"
        memory = f"{peak[name] / 2**20:,.0f} MiB"
        lines.append(f"| {name} | {batch or 'own'} | {args.rows / seconds:.1f} | {ratio} | {start} | {memory} |")
    return lines


def peak_of(worker, args, batch):
    with PeakMemory(worker.process.pid) as memory:
        worker.embed(args.table, args.rows, batch)
    return memory.bytes


def heading(args, what):
    where = args.master or (f"local[{args.threads}]" if not args.tasks else "local[tasks]")
    model = f"{args.model.name}, {what}"
    return [
        f"{datetime.date.today()}, commit {commit()}, {model}, {where}  ",
        f"Processor: {processor()}",
        "",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "build/corpus/natural.parquet")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="tasks at a time")
    parser.add_argument("--master", help="another Spark master than local[THREADS], as local-cluster[2,1,4096]")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, nargs="+", help="the table of memory, with so many tasks at a time")
    parser.add_argument("--scale", type=int, nargs="+", help="the table of time and memory, for so many rows")
    parser.add_argument("--only", nargs="*", help=f"engines to take: {'; '.join(PEERS)}")
    parser.add_argument("--markdown", type=pathlib.Path, help="put the table between the marks of this file, too")
    args = parser.parse_args()

    if not args.table.exists():
        subprocess.run(
            [sys.executable, ROOT / "tools/make_table.py", args.table.parent, "--only", "natural"], check=True
        )
    args.model = args.model.resolve()
    if any("OpenVINO" in name for name in args.only or ([] if args.tasks or args.scale else PEERS)):
        args.model = with_graph(args.model)
    settings = {"EMBERLINE_BENCH_MASTER": args.master} if args.master else {}
    if args.tasks:
        if args.master:
            parser.error("--tasks takes masters local[2], local[4] and so on: leave --master out")
        marks, what = " tasks", f"{ROWS_PER_TASK} rows of {args.table.stem} a task, 1 GiB of heap, warm"
        lines = memory_by_tasks(PEERS, args.only or KINDS, args)
    elif args.scale:
        marks, what = " scale", "short texts from Parquet files, 1 GiB of heap, warm"
        lines = time_by_rows(PEERS, args.only or SCALED, args, settings)
    else:
        marks = f" {args.master.partition('[')[0]}" if args.master else ""
        what = f"{args.rows} rows of {args.table.stem}, best of {args.rounds}, warm"
        lines = compared(args, settings)
    text = "\n".join(heading(args, what) + lines)
    print(text)
    if args.markdown:
        write_between_marks(args.markdown, f"bench/spark_bench.py{marks}", text)


if __name__ == "__main__":
    main()
