# SPDX-License-Identifier: Apache-2.0
"""Models are read or sent once, loaded once, and kept within a size; what goes wrong leaves no wrong or missing row."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spark_cases import environment

HERE = Path(__file__).parent
TMPFS_BYTES = 8 << 20  # more than a tiny model takes, less than the real one


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """The folder of CountedFileSystem.class."""
    import pyspark

    home = Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent)
    java_home = os.environ.get("JAVA_HOME")
    javac = shutil.which("javac", path=f"{java_home}/bin" if java_home else None) or "javac"
    folder = tmp_path_factory.mktemp("classes")
    source = HERE / "java" / "CountedFileSystem.java"
    subprocess.run([javac, "-nowarn", "-cp", f"{home}/jars/*", "-d", folder, source], check=True)
    return folder


def run(program: str, scratch: Path, classes: Path) -> None:
    shutil.copytree(classes, scratch / "classes")
    work = scratch / "work"  # of the driver
    work.mkdir()
    done = subprocess.run(
        [sys.executable, str(HERE / "sharing_programs.py"), program, str(scratch)],
        cwd=work,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0 and "all is well" in done.stdout, done.stderr[-6000:]


@pytest.mark.parametrize("program", ["in_folder", "evicted", "killed_task"])
def test_in_one_process(program, tmp_path, classes):
    run(program, tmp_path, classes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "program", ["read_once", "sent_once", "versions", "lost_while_embedding", "lost_while_copying"]
)
def test_on_a_cluster(program, tmp_path, classes):
    run(program, tmp_path, classes)


def test_a_full_disk(tmp_path, classes):
    disk = tmp_path / "cache"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "emberline", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        run("full_disk", tmp_path, classes)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_wrong_cache_size_is_told_before_any_task(spark, docs):
    """The setting is the application's: a session that asks for its default sees the sentence."""
    jvm = spark._jvm
    conf = jvm.org.apache.spark.SparkConf(False).set("spark.emberline.cacheSize", "many")
    site = getattr(getattr(jvm.org.apache.spark.sql.emberline, "EmbedSite$"), "MODULE$")
    with pytest.raises(Exception, match="spark.emberline.cacheSize: got 'many', expected a size such as 20g"):
        site.cacheSize(conf)
