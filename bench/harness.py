# SPDX-License-Identifier: Apache-2.0
"""What the benches share: engines in processes of their own that take turns, and facts about machine and commit."""

import contextlib
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def running(peers, names, model, threads, settings=None):
    """{name: Worker}; they end with the block, also when this process is told to stop. settings: of the environment."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        workers = {}
        for name in names:
            say(f"starting {name}")
            workers[name] = Worker(*peers[name], model, threads, settings)
            stack.callback(workers[name].close)
        yield workers


class Worker:
    """An engine in a process group of its own, stopped whenever it is not asked for something."""

    clock = "wall"  # or "cpu": seconds of all threads over their number, for a machine that others use, too

    def __init__(self, module, environment, model, threads, settings=None):
        self.threads = threads
        command = [ROOT / environment / "bin/python", ROOT / "bench/worker.py", module, model, str(threads)]
        variables = os.environ | {"RAYON_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "true"}
        variables["PYSPARK_PYTHON"] = str(ROOT / environment / "bin/python")
        variables |= settings or {}
        self.errors = (ROOT / f"build/bench/{pathlib.Path(module).name}.log").open("w+")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=variables,
            start_new_session=True,
        )
        self.batches = self._answer()["batches"]
        self._signal(signal.SIGSTOP)

    def _signal(self, which):
        os.killpg(self.process.pid, which)

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(self.errors.read()[-3000:])
        return json.loads(line)

    def embed(self, table, rows, batch, vectors=None):
        """Seconds for the first rows of a table; writes their vectors where asked to."""
        answer = self._ask(table=str(table), rows=rows, batch=batch, vectors=vectors and str(vectors))
        return answer["seconds"] if self.clock == "wall" else answer["cpu_seconds"] / self.threads

    def first(self, table, rows, batch):
        """Seconds until the first of these rows is there, None from an engine that gives all at once."""
        return self._ask(table=str(table), rows=rows, batch=batch, vectors=None, first=True)["seconds"]

    def _ask(self, **request):
        self._signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        self._signal(signal.SIGSTOP)
        return answer

    def close(self):
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.errors.close()


def measure(workers, table, rows, rounds):
    """{engine: (best seconds, batch size)}, the engines taking turns in every round."""
    best = {}
    for index in range(rounds):
        for name, worker in workers.items():
            # After two rounds it is clear which batch size suits an engine.
            for batch in worker.batches if index < 2 else (best[name][1],):
                seconds = worker.embed(table, rows, batch)
                say(f"  round {index + 1}, {table.stem}, {name}, batch {batch or 'own'}: {rows / seconds:.1f} rows/s")
                if name not in best or seconds < best[name][0]:
                    best[name] = (seconds, batch)
    return best


def with_graph(model):
    """A folder with the model's files and its ONNX graph, made where it is not there yet."""
    shared = ROOT / "build/bench" / model.name
    if not (shared / "model.onnx").exists():
        python = ROOT / ".venv-reference/bin/python"
        subprocess.run([python, ROOT / "bench/make_onnx.py", model, shared], check=True)
    return shared


def say(text):
    print(text, file=sys.stderr, flush=True)


def processor():
    """The processor's name, and what tells two processors of one name apart."""
    first = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    facts = {name.strip(): value.strip() for name, value in (line.split(":", 1) for line in first.splitlines())}
    widest = next((flag for flag in ("amx_tile", "avx512f", "avx2") if flag in facts.get("flags", "")), "")
    return f"{facts.get('model name', platform.machine())} (model {facts.get('model', '?')}, {widest})"


def commit():
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip() or "unknown"


def write_between_marks(path, name, lines):
    """Replaces what stands between <!-- name --> and <!-- end name --> in a file."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
    head, found, rest = path.read_text().partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path} has no marks {begin.strip()} and {end}")
    path.write_text(f"{head}{begin}{lines}\n{end}{tail}")
