# SPDX-License-Identifier: Apache-2.0
"""Executors in processes of their own: jars, native library and errors must reach them."""

import subprocess
import sys

import pytest
from spark_cases import TINY, environment

PROGRAM = r"""
import os
import socket
import sys

from pyspark.sql import SparkSession

import emberline
import emberline.spark as em
from spark_cases import assert_rows, use_built_jars

use_built_jars()
model, scratch = sys.argv[1:]
builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
builder = builder.config("spark.emberline.cacheDir", f"{scratch}/cache")
builder = builder.config("spark.hadoop.fs.viewfs.mounttable.test.link./models", f"file://{os.path.dirname(model)}")
spark = em.configure(builder).getOrCreate()
spark.sparkContext.setLogLevel("OFF")

texts = [f"row {i}" for i in range(100)]
expected = emberline.load(model).embed(texts)
frame = spark.createDataFrame(list(enumerate(texts)), "id long, text string").repartition(6)
assert_rows(frame.select("id", em.embed("text", model).alias("v")).collect(), texts, expected)

# The driver's working folder is not the executors'.
os.chdir(os.path.dirname(model))
assert frame.select(em.embed("text", os.path.basename(model))).count() == 100

# Shared storage is copied once for both executors of the host.
for _ in range(2):
    remote = em.embed("text", f"viewfs://test/models/{os.path.basename(model)}")
    assert_rows(frame.select("id", remote.alias("v")).collect(), texts, expected)
copies = os.listdir(f"{scratch}/cache/models")
assert len(copies) == 1, copies

query = frame.select(em.embed("text", f"{scratch}/gone"))
try:
    query.collect()
except Exception as e:
    assert f"{scratch}/gone" in str(e) and socket.gethostname() in str(e), e
else:
    raise AssertionError("a missing model did not fail the job")
spark.stop()
print("cluster is well")
"""


@pytest.mark.slow
def test_local_cluster(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, TINY, str(tmp_path)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and "cluster is well" in done.stdout, done.stderr[-6000:]
