#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/tokenizers: small tokenizers of every kind, and the reference's ids for ways to configure them.

usage: make_tokenizer_goldens.py [--keep-tokenizers]        needs: pip install tokenizers transformers

Each file <kind>.json holds a tokenizer.json and cases, as those of tests/data/text (tools/make_text_goldens.py).
--keep-tokenizers keeps the trained vocabularies and asks the reference again.
"""

import json
import sys
from pathlib import Path

import make_text_goldens
import tokenizer_training
import tokenizers
import train_tokenizers
import transformers

OUT = Path(__file__).resolve().parent.parent / "tests/data/tokenizers"
VOCAB_SIZE = 2000
TEXTS = [
    *make_text_goldens.TEXTS[:12],
    "I'll say we're DON'T can't it'S he'd've 'tis I\u2019m 'ſ '\u017f 'LL 'Re ''s",
    "1234567 12 3.14 x2y ½ Ⅷ ٣٤٥ ²³ 1a2b",
    "  two  spaces\n\nlines \r\n\t tabs\t\n   end   ",
    "def f(x):\n    return x['key'] + 1;  // ok\n\n\n}",
    "\u2581lower \u2581\u2581one eighth\u2581 \u2581",
    "``quoted'' text \ufb01ne \u00bd \u2460\u0301 \uff21\uff22 \u3392 \u2122 \u00a9\u200d\u2122\u0301",
    "\uac00\u0301 \u1100\u1161\u11a8 \u1e9b\u0323 \u0958 \u0915\u094d\u0937 \u0600a\u0301 \u00e9\u0327",
    "<s>in</s><mask> <mask>x <unk> <pad> <|endoftext|>",
    "",
]


def added(content, number, **flags):
    return make_text_goldens.added(content, number, **flags)


def settings(model_type, **config):
    return {"config.json": {"model_type": model_type}, "tokenizer_config.json": config}


def pipeline(**stages):
    return {"tokenizer.json": stages}


def metaspace(scheme="always", split=True):
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": split}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": {"String": pattern}, "behavior": behavior, "invert": invert}


def flagged(base):
    size = max(max(token["id"] for token in base["added_tokens"]) + 1, len(base["model"]["vocab"]))
    return [
        *base["added_tokens"],
        added("two", size),
        added("lines", size + 1, lstrip=True, rstrip=True),
        added("one", size + 2, normalized=True, single_word=True),
    ]


CASES = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
FIRST = r"[^\r\n\p{L}\p{N}]?"
PATTERNS = {
    "o200k": f"{FIRST}{UPPER}*{LOWER}+{CASES}|{FIRST}{UPPER}+{LOWER}*{CASES}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "bloom": " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+",
    "words": r"\w+|[^\w\s]+",
    "han": r"[\p{Han}]+|[\p{^Han}&&\S]+?(?=e|\p{Han}|$)",
    "places": r"^\s+|(?<=[a-z])[A-Z]\P{Lu}*|(?<!\d)\d{2,}?|(?>\s+)x|[\u4e00-\u9fff]|.(?!.)",
    "vowels": r"(?:[aeiou][^aeiou\s\W]){2,}|[\d.]+",
}


def regex_split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def vocab_and_merges(base, model_type, **config):
    tokens = {token["content"]: token["id"] for token in base["added_tokens"]}
    merges = "".join(f"{left} {right}\n" for left, right in base["model"]["merges"])
    return {
        "tokenizer.json": None,
        "vocab.json": {**base["model"]["vocab"], **tokens},
        "merges.txt": "#version: 0.2\n" + merges,
        **settings(model_type, **config),
    }


def unigram_cases(base):
    simple = [{"type": name} for name in ("NFC", "NFD", "NFKC", "NFKD", "Nmt", "StripAccents", "Lowercase")]
    forms = {f"normalizer_{part['type']}": pipeline(normalizer=part) for part in simple}
    strips = {
        f"strip_{left}_{right}": pipeline(normalizer={"type": "Strip", "strip_left": left, "strip_right": right})
        for left in (False, True)
        for right in (False, True)
    }
    return {
        **forms,
        **strips,
        "prepend": pipeline(normalizer={"type": "Prepend", "prepend": "\u2581x "}),
        "replace_string": pipeline(normalizer={"type": "Replace", "pattern": {"String": "ne"}, "content": "NE "}),
        "replace_to_nothing": pipeline(normalizer={"type": "Replace", "pattern": {"String": " "}, "content": ""}),
        "replace_white_space": pipeline(normalizer={"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": "_"}),
        "meta_first": pipeline(pre_tokenizer=metaspace("first")),
        "meta_never": pipeline(pre_tokenizer=metaspace("never")),
        "meta_whole": pipeline(pre_tokenizer=metaspace("always", False)),
        "meta_first_added_tokens": pipeline(pre_tokenizer=metaspace("first"), added_tokens=flagged(base)),
        "meta_first_behind_split": pipeline(
            pre_tokenizer=sequence({"type": "WhitespaceSplit"}, metaspace("first")), added_tokens=flagged(base)
        ),
        "added_tokens": pipeline(added_tokens=flagged(base)),
        "no_pre_tokenizer": pipeline(pre_tokenizer=None),
        "byte_fallback_without_bytes": pipeline(model={"byte_fallback": True}),
        "class": settings("xlm-roberta", tokenizer_class="XLMRobertaTokenizer"),
        "class_without_prefix": settings(
            "xlm-roberta", tokenizer_class="XLMRobertaTokenizerFast", add_prefix_space=False
        ),
        "class_by_model_type": {"config.json": {"model_type": "xlm-roberta"}},
        "class_with_tokens": settings(
            "xlm-roberta", mask_token={"__type": "AddedToken", "content": "<mask>", "lstrip": True}, eos_token="<unk>"
        ),
        "class_against_file": {
            **settings("bert", tokenizer_class="XLMRobertaTokenizer"),
            **pipeline(pre_tokenizer=metaspace("never"), post_processor=None, model={"byte_fallback": True}),
        },
        "no_class": settings("bert", tokenizer_class="PreTrainedTokenizerFast"),
        "camembert": settings("camembert", tokenizer_class="CamembertTokenizer"),
        "left": settings("xlm-roberta", tokenizer_class="XLMRobertaTokenizer", truncation_side="left"),
    }


def split_cases(base):
    behaviors = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    return {
        **{
            f"punctuation_{name}": pipeline(pre_tokenizer={"type": "Punctuation", "behavior": name})
            for name in behaviors
        },
        **{f"split_{name}": pipeline(pre_tokenizer=split("e", name)) for name in behaviors},
        **{f"split_inverted_{name}": pipeline(pre_tokenizer=split("o", name, True)) for name in behaviors},
        "split_long": pipeline(pre_tokenizer=split("  ", "Isolated")),
        "whitespace": pipeline(pre_tokenizer={"type": "Whitespace"}),
        "whitespace_split": pipeline(pre_tokenizer={"type": "WhitespaceSplit"}),
        "digits": pipeline(pre_tokenizer={"type": "Digits", "individual_digits": False}),
        "digits_alone": pipeline(pre_tokenizer={"type": "Digits", "individual_digits": True}),
        **{f"regex_{name}": pipeline(pre_tokenizer=regex_split(PATTERNS["vowels"], name)) for name in behaviors},
        **{
            f"regex_inverted_{name}": pipeline(pre_tokenizer=regex_split(PATTERNS["words"], name, True))
            for name in behaviors
        },
        "replace_regex": pipeline(
            normalizer={"type": "Replace", "pattern": {"Regex": PATTERNS["places"]}, "content": "<>"}
        ),
        "many": pipeline(
            pre_tokenizer=sequence(
                {"type": "WhitespaceSplit"},
                {"type": "Punctuation", "behavior": "Isolated"},
                {"type": "Digits", "individual_digits": True},
            )
        ),
        "no_unknown": pipeline(model={"unk_token": None}),
        "fused_unknown": pipeline(model={"fuse_unk": True}),
    }


def byte_cases(base):
    def byte_level(prefix, pattern):
        return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": pattern}

    return {
        **{
            f"prefix_{prefix}_pattern_{pattern}": pipeline(pre_tokenizer=byte_level(prefix, pattern))
            for prefix in (False, True)
            for pattern in (False, True)
        },
        "class": settings("roberta", tokenizer_class="RobertaTokenizer"),
        "class_with_prefix": settings("roberta", tokenizer_class="RobertaTokenizerFast", add_prefix_space=True),
        "gpt2": settings("gpt2", tokenizer_class="GPT2Tokenizer"),
        "another_class": settings("roberta", tokenizer_class="GPT2Tokenizer", add_prefix_space=True),
        "bart": {"config.json": {"model_type": "bart"}},
        "left": settings("roberta", truncation_side="left"),
        "digits_before_bytes": pipeline(
            pre_tokenizer=sequence({"type": "Digits", "individual_digits": True}, byte_level(True, True))
        ),
        "ignore_merges": pipeline(model={"ignore_merges": True}),
        "vocab_and_merges": vocab_and_merges(base, "roberta", tokenizer_class="RobertaTokenizer"),
        "vocab_and_merges_gpt2": vocab_and_merges(
            base, "gpt2", tokenizer_class="GPT2Tokenizer", add_prefix_space=True, add_bos_token=True, bos_token="<s>"
        ),
        "added_tokens": pipeline(added_tokens=flagged(base)),
        "old_merges": pipeline(model={"merges": [" ".join(pair) for pair in base["model"]["merges"]]}),
    }


def post_processor_cases(base):
    return {
        "processor_sequence": pipeline(
            post_processor={
                "type": "Sequence",
                "processors": [
                    {
                        "type": "RobertaProcessing",
                        "sep": ["x", 2],
                        "cls": ["y", 0],
                        "trim_offsets": True,
                        "add_prefix_space": True,
                    },
                    {
                        "type": "TemplateProcessing",
                        "single": [
                            {"SpecialToken": {"id": "z", "type_id": 3}},
                            {"Sequence": {"id": "A", "type_id": 1}},
                        ],
                        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                        "special_tokens": {"z": {"id": "z", "ids": [5, 6], "tokens": ["a", "b"]}},
                    },
                ],
            }
        )
    }


GROUPS = {
    "xlm-roberta": unigram_cases,
    "t5": lambda base: {"class": settings("t5", tokenizer_class="T5Tokenizer", extra_ids=10)},
    "albert": lambda base: {
        "class": settings("albert", tokenizer_class="AlbertTokenizer"),
        "class_keeping": settings("albert", do_lower_case=False, keep_accents=True),
    },
    "deberta-v3": lambda base: {
        "class": settings("deberta-v2", tokenizer_class="DebertaV2Tokenizer"),
        "class_other": settings("deberta-v2", do_lower_case=True, split_by_punct=True, add_prefix_space=False),
    },
    "unigram-bytes": lambda base: {},
    "roberta": byte_cases,
    "modernbert": lambda base: {
        "class_of_file": settings("modernbert", tokenizer_class="PreTrainedTokenizerFast"),
        "class_not_followed": settings("modernbert", tokenizer_class="BertTokenizer"),
    },
    "qwen2": lambda base: {
        "class": settings("qwen3", tokenizer_class="Qwen2Tokenizer"),
        "class_against_name": settings("qwen2", tokenizer_class="PreTrainedTokenizerFast", add_prefix_space=True),
        "vocab_and_merges": vocab_and_merges(base, "qwen2", add_eos_token=True, truncation_side="left"),
        **{
            f"pattern_{name}": pipeline(
                pre_tokenizer=sequence(
                    regex_split(pattern),
                    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
                )
            )
            for name, pattern in PATTERNS.items()
        },
    },
    "llama3": lambda base: {"class_of_bytes": settings("llama", tokenizer_class="LlamaTokenizerFast")},
    "llama2": lambda base: {
        "class": settings("llama", tokenizer_class="LlamaTokenizer"),
        "class_legacy": settings("llama", tokenizer_class="LlamaTokenizer", legacy=True),
        "class_without_prefix": settings("llama", tokenizer_class="LlamaTokenizer", add_prefix_space=False),
    },
    "gemma": lambda base: {"class": settings("gemma2", tokenizer_class="GemmaTokenizer")},
    "word-parts": split_cases,
    "word-level": post_processor_cases,
}


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    make_text_goldens.TEXTS = TEXTS
    lines = tokenizer_training.training_lines()[::7]
    lines += TEXTS * 2
    for kind, cases in GROUPS.items():
        path = OUT / f"{kind}.json"
        if "--keep-tokenizers" in sys.argv:
            base = json.loads(path.read_text(encoding="utf-8"))["tokenizer.json"]
        else:
            base = json.loads(train_tokenizers.KINDS[kind](lines, VOCAB_SIZE).to_str())
        changes = {"tokenizer_json_alone": {}, **cases(base)}
        found = {name: make_text_goldens.ask(base, change) for name, change in changes.items()}
        text = json.dumps(base, ensure_ascii=False, separators=(",", ":"))
        rows = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in found.items()]
        path.write_text(
            f'{{"tokenizer.json": {text},\n"texts": {json.dumps(TEXTS)},\n"cases": {{\n' + ",\n".join(rows) + "\n}}\n",
            encoding="utf-8",
        )
        print(f"{path}: {len(base['model']['vocab'])} pieces, {len(found)} cases, {path.stat().st_size} bytes")
    versions = f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}"
    (OUT / "README.md").write_text(
        "# Goldens of every kind of tokenizer\n\nWritten by"
        " `.venv-reference/bin/python tools/make_tokenizer_goldens.py`"
        f" ({versions}); never by hand.\nEach file has a small tokenizer.json and the reference's ids for ways to"
        " configure it, as `../text/cases.json` has.\n",
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
