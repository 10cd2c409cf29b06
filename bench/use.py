#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Universal Sentence Encoder multilingual v3: emberline against the package that ships it, taking turns in one run.

The package and pyarrow lie in an environment of their own, build/use-env (docs/models.md has the commands), the model
is what tools/import_use.py wrote. Vectors are compared before the clock starts: rows for which the package's
tokenizer gives other ids than sentencepiece are counted, not excused.
"""

import argparse
import datetime
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import ROOT, Worker, commit, measure, processor, running, say, write_between_marks

sys.path.insert(0, str(ROOT / "tools"))
from make_lines import translations

ENVIRONMENT = "build/use-env"
PACKAGE = "package"
PEERS = {  # name in the table -> (module, virtual environment)
    PACKAGE: ("peers/use_package_f32", ENVIRONMENT),
    "emberline f32": ("peers/emberline_f32", ".venv"),
    "emberline bf16": ("peers/emberline_bf16", ".venv"),
    "emberline int8": ("peers/emberline_int8", ".venv"),
}
LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "ko", "pl", "ru", "zh_Hans")
LEAST_COSINE = 0.99  # of nearly all rows: below it an engine computes something else


def prepare(corpus):
    """{workload: its table}, made where it is not there yet."""
    english, languages = corpus / "natural.parquet", ROOT / "build/bench/ten-languages.parquet"
    if not english.exists():
        subprocess.run([sys.executable, ROOT / "tools/make_table.py", corpus, "--only", "natural"], check=True)
    if not languages.exists():
        languages.parent.mkdir(parents=True, exist_ok=True)
        messages = translations(LANGUAGES)
        picked = np.random.default_rng(20260301).permutation(len(messages))[:4000]
        pq.write_table(pa.table({"text": [messages[i] for i in picked]}), languages)
    return {"natural": english, "ten-languages": languages}


def check_vectors(workers, table, rows):
    """{engine: (lowest cosine to the package's, share of rows at 0.9999 or more)}."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "vectors.npy")
        for name, worker in workers.items():
            worker.embed(table, rows, 0, file)
            found[name] = np.load(file).astype(np.float64)
    cosines = {name: (vectors * found[PACKAGE]).sum(axis=1) for name, vectors in found.items()}
    for name, values in cosines.items():
        if not np.quantile(values, 0.02) >= LEAST_COSINE:
            raise SystemExit(f"{table.stem}: {name} does not compute what the package does: {values.min():.6f}")
    return {name: (values.min(), (values >= 0.9999).mean()) for name, values in cosines.items()}


def report(args, results):
    """The lines of the tables, in Markdown. results: {(threads, workload): (rows, best, cosines)}."""
    how = f"{args.model.name}, best of {args.rounds}, {args.clock} clock"
    yield f"{datetime.date.today()}, commit {commit()}, {how}  "
    yield f"Processor: {processor()}"
    for (threads, workload), (rows, best, cosines) in results.items():
        yield ""
        yield f"{workload}: {rows} rows, {threads} thread{'s' if threads > 1 else ''}"
        yield ""
        yield "| engine | rows/s | times the package | lowest cosine to it | rows at 0.9999 or more |"
        yield "|---|---|---|---|---|"
        for name, (seconds, _) in best.items():
            worst, share = cosines[name]
            ratio = best[PACKAGE][0] / seconds
            yield f"| {name} | {rows / seconds:,.0f} | {ratio:.1f} | {worst:.6f} | {share:.1%} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--engines", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu: for a look on a busy machine")
    parser.add_argument("--markdown", type=pathlib.Path, help="put the tables between the marks of this file, too")
    args = parser.parse_args()
    Worker.clock = args.clock
    if not (ROOT / ENVIRONMENT).exists():
        sys.exit(f"{ENVIRONMENT} is missing; docs/models.md has the commands that make it")

    results = {}
    names = [name for name in PEERS if name == PACKAGE or name in args.engines]
    for threads in args.threads:
        settings = {f"{library}_NUM_THREADS": str(threads) for library in ("OPENBLAS", "OMP", "MKL")}
        with running(PEERS, names, args.model, threads, settings) as workers:
            for workload, table in prepare(args.corpus).items():
                rows = min(args.rows, pq.read_metadata(table).num_rows)
                say(f"comparing vectors of {workload}")
                cosines = check_vectors(workers, table, rows)
                results[threads, workload] = rows, measure(workers, table, rows, args.rounds), cosines
    lines = "\n".join(report(args, results))
    print(lines)
    if args.markdown:
        write_between_marks(args.markdown, "bench/use.py", lines)


if __name__ == "__main__":
    main()
