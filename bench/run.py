#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeddings per second of emberline and its peers: one run, the same rows, the same cores, taking turns.

Every engine lives in a process of its own, which is stopped while another one works. A round gives each engine each
workload once; the best round counts. Where an engine takes a batch size, the better of those it lists counts. All
vectors are compared with sentence-transformers' before anything is timed, so nobody is timed while computing
something else. With --isa only emberline is timed, its kernels and the peak being those of that instruction set.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow.parquet as pq
from harness import ROOT, Worker, commit, measure, processor, running, say, with_graph, write_between_marks
from tokenizers import Tokenizer

REFERENCE = "sentence-transformers"
OURS = "emberline"
PEERS = {  # name in the table -> (module in peers/, which ends in its dtype, virtual environment)
    OURS: ("peers/emberline_f32", ".venv"),
    REFERENCE: ("peers/sentence_transformers_f32", ".venv-reference"),
    "ONNX Runtime": ("peers/onnxruntime_f32", ".venv-reference"),
    "OpenVINO, latency": ("peers/openvino_f32", ".venv-reference"),
    "OpenVINO, throughput": ("peers/openvino_throughput_f32", ".venv-reference"),
    f"{OURS} bf16": ("peers/emberline_bf16", ".venv"),
    f"{REFERENCE} bf16": ("peers/sentence_transformers_bf16", ".venv-reference"),
    "OpenVINO bf16": ("peers/openvino_bf16", ".venv-reference"),
    f"{OURS} int8": ("peers/emberline_int8", ".venv"),
    "ONNX Runtime int8": ("peers/onnxruntime_int8", ".venv-reference"),
    "OpenVINO int8": ("peers/openvino_int8", ".venv-reference"),
    "CTranslate2 int8": ("peers/ctranslate2_int8", ".venv-reference"),
}
OURS_AND_REFERENCE = (OURS, f"{OURS} int8", REFERENCE)  # what is started where an instruction set is forced
F32_ISA = {"amx": "avx512", "avxvnni": "avx2"}  # whose f32 kernels those without their own take
# Families whose feed-forward is three products.
GATED = ("modernbert", "nomic_bert", "gte", "qwen2", "qwen3", "mistral", "gemma3_text")
WORKLOADS = {"tokens128": 512, "natural": 2000}  # table -> rows of it
MIN_COSINE = {"f32": 0.999999, "bf16": 0.998, "int8": 0}  # below it an engine computes something else; int8 varies


def dtype_of(name):
    return PEERS[name][0].rpartition("_")[2]


def ours_in(dtype):
    return OURS if dtype == "f32" else f"{OURS} {dtype}"


def build_probe():
    """The program that prints the machine's f32 peak."""
    probe, sources = (
        ROOT / "build/bench/machine_peak",
        ["bench/machine_peak.cc", "src/backend/cpu/peak_probe.cc", "src/base/parallel.cc"],
    )
    flags = ["-std=c++20", "-O3", "-pthread", "-Isrc"]
    subprocess.run(["g++", *flags, *sources, "-o", probe], check=True, cwd=ROOT)
    return probe


def peak_gflops(probe, threads, isa):
    command = [probe, str(threads), *([F32_ISA.get(isa, isa)] if isa else [])]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def flops(model, lengths):
    """Multiplications and additions of the network for rows of these many tokens, products and attention."""
    config = json.loads((model / "config.json").read_text())

    def size(*names):
        return next((config[name] for name in names if config.get(name) is not None), None)

    hidden, ffn = size("hidden_size", "dim"), size("intermediate_size", "hidden_dim")
    layers, heads = size("num_hidden_layers", "n_layers"), size("num_attention_heads", "n_heads")
    head = size("head_dim")
    query = heads * head if head else hidden
    key_value = query // heads * size("num_key_value_heads") if size("num_key_value_heads") else query
    ffn_products = 3 if config.get("model_type") in GATED else 2
    lengths = np.asarray(lengths, np.float64)
    products = hidden * (2 * query + 2 * key_value) + ffn_products * hidden * ffn
    return layers * (2 * lengths.sum() * products + 4 * (lengths**2).sum() * query)


def prepare(model, corpus):
    """The folder of the model that all engines share; makes it and the tables where they are not there yet."""
    if not all((corpus / f"{name}.parquet").exists() for name in WORKLOADS):
        subprocess.run([sys.executable, ROOT / "tools/make_table.py", corpus], check=True)
    return with_graph(model)


