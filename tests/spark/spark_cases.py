# SPDX-License-Identifier: Apache-2.0
"""What the tests on Spark share: models, rows, a session's settings, and Python's word on every row."""

import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TINY = str(ROOT / "tests" / "data" / "tiny-bert")
HOURLY_COST = 0.34
REAL = str(ROOT / "build" / "models" / "all-MiniLM-L6-v2")


def use_built_jars() -> None:
    """An installed wheel brings its jars; from a source tree, those of build/jars are taken."""
    import emberline

    installed = Path(emberline.__file__).parent / "jars"
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
        # C1 alone: each query runs once, so that to optimise it takes longer than it saves.
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -Dderby.system.home={scratch / 'derby'}",
        "spark.driver.memory": "2g",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.emberline.cacheDir": str(scratch / "models"),
        "spark.emberline.hourlyCost": str(HOURLY_COST),
        # Shared storage for models: any scheme that is not a local path would do, and this one every Hadoop has.
        "spark.hadoop.fs.viewfs.mounttable.test.link./models": f"file://{ROOT / 'tests' / 'data'}",
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    made = SparkSession.builder.master("local[2]").appName("emberline tests")
    for name, value in settings.items():
        made = made.config(name, value)
    return made


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


def assert_same(actual, expected) -> None:
    """A vector of Spark (a list, or None) against one of Python, bit for bit."""
    if expected is None:
        assert actual is None
    else:
        assert actual is not None
        np.testing.assert_array_equal(np.asarray(actual, dtype=np.float32), expected)


def assert_rows(rows, texts, expected) -> None:
    """Rows of `id` and `v`: one for each text, with its vector of `expected`, bit for bit, or null for a null."""
    assert sorted(row.id for row in rows) == list(range(len(texts))), f"{len(rows)} rows, expected {len(texts)}"
    for row in rows:
        assert_same(row.v, None if texts[row.id] is None else expected[row.id])


def environment() -> dict[str, str]:
    """For a child process that starts a Spark of its own with the modules of this one."""
    here = str(Path(__file__).parent)
    inherited = [path for path in sys.path if path and path != here]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK_GATEWAY")}
    return {**environment, "PYTHONPATH": os.pathsep.join([here, *inherited])}
