# SPDX-License-Identifier: Apache-2.0
"""One engine in an interpreter of its own: worker.py PEER MODEL THREADS, then one JSON request a line on standard input.

A request {"texts": parquet, "rows": n, "batch": b, "vectors": npy or null} is answered by {"seconds": s} on the stream
that standard output was when the worker started; what the engine itself prints goes to standard error.
"""

import importlib
import json
import os
import sys
import time

import numpy as np
import pyarrow.parquet as pq


def main():
    name, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer = importlib.import_module(name)
    started = time.perf_counter()
    embed = peer.load(model, threads)
    print(
        json.dumps({"batches": peer.BATCHES, "load_seconds": time.perf_counter() - started}), file=answers, flush=True
    )
    tables = {}
    for line in sys.stdin:
        request = json.loads(line)
        source = request["texts"]
        if source not in tables:
            tables[source] = pq.read_table(source, columns=["text"])["text"].to_pylist()
        texts = tables[source][: request["rows"]]
        started = time.perf_counter()
        vectors = embed(texts, request["batch"])
        seconds = time.perf_counter() - started
        if request["vectors"]:
            np.save(request["vectors"], np.asarray(vectors, np.float32))
        print(json.dumps({"seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main()
