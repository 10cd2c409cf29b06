# SPDX-License-Identifier: Apache-2.0
"""EmbeddingTransformer as a stage of Spark ML: vectors, params, persistence, and what others make of its column."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pyspark.errors import AnalysisException
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression, MultilayerPerceptronClassifier
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from spark_cases import TEXTS, TINY, assert_same

M = f"'{TINY}'"

# PySpark's own folder has what classifiers need; a Spark home of another Scala version may lack it.
HOME = os.environ.get("SPARK_HOME")
with_classifiers = pytest.mark.skipif(
    bool(HOME) and not list(Path(HOME, "jars").glob("breeze_*.jar")),
    reason="the Spark of SPARK_HOME lacks the libraries that Spark's classifiers need",
)


@pytest.fixture(scope="module")
def em(spark):
    import emberline.spark

    return emberline.spark


@pytest.fixture(scope="module")
def labelled(docs):
    return docs.where("text IS NOT NULL").selectExpr("id", "text", "cast(id % 2 AS double) AS label")


def stage(em, **given):
    return em.EmbeddingTransformer(
        **{"inputCol": "text", "outputCol": "features", "model": TINY, "options": {"dims": 8}, **given}
    )


def values(vector):
    return None if vector is None else vector.toArray()


def test_vectors_are_those_of_embed(em, docs, reference, adaptive):
    frame = stage(em).transform(docs)
    assert frame.columns == ["id", "text", "kind", "features"]
    assert frame.schema["features"].dataType.typeName() == "vectorudt"
    rows = frame.collect()
    assert len(rows) == len(TEXTS)
    for row in rows:
        assert_same(values(row.features), reference(TEXTS[row.id], dims=8))


def test_binary_is_text_too(em, docs, reference):
    for row in stage(em).transform(docs.selectExpr("id", "cast(text AS binary) AS text")).collect():
        assert_same(values(row.features), reference(TEXTS[row.id], dims=8))


def test_errors(em, docs):
    options = {"max_tokens": 16, "long_text": "error"}
    with pytest.raises(Exception, match="max_tokens=16"):
        stage(em, options=options).transform(docs).collect()
    rows = stage(em, options=options, errors="null").transform(docs).collect()
    missing = {row.id for row in rows if row.features is None}
    assert missing > {i for i, text in enumerate(TEXTS) if text is None}
    with pytest.raises(Exception, match='errors must be "raise" or "null", not \'ignore\''):
        stage(em, errors="ignore")


def test_the_model_of_the_session(em, spark, docs, reference):
    spark.conf.set("spark.emberline.model", TINY)
    try:
        row = em.EmbeddingTransformer(inputCol="text", outputCol="v").transform(docs).where("id = 0").first()
    finally:
        spark.conf.unset("spark.emberline.model")
    assert_same(values(row.v), reference(TEXTS[0]))


def test_mistakes_are_told_before_a_row_is_read(em, docs):
    with pytest.raises(Exception, match="kinds"):
        stage(em, inputCol="kinds").transform(docs)
    with pytest.raises(Exception, match="must be string or binary.*bigint"):
        stage(em, inputCol="id").transform(docs)
    with pytest.raises(Exception, match="there is a column kind already"):
        stage(em, outputCol="kind").transform(docs)
    with pytest.raises(AnalysisException, match="dimz"):
        stage(em, options={"dimz": 3}).transform(docs)
    with pytest.raises(AnalysisException, match="spark.emberline.model"):
        em.EmbeddingTransformer(inputCol="text", outputCol="v").transform(docs)


def test_params_and_copies(em, docs):
    first = stage(em, options={"dims": 8, "normalize": True, "prompt": "a=b: ", "pooling": None})
    assert first.getOptions() == {"dims": "8", "normalize": "true", "prompt": "a=b: "}
    assert (first.getInputCol(), first.getOutputCol(), first.getModel()) == ("text", "features", TINY)
    assert first.getErrors() == "raise" and "dims=8" in first.explainParams()
    other = first.copy({first.outputCol: "other", first.options: {"dims": 2}})
    assert (first.getOutputCol(), other.getOutputCol()) == ("features", "other")
    assert first.getOptions()["dims"] == "8" and other.getOptions() == {"dims": "2"}
    assert other.uid == first.uid
    row = other.setModel(Path(TINY)).setErrors("null").transform(docs).where("id = 0").first()
    assert len(row.other) == 2
    assert len(first.transform(docs, {first.options: {"dims": 3}}).where("id = 0").first().features) == 3
    assert em.EmbeddingTransformer().setInputCol("t").setOptions({"dims": 1}).getOptions() == {"dims": "1"}


def test_saved_and_loaded(em, docs, tmp_path):
    saved = stage(em, errors="null", options={"dims": 4, "prompt": "größe: "})
    saved.save(str(tmp_path / "stage"))
    loaded = em.EmbeddingTransformer.load(str(tmp_path / "stage"))
    assert loaded.uid == saved.uid and loaded.getErrors() == "null"
    assert loaded.getOptions() == saved.getOptions() and loaded.getModel() == TINY
    assert loaded.transform(docs).orderBy("id").collect() == saved.transform(docs).orderBy("id").collect()
    with pytest.raises(Exception, match="exist"):
        saved.save(str(tmp_path / "stage"))
    saved.write().overwrite().save(str(tmp_path / "stage"))


def test_scala_reads_what_python_saved_and_python_what_scala_saved(em, spark, docs, tmp_path):
    saved = stage(em, options={"dims": 4})
    saved.save(str(tmp_path / "python"))
    scala = spark._jvm.emberline.spark.EmbeddingTransformer.load(str(tmp_path / "python"))
    assert scala.uid() == saved.uid and list(getattr(scala, "$")(scala.options())) == ["dims=4"]
    scala.setErrors("null").setOutputCol("v").save(str(tmp_path / "scala"))
    loaded = em.EmbeddingTransformer.load(str(tmp_path / "scala"))
    assert (loaded.getErrors(), loaded.getOutputCol(), loaded.getOptions()) == ("null", "v", {"dims": "4"})
    (metadata,) = (tmp_path / "scala" / "metadata").glob("part-*")
    assert json.loads(metadata.read_text())["class"] == "emberline.spark.EmbeddingTransformer"


CLASSIFIERS = {
    "logistic regression": lambda: LogisticRegression(maxIter=5),
    "multilayer perceptron": lambda: MultilayerPerceptronClassifier(layers=[8, 5, 2], maxIter=5, seed=7),
}


@with_classifiers
@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_a_pipeline_predicts_the_same_after_it_was_saved(em, spark, labelled, tmp_path, classifier):
    pipeline = Pipeline(stages=[stage(em), CLASSIFIERS[classifier]()])
    pipeline.save(str(tmp_path / "pipeline"))
    model = Pipeline.load(str(tmp_path / "pipeline")).fit(labelled)
    model.save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    assert isinstance(loaded.stages[0], em.EmbeddingTransformer)
    columns = ["id", "features", "rawPrediction", "probability", "prediction"]
    before = model.transform(labelled).select(columns).orderBy("id").collect()
    after = loaded.transform(labelled).select(columns).orderBy("id").collect()
    assert before == after and len(before) == sum(text is not None for text in TEXTS)
    # The same vectors by hand give the same predictions: the stage adds nothing of its own.
    by_hand = labelled.selectExpr("*", f"embed(text, {M}, dims => 8) AS e").withColumn("features", array_to_vector("e"))
    assert model.stages[1].transform(by_hand).select(columns).orderBy("id").collect() == before
    # Scala reads the whole of it.
    scala = spark._jvm.org.apache.spark.ml.PipelineModel.load(str(tmp_path / "model")).transform(labelled._jdf)
    assert DataFrame(scala, spark).select(columns).orderBy("id").collect() == before


def test_a_null_text_has_a_null_vector_that_others_can_skip(em, docs):
    frame = stage(em).transform(docs)
    there = sum(text is not None for text in TEXTS)
    assert frame.where("features IS NOT NULL").count() == there
    skipping = VectorAssembler(inputCols=["features"], outputCol="all", handleInvalid="skip")
    assert skipping.transform(frame).count() == there
    assert frame.na.drop(subset=["features"]).count() == there


@with_classifiers
def test_a_null_vector_is_refused_by_a_classifier(em, docs):
    labels = stage(em).transform(docs).selectExpr("features", "cast(id % 2 AS double) AS label")
    with pytest.raises(Exception, match=r"(?i)null"):
        LogisticRegression(maxIter=1).fit(labels)


def test_array_to_vector_of_embed(em, docs, reference):
    frame = docs.where("text IS NOT NULL").select("id", array_to_vector(em.embed("text", TINY, dims=8)).alias("v"))
    for row in frame.collect():
        np.testing.assert_array_equal(row.v.toArray(), reference(TEXTS[row.id], dims=8).astype(np.float64))
