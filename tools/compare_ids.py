#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare our token ids with Hugging Face's, line by line, and show the first lines that differ.

usage: compare_ids.py MODEL_DIR LINES [--max-tokens N ...] [--lines N] [--transformers] [--dump PROGRAM]

The reference is `tokenizers` on the directory's tokenizer.json; with --transformers it is AutoTokenizer (run this with a
Python that has transformers). Invalid UTF-8 goes to us as it is and to the reference as errors="replace" decodes it.
PROGRAM is tests/text/ids_dump as CMake builds it. Exit status 1 if any line differs.
"""

import argparse
import os
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read_lines(path: str) -> list[bytes]:
    """Lines as make_lines.py writes them: int32 length, bytes."""
    data = Path(path).read_bytes()
    lines, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<i", data, at)
        lines.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return lines


def our_ids(program: str, model: str, lines: list[bytes], max_tokens: int) -> list[tuple[list[int], bool]]:
    sent = b"".join(struct.pack("<i", len(line)) + line for line in lines)
    run = subprocess.run([program, model, str(max_tokens)], input=sent, capture_output=True, check=False)
    sys.stderr.write(run.stderr.decode(errors="replace"))
    if run.returncode != 0:
        sys.exit(f"{program} failed with status {run.returncode}")
    rows, at = [], 0
    while at < len(run.stdout):
        count, truncated = struct.unpack_from("<ii", run.stdout, at)
        rows.append((list(struct.unpack_from(f"<{count}i", run.stdout, at + 8)), bool(truncated)))
        at += 8 + 4 * count
    return rows


def reference_tokenizer(model: str, with_transformers: bool):
    if with_transformers:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(model).backend_tokenizer
    from tokenizers import Tokenizer

    return Tokenizer.from_file(os.path.join(model, "tokenizer.json"))


def reference_ids(tokenizer, lines: list[bytes], max_tokens: int) -> list[tuple[list[int], bool]]:
    tokenizer.no_padding()
    direction = (tokenizer.truncation or {}).get("direction", "right")
    tokenizer.enable_truncation(max_length=max_tokens, direction=direction)
    rows = []
    for start in range(0, len(lines), 1000):
        texts = [line.decode("utf-8", errors="replace") for line in lines[start : start + 1000]]
        rows += [(e.ids, bool(e.overflowing)) for e in tokenizer.encode_batch(texts)]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("lines")
    parser.add_argument("--max-tokens", type=int, nargs="+", default=[16, 512])
    parser.add_argument("--first", type=int, help="compare only the first N lines")
    parser.add_argument("--transformers", action="store_true")
    parser.add_argument("--dump", default=str(ROOT / "build/dev/tests/text/ids_dump"))
    args = parser.parse_args()
    lines = read_lines(args.lines)[: args.first]
    tokenizer = reference_tokenizer(args.model, args.transformers)
    bad = 0
    for max_tokens in args.max_tokens:
        ours = our_ids(args.dump, args.model, lines, max_tokens)
        theirs = reference_ids(tokenizer, lines, max_tokens)
        differ = [i for i in range(len(lines)) if i >= len(ours) or ours[i] != theirs[i]]
        tokens = sum(len(ids) for ids, _ in theirs)
        cut = sum(truncated for _, truncated in theirs)
        print(
            f"{args.model}: {len(lines)} lines, max_tokens {max_tokens}: {tokens} ids, {cut} cut, {len(differ)} differ"
        )
        for i in differ[:5]:
            print(f"  line {i}: {lines[i][:200]!r}\n    ours   {ours[i]}\n    theirs {theirs[i]}")
        bad += len(differ)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
