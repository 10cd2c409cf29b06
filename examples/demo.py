#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A table of text becomes a table of vectors on Spark, and questions find their nearest rows in it.

usage: demo.py [--model DIR] [--table FILE] [--out DIR]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

import emberline.spark as em

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUESTIONS = ["a game with penguins", "watch the stars and planets at night", "what will the weather be tomorrow?"]
ROWS_PER_TASK = 1000  # so that there is progress to show


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "build/corpus/natural.parquet")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/demo/vectors.parquet")
    args = parser.parse_args()

    print("emberline: a table of text becomes a table of vectors, on Spark\n")
    if not args.table.exists():
        step("collecting text", "the descriptions of all Debian packages, one paragraph a row")
        subprocess.run(
            [sys.executable, ROOT / "tools/make_table.py", args.table.parent, "--only", "natural"], check=True
        )
    source = pq.ParquetFile(args.table)
    rows = source.metadata.num_rows
    step("table", f"{shown(args.table)}, {rows:,} rows of id, name, text; the first:")
    show_row(next(source.iter_batches(1)).to_pylist()[0])
    config = json.loads((args.model / "config.json").read_text())
    step(
        "model", f"{shown(args.model)}: {config['num_hidden_layers']} layers, {config['hidden_size']} numbers a vector"
    )

    spark = start_spark(args.model)
    tasks = -(-rows // ROWS_PER_TASK)
    spark.read.parquet(str(args.table)).repartition(tasks).createOrReplaceTempView("docs")
    query = "SELECT id, name, text, e.embedding, e.tokens FROM (SELECT *, embed_details(text) AS e FROM docs)"
    step(
        "Spark", f"{spark.version} on {spark.sparkContext.defaultParallelism} cores, no Python in the way of the rows:"
    )
    print(f"           {query}\n", flush=True)

    started = time.perf_counter()
    with Progress(spark, rows, tasks):
        spark.sql(query).write.mode("overwrite").parquet(str(args.out))
    seconds = time.perf_counter() - started
    questions = embed_questions(spark)
    spark.stop()

    table = pq.read_table(args.out)
    tokens = sum(table["tokens"].to_pylist())
    size = sum(file.stat().st_size for file in args.out.glob("*.parquet"))
    step("written", f"{shown(args.out)}, {table.num_rows:,} rows, {size / 1e6:.0f} MB")
    step("speed", f"{table.num_rows / seconds:,.0f} rows/s, {tokens / seconds:,.0f} tokens/s")
    print(f"           ({tokens:,} tokens in {seconds:.1f} s from reading to writing, loading the model included)\n")
    show_nearest(table, questions)


def start_spark(model):
    builder = em.configure(SparkSession.builder.master("local[*]").appName("emberline demo"))
    builder = builder.config("spark.emberline.model", str(model.resolve()))  # so queries need not name it
    builder = builder.config("spark.ui.showConsoleProgress", "false").config("spark.log.level", "ERROR")
    return builder.config("spark.ui.enabled", "false").getOrCreate()


def embed_questions(spark):
    """[3, hidden] vectors of the questions, by the same engine."""
    asked = spark.createDataFrame(list(enumerate(QUESTIONS)), "id int, text string")
    found = asked.withColumn("embedding", em.embed("text")).orderBy("id").collect()
    return np.array([row.embedding for row in found], np.float32)


def show_nearest(table, questions, count=5):
    vectors = np.stack(table["embedding"].combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1))
    names, texts = table["name"].to_pylist(), table["text"].to_pylist()
    print(f"The {count} rows nearest to each of three questions, by cosine:")
    for question, scores in zip(QUESTIONS, questions @ vectors.T, strict=True):
        print(f"\n  {question}")
        for place in np.argsort(-scores, kind="stable")[:count]:
            show_row({"name": names[place], "text": texts[place]}, f"{scores[place]:.2f}")


class Progress:
    """Says how many rows are done, as tasks end: in place on a terminal, a line a second or so elsewhere."""

    def __init__(self, spark, rows, tasks):
        self.tracker, self.rows, self.tasks = spark.sparkContext.statusTracker(), rows, tasks
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.started = time.perf_counter()
        self.thread.start()

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def _watch(self):
        seen, live = 0, sys.stdout.isatty()
        while not self.done.wait(0.2 if live else 2):
            stages = [self.tracker.getStageInfo(stage) for stage in self.tracker.getActiveStageIds()]
            finished = max((s.numCompletedTasks for s in stages if s and s.numTasks == self.tasks), default=0)
            if finished > seen:
                seen = finished
                rows, seconds = finished * self.rows // self.tasks, time.perf_counter() - self.started
                text = f"           {rows:>7,} of {self.rows:,} rows, {rows / seconds:,.0f} rows/s"
                print(text, end="\r" if live else "\n", flush=True)
        if live:
            print(" " * 60, end="\r")


def step(name, text):
    print(f"{name + ':':<10} {text}", flush=True)


def show_row(row, score=""):
    width = max(60, min(os.get_terminal_size().columns if sys.stdout.isatty() else 120, 160))
    start = f"    {score:<5} {row['name'][:26]:<27} "
    print(start + textwrap.shorten(row["text"], width - len(start), placeholder=" ..."))


def shown(path):
    """A path as short as it can be said from here."""
    try:
        return path.absolute().relative_to(pathlib.Path.cwd())
    except ValueError:
        return path


if __name__ == "__main__":
    main()
