# SPDX-License-Identifier: Apache-2.0
"""The row contract: null in, null out; a bad row fails the job, or gives null, or gives its reason."""

import re

import pytest
from spark_cases import TEXTS, TINY, assert_same

M = f"'{TINY}'"
LIMIT = "max_tokens => 16, long_text => 'error'"


@pytest.fixture(scope="module")
def outcomes(reference):
    """Python's word on every text when texts over 16 tokens are errors."""
    return reference.model(TINY, max_tokens=16, long_text="error").embed_details(TEXTS).to_pylist()


def test_there_are_good_and_bad_rows(outcomes):
    assert any(row["error"] for row in outcomes) and any(row["embedding"] for row in outcomes)


def test_try_embed_gives_null(spark, docs, outcomes, adaptive):
    for row in spark.sql(f"SELECT id, try_embed(text, {M}, {LIMIT}) AS v FROM docs").collect():
        assert (row.v is None) == (outcomes[row.id]["embedding"] is None)


def test_details_are_those_of_python(spark, docs, outcomes, reference):
    for row in spark.sql(f"SELECT id, embed_details(text, {M}, {LIMIT}) AS d FROM docs").collect():
        if TEXTS[row.id] is None:
            assert row.d is None
            continue
        expected = outcomes[row.id]
        assert (row.d.error, row.d.tokens, row.d.truncated) == (
            expected["error"],
            expected["tokens"],
            expected["truncated"],
        )
        assert_same(row.d.embedding, None if expected["error"] else reference(TEXTS[row.id], max_tokens=16))


def test_details_row_by_row(spark, docs, outcomes):
    """The same in a lambda, where every row is a batch of its own."""
    frame = spark.sql(f"SELECT id, transform(array(text), x -> embed_details(x, {M}, {LIMIT}))[0] AS d FROM docs")
    for row in frame.where("id < 12").collect():
        expected = outcomes[row.id]
        assert (row.d is None) == (TEXTS[row.id] is None)
        if row.d is not None:
            assert (row.d.error, row.d.tokens) == (expected["error"], expected["tokens"])
            assert (row.d.embedding is None) == (expected["embedding"] is None)


def test_details_field_of_a_call(spark, docs, outcomes):
    frame = spark.sql(f"SELECT id, embed_details(text, {M}, {LIMIT}).tokens AS n FROM docs")
    for row in frame.collect():
        assert row.n == (None if TEXTS[row.id] is None else outcomes[row.id]["tokens"])


def test_schema(spark, docs):
    schema = spark.sql(f"SELECT embed(text, {M}) AS v, embed_details(text, {M}) AS d FROM docs").schema
    assert schema["v"].dataType.simpleString() == "array<float>"
    assert schema["d"].dataType.simpleString() == (
        "struct<embedding:array<float>,tokens:int,truncated:boolean,error:string>"
    )


def test_a_bad_row_fails_the_job_and_is_named(spark):
    frame = spark.range(0, 50, 1, 1).selectExpr(f"embed(if(id = 37, repeat('word ', 40), 'short'), {M}, {LIMIT}) AS v")
    with pytest.raises(Exception) as failure:
        frame.collect()
    message = str(failure.value)
    assert "embed: row 37 of partition 0" in message
    assert "long_text=error" in message and "max_tokens=16" in message
    assert "200 bytes of text" in message and TINY in message
    assert "try_embed" in message


def test_a_bad_row_of_a_lambda_fails_the_job(spark):
    with pytest.raises(Exception, match=re.escape("embed: a row of partition 0")):
        spark.sql(f"SELECT transform(array(repeat('word ', 40)), x -> embed(x, {M}, {LIMIT}))").collect()


def test_rows_before_a_bad_one_are_delivered(spark):
    frame = spark.range(0, 50, 1, 1).selectExpr(f"embed(if(id = 10, repeat('word ', 40), 'short'), {M}, {LIMIT}) AS v")
    assert len(frame.limit(5).collect()) == 5


def test_invalid_utf8_is_replaced_as_python_replaces_it(spark, reference):
    frame = spark.sql(f"SELECT embed(cast(x'6120fffe62' AS string), {M}) AS v")
    expected = reference.model().embed([b"a \xff\xfeb"])[0]
    assert_same(frame.first().v, expected)
