# SPDX-License-Identifier: Apache-2.0
"""What both Spark peers do alike: the session, the rows in memory, a sink that drops them."""

import numpy as np


def configured(builder, threads):
    builder = builder.master(f"local[{threads}]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
    return builder.config("spark.driver.memory", "4g").config("spark.sql.adaptive.enabled", "true")


class Runner:
    """Runs a projection over tables that are in memory, one partition a core."""

    def __init__(self, spark, threads, column):
        self.spark, self.threads, self.column = spark, threads, column
        self.tables = {}

    def __call__(self, table, batch, wanted):
        if table not in self.tables:
            rows = self.spark.read.parquet(str(table)).repartition(self.threads).cache()
            rows.count()
            self.tables[table] = rows
        embedded = self.tables[table].select("id", self.column(batch).alias("embedding"))
        if not wanted:
            return embedded.write.format("noop").mode("overwrite").save()
        return np.array([row.embedding for row in embedded.orderBy("id").collect()], np.float32)
