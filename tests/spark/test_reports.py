# SPDX-License-Identifier: Apache-2.0
"""What a user learns of a query: metrics, explain, the driver's report, and the warning before executors are killed."""

import time

import pytest
from spark_cases import HOURLY_COST, TEXTS, TINY
from spark_plans import metric

import emberline.spark as em


def reports(spark, execution_after: int) -> list[dict]:
    """The reports of queries that began after that one; events come a moment after the query has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [
            report
            for report in em.reports(spark)
            if report["execution"] is not None and report["execution"] > execution_after
        ]
        if found:
            return found
        time.sleep(0.05)
    return []


def last_execution(spark) -> int:
    known = em.reports(spark)
    return max((report["execution"] for report in known if report["execution"] is not None), default=-1)


def test_report_counts_what_the_query_embedded(spark, docs, adaptive):
    before = last_execution(spark)
    rows = docs.select(em.embed_details("text", TINY).alias("d")).collect()
    (report,) = reports(spark, before)
    assert report["rows"] == len([text for text in TEXTS if text is not None])
    assert report["tokens"] == sum(row.d.tokens for row in rows if row.d is not None)
    (executor,) = report["executors"]
    assert executor["executor"] == "driver"
    assert executor["tasks"] >= 1
    assert executor["rows"] == report["rows"]
    assert report["failed_tasks"] == 0
    assert report["slowest_partition"]["seconds"] >= report["median_partition_seconds"] > 0


def test_cost_is_that_of_the_executors_time(spark, docs):
    before = last_execution(spark)
    docs.select(em.embed("text", TINY)).collect()
    (report,) = reports(spark, before)
    assert report["cost"] == pytest.approx(HOURLY_COST * sum(e["seconds"] for e in report["executors"]) / 3600)


def test_query_without_embed_is_not_reported(spark, docs):
    docs.select("id").collect()
    before = last_execution(spark)
    docs.select("id").collect()
    docs.select(em.embed("text", TINY)).limit(1).collect()
    assert len(reports(spark, before)) == 1


def test_metrics_of_size_and_speed(spark, docs):
    frame = docs.select(em.embed("text", TINY))
    frame.collect()
    assert metric(frame, "bytes") == sum(len(text.encode()) for text in TEXTS if text)
    assert metric(frame, "tokensPerSecond") > 0


def test_explain_names_model_device_and_dtype(spark, docs):
    plan = docs.select(em.embed("text", TINY))._jdf.queryExecution().toString()
    assert f"model={TINY}, device=auto, dtype=auto" in plan
    plan = docs.select(em.embed("text", TINY, dtype="f32"))._jdf.queryExecution().toString()
    assert "device=auto, dtype=f32" in plan


class TestMemoryAdvice:
    """No YARN or Kubernetes here: the pure function, with the settings of one."""

    @pytest.fixture
    def advice(self, spark):
        jvm = spark._jvm

        def ask(weight_bytes: int, **settings: str) -> str:
            conf = jvm.org.apache.spark.SparkConf(False)
            for name, value in settings.items():
                conf.set("spark." + name.replace("_", "."), value)
            answer = jvm.org.apache.spark.sql.emberline.MemoryAdvice.advice(conf, "/models/big", weight_bytes)
            return answer.get() if answer.isDefined() else ""

        return ask

    def test_small_model_is_not_warned_about(self, advice):
        assert advice(90 << 20) == ""

    def test_large_model_names_the_number_to_set(self, advice):
        assert "set spark.executor.memoryOverhead to 2064m" in advice(1000 << 20)
        assert "where 384 MiB are left" in advice(1000 << 20)

    def test_advice_when_followed_is_enough(self, advice):
        assert advice(1000 << 20, executor_memoryOverhead="2064m") == ""

    def test_more_tasks_at_once_need_more(self, advice):
        assert "2512m" in advice(1000 << 20, executor_cores="8")
        assert "2256m" in advice(1000 << 20, executor_cores="8", task_cpus="2")

    def test_share_of_a_large_heap_counts(self, advice):
        assert advice(1000 << 20, executor_memory="40g") == ""
