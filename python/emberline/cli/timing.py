# SPDX-License-Identifier: Apache-2.0
"""Text that every machine has, and the clock: what ``bench`` and ``info`` time models with."""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable

import numpy as np

import emberline

QUERY = "how are the arguments of a program read"
TEXT_MODULES = ("argparse", "collections", "decimal", "difflib", "doctest", "heapq", "pickletools", "statistics")


def english_text() -> str:
    """Some 30 kB of English that every Python has."""
    docs = (pkgutil.resolve_name(name).__doc__ or "" for name in TEXT_MODULES)
    return " ".join(" ".join(doc.split()) for doc in docs)


def long_rows(text: str, count: int) -> list[str]:
    """Different rows, each long enough to be cut at any length."""
    words = text.split()
    step = max(1, len(words) // count)
    return [" ".join([*words[i * step :], *words[: i * step]])[:8000] for i in range(count)]


def best_time(body: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest call; the first one, which makes scratch memory, does not count."""
    body()
    best, started = float("inf"), time.perf_counter()
    while best == float("inf") or time.perf_counter() - started < seconds:
        begun = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - begun)
    return best


def numbers_of(model: emberline.Model, rows: list[str]) -> np.ndarray:
    """What the model is for: a vector of each row, or where it makes none, scores of each row for a short query."""
    if model.dim:
        return model.embed(rows)
    scores = model.rerank(QUERY, rows)
    return scores.reshape(len(rows), -1)


def int8_outlook(path: str, options: dict[str, str], model: emberline.Model, seconds: float = 0.15) -> dict:
    """What ``dtype=int8`` would give in place of the model's dtype: ``speedup`` on rows of up to 64 tokens and the
    cosine of its vectors to those in f32 on built-in texts, or ``left_out`` with the reason. ``speedup`` is 1 where the
    model runs in int8 already."""
    try:
        int8 = emberline.load(path, **{**options, "dtype": "int8"})
    except emberline.Unsupported as error:
        return {"left_out": str(error)}
    with int8:
        outlook = {"speedup": 1.0, "cosine": int8.info["int8_cosine"]}
        if model.info["dtype"] != "int8":
            rows = long_rows(english_text(), 64)
            times = []
            for handle in (model, int8):
                cut = handle.with_options(max_tokens=min(64, handle.max_tokens), long_text="truncate")
                times.append(best_time(lambda cut=cut: numbers_of(cut, rows), seconds))
            outlook["speedup"] = round(times[0] / times[1], 2)
    return outlook
