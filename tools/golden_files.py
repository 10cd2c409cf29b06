# SPDX-License-Identifier: Apache-2.0
"""Which rows golden files hold, and how they are written."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests/data"
GOLDEN = ROOT / "tests/golden"
REAL = {
    "all-MiniLM-L6-v2": "rows-en.txt",
    "bge-small-en-v1.5": "rows-en.txt",
    "e5-small-v2": "rows-en.txt",
    "bge-small-zh-v1.5": "rows-zh.txt",
}
SCRIPT_LINES = (0, 3, 6, 11, 14, 15, 16, 20, 24, 28, 30, 33, 36)


def read_lines(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").splitlines()


def rows_of(name: str) -> list[str]:
    scripts = read_lines("scripts.txt")
    if name in REAL:
        return [*read_lines(REAL[name]), "", scripts[33]]
    # A lower-casing before the tokenizer must spare special tokens and treat each character by itself.
    extra = {
        "tiny-lower-first": ["Before [SEP] After [MASK] IS", "ΣΟΦΟΣ ΟΔΥΣΣΕΥΣ"],
        "tiny-roberta": ["before <pad> after <mask> is"],  # a padding token inside a text is no position
    }.get(name, [])
    return ["", *(scripts[i] for i in SCRIPT_LINES), *extra, " ".join(scripts)]


def layer_rows_of(name: str, ids: list[list[int]]) -> list[int]:
    """Rows whose hidden layers are kept: the empty one and a middling one; of a real model a short one."""
    by_length = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
    return [next(i for i in by_length if len(ids[i]) >= 8)] if name in REAL else [0, by_length[len(by_length) // 2]]


def write_files(
    name: str,
    rows: list[str],
    ids: list[list[int]],
    tensors: dict[str, np.ndarray],
    *,
    layer_rows: list[int],
    max_tokens: int,
    prompt: str = "",
    prompt_tokens: int = 0,
) -> str:
    spec = {
        "model": name,
        "max_tokens": max_tokens,
        "prompt": prompt,
        "prompt_tokens": prompt_tokens,
        "layer_rows": layer_rows,
        "rows": rows,
        "ids": ids,
    }
    lines = ",\n".join(f" {json.dumps(key)}: {dump(value)}" for key, value in spec.items())
    (GOLDEN / f"{name}.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    safetensors.numpy.save_file(tensors, GOLDEN / f"{name}.safetensors")
    return f"{name}: {len(rows)} rows, {sum(map(len, ids))} tokens, {tensors['vectors'].shape[1]} dimensions"


def dump(value) -> str:
    if isinstance(value, list) and value and isinstance(value[0], (list, str)):
        return "[\n" + ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in value) + "\n ]"
    return json.dumps(value, ensure_ascii=False)
