# SPDX-License-Identifier: Apache-2.0
"""One engine in an interpreter of its own: worker.py FOLDER/PEER MODEL THREADS, then one JSON request a line.

A peer module has BATCHES, the batch sizes to try, and load(model, threads), which returns embed(rows, batch). A request
{"table": parquet, "rows": n, "batch": b, "vectors": npy or null} is answered by {"seconds": s, "cpu_seconds": c} on the
stream that standard output was when the worker started; what the engine itself prints goes to standard error. Peers in
peers/ get a list of texts, or what their prepare(texts) makes of it off the clock, and return an array; those in
spark_peers/ get a table's path; these and those in tokenizer_peers/ return an array only where `wanted` is true. A
request with "first": true is answered by the seconds of embed's own first(rows, batch), null where it has none.
"""

import importlib
import json
import os
import pathlib
import sys
import time

import numpy as np
import pyarrow.parquet as pq


def rows_of(table, rows, peer, reads_files):
    """What the peer is handed: texts, what it makes of them, or a table that has these rows and no others."""
    if not reads_files:
        texts = pq.read_table(table, columns=["text"])["text"].to_pylist()[:rows]
        return peer.prepare(texts) if hasattr(peer, "prepare") else texts
    if pathlib.Path(table).is_dir():
        return pathlib.Path(table)
    part = pathlib.Path(table).parent.parent / f"bench/{pathlib.Path(table).stem}-{rows}.parquet"
    if not part.exists():
        pq.write_table(pq.read_table(table).slice(0, rows), part)
    return part


def main():
    module, model, threads = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, str(pathlib.Path(__file__).parent / module.parent))
    peer = importlib.import_module(module.name)
    embed = peer.load(model, threads)
    print(json.dumps({"batches": peer.BATCHES}), file=answers, flush=True)
    reads_files = module.parent.name == "spark_peers"
    cached = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = request["table"], request["rows"]
        if key not in cached:
            cached[key] = rows_of(*key, peer, reads_files)
        if request.get("first"):
            first = getattr(embed, "first", lambda *_: None)
            print(json.dumps({"seconds": first(cached[key], request["batch"])}), file=answers, flush=True)
            continue
        wanted = {} if module.parent.name == "peers" else {"wanted": bool(request["vectors"])}
        started, cpu_started = time.perf_counter(), time.process_time()
        vectors = embed(cached[key], request["batch"], **wanted)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        # An engine may know better what belongs to a warm run.
        seconds = getattr(embed, "seconds", None) or seconds
        if request["vectors"]:
            array = np.asarray(vectors)
            np.save(request["vectors"], array if array.dtype.kind == "i" else array.astype(np.float32))
        print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main()
