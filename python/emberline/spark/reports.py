# SPDX-License-Identifier: Apache-2.0
"""What queries embedded, as the driver saw it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def reports(spark: SparkSession) -> list[dict]:
    """One dict for each of the driver's last hundred queries that embedded, the oldest first.

    Keys: ``execution`` (number in the SQL tab, or None), ``rows``, ``tokens``, ``seconds``, ``tokens_per_second``,
    ``executors`` (a list of dicts with ``executor``, ``host``, ``tasks``, ``rows``, ``tokens``, ``seconds``,
    ``tokens_per_second``), ``slowest_partition`` (``stage``, ``partition``, ``executor``, ``seconds``, or None),
    ``median_partition_seconds``, ``failed_tasks``, ``cost`` (of all executors' seconds at
    ``spark.emberline.hourlyCost``, or None).

    Spark's events come late: a query's report is there a moment after its end. Queries through ``emberline.spark.udf``
    are not among them. Raises ValueError for a Connect session, which has no driver at hand.
    """
    jvm = getattr(spark, "_jvm", None)
    if jvm is None:
        raise ValueError("a Connect client cannot see the driver's reports: read them there, or in its log")
    return json.loads(jvm.emberline.spark.Reports.json())
