# SPDX-License-Identifier: Apache-2.0
"""What is computed, how often, and what a reader of the plan sees."""

from spark_cases import TEXTS, TINY, assert_same
from spark_plans import embed_nodes, executed, expressions_of_kind, metric, scanned

M = f"'{TINY}'"


def test_one_call_site_is_one_node(spark, docs, adaptive):
    for query in (
        f"SELECT embed(text, {M}) FROM docs",
        f"SELECT embed(text, {M}), embed(text, {M})[0], size(embed(text, {M})) FROM docs",
        f"SELECT embed(text, {M}) FROM docs WHERE embed(text, {M})[0] > 0",
        f"SELECT v, v[0] FROM (SELECT embed(text, {M}) AS v FROM docs) WHERE v[0] > 0 AND v[1] > 0",
        f"SELECT embed(text, {M}, dims => 2, layers => 1), embed(text, {M}, layers => '1', dims => 2) FROM docs",
        f"SELECT max(embed(text, {M})[0]), min(embed(text, {M})[0]) FROM docs",
        f"SELECT embed(text, {M}) AS v FROM docs ORDER BY v[0] LIMIT 3",
    ):
        frame = spark.sql(query)
        frame.collect()
        assert len(embed_nodes(frame)) == 1, query
        assert expressions_of_kind(frame, "Embed") == 0, query


def test_calls_on_the_same_row_share_a_node(spark, docs):
    frame = spark.sql(f"SELECT embed(text, {M}), embed(kind, {M}), embed_details(text, {M}) FROM docs")
    assert len(embed_nodes(frame)) == 1


def test_a_limit_embeds_few_rows(spark, docs, adaptive):
    large = spark.range(0, 100000, 1, 2).selectExpr(f"embed(concat('row ', id), {M}, dims => 2) AS v", "id")
    frame = large.limit(5)
    assert len(frame.collect()) == 5
    assert metric(frame, "rows") <= 10


def test_only_needed_columns_are_read(spark, docs, adaptive):
    for query, columns in (
        (f"SELECT embed(text, {M}) FROM docs", {"text"}),
        (f"SELECT count(*) FROM docs WHERE embed(text, {M})[0] > 0", {"text"}),
        (f"SELECT id FROM (SELECT id, kind, embed(text, {M}) AS v FROM docs)", {"id"}),
        (f"SELECT max(embed(kind, {M})[0]) FROM docs", {"kind"}),
        (f"SELECT embed(text, {M}) FROM docs ORDER BY id LIMIT 3", {"id", "text"}),
        (f"SELECT kind, count(embed(text, {M})) FROM docs GROUP BY kind", {"kind", "text"}),
    ):
        frame = spark.sql(query)
        frame.collect()
        assert scanned(frame) == columns, query


def test_an_unused_vector_is_not_computed(spark, docs, adaptive):
    frame = spark.sql(f"SELECT id FROM (SELECT id, embed(text, {M}) AS v FROM docs) WHERE id < 50")
    assert len(frame.collect()) == 50
    assert embed_nodes(frame) == []


def test_top_rows_are_chosen_before_they_are_embedded(spark, docs, reference, adaptive):
    frame = spark.sql(
        f"SELECT embed(text, {M}) AS v, id + 1 AS next, v[0] AS x FROM docs ORDER BY next % 7, id LIMIT 4"
    )
    rows = frame.collect()
    chosen = sorted(range(len(TEXTS)), key=lambda i: ((i + 1) % 7, i))[:4]
    assert [row.next - 1 for row in rows] == chosen
    for i, row in zip(chosen, rows, strict=True):
        assert_same(row.v, reference(TEXTS[i]))
        assert row.x == row.v[0]
    assert metric(frame, "rows") <= 4
    assert len(embed_nodes(frame)) == 1


def test_an_early_end_costs_one_small_batch(spark):
    """Without a limit in the plan, too: isEmpty and take pull a few rows of a partition."""
    large = spark.range(0, 100000, 1, 1).selectExpr(f"embed(concat('row ', id), {M}, dims => 2) AS v")
    frame = large.where("v[0] > -100").limit(3)
    assert len(frame.collect()) == 3
    assert metric(frame, "rows") <= 16


def test_cheap_conditions_come_first(spark, docs, adaptive):
    frame = spark.sql(f"SELECT id FROM docs WHERE embed(text, {M})[0] > -100 AND kind = 'kind 1' AND id < 30")
    frame.collect()
    assert metric(frame, "rows") == sum(i % 3 == 1 and i < 30 and TEXTS[i] is not None for i in range(len(TEXTS)))


def test_a_guarded_branch_is_not_computed(spark, docs):
    frame = spark.sql(f"SELECT CASE WHEN id < 2 THEN embed(text, {M}) END AS v FROM docs")
    frame.collect()
    assert metric(frame, "rows") == 2


def test_a_cross_join_embeds_each_side_once(spark, docs, adaptive):
    frame = spark.sql(f"SELECT a.id FROM docs a CROSS JOIN docs b WHERE embed(a.text, {M})[0] > embed(b.kind, {M})[0]")
    frame.collect()
    assert metric(frame, "rows") <= 2 * len(TEXTS)


def test_a_constant_is_computed_once_a_task(spark):
    frame = spark.range(0, 5000, 1, 2).selectExpr(f"embed('a query', {M}) AS v")
    frame.collect()
    assert metric(frame, "rows") == 2


def test_metrics_count_rows(spark, docs):
    frame = spark.sql(f"SELECT embed_details(text, {M}, max_tokens => 16) AS d FROM docs")
    rows = [row.d for row in frame.collect()]
    there = [row for row in rows if row is not None]
    assert metric(frame, "rows") == len(there)
    assert metric(frame, "nulls") == len(rows) - len(there)
    assert metric(frame, "tokens") == sum(row.tokens for row in there)
    assert metric(frame, "truncated") == sum(row.truncated for row in there) > 0
    assert metric(frame, "failed") == 0
    assert metric(frame, "batches") > 0
    assert metric(frame, "engineTime") > 0
    failing = spark.sql(f"SELECT try_embed(text, {M}, max_tokens => 16, long_text => 'error') AS v FROM docs")
    missing = sum(row.v is None for row in failing.collect())
    assert metric(failing, "failed") == missing - metric(failing, "nulls") > 0


def test_explain_shows_model_and_options(spark, docs):
    frame = spark.sql(f"SELECT embed(text, {M}, dims => 3, dtype => 'f32') AS v FROM docs")
    for text in (executed(frame).toString(), frame._jdf.queryExecution().explainString(_mode(spark, "formatted"))):
        assert "Embed" in text and f"model={TINY}" in text and "dtype=f32" in text and "dims=3" in text


def _mode(spark, name):
    return spark._jvm.org.apache.spark.sql.execution.ExplainMode.fromString(name)


def test_describe_function(spark):
    usage = "\n".join(row[0] for row in spark.sql("DESCRIBE FUNCTION try_embed").collect())
    assert "null where it cannot be embedded" in usage


def test_a_subquery_over_partitioned_exchange_is_reused_or_right(spark, docs):
    """A self join of an embedded table: equal subplans may be shared, never mixed up."""
    frame = spark.sql(
        f"WITH e AS (SELECT id, embed(text, {M}, dims => 2) AS v FROM docs)"
        " SELECT a.id, a.v = b.v AS same FROM e a JOIN e b ON a.id = b.id WHERE a.v IS NOT NULL"
    )
    rows = frame.collect()
    assert len(rows) == sum(text is not None for text in TEXTS)
    assert all(row.same for row in rows)
