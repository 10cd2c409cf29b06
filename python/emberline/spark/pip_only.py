# SPDX-License-Identifier: Apache-2.0
"""The engine in Spark's Python workers, for clusters where no jar may be installed.

What travels to the workers is the model's path and the options, never the model. The functions made here are pickled by
value and import emberline when they run, so that a worker without it says so in one sentence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from emberline import _native
from emberline.errors import InvalidArgument
from emberline.model import check_choice
from emberline.spark.model_argument import is_client_alone, resolved

if TYPE_CHECKING:
    import numpy as np
    from pyspark.sql.types import DataType


def udf(
    model: object = None,
    *,
    errors: Literal["raise", "null"] = "raise",
    details: bool = False,
    tokenizer: object = None,
    **options: object,
) -> Callable:
    """A user-defined function of one text column, giving array<float>: ``df.select(em.udf(model="...")("text"))``.

    Needs the emberline wheel in the Python of every executor, and no jar. Vectors have the same bits as those of
    ``emberline.load(model, **options).embed``. It may be registered for SQL: ``spark.udf.register("embed", em.udf())``.

    ``model`` is a directory that every executor has, one that was sent with ``SparkContext.addArchive``, a hub id in
    the executors' Hugging Face cache, or a model object as in ``embed`` (local mode). ``options`` are those of
    ``emberline.load``; what is left out is taken from the session's ``spark.emberline.<option>`` now. ``threads`` is
    ``spark.task.cpus`` unless set. With ``output`` other than float32 vectors are binary. Packed weights are kept in
    ``cache_dir``, by default a folder of the application on each executor, from which that executor's workers map them.

    Null gives null. A row that cannot be embedded fails the job with a message that names it, or is null with
    ``errors="null"``. ``details=True`` gives struct<embedding, tokens, truncated, error>, and no row fails.

    Raises InvalidArgument (a ValueError) for a missing model, a URI that is no file, an unknown option or a bad value.
    """
    from pyspark.sql import functions

    check_choice("errors", errors, ("raise", "null"))
    call = _described(model, tokenizer, options) | {"errors": errors, "details": bool(details)}
    # Arrow batches as they are from Spark 4.1 on, by way of pandas before.
    make = _over_arrow if hasattr(functions, "arrow_udf") else _over_pandas
    vector = _vector_type(call["options"])
    return make(call, _details_type(vector) if details else vector)


def predict_batch_fn(
    model: object = None,
    *,
    errors: Literal["raise", "null"] = "raise",
    tokenizer: object = None,
    **options: object,
) -> Callable[[], Callable[[np.ndarray], np.ndarray]]:
    """A ``make_predict_fn`` for ``pyspark.ml.functions.predict_batch_udf``.

    >>> predict_batch_udf(em.predict_batch_fn(model="..."), return_type=ArrayType(FloatType()), batch_size=1000)

    The function that it makes takes a numpy array of str or None and gives numpy float32 [len, dim]. A vector of NaN
    stands for null, and with ``errors="null"`` for a row that cannot be embedded: that interface has no nulls. With an
    option ``output`` of integers, which have no NaN, such a row fails the job. All else is as in ``udf``, which is the
    better choice where both will do.
    """
    check_choice("errors", errors, ("raise", "null"))
    return _starter(_described(model, tokenizer, options) | {"errors": errors}, "predict_function")


def _vector_type(options: dict[str, str]) -> DataType:
    from pyspark.sql.types import ArrayType, BinaryType, FloatType

    return ArrayType(FloatType()) if options.get("output", "float32") == "float32" else BinaryType()


def _details_type(vector: DataType) -> DataType:
    from pyspark.sql.types import BooleanType, IntegerType, StringType, StructType

    details = StructType().add("embedding", vector).add("tokens", IntegerType())
    return details.add("truncated", BooleanType()).add("error", StringType())


def _over_arrow(call: dict, return_type: DataType) -> Callable:
    from pyspark.sql.functions import arrow_udf

    start = _starter(call, "arrow_function")

    def embed(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        yield from start()(batches)

    return arrow_udf(embed, return_type)


def _over_pandas(call: dict, return_type: DataType) -> Callable:
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    start = _starter(call, "pandas_function")

    def embed(batches):
        yield from start()(batches)

    result = pd.DataFrame if call["details"] else pd.Series
    embed.__annotations__ = {"batches": Iterator[pd.Series], "return": Iterator[result]}
    return pandas_udf(embed, return_type)


def _starter(call: dict, name: str) -> Callable[[], Callable]:
    """A function that gives python_worker's function of this name for ``call``."""

    def start():
        # Pickled by value: names of this module are not to be had in a worker that lacks it.
        import socket
        import sys

        try:
            from emberline.spark import python_worker
        except ImportError as error:
            raise ImportError(
                f"emberline cannot be imported by {sys.executable} on {socket.gethostname()} ({error}): install the"
                " emberline wheel in the Python that the executors run (PYSPARK_PYTHON), or send that environment with"
                " spark.archives"
            ) from error
        return getattr(python_worker, name)(call)

    return start


def _described(model: object, tokenizer: object, options: dict[str, object]) -> dict:
    """All that a worker must know, as plain data."""
    path, given = resolved(model, tokenizer, options)
    given = {name: _native.option_text(name, value) for name, value in given.items()}
    defaults = _session_defaults()
    usual = defaults.pop("model", None)
    if (path or usual) is None:
        raise InvalidArgument("udf: got no model, expected model=... or the setting spark.emberline.model")
    path = _as_path(path or usual)
    in_force = {**defaults, **given}
    _native.check_options(in_force)  # better here than on an executor
    folder = os.path.abspath(path) if os.path.isdir(path) and not is_client_alone() else None
    return {"model": path, "folder": folder, "options": in_force}


def _as_path(path: str) -> str:
    """The path of a file: URI, or what is no URI at all."""
    if path.startswith("file:"):
        return re.sub("^file:/+", "/", path)
    if scheme := re.match(r"([a-z][a-z0-9+.-]+):/", path):
        raise InvalidArgument(
            f"udf: got the model {path}, expected a directory: a Python worker reads files of its host and no"
            f" {scheme[1]} storage. Mount that storage, send the model with SparkContext.addArchive, or take"
            " emberline.spark.embed, whose jars read it"
        )
    return path


def _session_defaults() -> dict[str, str]:
    """What the session in force, if there is one, has set of spark.emberline.model and of all options."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        return {}
    names = ["model", *(option.name for option in _native.option_table())]
    found = {name: session.conf.get(f"spark.emberline.{name}", None) for name in names}
    return {name: value for name, value in found.items() if value is not None}
