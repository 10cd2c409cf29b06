#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write N lines of text that tokenizers stumble over: translations in about a hundred languages, and made-up trouble.

usage: make_lines.py OUT N        needs: pip and the PyPI package Django (downloaded, never installed or run)

The real text are the messages of Django's translation files. The rest is synthetic: emoji, control characters, NFC and
NFD forms, stacked combining marks, Hangul jamo, very long words, special tokens in the text, kinds of white space,
private use, unassigned code points, invalid UTF-8, empty lines. The same N always gives the same bytes.
OUT holds for each line an int32 length and its bytes, because a line may contain anything.
"""

import random
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

DJANGO = "Django==5.2.8"
SPECIAL = [
    "[SEP]",
    "[CLS]",
    "[MASK]",
    "[PAD]",
    "[UNK]",
    "[sep]",
    "[ SEP ]",
    "[unused5]",
    "[[CLS]]",
    "##ing",
    "[MAS",
    "K]",
]
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029)]
SPACES += [chr(c) for c in (0x202F, 0x205F, 0x3000, 0x200B, 0x2060, 0xFEFF, 0x180E)]
CONTROLS = [chr(c) for c in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200C, 0x200D, 0x200E, 0x202E, 0x2066, 0xFFFD)]
EMOJI = [
    "\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea",
    "\u2764\ufe0f",
    "1\ufe0f\u20e3",
]
EMOJI += ["\U0001f44d\U0001f3fd", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u00a9", "\u2122", "\U0001fae0"]
BROKEN = [
    b"\xff",
    b"\xc0\xaf",
    b"\xe4\xb8",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xf0\x9f\x98",
    b"\xe2\x82",
]
BROKEN += [b"\xfe\xff", b"\xc3", b"\xed\xb0\x80\xed", b"\xf8\x88\x80\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"]


def translations(locales: Sequence[str] = ()) -> list[str]:
    """All messages, or those of some locales ("zh_Hans") without their English originals."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":none:", "-d", folder]
        subprocess.run([*command, DJANGO], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".po"))
            if locales:
                names = [name for name in names if name.split("/")[-3] in locales]
            files = [archive.read(name).decode("utf-8") for name in names]
    found = {}
    kinds = "str" if locales else "id|str"
    for text in files:
        for message in re.findall(rf'^msg(?:{kinds})(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\s*)+)', text, re.MULTILINE):
            joined = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', message))
            clean = joined.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
            if clean and not clean.startswith("Project-Id"):
                found[clean] = None
    return list(found)


def any_char(pick: random.Random) -> str:
    """A code point of any plane, common blocks more often; never a surrogate."""
    ranges = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x600, 0x1100), (0x1100, 0x1200)]
    ranges += [
        (0x1E00, 0x2000),
        (0x2000, 0x3000),
        (0x3000, 0x3400),
        (0x3400, 0xA000),
        (0xAC00, 0xD7B0),
        (0xE000, 0xE100),
    ]
    ranges += [(0xF900, 0x10000), (0x10000, 0x20000), (0x1D100, 0x1D200), (0x1F300, 0x1FB00), (0x20000, 0x32000)]
    low, high = pick.choice([*ranges, (0, 0xD800), (0xE000, 0x110000)])
    return chr(pick.randrange(low, high))


def between(pick: random.Random, parts: list[str], real: list[str]) -> str:
    """`parts` sprinkled over a real line, inside words and between them."""
    text = pick.choice(real)[:200]
    for _ in range(pick.randrange(1, 6)):
        place = pick.randrange(len(text) + 1)
        text = text[:place] + pick.choice(parts) + text[place:]
    return text


def with_marks(pick: random.Random, real: list[str]) -> str:
    marks = [*range(0x300, 0x370), 0x5B0, 0x64B, 0x93C, 0xE31, 0x302E, 0x302F, 0x1D165, 0x1D16D, 0x16FF0]
    text = pick.choice(real)[:80]
    return "".join(c + "".join(chr(pick.choice(marks)) for _ in range(pick.choice((0, 0, 1, 2, 5)))) for c in text)


def jamo(pick: random.Random) -> str:
    letters = "".join(chr(pick.randrange(0x1100, 0x1200)) for _ in range(pick.randrange(1, 12)))
    return letters + chr(pick.randrange(0xAC00, 0xD7A4)) + " " + unicodedata.normalize("NFC", letters)


def long_word(pick: random.Random) -> str:
    unit = pick.choice(["a", "xyz", "ä", "ß", "한", "ن", "ok1", "\u0301", "\U0001d400", "the", "中", "-"])
    return (
        pick.choice(["", "so "])
        + unit * pick.choice((30, 50, 99, 100, 101, 250, 3000))
        + pick.choice(["", " end", "!"])
    )


def paragraph(pick: random.Random, real: list[str]) -> str:
    return pick.choice([" ", "\n", "", "。", ", "]).join(pick.choice(real) for _ in range(pick.choice((5, 20, 60))))


def broken(pick: random.Random, real: list[str]) -> bytes:
    data = pick.choice(real).encode()[:300]
    for _ in range(pick.randrange(1, 5)):
        place = pick.randrange(len(data) + 1)
        data = data[:place] + pick.choice(BROKEN) + data[place:]
    return data if pick.random() < 0.5 else data[: pick.randrange(len(data) + 1)]


def is_made_up(index: int) -> bool:
    """Whether a line is no message of a translation: every third is not."""
    return index % 3 == 2


def make(count: int) -> list[bytes]:
    real = translations()
    pick = random.Random(20240229)
    kinds = [
        lambda: "".join(any_char(pick) for _ in range(pick.randrange(40))),
        lambda: between(pick, EMOJI, real),
        lambda: between(pick, CONTROLS, real),
        lambda: between(pick, SPACES, real),
        lambda: between(pick, SPECIAL, real),
        lambda: between(pick, [any_char(pick) for _ in range(5)], real),
        lambda: with_marks(pick, real),
        lambda: jamo(pick),
        lambda: long_word(pick),
        lambda: paragraph(pick, real),
        lambda: broken(pick, real),
        lambda: bytes(pick.randrange(256) for _ in range(pick.randrange(60))),
        lambda: "".join(pick.choice(SPACES + CONTROLS) for _ in range(pick.randrange(4))),
        lambda: unicodedata.normalize(pick.choice(("NFD", "NFC", "NFKD")), pick.choice(real)),
        lambda: pick.choice(real).swapcase(),
    ]
    order = pick.sample(real, len(real))
    lines = []
    for i in range(count):
        # Two lines of real text to one that is made up; after each message came once, two of them make a line.
        number = i - i // 3
        if is_made_up(i):
            line = kinds[i // 3 % len(kinds)]()
        else:
            line = order[number % len(order)] + (f" {pick.choice(real)}" if number >= len(order) else "")
        lines.append(line if isinstance(line, bytes) else line.encode())
    return lines


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    lines = make(int(sys.argv[2]))
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    partial.write_bytes(b"".join(struct.pack("<i", len(line)) + line for line in lines))
    partial.rename(out)
    print(f"{out}: {len(lines)} lines, {sum(map(len, lines))} bytes, {len(set(lines))} different")
    return 0


if __name__ == "__main__":
    sys.exit(main())
