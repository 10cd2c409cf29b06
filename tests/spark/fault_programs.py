# SPDX-License-Identifier: Apache-2.0
"""Programs for test_faults.py: each starts a Spark of its own. usage: fault_programs.py PROGRAM SCRATCH."""

import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pyspark import InheritableThread, TaskContext
from pyspark.sql import functions as F
from sharing_programs import check, embedded, refused, session, table, wait_for
from spark_cases import REAL, TINY
from spark_servers import standalone_cluster

import emberline.spark as em

ROWS = 400


def allocated(scratch: Path) -> dict[int, tuple[int, int]]:
    """Of each JVM that runs: pieces and bytes that the engine allocated and has not given back."""
    counted = [file for file in (scratch / "allocations").iterdir() if Path("/proc", file.name).exists()]
    return {int(file.name): struct.unpack("<qq", file.read_bytes()) for file in counted}


def jvm_allocated(process: int) -> int:
    """Pieces of native memory that Java code holds in a JVM (its "Other" memory): rows and results are among them."""
    jcmd = Path(os.environ["JAVA_HOME"], "bin", "jcmd") if "JAVA_HOME" in os.environ else "jcmd"
    told = subprocess.run(
        [jcmd, str(process), "VM.native_memory", "summary"], capture_output=True, text=True, check=True
    )
    return int(re.search(r"- +Other \(.*\n +\(malloc=\w+ #(\d+)", told.stdout)[1])


def settled(measure: Callable):
    """What a measure gives once it stands still: killed tasks end a little after their job."""
    since, seen = time.monotonic(), measure()
    while time.monotonic() - since < 1:
        time.sleep(0.2)
        if (now := measure()) != seen:
            since, seen = time.monotonic(), now
    return seen


