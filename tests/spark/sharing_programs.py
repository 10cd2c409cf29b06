# SPDX-License-Identifier: Apache-2.0
"""Programs for test_model_sharing.py: each starts a Spark of its own. usage: sharing_programs.py PROGRAM SCRATCH."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from pyspark import InheritableThread
from pyspark.sql import SparkSession
from spark_cases import REAL, ROOT, TINY, Reference, assert_same, use_built_jars

import emberline.spark as em

OTHER = str(ROOT / "tests" / "data" / "tiny-cls")
DRIVERS_OWN = "/proc/self/cwd/model"  # the driver's working folder is not the executors'
CLUSTER = "local-cluster[2,1,1024]"
reference = Reference()


def session(scratch: Path, master: str, **settings) -> SparkSession:
    use_built_jars()
    (scratch / "events").mkdir(exist_ok=True)
    builder = SparkSession.builder.master(master)
    for name, value in {
        "ui.enabled": "false",
        "ui.showConsoleProgress": "false",
        "sql.warehouse.dir": scratch / "warehouse",
        "scheduler.minRegisteredResourcesRatio": "1.0",
        "scheduler.maxRegisteredResourcesWaitingTime": "120s",
        "locality.wait": "0",
        "eventLog.enabled": "true",
        "eventLog.compress": "false",
        "eventLog.rolling.enabled": "false",
        "eventLog.dir": (scratch / "events").as_uri(),
        "emberline.cacheDir": scratch / "cache",
        "driver.extraClassPath": scratch / "classes",
        "executor.extraClassPath": scratch / "classes",
        "hadoop.fs.counted.impl": "CountedFileSystem",
        "hadoop.fs.counted.log": scratch / "opened",
        **{name.replace("_", "."): value for name, value in settings.items()},
    }.items():
        builder = builder.config(f"spark.{name}", str(value))
    spark = em.configure(builder).getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def texts(count: int) -> list[str]:
    return [f"row {i} of the table" for i in range(count)]


def table(spark, count: int, partitions: int):
    frame = spark.createDataFrame(list(enumerate(texts(count))), "id long, text string")
    return frame.repartition(partitions).cache()


def check(rows, model: str, count: int) -> None:
    """Every row once, with the vector that Python gives for it."""
    rows = sorted(rows, key=lambda row: row.id)
    assert [row.id for row in rows] == list(range(count)), f"{len(rows)} rows, expected {count}"
    for row, text in zip(rows, texts(count), strict=True):
        assert_same(row.v, reference(text, model))


def embedded(frame, model: str, **options):
    return frame.select("id", em.embed("text", model, **options).alias("v"))


def loads(scratch: Path) -> dict[str, int]:
    """How many tasks of each executor loaded a model, as the event log has it."""
    counts: dict[str, int] = {}
    for log in (scratch / "events").iterdir():
        for line in log.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["Event"] != "SparkListenerTaskEnd":
                continue
            updates = {
                a.get("Name"): int(a.get("Update", 0)) for a in event["Task Info"]["Accumulables"] if "Name" in a
            }
            if "rows embedded" in updates:
                loaded = updates.get("time loading the model", 0) > 0
                executor = event["Task Info"]["Executor ID"]
                counts[executor] = counts.get(executor, 0) + loaded
    return counts


def copies(scratch: Path) -> list[str]:
    return sorted(os.listdir(scratch / "cache" / "models"))


def opened(scratch: Path) -> list[tuple[int, str]]:
    """Process and file of each reading from counted storage."""
    log = scratch / "opened"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [(int(process), path) for process, path in (line.split(" ", 1) for line in lines)]


def refused(query, *parts: str) -> None:
    try:
        query()
    except Exception as e:  # noqa: BLE001
        missing = [part for part in parts if part not in str(e)]
        assert not missing, (missing, e)
    else:
        raise AssertionError(f"expected a failure that names {parts}")


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def read_once(scratch: Path) -> None:
    """Many tasks, two executors, one host: shared storage is read once, and each executor loads once."""
    spark = session(scratch, CLUSTER)
    frame = table(spark, 300, 12)
    for _ in range(3):
        check(embedded(frame, f"counted://{TINY}").collect(), TINY, 300)
    spark.stop()
    files = [path for _, path in opened(scratch)]
    assert sorted(files) == sorted(set(files)) and f"{TINY}/model.safetensors" in files, files
    assert len(copies(scratch)) == 1, copies(scratch)
    assert loads(scratch) == {"0": 1, "1": 1}, loads(scratch)
    packed = [name for name in os.listdir(scratch / "cache" / "packed") if name.endswith(".packed")]
    assert len(packed) == 1, packed


def sent_once(scratch: Path) -> None:
    """A folder of the driver alone: in pieces, one copy on the host, one load an executor."""
    shutil.copytree(REAL, "model")
    spark = session(scratch, CLUSTER)
    frame = table(spark, 120, 12)
    there = spark.sparkContext.parallelize(range(4), 4).map(lambda _: os.path.exists(DRIVERS_OWN)).collect()
    assert there == [False] * 4, there
    for _ in range(3):
        check(embedded(frame, DRIVERS_OWN).collect(), REAL, 120)
    assert len(copies(scratch)) == 1, copies(scratch)

    refused(
        frame.selectExpr(f"transform(array(text), t -> embed(t, '{DRIVERS_OWN}'))").collect,
        f"there is no {DRIVERS_OWN} on this host",
        socket.gethostname(),
        "row by row",
    )
    spark.conf.set("spark.emberline.sendModel", "false")
    refused(embedded(frame, DRIVERS_OWN, max_tokens=9).collect, f"there is no {DRIVERS_OWN} on this host", "sendModel")
    spark.conf.set("spark.emberline.sendModel", "perhaps")
    refused(embedded(frame, DRIVERS_OWN).collect, "spark.emberline.sendModel", "perhaps", "expected true or false")
    spark.stop()
    assert loads(scratch) == {"0": 1, "1": 1}, loads(scratch)


def versions(scratch: Path) -> None:
    """Jobs keep the version that they began with, also when the folder changes or goes; two run side by side."""
    shutil.copytree(TINY, "model")
    spark = session(scratch, CLUSTER)
    frame = table(spark, 200, 8)
    first = embedded(frame, DRIVERS_OWN).rdd  # the job has begun: its version is what lies there now
    shutil.rmtree("model")
    shutil.copytree(OTHER, "model")
    second = embedded(frame, DRIVERS_OWN).rdd
    shutil.rmtree("model")
    results = {}

    def run(name, rows):
        results[name] = rows.collect()

    threads = [
        InheritableThread(target=run, args=job)
        for job in (("first", first), ("second", second), ("third", embedded(frame, TINY).rdd))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(results["first"], TINY, 200)
    check(results["second"], OTHER, 200)
    check(results["third"], TINY, 200)
    assert len(copies(scratch)) == 2, copies(scratch)
    refused(embedded(frame, DRIVERS_OWN).collect, f"there is no {DRIVERS_OWN}")

    # The same on shared storage; what no host has any more cannot be had.
    stored = scratch / "stored"
    shutil.copytree(TINY, stored)
    uri = f"counted://{stored}"
    old = embedded(frame, uri).rdd
    check(old.collect(), TINY, 200)
    never_run = embedded(frame, uri, max_tokens=64).rdd
    shutil.rmtree(stored)
    shutil.copytree(OTHER, stored)
    check(embedded(frame, uri).collect(), OTHER, 200)
    check(old.collect(), TINY, 200)
    check(never_run.collect(), TINY, 200)
    for copy in (scratch / "cache" / "models").iterdir():
        if copy.name.startswith("stored-"):
            shutil.rmtree(copy)
    lost = embedded(frame, uri, max_tokens=63).rdd
    (stored / "config.json").write_text("{}", encoding="utf-8")
    refused(lost.collect, uri, "run the query again")
    shutil.rmtree(stored)
    refused(embedded(frame, uri).collect, uri, "no such folder, or no weights")
    spark.stop()


def in_folder(scratch: Path) -> None:
    """One process: a folder that changes while its job runs gives the old vectors or a failure, never a mixture."""
    shutil.copytree(TINY, scratch / "model")
    model = str(scratch / "model")
    spark = session(scratch, "local[2]")
    frame = table(spark, 100, 4)
    loaded = embedded(frame, model).rdd
    check(loaded.collect(), TINY, 100)
    late = embedded(frame, model, max_tokens=64, dtype="f32").rdd
    shutil.rmtree(model)
    shutil.copytree(OTHER, model)
    check(loaded.collect(), TINY, 100)
    refused(late.collect, model, "changed or removed", "run the query again")
    check(embedded(frame, model).collect(), OTHER, 100)
    spark.stop()


def evicted(scratch: Path) -> None:
    """The cache's size is kept, and what is in use stays."""
    spark = session(scratch, "local[2]", emberline_cacheSize="1k")
    frame = table(spark, 10, 2)
    check(embedded(frame, f"counted://{TINY}").collect(), TINY, 10)
    check(embedded(frame, f"counted://{OTHER}").collect(), OTHER, 10)
    assert len(copies(scratch)) == 2, "the first is still loaded"
    spark._jvm.io.emberline.Engines.closeIdle()
    check(embedded(frame, f"counted://{TINY}").collect(), TINY, 10)
    assert [name.split("-")[1] for name in copies(scratch)] == ["bert"], copies(scratch)
    spark.stop()


