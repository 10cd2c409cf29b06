# SPDX-License-Identifier: Apache-2.0
"""Mistakes are told while planning where they can be, in a sentence that names them."""

import socket

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from spark_cases import TINY

M = f"'{TINY}'"


def refusal(spark, arguments: str) -> str:
    """The message of a query that must fail before it runs."""
    with pytest.raises(AnalysisException) as failure:
        spark.sql(f"SELECT embed({arguments}) FROM docs")
    return str(failure.value)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (f"text, {M}, dimz => 3", ["`dimz` in `embed`", "dims"]),
        (f"text, {M}, dims => 'many'", ["`dims`", "many", "integer"]),
        (f"text, {M}, dims => 1.5", ["`dims`", "1.5"]),
        (f"text, {M}, pooling => 'most'", ["`pooling`", "most", "mean"]),
        (f"text, {M}, normalize => 'perhaps'", ["`normalize`", "perhaps"]),
        (f"text, {M}, dims => 0", ["`dims`", "0"]),
        (f"text, {M}, dims => NULL", ["`dims`", "it is null"]),
        (f"text, {M}, dims => array(1)", ["`dims`", "array<int>"]),
        (f"text, {M}, dims => id", ["`dims`", "must be a constant", "id"]),
        (f"text, {M}, dims => 1, dims => 2", ["dims"]),
        (f"text, {M}, model => {M}", ["`model`", "given twice"]),
        ("text, text", ["`model`", "must be a constant", "text"]),
        ("text, NULL", ["`model`", "it is null"]),
        ("text", ["`model`", "spark.emberline.model"]),
        (f"model => {M}", ["`input`", "there is none"]),
        ("", ["`input`", "there is none"]),
        (f"text, {M}, 3", ["by position"]),
        (f"text, {M}, map('dimz', '3')", ["`dimz`", "dims"]),
        (f"text, {M}, map('dims', 3), 4", ["by position"]),
        (f"id, {M}", ['"STRING"', '"BIGINT"']),
        (f"array(id), {M}", ['"ARRAY<STRING>"', '"ARRAY<BIGINT>"']),
    ],
)
def test_analysis_names_the_mistake(spark, docs, arguments, parts):
    message = refusal(spark, arguments)
    for part in parts:
        assert part in message, message


def test_constants_may_be_computed(spark, docs):
    assert spark.sql(f"SELECT embed(text, concat('{TINY}', ''), dims => 1 + 1) AS v FROM docs").first() is not None
    assert spark.sql(f"SELECT embed(text, nvl(NULL, '{TINY}'), DIMS => 2) AS v FROM docs").first() is not None
    assert spark.sql("SELECT embed(text, :m, dims => :d) AS v FROM docs", {"m": TINY, "d": 2}).first() is not None


def test_a_wrong_session_default_names_its_setting(spark, docs):
    spark.conf.set("spark.emberline.dimz", "3")
    try:
        assert "spark.emberline.dimz" in refusal(spark, f"text, {M}")
    finally:
        spark.conf.unset("spark.emberline.dimz")


def test_python_functions_refuse_as_early(spark, docs):
    import emberline.spark as em

    with pytest.raises(AnalysisException, match="dims"):
        docs.select(em.embed("text", TINY, dimz=3))
    with pytest.raises(AnalysisException, match="BIGINT"):
        docs.select(em.try_embed(F.col("id"), TINY))


def test_a_missing_model_names_host_and_path(spark, docs):
    with pytest.raises(Exception) as failure:
        spark.sql("SELECT embed(text, '/no/such/model') FROM docs").collect()
    message = str(failure.value)
    assert "/no/such/model" in message and socket.gethostname() in message
    assert "shared storage" in message


@pytest.mark.parametrize("uri", ["viewfs://test/models/absent", "no-such-scheme://host/models/absent"])
def test_a_missing_remote_model_names_host_and_uri(spark, docs, uri):
    with pytest.raises(Exception) as failure:
        spark.sql(f"SELECT embed(text, '{uri}') FROM docs").collect()
    assert uri in str(failure.value) and socket.gethostname() in str(failure.value)


def test_a_folder_that_is_no_model_says_why(spark, docs, tmp_path):
    with pytest.raises(Exception) as failure:
        spark.sql(f"SELECT embed(text, '{tmp_path}') FROM docs").collect()
    assert "config.json" in str(failure.value) and str(tmp_path) in str(failure.value)


def test_dims_beyond_the_model_say_so(spark, docs):
    with pytest.raises(Exception) as failure:
        spark.sql(f"SELECT embed(text, {M}, dims => 100000) FROM docs").collect()
    assert "dims" in str(failure.value) and "100000" in str(failure.value)
