# SPDX-License-Identifier: Apache-2.0
"""docs/deployment.md's servers on this machine: a standalone master and worker, and a Connect server, each in a process
of its own, used by a driver or client in another one."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spark_cases import TINY, environment, use_built_jars

CLIENT = r"""
import os
import sys

import numpy as np
from pyspark.sql import SparkSession, functions as F

import emberline
import emberline.spark as em

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
    rows = frame.select("id", column.alias("v")).collect()
    assert len(rows) == len(texts)
    for row in rows:
        if texts[row.id] is None:
            assert row.v is None
        else:
            np.testing.assert_array_equal(np.array(row.v, dtype=np.float32), expected[row.id])
spark.stop()
print("client is well")
"""


def spark_home() -> Path:
    import pyspark

    return Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent)


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def variables() -> dict[str, str]:
    use_built_jars()
    import emberline.spark as em

    given = environment() | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return given | {"JARS": ",".join(em.jars()), "SPARK_HOME": str(spark_home())}


@contextlib.contextmanager
def serving(folder, name, command, port):
    """A server that listens on the port, ended with the block."""
    log = folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=variables(), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-6000:]
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_client(folder, url):
    packed = shutil.make_archive(str(folder / "packed"), "zip", TINY)
    command = [sys.executable, "-c", CLIENT, TINY, packed, url]
    done = subprocess.run(command, cwd=folder, env=variables(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "client is well" in done.stdout, done.stderr[-6000:]


@pytest.mark.slow
def test_a_standalone_cluster_fails(tmp_path):
    spark_class, master, worker = spark_home() / "bin" / "spark-class", free_port(), free_port()
    pages = ["--webui-port", "0"]
    of_master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(master), *pages]
    url = f"spark://127.0.0.1:{master}"
    of_worker = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--port", str(worker), *pages]
    of_worker += ["--cores", "2", "--memory", "1g", "--work-dir", str(tmp_path / "work"), url]
    with serving(tmp_path, "master", [str(spark_class), *of_master], master):
        with serving(tmp_path, "worker", [str(spark_class), *of_worker], worker):
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
