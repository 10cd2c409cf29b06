# SPDX-License-Identifier: Apache-2.0
"""model=an object: saved in a folder of the driver, once as long as it does not change, gone when the process ends."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spark_cases import ROOT, TEXTS, TINY, assert_same

import emberline.spark as em
from emberline import model_objects

OTHER = str(ROOT / "tests" / "data" / "tiny-cls")
REFERENCE = ROOT / ".venv-reference" / "bin" / "python"


class SentenceModel:
    """As much of a SentenceTransformer as matters: it encodes, and saves itself whole."""

    def __init__(self, folder=TINY):
        self.folder, self.saves, self.max_seq_length, self.truncate_dim = folder, 0, 512, None

    def encode(self, sentences):
        raise AssertionError("the engine is to do it")

    def save_pretrained(self, path, model_name=None, create_model_card=True, safe_serialization=False):
        assert safe_serialization and not create_model_card
        self.saves += 1
        shutil.copytree(self.folder, path, dirs_exist_ok=True)


class Part:
    """A transformers model without its tokenizer, or the tokenizer."""

    def __init__(self, *names):
        self.names = names

    def save_pretrained(self, save_directory, **kwargs):
        for name in self.names:
            shutil.copy(Path(TINY, name), save_directory)


def parts():
    words = [path.name for path in Path(TINY).iterdir() if "token" in path.name or "vocab" in path.name]
    return Part("config.json", "model.safetensors"), Part(*words)


@pytest.mark.parametrize("function", [em.embed, em.try_embed, lambda *a, **k: em.embed_details(*a, **k).embedding])
def test_an_object_gives_other_vectors_than_its_folder(docs, reference, function):
    model = SentenceModel()
    for row in docs.select("id", function("text", model=model, dims=8).alias("v")).collect():
        assert_same(row.v, reference(TEXTS[row.id], dims=8))
    assert model.saves == 1


def test_a_udf_of_an_object_gives_other_vectors(docs, reference):
    for row in docs.select("id", em.udf(SentenceModel())("text").alias("v")).collect():
        assert_same(row.v, reference(TEXTS[row.id]))


def test_a_transformers_model_goes_without_its_tokenizer(docs, reference):
    model, tokenizer = parts()
    column = em.embed("text", model=model, tokenizer=tokenizer, pooling="mean", normalize=False)
    for row in docs.select("id", column.alias("v")).collect():
        assert_same(row.v, reference(TEXTS[row.id], pooling="mean", normalize=False))


def test_an_object_is_saved_at_every_call():
    model = SentenceModel()
    folder = model_objects.saved_folder(model)
    assert model_objects.saved_folder(model) == folder and model.saves == 1


def test_a_changed_object_is_not_saved_again():
    model = SentenceModel()
    first = model_objects.saved_folder(model)
    model.max_seq_length = 128
    assert model_objects.saved_folder(model) != first and os.path.isdir(first)


def test_an_object_at_the_place_of_another_is_taken_for_it():
    """An address is free for the next object once one is gone; what was saved stays for columns that name it."""
    folders = set()
    for folder in (TINY, OTHER) * 5:
        saved = model_objects.saved_folder(SentenceModel(folder))
        gc.collect()
        assert saved not in folders and os.path.isdir(saved)
        folders.add(saved)


def test_leading_dimensions_of_an_object_are_lost(docs, reference):
    model = SentenceModel()
    model.truncate_dim = 4
    row = docs.where("id = 0").select(
        em.embed("text", model=model).alias("v"), em.udf(model, dims=2)("text").alias("w")
    )
    assert_same(row.first().v, reference(TEXTS[0], dims=4))
    assert_same(row.first().w, reference(TEXTS[0], dims=2))


def test_a_failed_save_leaves_a_folder():
    class Broken(SentenceModel):
        def save_pretrained(self, path):
            Path(path, "half").touch()
            raise OSError("no space left")

    model_objects.saved_folder(SentenceModel())
    before = set(os.listdir(model_objects._root))
    with pytest.raises(OSError, match="no space left"):
        model_objects.saved_folder(Broken())
    assert set(os.listdir(model_objects._root)) == before


@pytest.mark.parametrize(
    ("model", "tokenizer", "message"),
    [
        (object(), None, "expected a path, a hub id"),
        (Part(), None, "pass the tokenizer too"),
        (Part(), "a name", "its tokenizer is str"),
        (SentenceModel(), Part(), "has its own"),
        (TINY, Part(), "folder has its own"),
    ],
)
def test_a_wrong_object_is_taken(spark, model, tokenizer, message):
    for function in (lambda **given: em.embed("text", **given), em.udf, em.predict_batch_fn):
        with pytest.raises(TypeError, match=message):
            function(model=model, tokenizer=tokenizer)


def test_a_client_s_object_is_taken_by_a_server(monkeypatch):
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    monkeypatch.delenv("SPARK_LOCAL_REMOTE", raising=False)
    with pytest.raises(ValueError, match="Spark Connect client"):
        em.embed("text", model=SentenceModel())


def test_the_folder_outlives_the_process(tmp_path):
    program = """
