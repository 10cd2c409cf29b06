# SPDX-License-Identifier: Apache-2.0
"""Structured Streaming: the vectors of the batch query, each row once, also over restarts and failures."""

import time

import pytest
from pyspark.sql import functions as F
from spark_cases import TEXTS, TINY, assert_same

M = f"'{TINY}'"
E = f"embed(text, {M}, dims => 4)"


def run_to_end(stream, state, **options):
    """What is there now goes through a query that then stops."""
    for name, value in options.items():
        stream = stream.option(name, value)
    query = stream.option("checkpointLocation", str(state)).trigger(availableNow=True).start()
    query.awaitTermination(120)
    assert query.exception() is None
    return query


def files(spark, docs, folder):
    """A stream of the rows that are added to a folder."""
    return spark.readStream.schema(docs.schema).option("maxFilesPerTrigger", 1).parquet(str(folder))


def add(docs, condition, folder):
    docs.where(condition).repartition(2).write.mode("append").parquet(str(folder))


def by_id(rows) -> dict:
    """Column v by id, each id once."""
    found = {}
    for row in rows:
        assert row.id not in found, f"row {row.id} came twice"
        found[row.id] = row.v
    return found


def test_append_to_files_over_restarts(spark, docs, reference, tmp_path):
    source, target = tmp_path / "in", str(tmp_path / "out")
    add(docs, "id < 20", source)
    frame = files(spark, docs, source).where(f"embed(coalesce(text, ''), {M})[0] > -100").selectExpr("id", f"{E} AS v")
    for end in (40, len(TEXTS), len(TEXTS)):  # the last time there is nothing new
        run_to_end(frame.writeStream.format("parquet"), tmp_path / "state", path=target)
        done = by_id(spark.read.parquet(target).collect())
        add(docs, f"id >= {len(done)} AND id < {end}", source)
    batch = by_id(docs.selectExpr("id", f"{E} AS v").collect())
    assert done == batch
    for i, vector in done.items():
        assert_same(vector, reference(TEXTS[i], dims=4))


def test_a_stream_that_failed_goes_on_where_it_was(spark, docs, reference, tmp_path):
    """A text that is too long stops the query; started again with try_embed it loses no row and repeats none."""
    source, target = tmp_path / "in", str(tmp_path / "out")
    limit = "max_tokens => 16, long_text => 'error'"
    too_long = [i for i, text in enumerate(TEXTS) if text is not None and len(text.split()) > 16]
    assert too_long
    for start in range(0, len(TEXTS), 20):
        add(docs, f"id >= {start} AND id < {start + 20}", source)

    def write(function):
        frame = files(spark, docs, source).selectExpr("id", f"{function}(text, {M}, {limit}) AS v")
        return run_to_end(frame.writeStream.format("parquet"), tmp_path / "state", path=target)

    with pytest.raises(Exception, match="try_embed"):
        write("embed")
    write("try_embed")
    vectors = by_id(spark.read.parquet(target).collect())
    assert vectors.keys() == set(range(len(TEXTS)))
    for i, vector in vectors.items():
        assert_same(vector, None if vector is None else reference(TEXTS[i], max_tokens=16))
    assert {i for i, vector in vectors.items() if vector is None} >= {*too_long, 3, 9}


def test_for_each_batch_repeats_only_what_failed(spark, docs, reference, tmp_path):
    source = tmp_path / "in"
    add(docs, "id < 20", source)
    batches = {}
    broken = []

    def keep(batch, number):
        vectors = by_id(batch.selectExpr("id", f"{E} AS v").collect())
        if number == 1 and not broken:
            broken.append(number)
            raise RuntimeError("the sink is away for a moment")
        batches[number] = vectors

    stream = files(spark, docs, source).writeStream.foreachBatch(keep)
    with pytest.raises(Exception, match="the sink is away"):
        run_to_end(stream, tmp_path / "state")
    add(docs, "id >= 20", source)
    run_to_end(stream, tmp_path / "state")
    rows = [(i, vector) for batch in batches.values() for i, vector in batch.items()]
    assert sorted(i for i, _ in rows) == list(range(len(TEXTS)))
    for i, vector in rows:
        assert_same(vector, reference(TEXTS[i], dims=4))


