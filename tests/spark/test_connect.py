# SPDX-License-Identifier: Apache-2.0
"""The same through Spark Connect: a server of its own, a client without a JVM, in another process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark_cases import TINY, environment

PROGRAM = r"""
import sys

import numpy as np
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession, functions as F

import emberline
import emberline.spark as em
from spark_cases import assert_rows, use_built_jars

use_built_jars()
model = sys.argv[1]
builder = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false")
spark = em.configure(builder.config("spark.sql.shuffle.partitions", "2")).getOrCreate()
assert "connect" in type(spark).__module__, type(spark)

texts = ["a text", None, "", "another text"] + [f"row {i}" for i in range(40)]
expected = emberline.load(model, dims=8).embed(texts)
frame = spark.createDataFrame(list(enumerate(texts)), "id long, text string")
frame.createOrReplaceTempView("docs")
queries = [
    frame.select("id", em.embed("text", model=model, dims=8).alias("v")),
    spark.sql(f"SELECT id, embed(text, '{model}', dims => 8) AS v FROM docs ORDER BY embed(text, '{model}')[0]"),
    frame.select("id", em.embed_details("text", model, dims=8).embedding.alias("v")),
    frame.repartition(3).select("id", em.try_embed(F.col("text"), model, dims=8).alias("v")).cache(),
]
for query in queries:
    assert_rows(query.collect(), texts, expected)
assert frame.select(em.embed("text", model)).limit(3).count() == 3

arrays = frame.select("id", em.embed(F.array("text", F.lit(None), F.lit("a text")), model, dims=8).alias("v"))
for row in arrays.collect():
    assert row.v[1] is None and (row.v[0] is None) == (texts[row.id] is None)
    np.testing.assert_array_equal(np.array(row.v[2], dtype=np.float32), expected[0])
told = "\n".join(row[0] for row in spark.sql("DESCRIBE FUNCTION EXTENDED embed").collect())
assert all(option.help in told for option in emberline.options()), told

spark.conf.set("spark.emberline.model", model)
assert frame.select(em.embed("text")).count() == len(texts)

def message(run):
    try:
        run()
    except AnalysisException as e:
        return str(e)
    raise AssertionError("no AnalysisException")

assert "dims" in message(lambda: frame.select(em.embed("text", model, dimz=3)).collect())
assert "BIGINT" in message(lambda: frame.select(em.embed("id", model)).collect())
try:
    frame.select(em.embed("text", model, max_tokens=4, long_text="error")).collect()
except Exception as e:
    assert "long_text=error" in str(e) and "of partition" in str(e), e
else:
    raise AssertionError("a bad row did not fail the job")

if not spark.version.startswith("3."):  # Connect has Spark ML from 4.0 on
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression

    stage = em.EmbeddingTransformer(inputCol="text", outputCol="features", model=model, options={"dims": 8})
    labelled = frame.where("text IS NOT NULL").selectExpr("*", "cast(id % 2 AS double) AS label")
    predicted = Pipeline(stages=[stage, LogisticRegression(maxIter=3)]).fit(labelled).transform(labelled)
    for row in predicted.select("id", "features", "prediction").collect():
        np.testing.assert_array_equal(row.features.toArray(), expected[row.id].astype(np.float64))

from query_shapes import SHAPES, Answers, check
from spark_cases import TEXTS, Reference

rows = [(i, text, f"kind {i % 3}") for i, text in enumerate(TEXTS)]
docs = spark.createDataFrame(rows, "id long, text string, kind string")
docs.repartition(3).write.parquet("docs")
spark.read.parquet("docs").createOrReplaceTempView("docs")
answers = Answers(Reference())
failures = []
for shape in SHAPES:
    try:
        check(spark, shape, answers)
    except Exception as e:
        failures.append(f"{shape.name}: {e}")
assert not failures, "\\n".join(failures)
print(f"{len(SHAPES)} shapes are well")
spark.stop()
print("connect is well")
"""


# PySpark's own folder has one, but for 3.5, where tools/spark_env.sh puts it there.
HOME = os.environ.get("SPARK_HOME")


@pytest.mark.skipif(
    bool(HOME) and not list(Path(HOME, "jars").glob("spark-connect_*.jar")),
    reason="the Spark of SPARK_HOME has no Connect server: Maven Central had none for this Scala version",
)
def test_connect(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, TINY],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and "connect is well" in done.stdout, done.stderr[-6000:]
