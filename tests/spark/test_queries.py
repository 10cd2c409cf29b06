# SPDX-License-Identifier: Apache-2.0
"""Queries of every shape give the vectors that Python gives."""

import numpy as np
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from spark_cases import REAL, TEXTS, TINY, assert_same
from spark_plans import embed_nodes, expressions_of_kind

M = f"'{TINY}'"


def check(frame, expected: dict, key="id", value="v"):
    """Every row's vector, by key; and that no call was left in the plan."""
    rows = {row[key]: row[value] for row in frame.collect()}
    assert rows.keys() == expected.keys()
    for name, vector in expected.items():
        assert_same(rows[name], vector)
    assert expressions_of_kind(frame, "Embed") == 0


@pytest.fixture(scope="module")
def vectors(reference):
    return {i: reference(text) for i, text in enumerate(TEXTS)}


def test_select(spark, docs, vectors, adaptive):
    check(spark.sql(f"SELECT id, embed(text, {M}) AS v FROM docs"), vectors)


def test_column_function(docs, vectors):
    import emberline.spark as em

    check(docs.select("id", em.embed("text", model=TINY).alias("v")), vectors)
    check(docs.select("id", em.embed(F.upper("text"), TINY).alias("v")).where("id < 0"), {})


def test_options_reach_the_engine(spark, docs, reference):
    import emberline.spark as em

    expected = {
        i: reference(text, dims=8, normalize=True, layers="-2:-1", layer_op="mean") for i, text in enumerate(TEXTS)
    }
    check(
        spark.sql(
            f"SELECT id, embed(text, model => {M}, dims => 8, normalize => true, layers => '-2:-1',"
            " layer_op => 'mean') AS v FROM docs"
        ),
        expected,
    )
    column = em.embed("text", TINY, dims=8, normalize=True, layers="-2:-1", layer_op="mean")
    check(docs.select("id", column.alias("v")), expected)


def test_where(spark, docs, vectors, adaptive):
    chosen = {i: v for i, v in vectors.items() if v is not None and v[0] > 0 and i % 2 == 0}
    assert 0 < len(chosen) < len(vectors)
    frame = spark.sql(f"SELECT id, embed(text, {M}) AS v FROM docs WHERE embed(text, {M})[0] > 0 AND id % 2 = 0")
    check(frame, chosen)
    assert len(embed_nodes(frame)) == 1, "the filter's vectors are not made again for the select list"


def test_several_and_nested(spark, docs, reference):
    frame = spark.sql(
        f"SELECT id, embed(text, {M}) AS v, embed(concat(kind, ' ', coalesce(text, '')), {M}, dims => 4) AS w,"
        f" embed(concat('first ', cast(embed(text, {M})[0] > 0 AS string)), {M}) AS n FROM docs"
    )
    rows = {row.id: row for row in frame.collect()}
    for i, text in enumerate(TEXTS):
        vector = reference(text)
        assert_same(rows[i].v, vector)
        assert_same(rows[i].w, reference(f"kind {i % 3} {text or ''}", dims=4))
        nested = None if vector is None else reference(f"first {str(bool(vector[0] > 0)).lower()}")
        assert_same(rows[i].n, nested)
    assert len(embed_nodes(frame)) == 2, "one node for the calls on the row, one for the call on their result"


@pytest.mark.parametrize("how", ["inner", "left outer", "full outer", "left semi", "left anti", "cross"])
def test_join(spark, docs, vectors, reference, how, adaptive):
    spark.createDataFrame([(0, "zero"), (4, "four"), (500, "far")], "id long, name string").createOrReplaceTempView("r")
    condition = "" if how == "cross" else f" ON l.id = r.id AND embed(l.text, {M})[0] > -2"
    right = "" if how in ("left semi", "left anti") else f", r.name, embed(r.name, {M}) AS w"
    frame = spark.sql(f"SELECT l.id, embed(l.text, {M}) AS v{right} FROM docs l {how} JOIN r{condition}")
    rows = frame.collect()
    expected = {
        "inner": 2,
        "left outer": len(TEXTS),
        "full outer": len(TEXTS) + 1,
        "left semi": 2,
        "left anti": len(TEXTS) - 2,
        "cross": 3 * len(TEXTS),
    }
    assert len(rows) == expected[how]
    for row in rows:
        assert_same(row.v, vectors[row.id] if row.id is not None else None)
        if right:
            assert_same(row.w, reference(row.name))


