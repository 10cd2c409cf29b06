#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far emberline's vectors are from sentence-transformers', model by model, on real rows in f32."""

import argparse
import json
import os
import pathlib
import tempfile

import numpy as np
from harness import ROOT, running, write_between_marks

PEERS = {
    "reference": ("peers/sentence_transformers_f32", ".venv-reference"),
    "emberline": ("peers/emberline_f32", ".venv"),
}
MODELS = ("all-MiniLM-L6-v2", "bge-small-en-v1.5", "e5-small-v2", "bge-small-zh-v1.5")


def distance(model, table, rows, threads):
    """(largest absolute difference, lowest cosine, dimensions) over the first rows of a table."""
    vectors = {}
    with tempfile.TemporaryDirectory() as folder, running(PEERS, PEERS, model, threads) as workers:
        for name, worker in workers.items():
            file = pathlib.Path(folder, f"{name}.npy")
            worker.embed(table, rows, worker.batches[0], file)
            vectors[name] = np.load(file).astype(np.float64)
    found, expected = vectors["emberline"], vectors["reference"]
    cosine = (found * expected).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
    return np.abs(found - expected).max(), cosine.min(), found.shape[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "build/corpus/natural.parquet")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--markdown", type=pathlib.Path, help="put the table between the marks of this file, too")
    args = parser.parse_args()
    lines = [
        f"| model | layers | dimensions | largest difference, {args.rows:,} rows | lowest cosine |",
        "|---|---|---|---|---|",
    ]
    for name in MODELS:
        model = ROOT / "build/models" / name
        layers = json.loads((model / "config.json").read_text())["num_hidden_layers"]
        difference, cosine, dims = distance(model, args.table, args.rows, args.threads)
        lines.append(f"| {name} | {layers} | {dims} | {difference:.1e} | {cosine:.8f} |")
    print("\n".join(lines))
    if args.markdown:
        write_between_marks(args.markdown, "bench/parity.py", "\n".join(lines))


if __name__ == "__main__":
    main()
