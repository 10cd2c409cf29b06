# SPDX-License-Identifier: Apache-2.0
"""emberline.spark without a cluster: which jars, which settings, and what is said where they are missing."""

import re
from pathlib import Path

import pytest


class Builder:
    """As much of SparkSession.Builder as configure uses."""

    def __init__(self, **options):
        self._options = options

    def config(self, name, value):
        return Builder(**{**self._options, name: value})


@pytest.fixture
def jar_folder(tmp_path, monkeypatch):
    for name in ("emberline-spark-4.2_2.13-0.1.0.jar", "emberline-native-0.1.0.jar"):
        (tmp_path / name).touch()
    monkeypatch.setenv("EMBERLINE_JARS", str(tmp_path))
    monkeypatch.setattr("pyspark.__version__", "4.2.1")
    monkeypatch.setattr("emberline.spark.activation._scala_of", lambda home: "2.13")
    monkeypatch.setattr("pyspark.SparkContext._active_spark_context", None)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    return tmp_path


def test_both_jars_and_the_extension_are_set(jar_folder):
    import emberline.spark as em

    options = em.configure(Builder())._options
    assert (
        options["spark.jars"]
        == f"{jar_folder}/emberline-spark-4.2_2.13-0.1.0.jar,{jar_folder}/emberline-native-0.1.0.jar"
    )
    assert options["spark.sql.extensions"] == em.EXTENSION


def test_existing_settings_are_kept_and_twice_is_once(jar_folder):
    import emberline.spark as em

    builder = Builder(**{"spark.jars": "/mine.jar", "spark.sql.extensions": "my.Extension"})
    options = em.configure(em.configure(builder))._options
    assert options["spark.jars"].split(",")[0] == "/mine.jar" and len(options["spark.jars"].split(",")) == 3
    assert options["spark.sql.extensions"] == f"my.Extension,{em.EXTENSION}"


def test_a_remote_builder_is_left_alone(jar_folder):
    import emberline.spark as em

    assert em.configure(Builder(**{"spark.remote": "sc://host:15002"}))._options == {"spark.remote": "sc://host:15002"}


def test_jars_of_another_line_are_no_jars(jar_folder, monkeypatch):
    import emberline.spark as em

    monkeypatch.setattr("pyspark.__version__", "4.1.4")
    with pytest.raises(RuntimeError, match=re.escape("no emberline jar for Spark 4.1")) as failure:
        em.configure(Builder())
    assert "Spark 4.2" in str(failure.value) and "EMBERLINE_JARS" in str(failure.value)


def test_no_jars_at_all(tmp_path, monkeypatch):
    import emberline.spark as em

    monkeypatch.setenv("EMBERLINE_JARS", str(tmp_path))
    with pytest.raises(RuntimeError, match="none at all"):
        em.jars("4.2.1")


LINES = ["3.5_2.12", "3.5_2.13", "4.0_2.13", "4.2_2.13", "4.10_2.13"]
NAMES = [f"emberline-spark-{line}-0.1.0.jar" for line in LINES] + ["emberline-native-0.1.0.jar"]


@pytest.mark.parametrize(
    ("spark_version", "scala_version", "line"),
    [
        ("3.5.9", "2.12", "3.5_2.12"),
        ("3.5.9", "2.13", "3.5_2.13"),
        ("3.5.9", None, "3.5_2.12"),  # PyPI's
        ("4.0.5", None, "4.0_2.13"),
        ("4.2.1", "2.13", "4.2_2.13"),
        ("4.2.0.dev1", "2.13", "4.2_2.13"),
        ("4.2", None, "4.2_2.13"),
        ("4.10.0", "2.13", "4.10_2.13"),
    ],
)
def test_the_jar_is_of_the_installed_line(spark_version, scala_version, line):
    from emberline.spark import fitting_jar

    assert fitting_jar(spark_version, scala_version, NAMES) == f"emberline-spark-{line}-0.1.0.jar"


@pytest.mark.parametrize(
    ("spark_version", "scala_version"), [("4.1.4", "2.13"), ("4.1.4", None), ("3.4.1", "2.12"), ("4.2.1", "2.12")]
)
def test_a_line_without_a_jar_names_itself_and_the_others(spark_version, scala_version):
    from emberline.spark import fitting_jar

    with pytest.raises(LookupError) as failure:
        fitting_jar(spark_version, scala_version, NAMES)
    message = str(failure.value)
    assert f"no emberline jar for Spark {spark_version} (Scala {scala_version or '2.13'})" in message
    assert "3.5 (Scala 2.12), 3.5 (Scala 2.13), 4.0 (Scala 2.13), 4.2 (Scala 2.13), 4.10 (Scala 2.13)" in message


def test_the_newer_of_two_versions_is_taken():
    from emberline.spark import fitting_jar

    names = ["emberline-spark-4.2_2.13-0.2.0.jar", "emberline-spark-4.2_2.13-0.1.0.jar"]
    assert fitting_jar("4.2.1", "2.13", names) == names[0]


def test_the_scala_version_is_that_of_the_spark_home(tmp_path, monkeypatch):
    import emberline.spark as em

    folder, home = tmp_path / "jars of all lines", tmp_path / "home"
    (home / "jars").mkdir(parents=True)
    folder.mkdir()
    for name in NAMES:
        (folder / name).touch()
    monkeypatch.setenv("EMBERLINE_JARS", str(folder))
    monkeypatch.setenv("SPARK_HOME", str(home))
    monkeypatch.setattr("pyspark.__version__", "3.5.9")
    assert em.jars()[0].endswith("emberline-spark-3.5_2.12-0.1.0.jar"), "a home without jars says nothing"
    (home / "jars" / "scala-library-2.13.8.jar").touch()
    assert em.jars()[0].endswith("emberline-spark-3.5_2.13-0.1.0.jar")
    assert em.jars("3.5", "2.12")[0].endswith("emberline-spark-3.5_2.12-0.1.0.jar")


def test_a_running_spark_without_jars_is_refused(spark, tmp_path, monkeypatch):
    import emberline.spark as em

    monkeypatch.setattr("pyspark.SparkContext._active_spark_context", spark.sparkContext)
    for jar in em.jars():
        (tmp_path / Path(jar).name).touch()
    monkeypatch.setenv("EMBERLINE_JARS", str(tmp_path))
    em.configure(Builder())  # the running one has them
    (tmp_path / "emberline-native-9.9.9.jar").touch()
    with pytest.raises(RuntimeError, match="already running"):
        em.configure(Builder())
