# SPDX-License-Identifier: Apache-2.0
"""emberline inside the executor's JVM."""

from pyspark.sql import SparkSession
from session import Runner, configured

import emberline.spark as em

BATCHES = (0,)


def load(model, threads, dtype="f32"):
    spark = em.configure(configured(SparkSession.builder, threads)).getOrCreate()
    return Runner(spark, threads, lambda batch: em.embed("text", model=model, dtype=dtype))