def test_join_condition_over_both_sides(spark, docs, vectors, adaptive):
    """A condition with a call on each side embeds each side's rows, and a call on both sides' columns still runs."""
    frame = spark.sql(
        f"SELECT a.id, b.id AS other FROM docs a JOIN docs b ON embed(a.text, {M})[0] > embed(b.text, {M})[0]"
        " WHERE a.id < 20 AND b.id < 20"
    )
    some = {i: v for i, v in vectors.items() if i < 20 and v is not None}
    expected = {(i, j) for i in some for j in some if some[i][0] > some[j][0]}
    assert {(row.id, row.other) for row in frame.collect()} == expected
    mixed = spark.sql(
        f"SELECT a.id FROM docs a JOIN docs b ON embed(concat(a.kind, b.kind), {M})[0] > -100"
        " WHERE a.id < 3 AND b.id < 3"
    )
    assert mixed.count() == 9
    assert expressions_of_kind(mixed, "Embed") == 0


def test_aggregate(spark, docs, vectors, reference, adaptive):
    some = {i: v for i, v in vectors.items() if v is not None}
    row = spark.sql(
        f"SELECT max(embed(text, {M})[0]) AS a, count(DISTINCT embed(text, {M})) AS b,"
        f" sum(CASE WHEN embed(text, {M})[1] > 0 THEN 1 ELSE 0 END) AS c FROM docs"
    ).first()
    assert np.float32(row.a) == max(v[0] for v in some.values())
    assert row.b == len({v.tobytes() for v in some.values()})
    assert row.c == sum(bool(v[1] > 0) for v in some.values())


def test_group_by_and_over_aggregates(spark, docs, vectors, reference, adaptive):
    grouped = spark.sql(
        f"SELECT embed(text, {M}) AS v, count(*) AS n, min(id) AS id FROM docs GROUP BY embed(text, {M})"
    )
    rows = {row.id: row for row in grouped.collect()}
    assert rows[0].n == 2, "the two equal texts fall into one group"
    assert rows[3].v is None and rows[3].n == 2
    for i, row in rows.items():
        assert_same(row.v, vectors[i])
    over = spark.sql(f"SELECT kind AS id, embed(concat(kind, ' ', max(id)), {M}) AS v FROM docs GROUP BY kind")
    largest = {f"kind {k}": max(i for i in range(len(TEXTS)) if i % 3 == k) for k in range(3)}
    check(over, {kind: reference(f"{kind} {i}") for kind, i in largest.items()})
    having = spark.sql(f"SELECT kind FROM docs GROUP BY kind HAVING embed(kind, {M})[0] > 0")
    assert {row.kind for row in having.collect()} == {k for k in largest if reference(k)[0] > 0}


def test_order_by(spark, docs, vectors, adaptive):
    frame = spark.sql(f"SELECT id FROM docs WHERE text IS NOT NULL ORDER BY embed(text, {M})[0], id")
    expected = sorted((i for i, v in vectors.items() if v is not None), key=lambda i: (vectors[i][0], i))
    assert [row.id for row in frame.collect()] == expected
    top = spark.sql(f"SELECT id, embed(text, {M}) AS v FROM docs ORDER BY id DESC LIMIT 5 OFFSET 2").collect()
    assert [row.id for row in top] == [len(TEXTS) - 3 - i for i in range(5)]
    for row in top:
        assert_same(row.v, vectors[row.id])


def test_distribute_by(spark, docs, vectors, adaptive):
    check(docs.repartition(4, F.expr(f"embed(text, {M})[0]")).selectExpr("id", f"embed(text, {M}) AS v"), vectors)


def test_limit(spark, docs, vectors, adaptive):
    for rows in (
        spark.sql(f"SELECT id, embed(text, {M}) AS v FROM docs LIMIT 7").collect(),
        spark.sql(f"SELECT * FROM (SELECT id, embed(text, {M}) AS v FROM docs LIMIT 7) WHERE id >= 0").collect(),
    ):
        assert len(rows) == 7
        for row in rows:
            assert_same(row.v, vectors[row.id])
    assert len(spark.sql(f"SELECT embed(text, {M}) FROM docs LIMIT 0").collect()) == 0


def test_window(spark, docs, vectors, adaptive):
    frame = spark.sql(
        f"SELECT id, lag(embed(text, {M})) OVER (PARTITION BY kind ORDER BY id) AS v,"
        f" rank() OVER (ORDER BY embed(text, {M})[0] NULLS LAST) AS r FROM docs"
    )
    rows = {row.id: row for row in frame.collect()}
    for i in range(len(TEXTS)):
        assert_same(rows[i].v, vectors[i - 3] if i >= 3 else None)
    some = [v[0] for v in vectors.values() if v is not None]
    assert rows[0].r == 1 + sum(value < vectors[0][0] for value in some)


def test_cache(spark, docs, vectors, adaptive):
    cached = docs.selectExpr("id", "text", f"embed(text, {M}) AS v").cache()
    try:
        check(cached.select("id", "v"), vectors)
        check(cached.where(f"embed(text, {M})[0] = v[0] OR text IS NULL").select("id", "v"), vectors)
    finally:
        cached.unpersist()


