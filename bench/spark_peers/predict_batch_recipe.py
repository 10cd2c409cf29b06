# SPDX-License-Identifier: Apache-2.0
"""predict_batch_udf around a SentenceTransformer, as Spark's documents show it: every Python worker loads its own."""

from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType
from session import Runner, configured

BATCHES = (32, 64)


def load(model, threads):
    spark = configured(SparkSession.builder, threads).getOrCreate()
    functions = {}  # a new function would load the model again

    def column(batch):
        if batch not in functions:

            def make_predict_fn():
                from sentence_transformers import SentenceTransformer

                loaded = SentenceTransformer(model, device="cpu", local_files_only=True)

                def predict(texts):
                    return loaded.encode(texts.tolist(), batch_size=batch, show_progress_bar=False)

                return predict

            # Rows of one call: enough for encode to sort them by length.
            functions[batch] = predict_batch_udf(
                make_predict_fn, return_type=ArrayType(FloatType()), batch_size=16 * batch
            )
        return functions[batch]("text")

    return Runner(spark, threads, column)
