#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write N rows of real Chinese, simplified and traditional: messages of Django's translations, then paragraphs of them.

usage: make_chinese_rows.py OUT.parquet N        needs: pyarrow, and what make_lines.py needs
"""

import random
import sys
from pathlib import Path

import make_lines
import pyarrow as pa
import pyarrow.parquet as pq

LOCALES = ("zh_Hans", "zh_Hant")


def rows(count: int) -> list[str]:
    messages = make_lines.translations(LOCALES)
    pick = random.Random(20240229)
    # A message is short; a paragraph has as many characters as running text has.
    paragraphs = ["。".join(pick.sample(messages, pick.randrange(3, 30))) for _ in range(count - len(messages))]
    return (messages + paragraphs)[:count]


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    pq.write_table(pa.table({"text": rows(int(sys.argv[2]))}), partial)
    partial.rename(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
