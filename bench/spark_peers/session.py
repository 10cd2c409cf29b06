# SPDX-License-Identifier: Apache-2.0
"""What all Spark peers do alike: the session, where the rows are, a sink that drops them.

EMBERLINE_BENCH_MASTER: another master than local[threads]. EMBERLINE_BENCH_MEMORY: the driver's heap, "4g" if unset.
"""

import os
import pathlib
import time

import numpy as np

# An engine that waits for its turn is stopped, and then it sends no heartbeats.
PATIENCE = {"spark.network.timeout": "36000s", "spark.worker.timeout": "36000"}


def configured(builder, threads):
    builder = builder.master(os.environ.get("EMBERLINE_BENCH_MASTER") or f"local[{threads}]")
    settings = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.driver.memory": os.environ.get("EMBERLINE_BENCH_MEMORY", "4g"),
        "spark.executor.memory": "2g",  # on a cluster
        "spark.sql.adaptive.enabled": "true",
        # On a cluster: rows that were cached before all executors were there would lie on one of them, and keep tasks
        # from the others.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        **PATIENCE,
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder


class Runner:
    """Runs a projection over tables: a file is held in memory, one partition a core; a folder is read every time."""

    def __init__(self, spark, threads, column):
        self.spark, self.threads, self.column = spark, threads, column
        self.tables = {}

    def __call__(self, table, batch, wanted):
        embedded = self._embedded(table, batch)
        if not wanted:
            return embedded.write.format("noop").mode("overwrite").save()
        return np.array([row.embedding for row in embedded.orderBy("id").collect()], np.float32)

    def first(self, table, batch):
        """Seconds until one row with its vector is here."""
        embedded = self._embedded(table, batch)
        started = time.perf_counter()
        embedded.take(1)
        return time.perf_counter() - started

    def _embedded(self, table, batch):
        if table not in self.tables:
            rows = self.spark.read.parquet(str(table))
            if not pathlib.Path(table).is_dir():
                rows = rows.repartition(self.threads).cache()
                rows.count()
            self.tables[table] = rows
        return self.tables[table].select("id", self.column(batch).alias("embedding"))
