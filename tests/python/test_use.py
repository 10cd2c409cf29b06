# SPDX-License-Identifier: Apache-2.0
"""Universal Sentence Encoder multilingual v3, the real one: the files of its package through tools/import_use.py.

What the package makes of its weights is in golden/use-multilingual-v3.npz, which tools/make_use_goldens.py wrote."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import emberline
from data_paths import ROOT, USE

LEAST = {"f32": 0.9999, "bf16": 0.9995, "int8": 0.99}  # cosine of every row


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    if not USE.is_dir():
        pytest.skip(f"{USE.relative_to(ROOT)} is missing: tools/get_models.py build/models {USE.name} brings it")
    out = tmp_path_factory.mktemp("use") / "model"
    subprocess.run([sys.executable, ROOT / "tools/import_use.py", USE, out], check=True)
    return out


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parent / "golden/use-multilingual-v3.npz") as file:
        rows, ids = file["rows"].tolist(), np.split(file["ids"], np.cumsum(file["lengths"])[:-1])
        return rows, [row.tolist() for row in ids], file["vectors"].astype(np.float64)


@pytest.mark.parametrize("dtype", LEAST)
def test_vectors_are_not_those_of_the_package(directory, golden, dtype):
    rows, ids, expected = golden
    model = emberline.load(directory, dtype=dtype)
    assert model.tokenize(rows) == ids
    vectors = model.embed(rows)
    assert vectors.shape == (len(rows), 512)
    cosines = (vectors * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() >= LEAST[dtype], rows[cosines.argmin()]
    alone = np.concatenate([model.embed([row]) for row in rows[:12]])
    assert np.array_equal(alone, vectors[:12])


def test_null_long_text_or_limits_are_treated_otherwise(directory):
    model = emberline.load(directory, dtype="f32")
    long = "a long text about penguins and their eggs, " * 2000
    vectors = model.embed(["", None, "  ", long])
    assert np.isnan(vectors[1]).all()
    assert np.array_equal(vectors[0], vectors[2])
    assert np.allclose(np.linalg.norm(vectors[[0, 3]], axis=1), 1)
    details = model.embed_details([long])[0].as_py()
    assert details["tokens"] > 15_000 and not details["truncated"]
    assert len(model.with_options(max_tokens=16).tokenize([long])[0]) == 16


def test_import_leaves_a_broken_source_unnamed(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "tools/import_use.py", tmp_path, tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"{tmp_path / 'weights.npz'}: no such file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_config_of_the_import_is_not_the_models(directory):
    config = json.loads((directory / "config.json").read_text())
    assert config["vocab_size"] == 128_010
    assert config["embedding_size"] == 512
    assert [(branch["size"], branch["before"]) for branch in config["ngrams"]] == [(2, 0), (3, 1), (5, 2)]