def killed_task(scratch: Path) -> None:
    """A job that is cancelled while it copies leaves nothing in the way of the next."""
    spark = session(scratch, "local[2]", hadoop_fs_counted_delay="300")
    frame = table(spark, 10, 2)
    for interrupt in (True, False):
        uri = f"counted://{TINY}" if interrupt else f"counted://{OTHER}"

        outcome = []

        def run(uri=uri, interrupt=interrupt, outcome=outcome):
            spark.sparkContext.setJobGroup("copying", "to be cancelled", interruptOnCancel=interrupt)
            try:
                outcome.append(embedded(frame, uri).collect())
            except Exception as e:  # noqa: BLE001
                outcome.append(e)

        before = len(opened(scratch))
        job = InheritableThread(target=run)
        job.start()
        wait_for(lambda before=before: len(opened(scratch)) > before)
        spark.sparkContext.cancelJobGroup("copying")
        job.join()
        assert "ancel" in str(outcome[0]), outcome
        check(embedded(frame, uri).collect(), TINY if interrupt else OTHER, 10)
        assert not [name for name in copies(scratch) if ".partial-" in name], copies(scratch)
    spark.stop()


def full_disk(scratch: Path) -> None:
    """scratch/cache is a disk with no room for the model: the failure says which disk, and small models still work."""
    spark = session(scratch, "local[2]")
    frame = table(spark, 10, 2)
    refused(
        embedded(frame, f"counted://{REAL}").collect, REAL, str(scratch / "cache"), "full", "spark.emberline.cacheDir"
    )
    assert copies(scratch) == [], copies(scratch)
    check(embedded(frame, f"counted://{TINY}").collect(), TINY, 10)
    spark.stop()