def token_counts(model, path, rows):
    settings = json.loads((model / "sentence_bert_config.json").read_text())
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.enable_truncation(settings["max_seq_length"])
    tokenizer.no_padding()
    texts = pq.read_table(path, columns=["text"])["text"].to_pylist()[:rows]
    return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(texts)]


def check_vectors(workers, corpus, workloads):
    """Lowest cosine to the reference's vectors, by engine; fails where one computes something else."""
    if REFERENCE not in workers:
        return dict.fromkeys(workers, np.nan)
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
        if not cosine >= MIN_COSINE[dtype_of(name)]:
            raise SystemExit(f"{name} does not compute what {REFERENCE} does: worst cosine {cosine:.8f}")
    return worst


def report(args, best, counts, peak, worst):
    """The lines of the table, in Markdown."""
    forced = f", EMBERLINE_ISA={args.isa}" if args.isa else ""
    how = f"{args.model.name}, {args.threads} threads, best of {args.rounds}, {args.clock} clock{forced}"
    yield f"{datetime.date.today()}, commit {commit()}, {how}  "
    yield f"Processor: {processor()}  "
    vectors = f" in {F32_ISA.get(args.isa, args.isa)}" if args.isa else ""
    yield f"Measured f32 peak of {args.threads} threads{vectors}: {peak:.0f} GFLOP/s"
    for workload, lengths in counts.items():
        rows, tokens, work = len(lengths), sum(lengths), flops(args.model, lengths)
        yield ""
        yield f"{workload}: {rows} rows, {tokens / rows:.1f} tokens a row, longest {max(lengths)}"
        yield ""
        compared = "faster than f32 by" if args.isa else f"{OURS} is faster by"
        yield f"| engine | dtype | batch | rows/s | tokens/s | {compared} | of the f32 peak | worst cosine |"
        yield "|---|---|---|---|---|---|---|---|"
        for name, (seconds, batch) in best[workload].items():
            dtype = dtype_of(name)
            share = f"{work / seconds / 1e9 / peak:.0%}"
            own = name.removesuffix(f" {dtype}")
            ratio = ratio_of(best[workload], name, bool(args.isa))
            cells = (own, dtype, batch or "own", f"{rows / seconds:.1f}", f"{tokens / seconds:,.0f}", ratio, share)
            yield f"| {' | '.join(map(str, cells))} | {worst[name]:.7f} |"


def ratio_of(best, name, to_own_f32):
    """How many times as fast as an engine ours is in its dtype; or how many times as fast it is as ours in f32."""
    base = best.get(OURS if to_own_f32 else ours_in(dtype_of(name)))
    if not base:
        return "-"
    seconds = best[name][0]
    return f"{base[0] / seconds if to_own_f32 else seconds / base[0]:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help=f"engines to take: {', '.join(PEERS)}")
    parser.add_argument("--rows", type=float, default=1.0, help="factor on the number of rows: 0.1 for a large model")
    parser.add_argument("--isa", help="instruction set that emberline is held to, as EMBERLINE_ISA has it")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu: for a look on a busy machine")
    parser.add_argument("--markdown", type=pathlib.Path, help="put the table between the marks of this file, too")
    args = parser.parse_args()
    Worker.clock = args.clock
    if args.isa:
        os.environ["EMBERLINE_ISA"] = args.isa

    shared = prepare(args.model, args.corpus)
    workloads = {name: max(1, round(rows * args.rows)) for name, rows in WORKLOADS.items()}
    counts = {name: token_counts(shared, args.corpus / f"{name}.parquet", n) for name, n in workloads.items()}
    with running(PEERS, args.only or (OURS_AND_REFERENCE if args.isa else PEERS), shared, args.threads) as workers:
        say("comparing vectors")
        worst = check_vectors(workers, args.corpus, workloads)
        timed = {name: worker for name, worker in workers.items() if not args.isa or name.startswith(OURS)}
        probe = build_probe()
        peak = peak_gflops(probe, args.threads, args.isa)
        best = {
            name: measure(timed, args.corpus / f"{name}.parquet", rows, args.rounds) for name, rows in workloads.items()
        }
        peak = max(peak, peak_gflops(probe, args.threads, args.isa))
    lines = "\n".join(report(args, best, counts, peak, worst))
    print(lines)
    if args.markdown:
        mark = " ".join(filter(None, ("bench/run.py", args.model.name, args.isa)))
        write_between_marks(args.markdown, mark, lines)


if __name__ == "__main__":
    main()