@pytest.mark.parametrize("mode", ["complete", "update"])
def test_an_aggregate_over_vectors_over_restarts(spark, docs, reference, tmp_path, mode):
    """A group and an aggregate that both depend on vectors; state survives the restart."""
    source = tmp_path / "in"
    add(docs, "id < 30", source)
    groups = {}

    def keep(batch, _):
        if mode == "complete":
            groups.clear()
        groups.update({row.positive: (row.n, row.highest) for row in batch.collect()})

    frame = (
        files(spark, docs, source)
        .groupBy(F.expr(f"{E}[0] > 0 AS positive"))
        .agg(F.expr("count(*) AS n"), F.expr(f"max({E}[1]) AS highest"))
    )
    for _ in range(2):
        run_to_end(frame.writeStream.outputMode(mode).foreachBatch(keep), tmp_path / "state")
        add(docs, "id >= 30", source)
        done, groups_done = dict(groups), len(groups)
    assert groups_done == 3  # null is one
    expected = {}
    for text in TEXTS:
        vector = reference(text, dims=4)
        group = None if vector is None else bool(vector[0] > 0)
        n, highest = expected.get(group, (0, None))
        if vector is not None:
            highest = float(vector[1]) if highest is None else max(highest, float(vector[1]))
        expected[group] = (n + 1, highest)
    assert done == expected


def test_complete_mode_to_memory(spark, docs, reference, tmp_path):
    add(docs, "text IS NOT NULL", tmp_path / "in")
    frame = files(spark, docs, tmp_path / "in").groupBy(F.expr(f"{E}[0] > 0 AS positive")).count()
    stream = frame.writeStream.format("memory").queryName("sides").outputMode("complete")
    run_to_end(stream, tmp_path / "state")
    found = {row.positive: row["count"] for row in spark.table("sides").collect()}
    signs = [bool(reference(text, dims=4)[0] > 0) for text in TEXTS if text is not None]
    assert found == {True: signs.count(True), False: signs.count(False)}


def test_rate_source_over_a_restart(spark, reference, tmp_path):
    """Rows that come with time: every value once, with the vector of its text, also in arrays."""
    target = str(tmp_path / "out")
    frame = (
        spark.readStream.format("rate")
        .option("rowsPerSecond", 40)
        .load()
        .selectExpr("value AS id", "concat('row number ', value) AS text")
        .selectExpr("id", f"{E} AS v", f"embed(array(text, NULL), {M}, dims => 4) AS a")
    )
    count = 0
    for wanted in (40, 120):
        query = (
            frame.writeStream.format("parquet")
            .option("path", target)
            .option("checkpointLocation", str(tmp_path / "state"))
            .trigger(processingTime="200 milliseconds")
            .start()
        )
        end = time.monotonic() + 120
        while count < wanted:
            assert query.exception() is None and time.monotonic() < end, query.exception()
            time.sleep(0.2)
            count = spark.read.schema("id long").parquet(target).count() if (tmp_path / "out").exists() else 0
        query.stop()
    rows = spark.read.parquet(target).collect()
    vectors = by_id(rows)
    assert sorted(vectors) == list(range(len(vectors))) and len(vectors) >= 120
    for row in rows:
        expected = reference(f"row number {row.id}", dims=4)
        assert_same(row.v, expected)
        assert_same(row.a[0], expected)
        assert row.a[1] is None


def test_a_stream_joins_embedded_rows(spark, docs, reference, tmp_path):
    """A stream beside a table that is embedded in the same query."""
    add(docs, "id < 30", tmp_path / "in")
    known = spark.sql(f"SELECT DISTINCT kind, embed(kind, {M}, dims => 4) AS k FROM docs")
    frame = files(spark, docs, tmp_path / "in").join(known, "kind").selectExpr("id", f"{E} AS v", "k")
    run_to_end(frame.writeStream.format("parquet"), tmp_path / "state", path=str(tmp_path / "out"))
    rows = spark.read.parquet(str(tmp_path / "out")).collect()
    assert by_id(rows).keys() == set(range(30))
    for row in rows:
        assert_same(row.v, reference(TEXTS[row.id], dims=4))
        assert_same(row.k, reference(f"kind {row.id % 3}", dims=4))
