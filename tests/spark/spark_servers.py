# SPDX-License-Identifier: Apache-2.0
"""Spark's servers in processes of their own, on this machine's loopback."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from spark_cases import environment, use_built_jars


def spark_home() -> Path:
    import pyspark

    return Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent)


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as chosen:
        chosen.bind((host, 0))
        return chosen.getsockname()[1]


def variables() -> dict[str, str]:
    use_built_jars()
    import emberline.spark as em

    given = environment() | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return given | {"JARS": ",".join(em.jars()), "SPARK_HOME": str(spark_home())}


@contextlib.contextmanager
def serving(folder: Path, name: str, command: list[str], port: int, host: str = "127.0.0.1"):
    """A server that listens on the port, ended with the block."""
    log = folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=variables(), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-6000:]
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
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


@contextlib.contextmanager
def standalone_cluster(folder: Path, *hosts: str, cores: int = 2):
    """A master and a worker for each host (addresses of the loopback), as the master's URL."""
    spark_class, port = str(spark_home() / "bin" / "spark-class"), free_port()
    pages = ["--webui-port", "0"]
    url = f"spark://127.0.0.1:{port}"
    master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), *pages]
    with contextlib.ExitStack() as servers:
        servers.enter_context(serving(folder, "master", [spark_class, *master], port))
        for host in hosts:
            port = free_port(host)
            worker = ["org.apache.spark.deploy.worker.Worker", "--host", host, "--port", str(port), *pages]
            worker += ["--cores", str(cores), "--memory", "1g", "--work-dir", str(folder / f"work-{host}"), url]
            servers.enter_context(serving(folder, f"worker-{host}", [spark_class, *worker], port, host))
        yield url
