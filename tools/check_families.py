#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How close each family comes to the reference, by dtype and instruction set: the table of docs/models.md.

usage: check_families.py MODEL_DIR... [--rows N] [--markdown FILE]        run by .venv-reference's Python

Reference: sentence-transformers in f32, one row at a time, on N rows (64) of build/corpus/natural.parquet and the lines
of tests/data/scripts.txt. In f32 a cell is the largest difference of a number in vectors of length 1, in bf16 and int8
the lowest cosine of a row. Exit status 1 where a value is beyond its bound, or token ids differ. "refused" is a dtype
that the check at load did not let through, "-" what this processor or the instruction set does not have.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.append(str(Path(__file__).resolve().parent.parent / "bench"))

import numpy as np
from check_parity import LOW_BOUNDS, VECTOR_BOUND, read_rows
from harness import commit, processor, write_between_marks

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = [("f32", "avx512"), ("f32", "avx2"), ("bf16", "amx"), ("bf16", "avx512")]
COLUMNS += [("int8", isa) for isa in ("amx", "avx512", "avxvnni", "avx2")]
# Run in a process of its own: an instruction set is chosen once for each.
EMBED = """
import sys, numpy, emberline
path, dtype, rows, out = sys.argv[1:]
texts = open(rows, encoding="utf-8", newline="").read().split("\\0")
try:
    with emberline.load(path, dtype=dtype) as model:
        ids = model.tokenize(texts)
        numpy.savez(out, vectors=numpy.asarray(model.embed(texts)), ids=numpy.concatenate(ids))
except emberline.Unsupported as error:
    print(error)
"""


def reference_of(path: str, rows: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Vectors [rows, dim], and all rows' token ids one after the other."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(path, device="cpu", model_kwargs={"dtype": torch.float32})
    prompt = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
    ids = [model.preprocess([row], prompt=prompt)["input_ids"][0].numpy() for row in rows]
    vectors = np.concatenate([model.encode([row], batch_size=1, show_progress_bar=False) for row in rows])
    return vectors.astype(np.float64), np.concatenate(ids)


def embed(path: str, dtype: str, isa: str, rows: Path, out: Path) -> str:
    """Writes vectors and ids to `out`; returns why not, or nothing."""
    out.unlink(missing_ok=True)
    python_path = os.pathsep.join(filter(None, (str(ROOT / "python"), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"EMBERLINE_ISA": isa, "PYTHONPATH": python_path}
    done = subprocess.run(
        [sys.executable, "-c", EMBED, path, dtype, rows, out], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{path}, {dtype}, {isa}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


class Table:
    def __init__(self):
        self.failures: list[str] = []

    def cell(self, path: str, dtype: str, isa: str, rows: Path, expected, scratch: Path) -> str:
        out = scratch / "out.npz"
        refusal = embed(path, dtype, isa, rows, out)
        if refusal:
            missing = "cannot run" in refusal or "multiplies no" in refusal
            print(f"{path}, {dtype}, {isa}: {refusal}", file=sys.stderr)
            return "-" if missing else "refused"
        found = np.load(out)
        vectors, ids = expected
        where = f"{path}, {dtype}, {isa}"
        if not np.array_equal(found["ids"], ids):
            self.failures.append(f"{where}: token ids differ from the reference's")
        actual = found["vectors"].astype(np.float64)
        if dtype == "f32":
            apart = np.abs(actual - vectors).max()
            if not apart <= VECTOR_BOUND:
                self.failures.append(f"{where}: largest difference {apart:.3g}, bound {VECTOR_BOUND:.3g}")
            return f"{apart:.1e}"
        cosine = (actual * vectors).sum(axis=1) / np.linalg.norm(actual, axis=1) / np.linalg.norm(vectors, axis=1)
        mean, worst = LOW_BOUNDS[dtype]
        if not (cosine.mean() >= mean and cosine.min() >= worst):
            self.failures.append(
                f"{where}: mean cosine {cosine.mean():.6f} ({mean}), worst {cosine.min():.6f} ({worst})"
            )
        return f"{cosine.min():.5f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL_DIR")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--markdown", type=Path, help="put the table between the marks of this file, too")
    args = parser.parse_args()

    natural = read_rows(ROOT / "build/corpus/natural.parquet", args.rows)
    texts = natural + read_rows(ROOT / "tests/data/scripts.txt", 1000)
    table = Table()
    lines = [
        f"Commit {commit()}, {processor()}, {len(texts)} rows.",
        "",
        "| model | " + " | ".join(f"{dtype} {isa}" for dtype, isa in COLUMNS) + " |",
        "|---|" + "---|" * len(COLUMNS),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows")
        rows.write_text("\0".join(texts), encoding="utf-8")
        for path in args.models:
            expected = reference_of(path, texts)
            cells = [table.cell(path, dtype, isa, rows, expected, Path(folder)) for dtype, isa in COLUMNS]
            lines.append(f"| {Path(path).name} | {' | '.join(cells)} |")
            print(lines[-1], file=sys.stderr, flush=True)
    print("\n".join(lines))
    if args.markdown:
        write_between_marks(args.markdown, "tools/check_families.py", "\n".join(lines))
    for failure in table.failures:
        print(f"FAIL {failure}")
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