def test_permanent_view(spark, docs, vectors):
    spark.sql("CREATE TABLE stored USING parquet AS SELECT * FROM docs")
    try:
        spark.sql(f"CREATE VIEW embedded AS SELECT id, embed(text, {M}) AS v FROM stored")
        check(spark.sql("SELECT * FROM embedded"), vectors)
        spark.sql("DROP VIEW embedded")
    finally:
        spark.sql("DROP TABLE stored")


def test_create_table_as_select(spark, docs, vectors, adaptive):
    spark.sql(f"CREATE TABLE made USING parquet AS SELECT id, embed(text, {M}) AS v FROM docs")
    try:
        check(spark.table("made"), vectors)
    finally:
        spark.sql("DROP TABLE made")


def test_partition_columns(spark, docs, reference, tmp_path):
    """A condition on partition columns alone is evaluated on the driver, to prune folders."""
    docs.write.partitionBy("kind").parquet(str(tmp_path / "parts"))
    spark.read.parquet(str(tmp_path / "parts")).createOrReplaceTempView("parts")
    frame = spark.sql(f"SELECT DISTINCT kind FROM parts WHERE embed(kind, {M})[0] > 0 AND embed('x', {M})[0] > -100")
    assert {row.kind for row in frame.collect()} == {k for k in ("kind 0", "kind 1", "kind 2") if reference(k)[0] > 0}


def test_local_relation(spark, reference):
    frame = spark.sql(f"SELECT x AS id, embed(x, {M}) AS v FROM VALUES ('one'), ('two'), (NULL) AS t(x)")
    check(frame, {"one": reference("one"), "two": reference("two"), None: None})
    assert_same(spark.sql(f"SELECT embed('a text', {M}) AS v").first().v, reference("a text"))
    assert spark.sql(f"SELECT embed(NULL, {M}) AS v").first().v is None


def test_constant_input(spark, docs, vectors, reference):
    query = reference("a query")
    frame = spark.sql(
        f"SELECT id, aggregate(zip_with(embed(text, {M}), embed('a query', {M}), (x, y) -> x * y), 0D,"
        " (s, x) -> s + x) AS score FROM docs"
    )
    for row in frame.collect():
        if vectors[row.id] is None:
            assert row.score is None
        else:
            assert row.score == pytest.approx(float(vectors[row.id] @ query), abs=1e-5)


def test_branches(spark, docs, vectors, adaptive):
    """A call in a branch neither runs nor fails for rows that do not take the branch."""
    frame = spark.sql(
        f"SELECT id, CASE WHEN id < 10 THEN embed(text, {M}) WHEN id < 20 THEN embed(text, {M}, dims => 2) END AS v,"
        f" if(length(text) < 100, embed(text, {M}, max_tokens => 64, long_text => 'error'), NULL) AS w FROM docs"
    )
    for row in frame.collect():
        vector = vectors[row.id]
        if row.id < 10:
            assert_same(row.v, vector)
        elif row.id >= 20:
            assert row.v is None
        if TEXTS[row.id] is None or len(TEXTS[row.id]) >= 100:
            assert row.w is None
        else:
            assert_same(row.w, vector)


def test_lambda(spark, docs, reference):
    frame = spark.sql(f"SELECT id, transform(array(kind, text, NULL), x -> embed(x, {M})) AS v FROM docs WHERE id < 6")
    for row in frame.collect():
        for actual, text in zip(row.v, (f"kind {row.id % 3}", TEXTS[row.id], None), strict=True):
            assert_same(actual, reference(text))
    assert expressions_of_kind(frame, "Embed") == 0
    assert expressions_of_kind(frame, "EmbedRow") == 1


def test_explode(spark, docs, vectors):
    frame = spark.sql(f"SELECT id, p, x FROM docs LATERAL VIEW posexplode(embed(text, {M}, dims => 3)) AS p, x")
    rows = frame.collect()
    assert len(rows) == 3 * sum(v is not None for v in vectors.values())


def test_union_and_subquery(spark, docs, vectors, reference, adaptive):
    union = spark.sql(
        f"SELECT id, embed(text, {M}) AS v FROM docs WHERE id < 5"
        f" UNION ALL SELECT id + 1000, embed(kind, {M}) FROM docs WHERE id < 2"
    )
    check(union, {**{i: vectors[i] for i in range(5)}, 1000: reference("kind 0"), 1001: reference("kind 1")})
    scalar = spark.sql(
        f"SELECT id, (SELECT max(embed(kind, {M})[0]) FROM docs) AS best FROM docs"
        f" WHERE id IN (SELECT id FROM docs WHERE embed(text, {M})[0] > 0)"
    )
    rows = scalar.collect()
    assert {row.id for row in rows} == {i for i, v in vectors.items() if v is not None and v[0] > 0}
    assert np.float32(rows[0].best) == max(reference(f"kind {k}")[0] for k in range(3))


