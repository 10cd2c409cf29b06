# SPDX-License-Identifier: Apache-2.0
"""Option output on Spark: bytes of the type that the option names, at every door, back from Parquet too."""

import numpy as np
import pytest
from pyspark.sql import types as T
from spark_cases import TEXTS, TINY

import emberline.spark as em

KINDS = {"float16": np.float16, "int8": np.int8, "uint8": np.uint8, "binary": np.int8, "ubinary": np.uint8}
M = f"'{TINY}'"


@pytest.fixture(scope="module")
def ranges(reference, tmp_path_factory):
    file = tmp_path_factory.mktemp("ranges") / "ranges.json"
    reference.model(TINY).calibrate([text for text in TEXTS if text], file)
    return str(file)


def check(rows, expected) -> None:
    assert len(rows) == len(TEXTS)
    for row in rows:
        wanted = expected[row.id]
        assert row.v is None if wanted is None else bytes(row.v) == wanted.tobytes()


@pytest.mark.parametrize("output", KINDS)
def test_bytes_differ_from_those_of_python(spark, docs, reference, ranges, output, tmp_path):
    model = reference.model(TINY, output=output, ranges=ranges)
    expected = [None if text is None else model.embed([text])[0] for text in TEXTS]
    assert expected[0].dtype == KINDS[output]
    options = f"output => '{output}', ranges => '{ranges}'"
    frame = docs.selectExpr("id", f"embed(text, {M}, {options}) AS v", f"embed_details(text, {M}, {options}) AS d")
    assert frame.schema["v"].dataType == frame.schema["d"].dataType["embedding"].dataType == T.BinaryType()
    frame.write.parquet(str(tmp_path / "vectors"))
    stored = spark.read.parquet(str(tmp_path / "vectors"))
    check(stored.collect(), expected)
    check(stored.selectExpr("id", "d.embedding AS v").collect(), expected)
    check(docs.select("id", em.try_embed("text", TINY, output=output, ranges=ranges).alias("v")).collect(), expected)
    check(docs.select("id", em.udf(TINY, output=output, ranges=ranges)("text").alias("v")).collect(), expected)


def test_arrays_and_constants_lose_their_bytes(spark, reference):
    expected = reference.model(TINY, output="ubinary").embed(["a text", "b"])
    row = spark.sql(f"SELECT embed(array('a text', NULL, 'b'), {M}, output => 'ubinary') AS v").first()
    assert [None if v is None else bytes(v) for v in row.v] == [expected[0].tobytes(), None, expected[1].tobytes()]


def test_vectors_of_spark_ml_are_bytes(spark, docs):
    transformer = em.EmbeddingTransformer(inputCol="text", outputCol="v", model=TINY, options={"output": "int8"})
    with pytest.raises(Exception, match="option output must be float32"):
        transformer.transform(docs)
    spark.conf.set("spark.emberline.output", "ubinary")
    try:
        plain = em.EmbeddingTransformer(inputCol="text", outputCol="v", model=TINY)
        assert plain.transform(docs.limit(1)).first().v.size == 32
    finally:
        spark.conf.unset("spark.emberline.output")