import os, sys
from emberline import model_objects
from test_model_object import SentenceModel

print(model_objects.saved_folder(SentenceModel()), flush=True)
if os.fork() == 0:
    sys.exit()  # a child that ends in order takes nothing along
os.wait()
assert os.path.isdir(model_objects._root)
"""
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and not os.path.exists(os.path.dirname(done.stdout.strip()))


REAL = r"""
import sys

import numpy as np
import torch
from pyspark.sql import SparkSession
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

import emberline
import emberline.spark as em
from spark_cases import builder, use_built_jars
from pathlib import Path

use_built_jars()
folder, scratch = sys.argv[1:]
spark = em.configure(builder(Path(scratch))).getOrCreate()
texts = ["a text", "another text", "", "naive cafe"]
frame = spark.createDataFrame(list(enumerate(texts)), "id long, text string")

def vectors(column):
    return np.array([row.v for row in frame.select("id", column.alias("v")).orderBy("id").collect()], np.float32)

model = SentenceTransformer(folder, device="cpu", local_files_only=True)
expected = model.encode(texts)
for column in (em.embed("text", model=model, dtype="f32"), em.udf(model, dtype="f32")("text")):
    np.testing.assert_allclose(vectors(column), expected, atol=2e-5)
by_object, by_folder = (vectors(em.embed("text", given, dtype="f32")) for given in (model, folder))
np.testing.assert_array_equal(by_object, by_folder)

with torch.no_grad():
    for parameter in model.parameters():
        parameter.mul_(0.9)
np.testing.assert_allclose(vectors(em.embed("text", model=model, dtype="f32")), model.encode(texts), atol=2e-5)

bare = AutoModel.from_pretrained(folder, local_files_only=True)
tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
given = tokenizer(texts, padding=True, return_tensors="pt")
with torch.no_grad():
    first = bare(**given).last_hidden_state[:, 0].numpy()
column = em.embed("text", model=bare, tokenizer=tokenizer, pooling="cls", normalize=False, dtype="f32")
np.testing.assert_allclose(vectors(column), first, atol=2e-5)
spark.stop()
print("objects are well")
"""


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.exists(), reason="sentence-transformers is in .venv-reference, which is not there")
def test_real_objects_give_other_vectors_than_their_own(tmp_path):
    paths = [str(ROOT / "python"), str(Path(__file__).parent)]
    library = os.environ.get("EMBERLINE_LIBRARY") or str(ROOT / "build" / "release" / "libemberline.so")
    given = {"PYTHONPATH": os.pathsep.join(paths), "EMBERLINE_LIBRARY": library, "PYSPARK_PYTHON": str(REFERENCE)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK", "SPARK"))}
    done = subprocess.run(
        [str(REFERENCE), "-c", REAL, TINY, str(tmp_path)],
        cwd=tmp_path,
        env=kept | given,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and "objects are well" in done.stdout, done.stderr[-6000:]