def test_python_udf_over_embed(spark, docs, vectors, adaptive):
    first = F.udf(lambda vector: None if vector is None else float(vector[0]), "double")
    frame = docs.select("id", first(F.expr(f"embed(text, {M})")).alias("x"))
    for row in frame.collect():
        expected = vectors[row.id]
        assert row.x == (None if expected is None else float(expected[0]))


def test_pandas_udf_over_embed_under_limit(spark, docs):
    """The Python runner pulls rows on a thread of its own and may be stopped in the middle of a batch."""
    size = F.pandas_udf(lambda s: s.map(lambda v: -1 if v is None else len(v)), "int")
    for _ in range(3):
        assert len(docs.select(size(F.expr(f"embed(text, {M})"))).limit(3).collect()) == 3


def test_no_rows(spark, docs, adaptive):
    assert spark.sql(f"SELECT embed(text, {M}) FROM nothing").collect() == []
    assert spark.sql(f"SELECT max(embed(text, {M})[0]) AS m FROM nothing").first().m is None
    sparse = docs.where("id = 1").repartition(8).selectExpr(f"embed(text, {M}) AS v")
    assert sparse.count() == 1


def test_many_rows_cross_batches(spark, reference):
    """More rows than the largest batch, so that growing buffers and their reuse are met."""
    frame = spark.range(0, 9000, 1, 1).selectExpr("id", f"embed(concat('n', id % 7), {M}, dims => 5) AS v")
    expected = [reference(f"n{i}", dims=5) for i in range(7)]
    rows = frame.collect()
    actual = np.array([row.v for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(actual, np.array([expected[row.id % 7] for row in rows]))


def test_long_rows_end_a_batch_by_bytes(spark, reference):
    """Rows of a megabyte: batches are cut by bytes and every row still meets its own vector."""
    frame = spark.range(0, 40, 1, 1).selectExpr("id", f"embed(concat('n', id, repeat(' x', 500000)), {M}) AS v")
    for row in frame.where("id % 13 = 0").collect():
        assert_same(row.v, reference(f"n{row.id}" + " x" * 500000))


def test_session_default(spark, docs, vectors, reference):
    import emberline.spark as em

    spark.conf.set("spark.emberline.model", TINY)
    try:
        check(spark.sql("SELECT id, embed(text) AS v FROM docs"), vectors)
        check(docs.select("id", em.embed("text").alias("v")), vectors)
        spark.conf.set("spark.emberline.dims", "6")
        expected = {i: reference(text, dims=6) for i, text in enumerate(TEXTS)}
        check(docs.select("id", em.embed("text").alias("v")), expected)
        check(docs.select("id", em.embed("text", normalize=False, dims=6).alias("v")).where("id < 0"), {})
        check(
            spark.sql("SELECT id, embed(text, dims => 3) AS v FROM docs WHERE id = 0"), {0: reference("a text", dims=3)}
        )
    finally:
        spark.conf.unset("spark.emberline.model")
        spark.conf.unset("spark.emberline.dims")


def test_the_name_of_a_built_in_function(spark, reference):
    """A line before 4.2 knows no such qualifier, for no function."""
    query = f"SELECT builtin.embed('a text', {M}) AS v, builtin.abs(-1) AS one"
    if tuple(int(part) for part in spark.version.split(".")[:2]) >= (4, 2):
        assert_same(spark.sql(query).first().v, reference("a text"))
    else:
        for call in (f"embed('a text', {M})", "abs(-1)"):
            with pytest.raises(AnalysisException):
                spark.sql(f"SELECT builtin.{call}")


def test_scala_functions(spark, docs, reference):
    """The Scala entry points, called as compiled: their option maps must reach the engine."""
    functions = spark._jvm.emberline.spark.functions
    pair = spark._jvm.scala.Tuple2("dims", 3)
    options = spark._jvm.org.apache.spark.api.python.PythonUtils.toSeq(spark._jvm.java.util.List.of(pair))
    column = functions.embed(docs._jdf.col("text"), TINY, options)
    row = docs._jdf.filter("id = 0").select(_columns(spark, column))
    value = row.collectAsList().get(0).getSeq(0)
    assert_same([value.apply(i) for i in range(value.size())], reference("a text", dims=3))


def _columns(spark, *columns):
    array = spark.sparkContext._gateway.new_array(spark._jvm.org.apache.spark.sql.Column, len(columns))
    for i, column in enumerate(columns):
        array[i] = column
    return array


def test_real_model(spark, docs, reference):
    frame = spark.sql(f"SELECT id, embed(text, '{REAL}') AS v FROM docs")
    check(frame, {i: reference(text, REAL) for i, text in enumerate(TEXTS)})
