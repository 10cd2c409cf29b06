#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeddings per second of emberline and its peers: one run, the same rows, the same cores, taking turns.

Every engine lives in a process of its own, which is stopped while another one works. A round gives each engine each
workload once; the best round counts. Where an engine takes a batch size, the better of those it lists counts. All
vectors are compared with sentence-transformers' before anything is timed, so nobody is timed while computing
something else.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = "sentence-transformers"
OURS = "emberline"
PEERS = {  # name in the table -> (module in peers/, virtual environment)
    OURS: ("emberline_f32", ".venv"),
    REFERENCE: ("sentence_transformers_f32", ".venv-reference"),
    "ONNX Runtime": ("onnxruntime_f32", ".venv-reference"),
    "OpenVINO, latency": ("openvino_f32", ".venv-reference"),
    "OpenVINO, throughput": ("openvino_throughput_f32", ".venv-reference"),
}
WORKLOADS = {"tokens128": 512, "natural": 2000}  # table -> rows of it
MIN_COSINE = 0.999999


class Worker:
    """An engine in its own process, stopped whenever it is not asked for something."""

    def __init__(self, module, environment, model, threads):
        command = [ROOT / environment / "bin/python", ROOT / "bench/peers/worker.py", module, model, str(threads)]
        variables = os.environ | {"RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
        )
        self.batches = self._answer()["batches"]
        self.process.send_signal(signal.SIGSTOP)

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read()[-2000:])
        return json.loads(line)

    def embed(self, texts, rows, batch, vectors=None):
        """Seconds for the first rows of a table; writes their vectors where asked to."""
        request = {"texts": str(texts), "rows": rows, "batch": batch, "vectors": vectors and str(vectors)}
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        seconds = self._answer()["seconds"]
        self.process.send_signal(signal.SIGSTOP)
        return seconds

    def close(self):
        self.process.kill()
        self.process.wait()


def processor():
    """The processor's name, and what tells two processors of one name apart."""
    facts = dict(line.split(":", 1) for line in pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines())
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    widest = next((flag for flag in ("amx_tile", "avx512f", "avx2") if flag in facts.get("flags", "")), "")
    return f"{facts.get('model name', platform.machine())} (model {facts.get('model', '?')}, {widest})"


def peak_gflops(threads):
    """Measured f32 GFLOP/s of all cores, by the probe among the per-operation benches; None where it is not built."""
    probe = next(ROOT.glob("build/*/bench/ops/peak_probe"), None)
    if probe is None:
        return None
    done = subprocess.run([probe, str(threads)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[0])


def flops(model, lengths):
    """Multiplications and additions of the network for rows of these many tokens, products and attention."""
    config = json.loads((model / "config.json").read_text())
    hidden, ffn, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    lengths = np.asarray(lengths, np.float64)
    return layers * (2 * lengths.sum() * (4 * hidden * hidden + 2 * hidden * ffn) + 4 * (lengths**2).sum() * hidden)


def token_counts(model, path, rows):
    settings = json.loads((model / "sentence_bert_config.json").read_text())
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.enable_truncation(settings["max_seq_length"])
    tokenizer.no_padding()
    texts = pq.read_table(path, columns=["text"])["text"].to_pylist()[:rows]
    return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(texts)]


def check_vectors(workers, corpus, workloads):
    """Lowest cosine to the reference's vectors, by engine; fails where one computes something else."""
    worst = dict.fromkeys(workers, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "vectors.npy")
        for workload, rows in workloads.items():
            vectors = {}
            for name, worker in workers.items():
                worker.embed(corpus / f"{workload}.parquet", min(rows, 256), worker.batches[0], file)
                vectors[name] = np.load(file).astype(np.float64)
            expected = vectors[REFERENCE]
            for name, found in vectors.items():
                norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
                worst[name] = min(worst[name], ((found * expected).sum(axis=1) / norms).min())
    for name, cosine in worst.items():
        if not cosine >= MIN_COSINE:
            raise SystemExit(f"{name} does not compute what {REFERENCE} does: worst cosine {cosine:.8f}")
    return worst


