# SPDX-License-Identifier: Apache-2.0
"""One Spark session for all tests, and the Python engine as the reference: the same model must give the same bits."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "data" / "tiny-bert")
REAL = str(ROOT / "build" / "models" / "all-MiniLM-L6-v2")


def use_built_jars() -> None:
    """An installed wheel brings its jars; from a source tree, those of build/jars are taken."""
    import emberline.spark

    installed = Path(emberline.spark.__file__).parent / "jars"
    if not list(installed.glob("*.jar")):
        os.environ.setdefault("EMBERLINE_JARS", str(ROOT / "build" / "jars"))


def builder(scratch: Path):
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.default.parallelism": "2",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={scratch / 'derby'}",
        "spark.driver.memory": "2g",
        "spark.sql.catalogImplementation": "in-memory",
    }
    made = SparkSession.builder.master("local[2]").appName("emberline tests")
    for name, value in settings.items():
        made = made.config(name, value)
    return made


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    import emberline.spark as em

    use_built_jars()
    session = em.configure(builder(tmp_path_factory.mktemp("spark"))).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


TEXTS = [
    "a text",
    "The quick brown fox jumps over the lazy dog.",
    "",
    None,
    "Größe, naïve café, 東京タワー, मुंबई",
    "emoji 🚀🔥 and a tab\there",
    "a text",
    " leading and trailing ",
    "word " * 90,
    None,
    *[f"row number {i} of the table, group {i % 4}" for i in range(70)],
]


@pytest.fixture(scope="session")
def docs(spark):
    """id, text (with nulls, an empty text and a repeated one), kind; in several partitions, one of them empty."""
    rows = [(i, text, f"kind {i % 3}") for i, text in enumerate(TEXTS)]
    frame = spark.createDataFrame(rows, "id long, text string, kind string").repartition(3)
    folder = tempfile.mkdtemp(prefix="emberline-docs-")
    frame.write.mode("overwrite").parquet(f"{folder}/docs")
    stored = spark.read.parquet(f"{folder}/docs")
    stored.createOrReplaceTempView("docs")
    stored.limit(0).createOrReplaceTempView("nothing")
    return stored


class Reference:
    """What the Python package gives for a text."""

    def __init__(self):
        self._models = {}

    def model(self, path: str = TINY, **options):
        import emberline

        key = (path, tuple(sorted(options.items())))
        if key not in self._models:
            self._models[key] = emberline.load(path, **options)
        return self._models[key]

    def __call__(self, text: str | None, path: str = TINY, **options) -> np.ndarray | None:
        return None if text is None else self.model(path, **options).embed([text])[0]


@pytest.fixture(scope="session")
def reference():
    return Reference()


def assert_same(actual, expected) -> None:
    """A vector of Spark (a list, or None) against one of Python, bit for bit."""
    if expected is None:
        assert actual is None
    else:
        assert actual is not None
        np.testing.assert_array_equal(np.asarray(actual, dtype=np.float32), expected)


@pytest.fixture(params=["adaptive", "static"])
def adaptive(request, spark):
    """Runs a test with adaptive execution on and off: the physical rule enters by another door each time."""
    before = spark.conf.get("spark.sql.adaptive.enabled")
    spark.conf.set("spark.sql.adaptive.enabled", str(request.param == "adaptive").lower())
    yield request.param
    spark.conf.set("spark.sql.adaptive.enabled", before)
