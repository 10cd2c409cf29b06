#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare our token ids with Hugging Face's, line by line, and show the first lines that differ.

usage: compare_ids.py [MODEL_DIR [LINES]] [--lines N] [--max-tokens N ...] [--lower-case-first] [--transformers]
                      [--dump PROGRAM]

A MODEL_DIR without files of a tokenizer stands for all folders in it that have some (tools/train_tokenizers.py and
tools/train_sentencepiece.py make such).
Without MODEL_DIR: the four models of tools/get_models.py in build/models. Without LINES: the N lines (10000) that
tools/make_lines.py writes, kept in build/corpus.
The reference is `tokenizers` on the directory's tokenizer.json; where there is none, or with --transformers, it is
AutoTokenizer (run this with a Python that has transformers), or, for a folder that has a SentencePiece file alone,
sentencepiece. Invalid UTF-8 goes to us as it is, to the reference as errors="replace" decodes it.
--lower-case-first: as sentence-transformers does for do_lower_case.
PROGRAM is tests/text/ids_dump as CMake builds it. Exit status 1 if any line differs.
"""

import argparse
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("all-MiniLM-L6-v2", "bge-small-en-v1.5", "e5-small-v2", "bge-small-zh-v1.5")


def read_lines(path: Path) -> list[bytes]:
    """Lines as make_lines.py writes them: int32 length, bytes."""
    data = path.read_bytes()
    lines, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<i", data, at)
        lines.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return lines


def our_ids(program: str, model: str, lines: list[bytes], max_tokens: int, lower: bool) -> list[tuple[list[int], bool]]:
    sent = b"".join(struct.pack("<i", len(line)) + line for line in lines)
    command = [program, model, str(max_tokens), *(["lower-case-first"] if lower else [])]
    run = subprocess.run(command, input=sent, capture_output=True, check=False)
    sys.stderr.write(run.stderr.decode(errors="replace"))
    if run.returncode != 0:
        sys.exit(f"{program} failed with status {run.returncode}")
    rows, at = [], 0
    while at < len(run.stdout):
        count, truncated = struct.unpack_from("<ii", run.stdout, at)
        rows.append((list(struct.unpack_from(f"<{count}i", run.stdout, at + 8)), bool(truncated)))
        at += 8 + 4 * count
    return rows


@dataclass
class Encoding:
    ids: list[int]
    overflowing: bool


class SentencePiece:
    """sentencepiece itself, as far as reference_ids asks."""

    truncation = None

    def __init__(self, path: Path):
        from sentencepiece import SentencePieceProcessor

        self.processor = SentencePieceProcessor(model_file=str(path))

    def no_padding(self):
        pass

    def enable_truncation(self, max_length: int, direction: str):
        self.max_length = max_length

    def encode_batch(self, texts: list[str]) -> list[Encoding]:
        rows = self.processor.encode(texts)
        return [Encoding(ids[: self.max_length], len(ids) > self.max_length) for ids in rows]


def reference_tokenizer(model: str, with_transformers: bool, lower: bool):
    folder = Path(model)
    has_json = (folder / "tokenizer.json").exists()
    alone = list(folder.glob("*.model"))
    if alone and not has_json and not (folder / "tokenizer_config.json").exists():
        return SentencePiece(alone[0])
    if with_transformers or not has_json:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(model).backend_tokenizer
    else:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    if lower:
        from tokenizers.normalizers import Lowercase, Sequence

        own = [tokenizer.normalizer] if tokenizer.normalizer else []
        tokenizer.normalizer = Sequence([Lowercase(), *own])
    return tokenizer


def reference_ids(tokenizer, lines: list[bytes], max_tokens: int) -> list[tuple[list[int], bool]]:
    tokenizer.no_padding()
    direction = (tokenizer.truncation or {}).get("direction", "right")
    tokenizer.enable_truncation(max_length=max_tokens, direction=direction)
    rows = []
    for start in range(0, len(lines), 1000):
        texts = [line.decode("utf-8", errors="replace") for line in lines[start : start + 1000]]
        rows += [(e.ids, bool(e.overflowing)) for e in tokenizer.encode_batch(texts)]
    return rows


def compare(model: str, lines: list[bytes], args) -> int:
    tokenizer = reference_tokenizer(model, args.transformers, args.lower_case_first)
    bad = 0
    for max_tokens in args.max_tokens:
        ours = our_ids(args.dump, model, lines, max_tokens, args.lower_case_first)
        theirs = reference_ids(tokenizer, lines, max_tokens)
        differ = [i for i in range(len(lines)) if i >= len(ours) or ours[i] != theirs[i]]
        tokens = sum(len(ids) for ids, _ in theirs)
        cut = sum(truncated for _, truncated in theirs)
        print(
            f"{model}: {len(lines)} lines, max_tokens {max_tokens}: {tokens} ids, {cut} cut, {len(differ)} differ",
            flush=True,
        )
        for i in differ[:5]:
            ids = ours[i] if i < len(ours) else "none"
            print(f"  line {i}: {lines[i][:200]!r}\n    ours   {ids}\n    theirs {theirs[i]}")
        bad += len(differ)
    return bad


def found_below(folder: str) -> list[str]:
    files = ("tokenizer.json", "*.model", "merges.txt")
    if any(list(Path(folder).glob(file)) for file in files):
        return [folder]
    return sorted({str(found.parent) for file in files for found in Path(folder).glob(f"*/{file}")}) or [folder]


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("file", nargs="?")
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--max-tokens", type=int, nargs="+", default=[16, 512])
    parser.add_argument("--lower-case-first", action="store_true")
    parser.add_argument("--transformers", action="store_true")
    parser.add_argument("--dump", default=str(ROOT / "build/dev/tests/text/ids_dump"))
    args = parser.parse_args()
    path = Path(args.file or ROOT / f"build/corpus/lines-{args.lines}.bin")
    if not args.file and not path.exists():
        subprocess.run([sys.executable, ROOT / "tools/make_lines.py", path, str(args.lines)], check=True)
    lines = read_lines(path)
    models = found_below(args.model) if args.model else [str(ROOT / "build/models" / name) for name in MODELS]
    return 1 if sum(compare(model, lines, args) for model in models) else 0


if __name__ == "__main__":
    sys.exit(main())