def executors() -> list[int]:
    """Process ids of the executors below this process."""
    parents, found = {}, []
    for entry in Path("/proc").iterdir():
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if b"CoarseGrainedExecutorBackend" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (ValueError, OSError):
            continue

    def is_below(process: int) -> bool:
        return process == os.getpid() or (process in parents and is_below(parents[process]))

    return [process for process in found if is_below(process)]


def lost_executor(scratch: Path, uri: str, victim, **settings) -> None:
    """victim: gives the process to kill, or None as long as it is too early."""
    spark = session(scratch, CLUSTER, **settings)
    frame = table(spark, 2000, 40)
    frame.count()
    outcome = []
    job = threading.Thread(target=lambda: outcome.append(embedded(frame, uri).collect()))
    job.start()
    wait_for(lambda: victim(spark))
    killed = victim(spark)
    assert killed in executors(), killed
    os.kill(killed, signal.SIGKILL)
    job.join()
    check(outcome[0], REAL, 2000)
    assert len(copies(scratch)) == 1, copies(scratch)
    spark.stop()


def lost_while_embedding(scratch: Path) -> None:
    def one_of_those_at_work(spark):
        tracker = spark.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        return executors()[0] if any(stage and stage.numCompletedTasks > 2 for stage in stages) else None

    shutil.copytree(REAL, "model")
    lost_executor(scratch, DRIVERS_OWN, one_of_those_at_work)


def lost_while_copying(scratch: Path) -> None:
    def the_one_that_copies(_):
        readings = opened(scratch)
        return readings[0][0] if readings else None

    lost_executor(scratch, f"counted://{REAL}", the_one_that_copies, hadoop_fs_counted_delay="700")


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
    print("all is well")
