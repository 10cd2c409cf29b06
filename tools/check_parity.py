#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare emberline with sentence-transformers and transformers in f32 on real rows, one row at a time on their side.

usage: check_parity.py MODEL_DIR ROWS [--rows N] [--layer-rows N] [--dtypes f32 bf16 int8]

ROWS is a .parquet file with a column `text`, a .po file of translations (its messages), or a text file of lines. The
model's prompts, limits and head are its own. Compared are token ids, finished vectors, and layers 'all' and '-4:-1',
concatenated and averaged. In bf16 and int8 it is the cosine of finished vectors. Prints the worst values; exit status 1
where one is beyond its bound.

Runs where both are installed; EMBERLINE_LIBRARY may name a libemberline.so that was built elsewhere.
"""

import argparse
import ast
import logging
import os
import re
import sys
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.append(str(Path(__file__).resolve().parent.parent / "python"))

import numpy as np
import pyarrow.parquet as pq
import torch
from sentence_transformers import SentenceTransformer

import emberline

VECTOR_BOUND = 1e-5  # absolute for vectors of length 1, else of the row's largest value
LAYER_BOUND = 2e-5  # of the row's largest value
COSINE_BOUND = 0.999999
LOW_BOUNDS = {"bf16": (0.9999, 0.9995), "int8": (0.998, 0.99)}  # mean cosine, worst row
LAYERS = {"all": slice(None), "-4:-1": slice(-4, None)}


def read_rows(path: Path, count: int) -> list[str]:
    if path.suffix == ".parquet":
        rows = pq.read_table(path, columns=["text"])["text"].to_pylist()
    elif path.suffix == ".po":
        blocks = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', path.read_text(encoding="utf-8"), re.MULTILINE)
        rows = ["".join(map(ast.literal_eval, re.findall(r'".*"', block))) for block in blocks]
    else:
        rows = path.read_text(encoding="utf-8").splitlines()
    return [row for row in rows if row.strip()][:count]


class Check:
    def __init__(self):
        self.failed = False

    def line(self, what: str, value: float, bound: float, good: bool, where: str = "") -> None:
        self.failed |= not good
        print(f"{'ok  ' if good else 'FAIL'} {what:<44} {value:.7g} (bound {bound:.7g}) {where}")

    def vectors(self, what: str, actual: np.ndarray, expected: np.ndarray, bound: float, relative: bool) -> None:
        if actual.shape != expected.shape:
            self.line(f"{what}: shape {actual.shape}, expected {expected.shape}", 0, 0, False)
            return
        apart = np.abs(actual.astype(np.float64) - expected).max(axis=1)
        if relative:
            apart /= np.abs(expected).max(axis=1)
        row = int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
        self.line(f"{what}: worst difference", apart[row], bound, bool(apart[row] <= bound), f"row {row}")
        lengths = np.linalg.norm(actual, axis=1) * np.linalg.norm(expected, axis=1)
        cosine = (actual.astype(np.float64) * expected).sum(axis=1) / lengths
        self.line(f"{what}: worst 1 - cosine", 1 - cosine.min(), 1 - COSINE_BOUND, bool(cosine.min() >= COSINE_BOUND))


def check_rows(check: Check, path: str, reference: SentenceTransformer, rows: list[str], dtypes: list[str]) -> None:
    prompt = reference.prompts.get(reference.default_prompt_name) if reference.default_prompt_name else None
    expected_ids = [reference.preprocess([row], prompt=prompt)["input_ids"][0].tolist() for row in rows]
    expected = np.concatenate([reference.encode([row], batch_size=1, show_progress_bar=False) for row in rows])
    for dtype in dtypes:
        if dtype != "f32":
            check_low(check, path, dtype, rows, expected)
    if "f32" not in dtypes:
        return
    with emberline.load(path, dtype="f32") as model:
        differing = sum(a != b for a, b in zip(model.tokenize(rows), expected_ids, strict=True))
        actual = np.asarray(model.embed(rows))
    check.line("token ids: rows that differ", differing, 0, differing == 0)
    unit = bool(np.allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-4))
    check.vectors("vectors", actual, expected, VECTOR_BOUND, relative=not unit)


def check_low(check: Check, path: str, dtype: str, rows: list[str], expected: np.ndarray) -> None:
    try:
        model = emberline.load(path, dtype=dtype)
    except emberline.Unsupported as error:
        print(f"--   {dtype}: {error}")
        return
    with model:
        actual = np.asarray(model.embed(rows)).astype(np.float64)
        name = f"{dtype} ({model.info['isa']})"
    cosine = (actual * expected).sum(axis=1) / np.linalg.norm(actual, axis=1) / np.linalg.norm(expected, axis=1)
    mean, worst = LOW_BOUNDS[dtype]
    row = int(np.argmin(np.nan_to_num(cosine, nan=-1)))
    check.line(f"{name}: mean cosine", cosine.mean(), mean, bool(cosine.mean() >= mean))
    check.line(f"{name}: worst cosine", cosine[row], worst, bool(cosine[row] >= worst), f"row {row}")


def check_layers(check: Check, path: str, reference: SentenceTransformer, rows: list[str]) -> None:
    """Mean pooling over each layer; row by row, as a mean over tokens of every hidden state."""
    states = []
    for row in rows:
        features = reference.preprocess([row])
        inputs = {k: features[k] for k in ("input_ids", "attention_mask", "token_type_ids") if k in features}
        with torch.no_grad():
            hidden = reference.transformers_model(**inputs, output_hidden_states=True).hidden_states
        states.append(torch.stack([layer[0].double().mean(dim=0) for layer in hidden]).numpy())
    layers = np.stack(states)  # [rows, layers + 1, hidden]
    for name, part in LAYERS.items():
        if name == "-4:-1" and layers.shape[1] < 4:
            print(f"--   layers {name}: the model has {layers.shape[1] - 1}")
            continue
        chosen = layers[:, part]
        for op, expected in (("concat", chosen.reshape(len(rows), -1)), ("mean", chosen.mean(axis=1))):
            options = {"layers": name, "layer_op": op, "pooling": "mean", "normalize": False, "prompt": ""}
            with emberline.load(path, dtype="f32", **options) as model:
                actual = np.asarray(model.embed(rows))
            check.vectors(f"layers {name}, {op}", actual, expected, LAYER_BOUND, relative=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("rows_file", type=Path, metavar="ROWS")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--layer-rows", type=int, default=200)
    parser.add_argument("--dtypes", nargs="+", choices=["f32", *LOW_BOUNDS], default=["f32"])
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)

    rows = read_rows(arguments.rows_file, arguments.rows)
    reference = SentenceTransformer(arguments.model, device="cpu", model_kwargs={"dtype": torch.float32})
    print(f"{arguments.model}: {len(rows)} rows, layers on {min(len(rows), arguments.layer_rows)}")
    check = Check()
    check_rows(check, arguments.model, reference, rows, arguments.dtypes)
    if "f32" in arguments.dtypes:
        check_layers(check, arguments.model, reference, rows[: arguments.layer_rows])
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
