#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Text to token ids on one core: emberline against Hugging Face tokenizers, taking turns in one run.

Two results are timed. "ids" leaves them where the library puts them: emb_tokenize's arrays, tokenizers' Encodings.
"lists" hands them to Python as a list of ints a row. tokenizers goes row by row and in batches, the best counting.
All ids of all rows are compared before the clock starts. A folder that has a tokenizer.json alone, as those of
tools/train_tokenizers.py, gets the weights of a tiny network that nothing runs.
"""

import argparse
import datetime
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import ROOT, Worker, commit, measure, processor, running, say, write_between_marks

sys.path.insert(0, str(ROOT / "tools"))
from compare_ids import read_lines
from make_lines import is_made_up
from make_random_model import draw, shapes_of

OURS, REFERENCE = "emberline", "tokenizers"
PEERS = {  # engine, result -> (module, virtual environment)
    f"{OURS}, ids": ("tokenizer_peers/emberline_ids", ".venv"),
    f"{REFERENCE}, ids": ("tokenizer_peers/tokenizers_ids", ".venv-reference"),
    f"{OURS}, lists": ("tokenizer_peers/emberline_lists", ".venv"),
    f"{REFERENCE}, lists": ("tokenizer_peers/tokenizers_lists", ".venv-reference"),
}
WORKLOADS = {"natural": "English paragraphs", "mixed": "messages in a hundred languages"}


TINY = {
    "model_type": "bert",
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}


def runnable(model):
    """The folder itself, or where it holds a tokenizer alone, one that has a network as well."""
    if (model / "config.json").exists():
        return model
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer

    folder = ROOT / "build/bench" / model.name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(model / "tokenizer.json", folder)
    config = {**TINY, "vocab_size": Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab_size()}
    files = {
        "config.json": config,
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512},
        "sentence_bert_config.json": {"max_seq_length": 512},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    save_file(draw(shapes_of(config)), folder / "model.safetensors")
    return folder


def prepare(corpus, count):
    """{workload: its table}, made where it is not there yet."""
    english, mixed = corpus / "natural.parquet", ROOT / f"build/bench/mixed-{count}.parquet"
    if not english.exists():
        subprocess.run([sys.executable, ROOT / "tools/make_table.py", corpus, "--only", "natural"], check=True)
    if not mixed.exists():
        lines = corpus / f"lines-{count}.bin"
        if not lines.exists():
            subprocess.run([sys.executable, ROOT / "tools/make_lines.py", lines, str(count)], check=True)
        real = [line.decode() for index, line in enumerate(read_lines(lines)) if not is_made_up(index)]
        mixed.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": real}), mixed)
    return {"natural": english, "mixed": mixed}


def check_ids(workers, table, rows):
    """Tokens of each row; fails where an engine's ids of any row are not the first one's."""
    expected = None
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "ids.npy")
        for name, worker in workers.items():
            for batch in worker.batches:
                worker.embed(table, rows, batch, file)
                found = np.load(file)
                expected = found if expected is None else expected
                if not np.array_equal(found, expected):
                    raise SystemExit(f"{table.stem}: ids of {name}, batch {batch or 'own'}, are others")
    return expected[:rows]


def report(args, best, sizes):
    """The lines of the tables, in Markdown. sizes: {workload: (bytes, tokens of each row)}."""
    how = f"{args.model.name}, one thread each, best of {args.rounds}, {args.clock} clock"
    yield f"{datetime.date.today()}, commit {commit()}, {how}  "
    yield f"Processor: {processor()}"
    for workload, (num_bytes, tokens) in sizes.items():
        rows = len(tokens)
        yield ""
        what = f"{WORKLOADS[workload]}, {num_bytes / rows:.0f} bytes and {tokens.mean():.1f} tokens a row"
        yield f"{workload}: {rows} rows, {what}, longest {tokens.max()}; all ids identical"
        yield ""
        yield f"| engine | result | batch | MB/s | lines/s | {OURS} is faster by |"
        yield "|---|---|---|---|---|---|"
        for name, (seconds, batch) in best[workload].items():
            engine, _, result = name.partition(", ")
            base = best[workload].get(f"{OURS}, {result}")
            ratio = f"{seconds / base[0]:.1f}" if base else "-"
            speed = f"{num_bytes / 1e6 / seconds:.1f} | {rows / seconds:,.0f}"
            yield f"| {engine} | {result} | {batch or 'own'} | {speed} | {ratio} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--lines", type=int, default=100_000, help="of tools/make_lines.py; its real ones are timed")
    parser.add_argument("--rows", type=float, default=1.0, help="factor on the number of rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu: for a look on a busy machine")
    parser.add_argument("--markdown", type=pathlib.Path, help="put the tables between the marks of this file, too")
    parser.add_argument("--marks", default="bench/tokenizer.py", help="what the marks are called")
    args = parser.parse_args()
    Worker.clock = args.clock

    best, sizes = {}, {}
    tables = prepare(args.corpus, args.lines)
    with running(PEERS, PEERS, runnable(args.model), 1) as workers:
        for workload, table in tables.items():
            texts = pq.read_table(table, columns=["text"])["text"]
            texts = texts.slice(0, max(1, round(len(texts) * args.rows))).to_pylist()
            say(f"comparing ids of {workload}")
            sizes[workload] = sum(len(text.encode()) for text in texts), check_ids(workers, table, len(texts))
            best[workload] = measure(workers, table, len(texts), args.rounds)
    lines = "\n".join(report(args, best, sizes))
    print(lines)
    if args.markdown:
        write_between_marks(args.markdown, args.marks, lines)


if __name__ == "__main__":
    main()
