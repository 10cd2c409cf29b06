# SPDX-License-Identifier: Apache-2.0
"""Emberline's jars in a Spark session: which ones, and the settings that bring them in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import emberline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXTENSION = "emberline.spark.EmberlineExtensions"


def configure(builder: SparkSession.Builder) -> SparkSession.Builder:
    """Adds emberline's jars and SQL functions to sessions that ``builder`` makes; call it before the first of them.

    Settings of the same name that the builder already has are kept. A builder for a remote Connect server is returned
    as it is: there the server's own ``spark.jars`` must have them (``emberline.spark.jars()`` lists the files).
    """
    options = dict(builder._options)
    remote = options.get("spark.remote") or os.environ.get("SPARK_REMOTE", "")
    if remote.startswith("sc://"):
        return builder
    paths = jars()
    _refuse_late(paths)
    return builder.config("spark.jars", _appended(options.get("spark.jars"), paths)).config(
        "spark.sql.extensions", _appended(options.get("spark.sql.extensions"), [EXTENSION])
    )


def jars(spark_version: str | None = None, scala_version: str | None = None) -> list[str]:
    """The two jars for the installed Spark, or for other versions such as "3.5" and "2.13".

    They lie in the package, or in the folder that EMBERLINE_JARS names.
    """
    if spark_version is None:
        import pyspark

        spark_version = pyspark.__version__
        scala_version = scala_version or _scala_of(Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent))
    folder = Path(os.environ.get("EMBERLINE_JARS") or Path(emberline.__file__).parent / "jars")
    native_jars = sorted(folder.glob("emberline-native-*.jar"))
    try:
        chosen = fitting_jar(spark_version, scala_version, [jar.name for jar in folder.glob("emberline-spark-*.jar")])
    except LookupError as e:
        raise RuntimeError(
            f"{e.args[0]} in {folder}. Install a PySpark that has one, or build it (tools/build_jars.sh) and name its"
            " folder in EMBERLINE_JARS."
        ) from None
    if not native_jars:
        raise RuntimeError(f"no emberline-native jar in {folder}, only {chosen}")
    return [str((folder / chosen).resolve()), str(native_jars[-1].resolve())]


def fitting_jar(spark_version: str, scala_version: str | None, names: list[str]) -> str:
    """The one of these jars for a Spark, by default with the Scala of PyPI's; LookupError says which there are."""
    line = ".".join(spark_version.split(".")[:2])
    scala = scala_version or ("2.12" if line.startswith("3.") else "2.13")
    there = {}
    for name in sorted(names):
        if match := re.match(r"emberline-spark-(\d+\.\d+)_(\d+\.\d+)-.*\.jar$", name):
            there[match[1], match[2]] = name
    if (line, scala) not in there:
        known = sorted(there, key=lambda key: [int(part) for text in key for part in text.split(".")])
        listed = ", ".join(f"{line} (Scala {scala})" for line, scala in known)
        raise LookupError(
            f"no emberline jar for Spark {spark_version} (Scala {scala}): "
            + (f"there are jars for Spark {listed}" if listed else "there are none at all")
        )
    return there[line, scala]


def _scala_of(spark_home: Path) -> str | None:
    """The Scala version whose library lies among a Spark's jars, if it has any: a client alone has none."""
    libraries = sorted((spark_home / "jars").glob("scala-library-*.jar"))
    match = re.match(r"scala-library-(\d+\.\d+)", libraries[-1].name) if libraries else None
    return match[1] if match else None


def _appended(existing: str | None, additions: list[str]) -> str:
    parts = [part for part in (existing or "").split(",") if part]
    return ",".join(parts + [addition for addition in additions if addition not in parts])


def _refuse_late(paths: list[str]) -> None:
    """A running SparkContext keeps its jars: a session of it would not know embed, and say so only in a query."""
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return
    present = context.getConf().get("spark.jars", "")
    missing = [path for path in paths if Path(path).name not in present]
    if missing:
        raise RuntimeError(
            "Spark is already running in this process without emberline's jars: stop it (spark.stop()), or call"
            " emberline.spark.configure before the first session is made"
        )
