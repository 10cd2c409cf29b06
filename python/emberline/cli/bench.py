# SPDX-License-Identifier: Apache-2.0
"""``emberline bench``: what a model does on this machine, dtype by dtype, and what share of the machine that is."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from rich.console import Console
from rich.table import Table

import emberline
from emberline.cli.timing import best_time, english_text, long_rows, numbers_of

DTYPES = ("f32", "bf16", "int8")
QUERY_TOKENS = 16
LENGTHS = (QUERY_TOKENS, 128, 512)


def measure(path: str, options: dict[str, str], seconds: float) -> dict:
    """Loads the model in each dtype that the machine has (or the one of the options) and times it on built-in text.

    ``seconds`` go into each number. Returns what ``print_bench`` shows; ``cosine`` compares with the first dtype, f32
    unless another was asked for, on rows of 128 tokens. A cross-encoder, which makes no vectors, is timed on pairs
    of as many tokens, and has ``score_difference`` instead. ``memory_bytes`` is the most that the process had resident
    beyond what it had before the model was loaded, texts and vectors included; None where the system does not tell.
    """
    text = english_text()
    reference = None
    report: dict = {"model": path, "dtypes": [], "left_out": {}}
    for dtype in (options["dtype"],) if options.get("dtype") else DTYPES:
        resident = _forget_peak_memory()
        started = time.perf_counter()
        try:
            model = emberline.load(path, **{**options, "dtype": dtype})
        except emberline.Unsupported as error:
            report["left_out"][dtype] = str(error)
            continue
        with model:
            entry = {"dtype": model.info["dtype"], "isa": model.info["isa"], "threads": model.info["threads"]}
            entry["load_ms"] = 1e3 * (time.perf_counter() - started)
            entry["lengths"] = [_rates(model, text, length, seconds) for length in _lengths(model)]
            query = model.with_options(max_tokens=min(QUERY_TOKENS, model.max_tokens))
            entry["query_ms"] = 1e3 * best_time(lambda query=query: numbers_of(query, [text]), seconds)
            cut = model.with_options(max_tokens=min(128, model.max_tokens))
            numbers = np.asarray(numbers_of(cut, long_rows(text, 64)), np.float64)
            entry["memory_bytes"] = None if resident is None else _memory("VmHWM") - resident
            reference = numbers if reference is None else reference
            entry.update(_agreement(numbers, reference) if model.dim else _score_difference(numbers, reference))
            report["dtypes"].append(entry)
            report["tokenizer_mb_per_second"] = _tokenizer_rate(model, text, seconds)
    if not report["dtypes"]:
        raise emberline.Unsupported("; ".join(report["left_out"].values()))
    return report


def print_bench(report: dict, is_json: bool) -> None:
    """A table for people, or one JSON object, on stdout."""
    if is_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    speeds = _table("dtype", "isa", "tokens a row", "rows/s", "tokens/s", "of peak")
    compared = "cosine" if "cosine" in report["dtypes"][0] else "score_difference"
    models = _table("dtype", "load ms", "query ms", "memory MB", f"mean {compared.replace('_', ' ')}", "worst")
    for entry in report["dtypes"]:
        for rates in entry["lengths"]:
            share = "-" if rates["share_of_peak"] is None else f"{rates['share_of_peak']:.0%}"
            numbers = (str(rates["tokens"]), f"{rates['rows_per_second']:,.0f}", f"{rates['tokens_per_second']:,.0f}")
            speeds.add_row(entry["dtype"], entry["isa"], *numbers, share)
        memory = "-" if entry["memory_bytes"] is None else f"{entry['memory_bytes'] / 1e6:.0f}"
        differences = (f"{entry[compared]['mean']:.5f}", f"{entry[compared]['worst']:.5f}")
        models.add_row(entry["dtype"], f"{entry['load_ms']:.0f}", f"{entry['query_ms']:.2f}", memory, *differences)
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(speeds, "", models, "", sep="\n")
    console.print(f"tokenizer: {report['tokenizer_mb_per_second']:.1f} MB/s on one thread")
    for dtype, reason in report["left_out"].items():
        print(f"emberline: {dtype} left out: {reason}", file=sys.stderr)


def _agreement(vectors: np.ndarray, reference: np.ndarray) -> dict:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference, axis=1)
    cosine = (vectors * reference).sum(axis=1) / lengths
    return {"cosine": {"mean": float(cosine.mean()), "worst": float(cosine.min())}}


def _score_difference(scores: np.ndarray, reference: np.ndarray) -> dict:
    difference = np.abs(scores - reference)
    return {"score_difference": {"mean": float(difference.mean()), "worst": float(difference.max())}}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name in ("dtype", "isa") else "right", no_wrap=True)
    return table


def _lengths(model: emberline.Model) -> list[int]:
    return sorted({min(length, model.max_tokens) for length in LENGTHS})


def _rates(model: emberline.Model, text: str, tokens: int, seconds: float) -> dict:
    cut = model.with_options(max_tokens=tokens)
    rows = long_rows(text, max(16, 16384 // tokens))
    lengths = [len(ids) for ids in cut.tokenize(rows)]
    peak = cut.measured_peak()
    best = best_time(lambda: numbers_of(cut, rows), seconds)
    peak = max(peak, cut.measured_peak())
    return {
        "tokens": tokens,
        "rows_per_second": len(rows) / best,
        "tokens_per_second": sum(lengths) / best,
        "peak_operations_per_second": peak,
        "share_of_peak": network_operations(cut.info, lengths) / best / peak if peak else None,
    }


def network_operations(info: dict, lengths: list[int]) -> int:
    """Multiplications and additions of a model's layers for rows of these many tokens: products and attention."""
    hidden, ffn, layers = info["hidden"], info["intermediate"], max(info["layers_selected"])
    weights = 4 * hidden * hidden + 2 * hidden * ffn
    return layers * (2 * sum(lengths) * weights + 4 * sum(length**2 for length in lengths) * hidden)


def _memory(name: str) -> int:
    """A figure of this process in bytes: VmRSS, what is resident, or VmHWM, the most that was."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(f"{name}:"))


def _forget_peak_memory() -> int | None:
    """What is resident now, the new peak; None where the system keeps the old one."""
    try:
        with open("/proc/self/clear_refs", "w") as request:
            request.write("5")
    except OSError:
        return None
    return _memory("VmRSS")


def _tokenizer_rate(model: emberline.Model, text: str, seconds: float) -> float:
    pieces = [text[at : at + 500] for at in range(0, len(text), 500)]
    whole = model.with_options(threads=1)
    return len(text.encode()) / 1e6 / best_time(lambda: whole.tokenize(pieces), seconds)
