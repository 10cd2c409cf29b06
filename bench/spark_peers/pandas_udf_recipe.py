# SPDX-License-Identifier: Apache-2.0
"""The usual recipe: a broadcast SentenceTransformer, encode inside a pandas_udf, Arrow batches of Spark's default size.

Spark sets OMP_NUM_THREADS of a Python worker to the cores of a task, so PyTorch takes one thread unless told otherwise.
"""

import pandas as pd
from pyspark.sql import SparkSession, functions
from pyspark.sql.functions import pandas_udf
from sentence_transformers import SentenceTransformer
from session import Runner, configured

BATCHES = (32,)  # encode's default
TORCH_THREADS = None  # left alone


def load(model, threads, **model_kwargs):
    spark = configured(SparkSession.builder, threads).getOrCreate()
    shared = spark.sparkContext.broadcast(
        SentenceTransformer(model, device="cpu", local_files_only=True, model_kwargs=model_kwargs)
    )
    torch_threads = TORCH_THREADS

    def column(batch):
        @pandas_udf("array<float>")
        def embed(texts: pd.Series) -> pd.Series:
            if torch_threads:
                import torch

                torch.set_num_threads(torch_threads)
            return pd.Series(list(shared.value.encode(texts.tolist(), batch_size=batch, show_progress_bar=False)))

        return embed(functions.col("text"))

    return Runner(spark, threads, column)
