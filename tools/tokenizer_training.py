# SPDX-License-Identifier: Apache-2.0
"""What the trainers of tokenizers share: the lines that they learn from, and their command line."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from compare_ids import read_lines
from make_lines import is_made_up

ROOT = Path(__file__).resolve().parent.parent
LINES = ROOT / "build/corpus/lines-10000.bin"


def training_lines(path: Path = LINES) -> list[str]:
    """Lines of tools/make_lines.py, without the made-up ones."""
    return [line.decode() for index, line in enumerate(read_lines(path)) if not is_made_up(index)]


def parse_arguments(usage: str, kinds: Iterable[str]) -> argparse.Namespace:
    """Has `out`, a folder for those of the trained kinds; `kinds`, all where none is named; `vocab_size`; `lines`."""
    parser = argparse.ArgumentParser(usage=usage)
    parser.add_argument("out", type=Path)
    parser.add_argument("kinds", nargs="*", choices=[*kinds, []], metavar="KIND")
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--lines", type=Path, default=LINES)
    args = parser.parse_args()
    args.kinds = args.kinds or list(kinds)
    args.lines = training_lines(args.lines)
    return args
