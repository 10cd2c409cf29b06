# SPDX-License-Identifier: Apache-2.0
"""emberline's command line, one process a call. Its own report tells the seconds after the model was loaded."""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow.parquet as pq

BATCHES = (0,)


def load(model, threads):
    def embed(table, batch, wanted):
        with tempfile.TemporaryDirectory() as folder:
            out, report = pathlib.Path(folder, "out.parquet"), pathlib.Path(folder, "report.json")
            command = [sys.executable, "-m", "emberline", "embed", table, "-o", out, "--report", report, "--quiet"]
            subprocess.run([*command, "--model", model, "--dtype", "f32", "--threads", str(threads)], check=True)
            embed.seconds = json.loads(report.read_text())["seconds"]
            if not wanted:
                return None
            vectors = pq.read_table(out)["embedding"].combine_chunks().flatten().to_numpy()
            return vectors.reshape(pq.read_metadata(out).num_rows, -1).astype(np.float32)

    return embed
