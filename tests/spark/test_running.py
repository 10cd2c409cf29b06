# SPDX-License-Identifier: Apache-2.0
"""Jobs that are stopped, and many tasks at once."""

import threading
import time
from pathlib import Path

import pytest
from pyspark import InheritableThread
from pyspark.sql import functions as F
from spark_cases import REAL, TEXTS, TINY, assert_same

M = f"'{TINY}'"


@pytest.mark.parametrize("interrupt", [True, False])
def test_a_killed_job_leaves_a_usable_session(spark, reference, interrupt):
    context = spark.sparkContext
    group = f"killed {interrupt}"
    frame = spark.range(0, 10_000_000, 1, 2).selectExpr(
        f"max(embed(concat(repeat('some words of a long text ', 40), id), '{REAL}')[0])"
    )
    outcome = []

    def run():
        context.setJobGroup(group, "a job to be killed", interruptOnCancel=interrupt)
        try:
            outcome.append(frame.collect())
        except Exception as e:  # noqa: BLE001
            outcome.append(e)

    job = InheritableThread(target=run)
    job.start()
    wait_for(lambda: running_tasks(context, group))
    time.sleep(1.0)  # well inside the engine
    context.cancelJobGroup(group)
    job.join(60)
    assert not job.is_alive(), "the job goes on after it was cancelled"
    assert isinstance(outcome[0], Exception) and "cancel" in str(outcome[0]).lower()
    wait_for(lambda: not running_tasks(context, group))
    assert_same(spark.sql(f"SELECT embed('a text', '{REAL}') AS v").first().v, reference("a text", REAL))


def running_tasks(context, group) -> bool:
    tracker = context.statusTracker()
    stages = [s for j in tracker.getJobIdsForGroup(group) for s in (tracker.getJobInfo(j) or _none).stageIds]
    return any((tracker.getStageInfo(s) or _none).numActiveTasks for s in stages)


class _none:  # noqa: N801
    stageIds = ()
    numActiveTasks = 0


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_failing_job_leaves_a_usable_session(spark, docs, reference):
    failing = F.udf(lambda v: 1 // 0, "int")
    for _ in range(2):
        with pytest.raises(Exception, match="ZeroDivisionError"):
            docs.select(failing(F.expr(f"embed(text, {M})"))).collect()
    assert_same(spark.sql(f"SELECT embed('a text', {M}) AS v").first().v, reference("a text"))


def test_tasks_share_one_engine(spark):
    """The model is loaded once, and other tasks wait or find it."""
    from spark_plans import metric

    spark._jvm.io.emberline.Engines.closeIdle()
    frame = spark.range(0, 64, 1, 16).selectExpr(f"embed(concat('x', id), {M}, max_tokens => 33) AS v")
    frame.collect()
    assert metric(frame, "loadTime") > 0
    again = spark.range(0, 64, 1, 16).selectExpr(f"embed(concat('x', id), {M}, max_tokens => 33) AS v")
    again.collect()
    assert metric(again, "loadTime") <= 0, "loaded again although it was there"


def test_a_model_on_shared_storage_is_copied_once(spark, docs, reference):
    cache = Path(spark.conf.get("spark.emberline.cacheDir")) / "models"
    uri = f"viewfs://test/models/{Path(TINY).name}"
    for dims in (3, 4):
        rows = spark.sql(f"SELECT id, embed(text, '{uri}', dims => {dims}) AS v FROM docs").collect()
        for row in rows:
            assert_same(row.v, reference(TEXTS[row.id], dims=dims))
    copies = list(cache.iterdir())
    assert len(copies) == 1
    assert (copies[0] / "config.json").read_bytes() == (Path(TINY) / "config.json").read_bytes()


def test_jobs_from_many_threads(spark, docs, reference):
    expected = {i: reference(text) for i, text in enumerate(TEXTS)}
    failures = []

    def job(dims):
        try:
            for row in docs.selectExpr("id", f"embed(text, {M}, dims => {dims}) AS v").collect():
                want = expected[row.id]
                assert_same(row.v, None if want is None else reference(TEXTS[row.id], dims=dims))
        except BaseException as e:  # noqa: BLE001
            failures.append(e)

    for dims in (2, 3):
        reference("a text", dims=dims)
    threads = [threading.Thread(target=job, args=(2 + i % 2,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
