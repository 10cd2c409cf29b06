# SPDX-License-Identifier: Apache-2.0
"""emberline.spark without a cluster: which jars, which settings, and what is said where they are missing."""

import re

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


def test_a_running_spark_without_jars_is_refused(jar_folder, spark, monkeypatch):
    import emberline.spark as em

    monkeypatch.setattr("pyspark.SparkContext._active_spark_context", spark.sparkContext)
    em.configure(Builder())  # the running one has them
    other = jar_folder / "emberline-native-9.9.9.jar"
    other.touch()
    with pytest.raises(RuntimeError, match="already running"):
        em.configure(Builder())
