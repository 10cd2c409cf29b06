# SPDX-License-Identifier: Apache-2.0
"""docs/deployment.md's servers on this machine: a standalone master and worker, and a Connect server, each in a process
of its own, used by a driver or client in another one."""

import shutil
import subprocess
import sys

import pytest
from spark_cases import TINY
from spark_servers import free_port, serving, spark_home, standalone_cluster, variables

CLIENT = r"""
import os
import sys

from pyspark.sql import SparkSession, functions as F

import emberline
import emberline.spark as em
from spark_cases import assert_rows

model, packed, url = sys.argv[1:]
if url.startswith("sc://"):
    spark = em.configure(SparkSession.builder.remote(url)).getOrCreate()
    spark.addArtifacts(packed + "#sent-model", archive=True)
else:
    builder = SparkSession.builder.master(url).config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.executor.memory", "512m")
    builder = builder.config("spark.jars", os.environ["JARS"]).config("spark.sql.extensions", em.EXTENSION)
    spark = builder.getOrCreate()
    spark.sparkContext.addArchive(packed + "#sent-model")

texts = ["a text", None, "", *(f"row {i}" for i in range(40))]
expected = emberline.load(model).embed(texts)
frame = spark.createDataFrame(list(enumerate(texts)), "id long, text string").repartition(3)
by_name = F.call_function("embed", F.col("text"), F.lit(model))
for column in (em.embed("text", model), by_name, em.udf(model)("text"), em.udf("sent-model")("text")):
    assert_rows(frame.select("id", column.alias("v")).collect(), texts, expected)
spark.stop()
print("client is well")
"""


def run_client(folder, url):
    packed = shutil.make_archive(str(folder / "packed"), "zip", TINY)
    command = [sys.executable, "-c", CLIENT, TINY, packed, url]
    done = subprocess.run(command, cwd=folder, env=variables(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "client is well" in done.stdout, done.stderr[-6000:]


@pytest.mark.slow
def test_a_standalone_cluster_fails(tmp_path):
    with standalone_cluster(tmp_path, "127.0.0.1") as url:
        run_client(tmp_path, url)


@pytest.mark.slow
@pytest.mark.skipif(
    not list(spark_home().glob("jars/spark-connect_*.jar")),
    reason="this Spark has no Connect server: Maven Central had none for this Scala version",
)
def test_a_connect_server_fails(tmp_path):
    import emberline.spark as em

    port = free_port()
    settings = {"spark.ui.enabled": "false", "spark.sql.extensions": em.EXTENSION, "spark.master": "local[2]"}
    settings |= {"spark.connect.grpc.binding.port": str(port), "spark.connect.grpc.binding.address": "127.0.0.1"}
    command = [str(spark_home() / "bin" / "spark-submit"), "--jars", variables()["JARS"]]
    command += [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    with serving(tmp_path, "connect", command, port):
        run_client(tmp_path, f"sc://127.0.0.1:{port}")