def leaks_nothing(scratch: Path) -> None:
    """After each injected fault the next job is right, and no more native memory is held than before."""
    spark = session(scratch, "local[2]", driver_extraJavaOptions="-XX:NativeMemoryTracking=summary")
    frame = table(spark, ROWS, 4)

    def held() -> tuple[int, int, int]:
        spark._jvm.io.emberline.Engines.closeIdle()
        spark._jvm.System.gc()  # Spark's own buffers wait for it
        ((process, (pieces, size)),) = allocated(scratch).items()
        return pieces, size, jvm_allocated(process)

    def job_is_right(model: str = TINY) -> None:
        check(embedded(frame, model).collect(), model, ROWS)

    def killed(interrupt: bool, seconds: float) -> None:
        texts = F.expr("concat(repeat('some words of a long text ', 40), id)")
        slow = spark.range(0, 10_000_000, 1, 2).select(em.embed(texts, REAL).alias("v"))
        outcome = []

        def run() -> None:
            spark.sparkContext.setJobGroup("fault", "to be killed", interruptOnCancel=interrupt)
            try:
                outcome.append(slow.agg(F.max(F.size("v"))).collect())
            except Exception as e:  # noqa: BLE001
                outcome.append(e)

        def works() -> bool:
            tracker = spark.sparkContext.statusTracker()
            stages = map(tracker.getStageInfo, tracker.getActiveStageIds())
            return any(stage and stage.numActiveTasks for stage in stages)

        job = InheritableThread(target=run)
        job.start()
        wait_for(works)
        time.sleep(seconds)
        spark.sparkContext.cancelJobGroup("fault")
        job.join()
        assert "ancel" in str(outcome[0]), outcome
        wait_for(lambda: not works())

    def spoilt(spoil: Callable[[Path], None], part: str) -> None:
        copy = scratch / "spoilt"
        shutil.copytree(TINY, copy)
        spoil(copy)
        refused(embedded(frame, str(copy)).collect, part)
        shutil.rmtree(copy)

    def halve(copy: Path) -> None:
        weights = copy / "model.safetensors"
        os.truncate(weights, weights.stat().st_size // 2)

    def long_rows() -> None:
        text = F.when(F.col("id") % 3 == 0, F.repeat("text", 400)).otherwise("text")
        rows = frame.select("id", text.alias("t"))
        refused(rows.select(em.embed("t", TINY, long_text="error")).collect, "long_text")
        vectors = [row.v for row in rows.select(em.try_embed("t", TINY, long_text="error").alias("v")).collect()]
        assert vectors.count(None) == (ROWS + 2) // 3

    def limited() -> None:
        assert len(embedded(frame, TINY).limit(3).collect()) == 3

    fails = F.udf(lambda v: 1 // 0, "int")
    faults = {
        "none": lambda: None,
        "killed while embedding": lambda: killed(False, 1.0),
        "interrupted while embedding": lambda: killed(True, 1.0),
        "interrupted while loading": lambda: killed(True, 0.05),
        "a failing function": lambda: refused(embedded(frame, TINY).select(fails("v")).collect, "ZeroDivisionError"),
        "rows left unread": limited,
        "rows that are too long": long_rows,
        "no model": lambda: refused(embedded(frame, str(scratch / "gone")).collect, "gone"),
        "half a file of weights": lambda: spoilt(halve, "model.safetensors"),
        "no tokenizer": lambda: spoilt(lambda copy: (copy / "tokenizer.json").unlink(), "tokenizer"),
        "a wrong option": lambda: refused(embedded(frame, TINY, dims=3000).collect, "dims"),
    }
    job_is_right()
    (before_closing,) = allocated(scratch).values()
    assert before_closing[1] > os.path.getsize(Path(TINY, "model.safetensors")), f"nothing is counted: {before_closing}"
    for name, fault in faults.items():
        counts = []
        for _ in range(3):  # the first time may make what is made once
            fault()
            job_is_right()
            counts.append(settled(held))
        print(f"{name}: {counts}", flush=True)
        assert counts[2][:2] <= counts[1][:2], (name, counts)
        # Spark itself leaves a piece or two a job; one batch of ours has nine.
        assert counts[2][2] <= counts[0][2] + 8, (name, counts)
    spark.stop()


def speculated(scratch: Path) -> None:
    """A slow task is started a second time: the attempt that lags is killed in flight, and each row comes once."""
    with standalone_cluster(scratch, "127.0.0.1", "127.0.0.2", cores=1) as url:  # not twice on one host
        speculate(scratch, url)


def speculate(scratch: Path, url: str) -> None:
    spark = session(
        scratch,
        url,
        driver_host="127.0.0.1",
        executor_memory="512m",
        speculation="true",
        speculation_interval="100ms",
        speculation_multiplier="1.5",
        speculation_quantile="0.5",
        speculation_minTaskRuntime="100ms",
    )
    attempts = scratch / "attempts"
    attempts.mkdir()

    def slow_first_attempt(batches):
        context = TaskContext.get()
        (attempts / f"{context.partitionId()}-{context.attemptNumber()}").touch()
        for number, batch in enumerate(batches):
            yield batch
            if number == 1 and context.partitionId() == 0 and context.attemptNumber() == 0:
                time.sleep(600)

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "20")
    frame = table(spark, 4 * ROWS, 8)
    assert frame.count() == 4 * ROWS
    held = []
    for _ in range(3):
        vectors = embedded(frame, REAL)  # a thread of Spark's reads them while the task's own ends
        check(vectors.mapInPandas(slow_first_attempt, vectors.schema).collect(), REAL, 4 * ROWS)
        for attempt in ("0-0", "0-1"):
            (attempts / attempt).unlink()
        held.append(settled(lambda: allocated(scratch)))
    print(f"speculated: {held}", flush=True)
    engines = [process for process, (pieces, _) in held[0].items() if pieces > 0]
    assert len(engines) >= 2, held  # the executors
    assert all(held[2][process] <= held[1][process] for process in engines), held
    spark.stop()


if __name__ == "__main__":
    os.environ["LD_PRELOAD"] = os.environ["COUNT_ALLOCATIONS"]  # of the JVMs to come, not of this process
    os.environ["EMBERLINE_ALLOCATIONS"] = str(Path(sys.argv[2], "allocations"))
    os.mkdir(os.environ["EMBERLINE_ALLOCATIONS"])
    globals()[sys.argv[1]](Path(sys.argv[2]))
    print("all is well")
