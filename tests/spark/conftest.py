# SPDX-License-Identifier: Apache-2.0
"""One Spark session for all tests, and the Python engine as the reference: the same model must give the same bits."""

import pytest
from spark_cases import TEXTS, Reference, builder, use_built_jars


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    import emberline.spark as em

    use_built_jars()
    session = em.configure(builder(tmp_path_factory.mktemp("spark"))).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def docs(spark, tmp_path_factory):
    """id, text (with nulls, an empty text and a repeated one), kind; in several files."""
    rows = [(i, text, f"kind {i % 3}") for i, text in enumerate(TEXTS)]
    frame = spark.createDataFrame(rows, "id long, text string, kind string").repartition(3)
    folder = str(tmp_path_factory.mktemp("docs") / "parquet")
    frame.write.parquet(folder)
    stored = spark.read.parquet(folder)
    stored.createOrReplaceTempView("docs")
    stored.limit(0).createOrReplaceTempView("nothing")
    return stored


@pytest.fixture(scope="session")
def reference():
    return Reference()


@pytest.fixture(params=["adaptive", "static"])
def adaptive(request, spark):
    """Runs a test with adaptive execution on and off: the physical rule enters by another door each time."""
    before = spark.conf.get("spark.sql.adaptive.enabled")
    spark.conf.set("spark.sql.adaptive.enabled", str(request.param == "adaptive").lower())
    yield request.param
    spark.conf.set("spark.sql.adaptive.enabled", before)
