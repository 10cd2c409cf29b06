# SPDX-License-Identifier: Apache-2.0
"""emberline in Spark's Python workers, without a jar."""

from pyspark.sql import SparkSession
from session import Runner, configured

import emberline.spark as em

BATCHES = (0,)


def load(model, threads, dtype="f32"):
    spark = configured(SparkSession.builder, threads).getOrCreate()
    embed = em.udf(model=model, dtype=dtype)
    return Runner(spark, threads, lambda batch: embed("text"))