def measure(workers, corpus, workloads, rounds):
    """{(workload, engine): (best seconds, batch size)}, the engines taking turns in every round."""
    best = {}
    for index in range(rounds):
        for workload, rows in workloads.items():
            for name, worker in workers.items():
                chosen = best.get((workload, name))
                for batch in worker.batches if index < 2 else (chosen[1],):
                    seconds = worker.embed(corpus / f"{workload}.parquet", rows, batch)
                    say(f"  round {index + 1}, {workload}, {name}, batch {batch or 'own'}: {rows / seconds:.1f} rows/s")
                    if (workload, name) not in best or seconds < best[workload, name][0]:
                        best[workload, name] = (seconds, batch)
    return best


def say(text):
    print(text, file=sys.stderr, flush=True)


def commit():
    done = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], check=False, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"


def report(args, workers, best, counts, peaks, worst):
    """The lines of the table, in Markdown."""
    known = [peak for peak in peaks if peak]
    peak = max(known) if known else None
    yield f"{datetime.date.today()}, commit {commit()}, {args.model.name}, f32, {args.threads} threads, best of {args.rounds}"
    yield f"processor: {processor()}"
    yield f"measured f32 peak of {args.threads} threads: {f'{peak:.0f} GFLOP/s' if peak else 'not measured (no probe built)'}"
    for workload, lengths in counts.items():
        rows, tokens, work = len(lengths), sum(lengths), flops(args.model, lengths)
        yield ""
        yield f"{workload}: {rows} rows, {tokens / rows:.1f} tokens a row, longest {max(lengths)}"
        yield ""
        yield f"| engine | batch | rows/s | tokens/s | of {OURS} | share of peak | worst cosine |"
        yield "|---|---|---|---|---|---|---|"
        base = best.get((workload, OURS))
        for name in workers:
            seconds, batch = best[workload, name]
            ratio = f"{base[0] / seconds:.2f}" if base else "-"
            share = f"{work / seconds / 1e9 / peak:.0%}" if peak else "-"
            cells = (name, batch or "own", f"{rows / seconds:.1f}", f"{tokens / seconds:,.0f}", ratio, share)
            yield f"| {' | '.join(map(str, cells))} | {worst[name]:.7f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/bench/all-MiniLM-L6-v2")
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help=f"engines to take: {', '.join(PEERS)}")
    parser.add_argument("--rows", type=float, default=1.0, help="factor on the number of rows")
    parser.add_argument("--markdown", type=pathlib.Path, help="put the table between the marks of this file, too")
    args = parser.parse_args()

    workloads = {name: max(1, round(rows * args.rows)) for name, rows in WORKLOADS.items()}
    counts = {name: token_counts(args.model, args.corpus / f"{name}.parquet", n) for name, n in workloads.items()}
    workers = {}
    try:
        for name in args.only or PEERS:
            say(f"loading {name}")
            workers[name] = Worker(*PEERS[name], args.model, args.threads)
        say("comparing vectors")
        worst = (
            check_vectors(workers, args.corpus, workloads) if REFERENCE in workers else dict.fromkeys(workers, np.nan)
        )
        peaks = [peak_gflops(args.threads)]
        best = measure(workers, args.corpus, workloads, args.rounds)
        peaks.append(peak_gflops(args.threads))
    finally:
        for worker in workers.values():
            worker.close()
    lines = "\n".join(report(args, workers, best, counts, peaks, worst))
    print(lines)
    if args.markdown:
        write_between_marks(args.markdown, "bench/run.py", lines)


def write_between_marks(path, name, lines):
    """Replaces what stands between <!-- name --> and <!-- end name --> in a file."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
    text = path.read_text()
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path} has no marks {begin.strip()} and {end}")
    path.write_text(f"{head}{begin}{lines}\n{end}{tail}")


if __name__ == "__main__":
    main()
