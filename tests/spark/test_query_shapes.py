# SPDX-License-Identifier: Apache-2.0
"""Every shape of query in a classic session; test_connect.py runs the same ones through Connect."""

import pytest
from query_shapes import SHAPES, Answers, check


@pytest.fixture(scope="module")
def answers(reference):
    return Answers(reference)


def test_names_are_unique():
    names = [shape.name for shape in SHAPES]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_rows_are_those_of_python(spark, docs, answers, adaptive, shape):
    check(spark, shape, answers)


@pytest.fixture(scope="module")
def shuffled(spark, docs):
    """The view docs over a cached shuffle: adaptive execution makes a plan anew when its cache is filled."""
    docs.repartition(3).createOrReplaceTempView("docs")
    yield
    docs.createOrReplaceTempView("docs")


OFTEN = {"limit", "order by and limit", "offset", "where and select", "inner join", "first of each group"}


@pytest.mark.parametrize(
    "shape", [pytest.param(s, id=s.name, marks=[] if s.name in OFTEN else pytest.mark.slow) for s in SHAPES]
)
def test_a_cached_shuffle_below_takes_columns_away(spark, shuffled, answers, shape):
    spark.catalog.cacheTable("docs")  # filled by the query
    try:
        check(spark, shape, answers)
    finally:
        spark.catalog.uncacheTable("docs")
