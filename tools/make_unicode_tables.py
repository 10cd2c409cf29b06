#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write src/text/unicode_tables.cc by asking `tokenizers` itself about every code point, so that no other Unicode
version can slip in: its crates disagree among themselves (categories, decomposition, lower case are of different ages).

usage: make_unicode_tables.py [OUT]        needs: pip install tokenizers
"""

import sys
import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

OUT = Path(__file__).resolve().parent.parent / "src/text/unicode_tables.cc"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)
BLOCK = 128
# The bits of CharFlag in src/text/unicode.h.
WHITESPACE, CLEANED, PUNCTUATION, CHINESE, MARK, WORD, LOWER, DECOMPOSE = (1 << i for i in range(8))
BERT_OFF = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}


def bert(**on):
    return normalizers.BertNormalizer(**{**BERT_OFF, **on}).normalize_str


def word_characters() -> set[int]:
    """Code points that added-token matching takes for \\w: beside one of them a single_word token is not found."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("X", single_word=True, normalized=False)])
    found = set()
    for start in range(0, len(CODE_POINTS), 256):
        block = CODE_POINTS[start : start + 256]
        encoding = tokenizer.encode("".join(f" X{chr(c)}" for c in block), add_special_tokens=False)
        matched = {
            begin // 3 for (begin, _), token in zip(encoding.offsets, encoding.tokens, strict=True) if token == "X"
        }
        found.update(c for i, c in enumerate(block) if i not in matched)
    return found


def combining_classes(decomposition: dict[int, str]) -> dict[int, int]:
    """Canonical combining class by code point, found from how the reference orders it against known characters."""
    nfd = normalizers.NFD().normalize_str
    known = {}
    for c in range(0x300, 0x20000):
        if unicodedata.combining(chr(c)) and c not in decomposition:
            known.setdefault(unicodedata.combining(chr(c)), chr(c))
    ladder = sorted(known)
    classes = {}
    for c in CODE_POINTS:
        char = chr(c)
        if c in decomposition or c in HANGUL:
            continue
        sinks = nfd("a" + char + known[ladder[0]])[1] != char
        rises = nfd("a" + known[ladder[-1]] + char)[1] == char
        if char in known.values():
            classes[c] = unicodedata.combining(char)
        elif sinks or rises:
            below = [k for k in ladder if nfd("a" + char + known[k])[1] != char]
            not_above = [k for k in ladder if nfd("a" + known[k] + char)[1] == known[k]]
            low = below[-1] if below else 0
            equal = [k for k in not_above if k > low]
            if not equal:
                sys.exit(f"U+{c:04X} has a combining class of its own: extend `known`")
            classes[c] = equal[-1]
    return classes


def ask():
    clean, chinese = bert(clean_text=True), bert(handle_chinese_chars=True)
    strip, lower = bert(strip_accents=True), normalizers.Lowercase().normalize_str
    nfd, split = normalizers.NFD().normalize_str, pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    flags = [0] * 0x110000
    lowered, decomposed = {}, {}
    words = word_characters()
    for c in CODE_POINTS:
        char = chr(c)
        parts = len(split("a" + char + "a"))
        cleaned = clean(char)
        flag = WHITESPACE if parts == 2 else PUNCTUATION if parts == 3 else 0
        if cleaned == "":
            flag |= CLEANED
        elif cleaned != (" " if flag & WHITESPACE else char):
            sys.exit(f"U+{c:04X}: clean_text gives {cleaned!r}")
        flag |= CHINESE if chinese(char) == f" {char} " else 0
        flag |= WORD if c in words else 0
        if lower(char) != char:
            flag |= LOWER
            lowered[c] = lower(char)
        form = nfd(char)
        if form != char:
            flag |= DECOMPOSE
            if c not in HANGUL:
                decomposed[c] = form
        elif strip(char) == "":
            flag |= MARK
        flags[c] = flag
    classes = combining_classes(decomposed)
    for c in classes:
        flags[c] |= DECOMPOSE
    return flags, lowered, decomposed, classes


def lines(numbers, width=116):
    out, line = [], ""
    for number in numbers:
        text = f"{number},"
        if len(line) + len(text) > width:
            out.append(line)
            line = ""
        line += text
    return "\n".join([*out, line])


def array(kind, name, numbers):
    numbers = list(numbers)
    return f"const {kind} {name}[{len(numbers)}] = {{\n{lines(numbers)}\n}};\n"


def mapping(name, table):
    keys = sorted(table)
    starts, chars = [0], []
    for key in keys:
        chars += [ord(char) for char in table[key]]
        starts.append(len(chars))
    return (
        array("uint32_t", f"k{name}Keys", keys)
        + array("uint16_t", f"k{name}Starts", starts)
        + array("char32_t", f"k{name}Chars", chars)
        + f"const size_t kNum{name}Keys = {len(keys)};\n"
    )


def main() -> int:
    flags, lowered, decomposed, classes = ask()
    blocks, index = [], []
    for start in range(0, 0x110000, BLOCK):
        block = tuple(flags[start : start + BLOCK])
        if block not in blocks:
            blocks.append(block)
        index.append(blocks.index(block))
    assert len(blocks) < 65536 and max(len(v) for v in lowered.values()) < 4
    body = "\n".join(
        [
            "// SPDX-License-Identifier: Apache-2.0",
            f"// generated by tools/make_unicode_tables.py, asking tokenizers {tokenizers.__version__} about each",
            "// code point. Layout and meaning: unicode_tables.h. Do not edit.",
            '#include "text/unicode_tables.h"',
            "",
            "// clang-format off",
            "namespace emberline::unicode {",
            "",
            array("uint16_t", "kFlagBlockOf", index)
            + array("uint8_t", "kFlagBlocks", [f for block in blocks for f in block])
            + mapping("Lower", lowered)
            + mapping("Decomposition", decomposed)
            + array("uint32_t", "kCombiningKeys", sorted(classes))
            + array("uint8_t", "kCombiningClasses", [classes[c] for c in sorted(classes)])
            + f"const size_t kNumCombiningKeys = {len(classes)};\n",
            "",
            "}  // namespace emberline::unicode",
            "",
        ]
    )
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.write_text(body, encoding="utf-8")
    print(
        f"{out}: {len(body.splitlines())} lines, {len(blocks)} blocks, {len(lowered)} lower, "
        f"{len(decomposed)} decompositions, {len(classes)} combining classes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
