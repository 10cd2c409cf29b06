# SPDX-License-Identifier: Apache-2.0
"""Pip only: the engine in Spark's Python workers gives the bits of the Python package, and says what is wrong."""

import os
import shutil
import socket
import subprocess
import sys

import pytest
from spark_cases import ROOT, TEXTS, TINY, assert_same

import emberline
import emberline.spark as em
from emberline.spark import worker_models

OTHER = str(ROOT / "tests" / "data" / "tiny-cls")
LIMIT = {"max_tokens": 16, "long_text": "error"}


def assert_vectors(rows, reference, name="v", **options):
    rows = list(rows)
    assert len(rows) == len(TEXTS)
    for row in rows:
        assert_same(row[name], reference(TEXTS[row.id], **options))


@pytest.fixture
def batches_of_seven(spark):
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "7")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_vectors_are_those_of_python(docs, reference, adaptive):
    assert_vectors(docs.withColumn("v", em.udf(model=TINY)("text")).collect(), reference)


def test_the_size_of_arrow_batches_changes_a_vector(docs, reference, batches_of_seven):
    assert_vectors(docs.repartition(1).withColumn("v", em.udf(TINY)("text")).collect(), reference)


def test_options_are_lost(docs, reference):
    embed = em.udf(TINY, dims=8, layers="-2:-1", normalize=True)
    rows = docs.select("id", embed("text").alias("v")).collect()
    assert_vectors(rows, reference, dims=8, layers="-2:-1", normalize=True)


def test_two_calls_disturb_each_other(docs, reference):
    frame = docs.select("id", em.udf(TINY, dims=4)("text").alias("v"), em.udf(OTHER)("text").alias("w"))
    rows = frame.where(em.udf(TINY)("text").isNotNull()).collect()
    assert len(rows) == sum(text is not None for text in TEXTS)
    for row in rows:
        assert_same(row.v, reference(TEXTS[row.id], dims=4))
        assert_same(row.w, reference(TEXTS[row.id], OTHER))


def test_bytes_are_read_otherwise_than_text(docs, reference):
    assert_vectors(docs.select("id", em.udf(TINY)(docs.text.cast("binary")).alias("v")).collect(), reference)


def test_no_rows_and_empty_partitions_fail(spark, docs, reference):
    assert spark.table("nothing").select(em.udf(TINY)("text")).collect() == []
    few = docs.where("id = 0").repartition(5).select("id", em.udf(TINY)("text").alias("v"))
    assert_same(few.first().v, reference(TEXTS[0]))
    nulls = docs.where("text IS NULL").select(em.udf(TINY)("text").alias("v")).collect()
    assert nulls and all(row.v is None for row in nulls)


def test_sql_cannot_call_it(spark, docs, reference):
    spark.udf.register("embed_in_python", em.udf(TINY))
    assert_vectors(spark.sql("SELECT id, embed_in_python(text) AS v FROM docs").collect(), reference)


def test_the_session_s_defaults_are_ignored(spark, docs, reference):
    spark.conf.set("spark.emberline.model", TINY)
    spark.conf.set("spark.emberline.dims", "8")
    try:
        embed, narrow = em.udf(), em.udf(dims=4)
    finally:
        spark.conf.unset("spark.emberline.model")
        spark.conf.unset("spark.emberline.dims")
    rows = docs.select("id", embed("text").alias("v"), narrow("text").alias("w")).collect()
    assert_vectors(rows, reference, dims=8)
    assert_vectors(rows, reference, "w", dims=4)


# --- rows that cannot be embedded ---


def test_a_bad_row_is_not_named(spark):
    frame = spark.range(0, 50, 1, 1).selectExpr("if(id = 37, repeat('word ', 40), 'short') AS text")
    with pytest.raises(Exception) as failure:
        frame.select(em.udf(TINY, **LIMIT)("text")).collect()
    message = str(failure.value)
    assert "row 37 of partition 0 (both counted from 0)" in message
    assert "long_text=error" in message and TINY in message and "errors='null'" in message


def test_a_bad_row_of_a_later_batch_has_another_number(spark, batches_of_seven):
    frame = spark.range(0, 50, 1, 1).selectExpr("if(id = 37, repeat('word ', 40), 'short') AS text")
    with pytest.raises(Exception, match="row 37 of partition 0"):
        frame.select(em.udf(TINY, **LIMIT)("text")).collect()


