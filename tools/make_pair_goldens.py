#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/pairs.json: ids and types of pairs of texts, cut and not, as transformers hands them to a network.

usage: make_pair_goldens.py        needs: pip install tokenizers transformers

The tokenizers are those of tests/data/text and tests/data/tokenizers; `pairs` are the same for all of them.
"""

import json
import sys
import tempfile
from pathlib import Path

import make_text_goldens
import tokenizers
import transformers

DATA = Path(__file__).resolve().parent.parent / "tests/data"
LONG = "One two three, four five six seven? Eight nine ten eleven twelve."
PAIRS = [
    ["what is a bridge", "An old bridge was closed in March."],
    ["", "a text without a query"],
    ["a query without a text", ""],
    ["", ""],
    ["short", LONG],
    [LONG, "short"],
    [LONG, LONG],
    [LONG + " " + LONG, LONG],
    [LONG, LONG + " " + LONG],
    ["café ÑANDÚ 东京", "ŁÓDŹ 会議は来週 naïve"],
    ["before [SEP] after </s> it", "[MASK] and <mask> in the text"],
]
# Odd and even room, room for special tokens alone, and more than the pairs need.
MAX_TOKENS = (4, 5, 9, 12, 13, 16, 17, 512)
PLAIN = {"config.json": {"model_type": "bert"}, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}}


def classed(model_type: str, **settings) -> dict:
    return {"config.json": {"model_type": model_type}, "tokenizer_config.json": settings}


def plain(post_processor, **settings) -> dict:
    """The file's own stages with this post-processor; types are passed on, so that they show."""
    names = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
    config = {**PLAIN["tokenizer_config.json"], **names, **settings}
    return {**PLAIN, "tokenizer_config.json": config, "tokenizer.json": {"post_processor": post_processor}}


def special(name: str, number: int) -> dict:
    return {"id": name, "ids": [number], "tokens": [name]}


TWO = {"x": special("x", 5), "y": {"id": "y", "ids": [6, 7], "tokens": ["a", "b"]}}
A, B = ({"Sequence": {"id": name, "type_id": kind}} for name, kind in (("A", 3), ("B", 4)))
X, Y = ({"SpecialToken": {"id": name, "type_id": kind}} for name, kind in (("x", 1), ("y", 2)))
TEMPLATE = {"type": "TemplateProcessing", "single": [A], "pair": [Y, A, X, Y, B], "special_tokens": TWO}
PAIR_OF_TOKENS = {"sep": ["x", 6], "cls": ["y", 5]}
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
CASES = {
    "bert": ("text/tokenizer.json", classed("bert", tokenizer_class="BertTokenizer")),
    "bert_left": ("text/tokenizer.json", classed("bert", tokenizer_class="BertTokenizer", truncation_side="left")),
    "bert_without_types": (
        "text/tokenizer.json",
        classed("bert", tokenizer_class="BertTokenizer", model_input_names=["input_ids", "attention_mask"]),
    ),
    "distilbert": ("text/tokenizer.json", classed("distilbert", tokenizer_class="DistilBertTokenizer")),
    "electra": ("text/tokenizer.json", classed("electra", tokenizer_class="ElectraTokenizer")),
    "mpnet": ("text/tokenizer.json", classed("mpnet", tokenizer_class="MPNetTokenizer")),
    "no_class": ("text/tokenizer.json", PLAIN),
    "template": ("text/tokenizer.json", plain(TEMPLATE)),
    "template_left": ("text/tokenizer.json", plain(TEMPLATE, truncation_side="left")),
    "template_without_types": (
        "text/tokenizer.json",
        plain(TEMPLATE, model_input_names=["input_ids", "attention_mask"]),
    ),
    "bert_processing": ("text/tokenizer.json", plain({"type": "BertProcessing", **PAIR_OF_TOKENS})),
    "roberta_processing": (
        "text/tokenizer.json",
        plain({"type": "RobertaProcessing", **PAIR_OF_TOKENS, "trim_offsets": True, "add_prefix_space": True}),
    ),
    "no_processor": ("text/tokenizer.json", plain(None)),
    "bytes_and_template": (
        "tokenizers/word-level.json",
        plain({"type": "Sequence", "processors": [BYTES, TEMPLATE]}),
    ),
    "bytes": ("tokenizers/word-level.json", plain(BYTES)),
    "roberta": ("tokenizers/roberta.json", classed("roberta", tokenizer_class="RobertaTokenizer")),
    "modernbert": ("tokenizers/modernbert.json", classed("modernbert", tokenizer_class="PreTrainedTokenizerFast")),
    "xlm-roberta": ("tokenizers/xlm-roberta.json", classed("xlm-roberta", tokenizer_class="XLMRobertaTokenizer")),
    "xlm-roberta_left": (
        "tokenizers/xlm-roberta.json",
        classed("xlm-roberta", tokenizer_class="XLMRobertaTokenizer", truncation_side="left"),
    ),
    "camembert": ("tokenizers/xlm-roberta.json", classed("camembert", tokenizer_class="CamembertTokenizer")),
    "albert": ("tokenizers/albert.json", classed("albert", tokenizer_class="AlbertTokenizer")),
    "deberta-v3": ("tokenizers/deberta-v3.json", classed("deberta-v2", tokenizer_class="DebertaV2Tokenizer")),
    "t5": ("tokenizers/t5.json", classed("t5", tokenizer_class="T5Tokenizer", extra_ids=10)),
}


def base_of(name: str) -> dict:
    base = json.loads((DATA / name).read_text(encoding="utf-8"))
    return base.get("tokenizer.json", base)


def ask(name: str, files: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        make_text_goldens.write_directory(Path(folder), base_of(name), files)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = {}
    for max_tokens in MAX_TOKENS:
        rows[max_tokens] = []
        for first, second in PAIRS:
            pair = [[first, second]]  # as CrossEncoder hands them on: an empty second text alone would count as none
            whole = len(tokenizer(pair)["input_ids"][0])
            found = tokenizer(pair, truncation=True, max_length=max_tokens)
            ids = found["input_ids"][0]
            types = found["token_type_ids"][0] if "token_type_ids" in found else [0] * len(ids)
            rows[max_tokens].append([ids, types, len(ids) < whole])
    return {"base": name, "files": files, "rows": rows}


def main() -> int:
    transformers.logging.set_verbosity_error()
    found = {name: ask(*case) for name, case in CASES.items()}
    rows = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in found.items()]
    versions = {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__}
    path = DATA / "pairs.json"
    path.write_text(
        f'{{"versions": {json.dumps(versions)},\n"pairs": {json.dumps(PAIRS)},\n"cases": {{\n'
        + ",\n".join(rows)
        + "\n}}\n",
        encoding="utf-8",
    )
    print(f"{path}: {len(found)} cases, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
