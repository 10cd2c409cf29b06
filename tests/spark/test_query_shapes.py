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
