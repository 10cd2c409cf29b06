# SPDX-License-Identifier: Apache-2.0
"""OpenVINO in bf16 inside a pandas_udf: what a careful user writes who left PyTorch. One thread a Python worker."""

import pathlib
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf
from session import Runner, configured

BATCHES = (16, 64)
PEERS = str(pathlib.Path(__file__).resolve().parent.parent / "peers")


def load(model, threads):
    spark = configured(SparkSession.builder, threads).getOrCreate()

    def column(batch):
        @pandas_udf("array<float>")
        def embed(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
            import sys

            if PEERS not in sys.path:
                sys.path.insert(0, PEERS)
            import openvino_bf16

            # Compiled once a worker, as long as Spark uses it again.
            if not hasattr(openvino_bf16, "compiled"):
                openvino_bf16.compiled = openvino_bf16.load(model, 1)
            for texts in batches:
                yield pd.Series(list(openvino_bf16.compiled(texts.tolist(), batch)))

        return embed("text")

    return Runner(spark, threads, column)
