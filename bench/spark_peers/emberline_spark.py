# SPDX-License-Identifier: Apache-2.0
"""emberline inside the executor's JVM."""

import emberline.spark as em
from pyspark.sql import SparkSession
from session import Runner, configured

BATCHES = (0,)


def load(model, threads):
    spark = em.configure(configured(SparkSession.builder, threads)).getOrCreate()
    return Runner(spark, threads, lambda batch: em.embed("text", model=model, dtype="f32"))
