# SPDX-License-Identifier: Apache-2.0
"""The engine inside Spark's executors, from PySpark, classic or Connect.

>>> from pyspark.sql import SparkSession
>>> import emberline.spark as em
>>> spark = em.configure(SparkSession.builder).getOrCreate()
>>> df.withColumn("embedding", em.embed("text", model="/models/all-MiniLM-L6-v2", dims=256))
>>> spark.sql("SELECT id, embed(text, model => '/models/all-MiniLM-L6-v2') AS embedding FROM docs")

There nothing runs in Python: the functions only name SQL functions that the jars bring. Where no jar may be installed,
the same engine runs in Spark's Python workers, and ``configure`` is not needed:

>>> df.withColumn("embedding", em.udf(model="/models/all-MiniLM-L6-v2")("text"))
"""

from emberline.spark.activation import EXTENSION, configure, fitting_jar, jars
from emberline.spark.columns import embed, embed_details, try_embed
from emberline.spark.pip_only import predict_batch_fn, udf
from emberline.spark.reports import reports

__all__ = [
    "EXTENSION",
    "EmbeddingTransformer",
    "configure",
    "embed",
    "embed_details",
    "fitting_jar",
    "jars",
    "predict_batch_fn",
    "reports",
    "try_embed",
    "udf",
]


def __getattr__(name: str) -> object:
    """EmbeddingTransformer, which needs Spark ML, for those alone who name it."""
    if name == "EmbeddingTransformer":
        from emberline.spark.ml import EmbeddingTransformer

        return EmbeddingTransformer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