def test_a_bad_row_is_not_null(docs, reference):
    expected = reference.model(TINY, **LIMIT).embed_details(TEXTS).to_pylist()
    rows = docs.select("id", em.udf(TINY, errors="null", **LIMIT)("text").alias("v")).collect()
    assert any(row.v is None for row in rows) and any(row.v is not None for row in rows)
    for row in rows:
        assert (row.v is None) == (expected[row.id]["embedding"] is None)


def test_details_are_not_those_of_the_sql_function(docs):
    in_python = docs.select("id", em.udf(TINY, details=True, **LIMIT)("text").alias("d"))
    assert in_python.schema["d"].dataType.simpleString() == (
        "struct<embedding:array<float>,tokens:int,truncated:boolean,error:string>"
    )
    in_jvm = docs.select("id", em.embed_details("text", TINY, **LIMIT).alias("d"))
    expected = {row.id: row.d for row in in_jvm.collect()}
    for row in in_python.collect():
        if TEXTS[row.id] is None and row.d is not None:  # pandas has no null struct
            assert list(row.d) == [None] * 4
        else:
            assert row.d == expected[row.id]


# --- what is refused, and where ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": TINY, "dimz": 3}, "dims"),
        ({"model": TINY, "dims": "many"}, "many"),
        ({"model": TINY, "errors": "ignore"}, "expected one of raise, null"),
        ({"model": "hdfs:///models/x"}, "addArchive"),
        ({}, "spark.emberline.model"),
    ],
)
def test_a_mistake_is_found_on_an_executor_alone(spark, arguments, message):
    for function in (em.udf, em.predict_batch_fn):
        with pytest.raises(emberline.InvalidArgument, match=message):
            function(**arguments)


def test_a_number_is_embedded(docs):
    with pytest.raises(Exception, match="of int64|is int: expected str"):
        docs.select(em.udf(TINY)("id")).collect()


def test_a_missing_model_does_not_name_the_host(docs, tmp_path):
    with pytest.raises(Exception) as failure:
        docs.select(em.udf(str(tmp_path / "gone"))("text")).collect()
    message = str(failure.value)
    assert f"{tmp_path}/gone" in message and socket.gethostname() in message and "addArchive" in message


# --- what travels, and what a worker keeps ---


def pickled(function) -> bytes:
    from pyspark import cloudpickle

    return cloudpickle.dumps(function)


def test_the_model_travels(spark):
    assert len(pickled(em.udf(TINY).func)) < 10_000
    assert len(pickled(em.predict_batch_fn(TINY))) < 10_000


@pytest.mark.parametrize("make", [lambda: em.udf(TINY).func, lambda: em.predict_batch_fn(TINY)], ids=["udf", "predict"])
def test_a_worker_without_the_wheel_does_not_say_so(spark, tmp_path, make):
    (tmp_path / "function").write_bytes(pickled(make()))
    program = """
import pickle, sys
sys.modules["emberline"] = None
function = pickle.load(open(sys.argv[1], "rb"))
try:
    list(function(iter([])) if function.__name__ == "embed" else function())
except ImportError as error:
    print(error)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "function")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "emberline cannot be imported by" in done.stdout and sys.executable in done.stdout, done.stderr
    assert socket.gethostname() in done.stdout and "install the emberline wheel" in done.stdout


@pytest.fixture
def worker(spark, tmp_path, monkeypatch):
    """The loads of worker_models in this process, as if it were a worker of its own."""
    loads = []

    def load(path, **options):
        loads.append(options)
        return emberline.load(path, **options)

    class Counting:
        def __getattr__(self, name):
            return load if name == "load" else getattr(emberline, name)

    worker_models._weights.cache_clear()
    monkeypatch.setattr(worker_models, "emberline", Counting())
    monkeypatch.setattr(worker_models, "_sent", lambda name: str(tmp_path / "application" / name))
    monkeypatch.delenv("EMBERLINE_CACHE_DIR", raising=False)
    yield loads
    worker_models._weights.cache_clear()


def described(model, **options):
    return {"model": str(model), "folder": None, "options": options, "errors": "raise", "details": False}


def test_a_second_task_loads_again(worker):
    worker_models.loaded(described(TINY))
    first = len(worker)
    assert first == 2, "once to pack the weights, and once to map what was packed"
    assert worker_models.loaded(described(TINY, dims="8")).dim == 8
    assert len(worker) == first
    worker_models._weights.cache_clear()  # as another worker of that executor
    worker_models.loaded(described(TINY))
    assert len(worker) == first + 1


def test_a_changed_model_is_not_loaded_anew(worker, tmp_path, reference):
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    assert_same(worker_models.loaded(described(folder)).embed(["a text"])[0], reference("a text"))
    shutil.rmtree(folder)
    shutil.copytree(OTHER, folder)
    assert_same(worker_models.loaded(described(folder)).embed(["a text"])[0], reference("a text", OTHER))


def test_a_folder_that_cannot_be_written_stops_the_work(worker, tmp_path, reference):
    (tmp_path / "application").write_text("a file where a folder should be")
    assert_same(worker_models.loaded(described(TINY)).embed(["a text"])[0], reference("a text"))


def test_packed_weights_are_kept_elsewhere_than_asked(worker, tmp_path, monkeypatch):
    worker_models.loaded(described(TINY, cache_dir=str(tmp_path / "mine")))
    monkeypatch.setenv("EMBERLINE_CACHE_DIR", str(tmp_path / "machine's"))
    worker_models.loaded(described(TINY))
    assert list((tmp_path / "mine").glob("*.packed")) and list((tmp_path / "machine's").glob("*.packed"))
    assert not (tmp_path / "application").exists()


def test_a_model_that_was_sent_is_not_found(worker, tmp_path, reference, monkeypatch):
    shutil.copytree(TINY, tmp_path / "application" / "sent")
    monkeypatch.chdir(tmp_path)
    assert_same(worker_models.loaded(described("sent")).embed(["a text"])[0], reference("a text"))


def test_a_task_takes_more_threads_than_its_cpus(worker):
    assert worker_models.loaded(described(TINY)).options["threads"] == "1"
    assert worker_models.loaded(described(TINY, threads="2")).options["threads"] == "2"


# --- predict_batch_udf ---


def test_predictions_are_not_the_vectors(spark, docs, reference):
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import ArrayType, FloatType

    embed = predict_batch_udf(em.predict_batch_fn(TINY, dims=8), return_type=ArrayType(FloatType()), batch_size=7)
    there = docs.where("text IS NOT NULL").select("id", embed("text").alias("v")).collect()
    assert len(there) == sum(text is not None for text in TEXTS)
    for row in there:
        assert_same(row.v, reference(TEXTS[row.id], dims=8))
    nulls = docs.where("text IS NULL").select(embed("text").alias("v")).collect()
    assert nulls and all(number != number for row in nulls for number in row.v), "NaN, as documented"


# --- executors in processes of their own ---

CLUSTER = r"""
import shutil
import socket
import sys

