# SPDX-License-Identifier: Apache-2.0
"""Embedding as a stage of Spark ML pipelines.

>>> import emberline.spark as em
>>> stage = em.EmbeddingTransformer(inputCol="text", outputCol="features", model="/models/all-MiniLM-L6-v2")
>>> Pipeline(stages=[stage, LogisticRegression()]).fit(df)
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyspark import keyword_only
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCol, HasOutputCol
from pyspark.ml.util import JavaMLReadable, JavaMLWritable
from pyspark.ml.wrapper import JavaTransformer

from emberline.spark.columns import option_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EmbeddingTransformer"]


def toListOfOptions(value: Mapping[str, object] | list[str]) -> list[str]:
    """Options as name=value texts. Spark looks at this name: of lists it converts each element."""
    if not isinstance(value, (list, tuple)):
        value = [f"{name}={option_text(option)}" for name, option in value.items() if option is not None]
    return [TypeConverters.toString(option) for option in value]


def toErrors(value: str) -> str:
    if value not in ("raise", "null"):
        raise ValueError(f'errors must be "raise" or "null", not {value!r}')
    return value


class EmbeddingTransformer(
    JavaTransformer, HasInputCol, HasOutputCol, JavaMLReadable["EmbeddingTransformer"], JavaMLWritable
):
    """Turns a text column into a column of Spark ML vectors (``pyspark.ml.linalg.DenseVector``), null for null.

    ``inputCol`` is string, or binary that holds UTF-8. ``model`` is a path that every executor has, or a URI of shared
    storage; unset, ``spark.emberline.model`` is taken. ``options`` are those of ``emberline.load``.
    ``errors`` says what a text that cannot be embedded does: "raise" fails the job, "null" gives a null vector.

    What is saved are the settings, never the model, in the form that Scala's class of the same name reads and writes.
    """

    __module__ = "emberline.spark"  # Spark takes the Java class of a stage to have the same name

    model: Param[str] = Param(
        Params._dummy(),
        "model",
        "folder of the model, as a path or a URI; unset: spark.emberline.model",
        typeConverter=TypeConverters.toString,
    )
    options: Param[list[str]] = Param(
        Params._dummy(), "options", "options of the engine, each as name=value", typeConverter=toListOfOptions
    )
    errors: Param[str] = Param(
        Params._dummy(),
        "errors",
        "what a text that cannot be embedded does: raise fails the job, null gives a null vector",
        typeConverter=toErrors,
    )

    @keyword_only
    def __init__(
        self,
        *,
        inputCol: str | None = None,
        outputCol: str | None = None,
        model: str | os.PathLike | None = None,
        options: Mapping[str, object] | None = None,
        errors: str = "raise",
    ):
        super().__init__()
        try:
            self._java_obj = self._new_java_obj("emberline.spark.EmbeddingTransformer", self.uid)
        except TypeError as e:  # py4j takes an unknown class for a package
            raise RuntimeError(
                "this Spark session has no emberline jars: make it with"
                " emberline.spark.configure(SparkSession.builder).getOrCreate()"
            ) from e
        self._setDefault(options=[], errors="raise")
        self.setParams(**self._input_kwargs)

    @keyword_only
    def setParams(
        self,
        *,
        inputCol: str | None = None,
        outputCol: str | None = None,
        model: str | os.PathLike | None = None,
        options: Mapping[str, object] | None = None,
        errors: str = "raise",
    ) -> EmbeddingTransformer:
        """Sets what is given; the rest stays."""
        given = dict(self._input_kwargs)
        if given.get("model") is not None:
            given["model"] = os.fspath(given["model"])
        return self._set(**given)

    def setInputCol(self, value: str) -> EmbeddingTransformer:
        return self._set(inputCol=value)

    def setOutputCol(self, value: str) -> EmbeddingTransformer:
        return self._set(outputCol=value)

    def setModel(self, value: str | os.PathLike) -> EmbeddingTransformer:
        return self._set(model=os.fspath(value))

    def setOptions(self, value: Mapping[str, object]) -> EmbeddingTransformer:
        """All options at once."""
        return self._set(options=value)

    def setErrors(self, value: str) -> EmbeddingTransformer:
        """Takes "raise" or "null"."""
        return self._set(errors=value)

    def getModel(self) -> str:
        return self.getOrDefault(self.model)

    def getOptions(self) -> dict[str, str]:
        return dict(option.split("=", 1) for option in self.getOrDefault(self.options))

    def getErrors(self) -> str:
        return self.getOrDefault(self.errors)
