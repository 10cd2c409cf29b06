#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows per second on Spark: emberline against the usual recipe, and against emberline's own command line.

Same rows (natural.parquet), same cores, warm: models loaded, JVM and Python workers running, rows in memory, vectors
computed and dropped. The engines take turns, the best of the rounds counts.
"""

import argparse
import datetime
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from harness import ROOT, commit, measure, processor, running, say, write_between_marks

OURS = "emberline on Spark, f32"
RECIPE = "usual recipe"
PEERS = {  # name in the table -> (module, virtual environment)
    OURS: ("spark_peers/emberline_spark", ".venv"),
    "emberline on Spark, bf16": ("spark_peers/emberline_spark_bf16", ".venv"),
    "emberline on Spark, int8": ("spark_peers/emberline_spark_int8", ".venv"),
    "emberline CLI, f32": ("spark_peers/emberline_cli", ".venv"),
    RECIPE: ("spark_peers/pandas_udf_recipe", ".venv-reference"),
    f"{RECIPE}, best batch": ("spark_peers/pandas_udf_tuned", ".venv-reference"),
    f"{RECIPE}, bf16": ("spark_peers/pandas_udf_bf16", ".venv-reference"),
    f"{RECIPE}, PyTorch threads = cores": ("spark_peers/pandas_udf_all_threads", ".venv-reference"),
}


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "build/corpus/natural.parquet")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help=f"engines to take: {'; '.join(PEERS)}")
    parser.add_argument("--markdown", type=pathlib.Path, help="put the table between the marks of this file, too")
    args = parser.parse_args()

    if not args.table.exists():
        subprocess.run(
            [sys.executable, ROOT / "tools/make_table.py", args.table.parent, "--only", "natural"], check=True
        )
    with running(PEERS, args.only or PEERS, args.model, args.threads) as workers:
        say("comparing vectors, warming up")
        worst_cosine(workers, args.table)
        best = measure(workers, args.table, args.rows, args.rounds)

    what = f"{args.model.name}, {args.rows} rows of {args.table.stem}"
    lines = [
        f"{datetime.date.today()}, commit {commit()}, {what}, local[{args.threads}], best of {args.rounds}, warm  ",
        f"Processor: {processor()}",
        "",
        f"| way | batch | rows/s | to the {RECIPE} |",
        "|---|---|---|---|",
    ]
    base = best.get(RECIPE, (None,))[0]
    for name, (seconds, batch) in best.items():
        ratio = f"{base / seconds:.2f}" if base else "-"
        lines.append(f"| {name} | {batch or 'own'} | {args.rows / seconds:.1f} | {ratio} |")
    print("\n".join(lines))
    if args.markdown:
        write_between_marks(args.markdown, "bench/spark_bench.py", "\n".join(lines))


if __name__ == "__main__":
    main()