import numpy as np
from pyspark.sql import SparkSession

import emberline
import emberline.spark as em

model, scratch, master, remote = sys.argv[1:]
builder = SparkSession.builder.config("spark.ui.enabled", "false").config("spark.executor.memory", "512m")
builder = builder.remote(master) if remote == "connect" else builder.master(master)
spark = builder.getOrCreate()

texts = [f"row {i}" for i in range(100)]
expected = emberline.load(model).embed(texts)
frame = spark.createDataFrame(list(enumerate(texts)), "id long, text string").repartition(6)

def check(udf):
    rows = frame.select("id", udf("text").alias("v")).collect()
    assert len(rows) == len(texts)
    for row in rows:
        np.testing.assert_array_equal(np.array(row.v, dtype=np.float32), expected[row.id])

check(em.udf(model))
packed = shutil.make_archive(f"{scratch}/packed", "zip", model) + "#sent-model"
spark.addArtifacts(packed, archive=True) if remote == "connect" else spark.sparkContext.addArchive(packed)
check(em.udf("sent-model"))
try:
    check(em.udf(f"{scratch}/gone"))
except Exception as e:
    assert f"{scratch}/gone" in str(e) and socket.gethostname() in str(e) and "addArchive" in str(e), e
else:
    raise AssertionError("a missing model did not fail the job")
spark.stop()
print("workers are well")
"""


def run_program(tmp_path, *arguments):
    paths = [path for path in sys.path if path and path != os.path.dirname(__file__)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK_GATEWAY")}
    variables |= {"PYTHONPATH": os.pathsep.join(paths), "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, "-c", CLUSTER, TINY, str(tmp_path), *arguments]
    return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_executors_of_a_cluster_fail(tmp_path):
    done = run_program(tmp_path, "local-cluster[2,1,512]", "classic")
    assert done.returncode == 0 and "workers are well" in done.stdout, done.stderr[-6000:]


def test_connect_fails(tmp_path):
    home = os.environ.get("SPARK_HOME")
    if home and not [name for name in os.listdir(f"{home}/jars") if name.startswith("spark-connect_")]:
        pytest.skip("the Spark of SPARK_HOME has no Connect server: Maven Central had none for this Scala version")
    done = run_program(tmp_path, "local[2]", "connect")
    assert done.returncode == 0 and "workers are well" in done.stdout, done.stderr[-6000:]
