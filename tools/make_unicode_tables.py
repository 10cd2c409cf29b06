#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write src/text/unicode_tables.cc by asking `tokenizers` itself about every code point, so that no other Unicode
version can slip in: its crates disagree among themselves (categories, decomposition, lower case are of different ages).

usage: make_unicode_tables.py [OUT]        needs: pip install tokenizers
"""

import struct
import sys
import unicodedata
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

OUT = Path(__file__).resolve().parent.parent / "src/text/unicode_tables.cc"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)
BLOCK = 128
# The bits of CharFlag in src/text/unicode.h.
WHITESPACE, CLEANED, PUNCTUATION, CHINESE, MARK, WORD, LOWER, DECOMPOSE = (1 << i for i in range(8))
# Those of CharTrait.
LETTER, NUMBER, SPACE, NUMERIC, COMBINING, JOINS, PREPENDS, BREAKS, PICTOGRAPH, COMPATIBILITY, COMPOSES = (
    1 << i for i in range(11)
)
JAMO = [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]
# In the order of kCategories in src/text/regex_set_parser.cc; then the bits of CategoryFlag in src/text/unicode.h.
# fmt: off
CATEGORIES = (
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
    "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
    "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
)
# fmt: on
PATTERN_WORD, HAN = 32, 64
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
    for c in CODE_POINTS[0x300:0x20000]:
        # Characters that are younger than the reference do not move there.
        moves = nfd(f"a\u0345{chr(c)}")[1] == chr(c) or nfd(f"a{chr(c)}\u0334")[1] == "\u0334"
        if unicodedata.combining(chr(c)) and c not in decomposition and moves:
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


def form_of_every_character_is_one_letter() -> bytes:
    """A charsmap that makes every character, and every grapheme cluster below six bytes, the letter x."""
    keys = [chr(c).encode() for c in CODE_POINTS if c]
    # Every prefix has a block of 256 units of its own, and all characters share one value.
    blocks = {b"": 0, "value": 1}
    for key in keys:
        for length in range(1, len(key)):
            blocks.setdefault(key[:length], len(blocks))
    units = np.zeros(256 * len(blocks), np.uint32)

    def place(prefix):
        """Where the unit of a prefix is: its byte over the last bytes before it, in the block of the rest."""
        base = 256 * blocks[prefix[:-1]]
        return base | low[prefix[:-1]] ^ prefix[-1]

    # An offset of a multiple of 256 fits into a unit whatever its size, so units keep the low byte of their parent.
    low = {b"": 0}
    for key in keys:
        for length in range(1, len(key) + 1):
            prefix = key[:length]
            at = place(prefix)
            is_key = length == len(key)
            target = blocks["value"] if is_key else blocks[prefix]
            low.setdefault(prefix, at & 0xFF)
            units[at] = ((at >> 8) ^ target) << 10 | 1 << 9 | (1 << 8 if is_key else 0) | prefix[-1]
    units[0] = 0
    blob = units.astype("<u4").tobytes()
    return struct.pack("<I", len(blob)) + blob + b"x\0"


def grapheme_traits() -> dict[int, int]:
    """JOINS, PREPENDS, BREAKS and PICTOGRAPH, from which clusters the reference takes as a whole."""
    form = normalizers.Precompiled(form_of_every_character_is_one_letter()).normalize_str
    mark, joiner = "\u0301", "\u200d"
    found = dict.fromkeys(CODE_POINTS, 0)
    for c in CODE_POINTS[1:]:
        char = chr(c)
        if form(char) != "x":
            sys.exit(f"U+{c:04X}: the charsmap for asking gives {form(char)!r}")
        if form("a" + char) == "x":
            found[c] |= JOINS
        elif form(char + "a") == "x":
            found[c] |= PREPENDS
        if len(char.encode()) < 4 and form(char + mark) == "xx":
            found[c] |= BREAKS
        # After a copyright sign and a joiner it is in their cluster, and so keeps its mark.
        if not found[c] and len(char.encode()) == 3 and form("\u00a9" + joiner + char + mark) == "xxxx":
            found[c] |= PICTOGRAPH
    found[0] = BREAKS
    for char in "\u00a9\u00ae":
        found[ord(char)] |= PICTOGRAPH
    return found


def compositions(decomposed: dict[int, str]) -> dict[tuple[str, str], int]:
    nfc = normalizers.NFC().normalize_str
    pairs = {}
    for c, form in decomposed.items():
        first, second = nfc(form[:-1]), form[-1]
        if len(first) == 1 and nfc(first + second) == chr(c):
            pairs[first, second] = c
    return pairs


def ask_traits(decomposed: dict[int, str], classes: dict[int, int]):
    drop = {
        LETTER: normalizers.Replace(Regex(r"\p{L}"), "").normalize_str,
        NUMBER: normalizers.Replace(Regex(r"\p{N}"), "").normalize_str,
        SPACE: normalizers.Replace(Regex(r"\s"), "").normalize_str,
        COMBINING: normalizers.StripAccents().normalize_str,
    }
    digits = pre_tokenizers.Digits().pre_tokenize_str
    nfc, nfd, nfkd = (getattr(normalizers, name)().normalize_str for name in ("NFC", "NFD", "NFKD"))
    traits, compatible = [0] * 0x110000, {}
    for c, trait in grapheme_traits().items():
        traits[c] = trait
    pairs = compositions(decomposed)
    seconds = {second for _, second in pairs}
    for c in CODE_POINTS:
        char = chr(c)
        for trait, without in drop.items():
            traits[c] |= trait if without(char) == "" else 0
        traits[c] |= NUMERIC if len(digits("a" + char)) == 2 else 0
        if nfkd(char) != nfd(char):
            traits[c] |= COMPATIBILITY
            compatible[c] = nfkd(char)
        if nfc(char) != char or char in seconds or c in classes or c in JAMO:
            traits[c] |= COMPOSES
    return traits, compatible, pairs


def ask_categories() -> list[int]:
    every = "".join(map(chr, CODE_POINTS))
    found = [CATEGORIES.index("Cs")] * 0x110000
    known = set()
    for number, name in enumerate(CATEGORIES):
        members = normalizers.Replace(Regex(rf"\P{{{name}}}"), "").normalize_str(every)
        known.update(members)
        for char in members:
            found[ord(char)] = number
    assert len(known) == len(CODE_POINTS)
    for bit, name in ((PATTERN_WORD, r"\W"), (HAN, r"\P{Han}")):
        for char in normalizers.Replace(Regex(name), "").normalize_str(every):
            found[ord(char)] |= bit
    return found


def blocks_of(values):
    blocks, index = {}, []
    for start in range(0, 0x110000, BLOCK):
        index.append(blocks.setdefault(tuple(values[start : start + BLOCK]), len(blocks)))
    assert len(blocks) < 65536
    return index, [value for block in blocks for value in block]


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
    traits, compatible, pairs = ask_traits(decomposed, classes)
    index, blocks = blocks_of(flags)
    trait_index, trait_blocks = blocks_of(traits)
    category_index, category_blocks = blocks_of(ask_categories())
    ordered = sorted(pairs)
    assert max(len(v) for v in lowered.values()) < 4
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
            + array("uint8_t", "kFlagBlocks", blocks)
            + array("uint16_t", "kTraitBlockOf", trait_index)
            + array("uint16_t", "kTraitBlocks", trait_blocks)
            + array("uint16_t", "kCategoryBlockOf", category_index)
            + array("uint8_t", "kCategoryBlocks", category_blocks)
            + mapping("Lower", lowered)
            + mapping("Decomposition", decomposed)
            + mapping("Compatibility", compatible)
            + array("uint32_t", "kCompositionFirst", [ord(first) for first, _ in ordered])
            + array("uint32_t", "kCompositionSecond", [ord(second) for _, second in ordered])
            + array("uint32_t", "kCompositionWhole", [pairs[pair] for pair in ordered])
            + f"const size_t kNumCompositions = {len(ordered)};\n"
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
        f"{out}: {len(body.splitlines())} lines, {len(blocks) // BLOCK} and {len(trait_blocks) // BLOCK} blocks, "
        f"{len(lowered)} lower, {len(decomposed)} and {len(compatible)} decompositions, {len(pairs)} compositions, "
        f"{len(classes)} combining classes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
