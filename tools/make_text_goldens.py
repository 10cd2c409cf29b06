#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/text: a tiny WordPiece tokenizer, and the reference's ids for many ways to configure it.

usage: make_text_goldens.py [--keep-tokenizer]        needs: pip install tokenizers transformers

A case is a set of changes to the base directory (JSON merge patches; null removes a file) and, by max_tokens, the
ids of every text and whether it was cut.
The reference is AutoTokenizer where the directory has a config.json or tokenizer_config.json or no tokenizer.json, else
`tokenizers` alone. --keep-tokenizer keeps the trained vocabulary and asks the reference again.
"""

import json
import sys
import tempfile
from pathlib import Path

import make_lines
import tokenizers
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

OUT = Path(__file__).resolve().parent.parent / "tests/data/text"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = [
    "",
    " ",
    "The quick brown Fox, jumps over 13 lazy dogs!",
    "Straße ÉCOLE naïve İstanbul ΟΔΟΣ Σ ΑΣ. ΑΣΑ Ǆ ﬁ",
    "e\u0301 e\u0323\u0301 a\u0e31b x\u302e\u302f\u1d165 \u0344",
    "中文字符 and kanji 漢字かな カタカナ 한국어 조선말 \u1100\u1161",
    "[CLS] inner [MASK]and[SEP] [sep] x[PAD]",
    "a\u00a0b\u2003c\u3000d\u200be\u00adf\u0000g\ufffdh\u0085i\x0bj\tk\nl",
    "मराठी ภาษาไทย العربية עברית українська Ελληνικά",
    "\U0001f600 \U0001f468\u200d\U0001f469 \u2764\ufe0f \U0001d400\U00010400 \ue000",
    "don't #tag foo_bar a+b=c <html> 10.5€ $5 «quoted» … — ‘x’ ¿qué?",
    "a" * 99 + " " + "a" * 100 + " " + "a" * 101 + " " + "é" * 100 + " " + "é" * 101,
    "new york  new\u2003york NEW YORK newyork new yorks anew york <x> <X> w<w>w <w>\u0301 <w> . <l> .<r> .  <both>  .",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
    "##ing ing ##Ing @@ing the",
]


def train() -> dict:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    lines = make_lines.translations()[::97] + TEXTS[2:] * 2 + [text.lower() for text in TEXTS[2:]]
    folded = normalizers.BertNormalizer()
    lines += [folded.normalize_str(text) for text in lines]
    trainer = trainers.WordPieceTrainer(
        vocab_size=1200, special_tokens=SPECIAL, limit_alphabet=900, show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return json.loads(tokenizer.to_str())


def added(content, number, **flags):
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": number, "content": content, **base, **flags}


def bert(**settings):
    return {
        "config.json": {"model_type": "bert"},
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", **settings},
    }


def tokenizer_json(**patch):
    return {"tokenizer.json": patch}


def normalizer(**on):
    base = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
    return {"normalizer": {**base, "lowercase": True, **on}}


def cases(base: dict) -> dict[str, dict]:
    specials = base["added_tokens"]
    size = len(base["model"]["vocab"])
    flagged = [
        added("new york", size),
        added("<x>", size + 1, normalized=True),
        added("<w>", size + 2, single_word=True),
        added("<l>", size + 3, lstrip=True),
        added("<r>", size + 4, rstrip=True),
        added("<both>", size + 5, lstrip=True, rstrip=True, special=True),
    ]
    after_normalizing = [{**token, "normalized": True} for token in flagged] + [
        added("New Yorks", size + 6, normalized=True),
        added("École", size + 7, normalized=True),
    ]
    no_stages = {"normalizer": None, "pre_tokenizer": None, "post_processor": None}
    pieces = sorted(base["model"]["vocab"], key=base["model"]["vocab"].get)
    lines = "\n".join(pieces[:400] + ["the  ", "", pieces[50], "last\u3000"] + pieces[400:])
    fast = {
        "config.json": {"model_type": "bert"},
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"},
    }
    decoder = {str(token["id"]): {k: v for k, v in token.items() if k != "id"} for token in specials}
    template = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<two>", "type_id": 3}},
            {"Sequence": {"id": "A", "type_id": 1}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 2}},
            {"SpecialToken": {"id": "<two>", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "<two>": {"id": "<two>", "ids": [7, 8], "tokens": ["x", "y"]},
            "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
        },
    }
    return {
        "tokenizer_json_alone": {},
        "keep_accents": tokenizer_json(**normalizer(strip_accents=False)),
        "cased_without_accents": tokenizer_json(**normalizer(strip_accents=True, lowercase=False)),
        "cased": tokenizer_json(**normalizer(lowercase=False)),
        "not_cleaned": tokenizer_json(**normalizer(clean_text=False)),
        "not_cleaned_cased": tokenizer_json(**normalizer(clean_text=False, lowercase=False, strip_accents=True)),
        "chinese_together": tokenizer_json(**normalizer(handle_chinese_chars=False)),
        "no_stages": tokenizer_json(**no_stages),
        "no_pre_tokenizer": tokenizer_json(pre_tokenizer=None),
        "no_normalizer": tokenizer_json(normalizer=None),
        "lowercase_alone": tokenizer_json(normalizer={"type": "Lowercase"}),
        "normalizer_sequence": tokenizer_json(
            normalizer={
                "type": "Sequence",
                "normalizers": [{"type": "Lowercase"}, normalizer(lowercase=False, strip_accents=True)["normalizer"]],
            }
        ),
        "bert_processing": tokenizer_json(
            post_processor={"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["x", 9]}
        ),
        "template_of_many": tokenizer_json(post_processor=template),
        "short_words": tokenizer_json(model={"max_input_chars_per_word": 4}),
        "other_prefix": tokenizer_json(model={"continuing_subword_prefix": "@@"}),
        "no_prefix": tokenizer_json(model={"continuing_subword_prefix": ""}),
        "other_unknown": tokenizer_json(model={"unk_token": "[MASK]"}),
        "added_tokens": tokenizer_json(added_tokens=specials + flagged),
        "added_tokens_normalized": tokenizer_json(added_tokens=specials + after_normalizing),
        "added_tokens_normalized_one_word": tokenizer_json(added_tokens=after_normalizing, pre_tokenizer=None),
        "added_tokens_with_odd_ids": tokenizer_json(added_tokens=[added("<x>", 5000), added("the", 0), *specials]),
        "no_added_tokens": tokenizer_json(added_tokens=[]),
        "bert": bert(),
        "bert_cased": bert(do_lower_case=False),
        "bert_cased_without_accents": bert(do_lower_case=False, strip_accents=True),
        "bert_keeping_accents": bert(strip_accents=False),
        "bert_chinese_together": bert(tokenize_chinese_chars=False),
        "bert_against_file": bert(tokenizer_class="BertTokenizerFast")
        | tokenizer_json(**normalizer(lowercase=False, clean_text=False), pre_tokenizer=None, post_processor=template),
        "bert_against_model": bert()
        | tokenizer_json(
            model={"continuing_subword_prefix": "@@", "max_input_chars_per_word": 4, "unk_token": "[MASK]"}
        ),
        "bert_by_model_type": {"config.json": {"model_type": "bert"}},
        "mpnet": {
            **bert(tokenizer_class="MPNetTokenizer", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]"),
            "config.json": {"model_type": "mpnet"},
        },
        "mpnet_cased": {
            **bert(tokenizer_class="MPNetTokenizerFast", do_lower_case=False, cls_token="[CLS]", sep_token="[SEP]"),
            "config.json": {"model_type": "mpnet"},
        },
        "distilbert_cased": bert(tokenizer_class="DistilBertTokenizer", do_lower_case=False),
        "fast_class_against_settings": {
            **fast,
            "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False},
            **tokenizer_json(model={"max_input_chars_per_word": 4}),
        },
        "fast_class_with_roles": {
            **fast,
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "cls_token": "<s>",
                "unk_token": "[UNK]",
                "additional_special_tokens": ["<x>", "new york"],
            },
        },
        "roles": bert(cls_token="<s>", sep_token="</s>", pad_token="<x>", unk_token="[MASK]"),
        "roles_as_objects": bert(
            cls_token={"__type": "AddedToken", **{k: v for k, v in added("<s>", 0, lstrip=True).items() if k != "id"}},
            mask_token={"__type": "AddedToken", **{k: v for k, v in added("<l>", 0, lstrip=True).items() if k != "id"}},
        ),
        "special_tokens_map": {
            **bert(),
            "special_tokens_map.json": {
                "cls_token": "<s>",
                "mask_token": {
                    "content": "<l>",
                    "lstrip": True,
                    "rstrip": False,
                    "normalized": False,
                    "single_word": False,
                },
            },
        },
        "special_tokens_map_not_read": {
            **bert(added_tokens_decoder=decoder),
            "special_tokens_map.json": {"cls_token": "<s>"},
        },
        "added_tokens_decoder": bert(
            added_tokens_decoder={
                **decoder,
                "9000": {"content": "<both>", "lstrip": True, "rstrip": True, "special": True},
                "8000": {"content": "new york", "normalized": True, "special": False},
            },
            extra_special_tokens=["<x>"],
        ),
        "added_tokens_decoder_over_file": {
            **fast,
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "added_tokens_decoder": {
                    **decoder,
                    "4": {"content": "[MASK]", "lstrip": True, "rstrip": True, "single_word": True, "special": True},
                },
            },
        },
        "added_tokens_file": {**bert(), "added_tokens.json": {"<x>": size, "new york": size + 1, "[MASK]": 4}},
        "split_special_tokens": bert(split_special_tokens=True),
        "truncation_left": bert(truncation_side="left"),
        "truncation_left_in_file": tokenizer_json(
            truncation={"direction": "Left", "max_length": 9, "strategy": "LongestFirst", "stride": 0}
        ),
        "truncation_left_in_file_of_bert": bert()
        | tokenizer_json(truncation={"direction": "Left", "max_length": 9, "strategy": "LongestFirst", "stride": 0}),
        "vocab_txt": {"tokenizer.json": None, "vocab.txt": lines, "config.json": {"model_type": "bert"}},
        "vocab_txt_cased": {"tokenizer.json": None, "vocab.txt": lines, **bert(do_lower_case=False)},
        "lower_normalizer": {**bert(do_lower_case=False), "lower_case_first": True},
        "lower_normalizer_added_tokens": tokenizer_json(**normalizer(lowercase=False), added_tokens=after_normalizing)
        | {"lower_case_first": True},
    }


def merge(value, patch):
    """JSON merge patch, RFC 7386, but that null stays null inside a file."""
    if not isinstance(patch, dict) or not isinstance(value, dict):
        return patch
    return {**value, **{key: merge(value.get(key), patch[key]) for key in patch}}


def write_directory(folder: Path, base: dict, files: dict) -> None:
    for name, patch in {"tokenizer.json": {}, **files}.items():
        if isinstance(patch, str):
            (folder / name).write_text(patch, encoding="utf-8")
        elif patch is not None:
            content = merge(base, patch) if name == "tokenizer.json" else patch
            (folder / name).write_text(json.dumps(content), encoding="utf-8")


def reference(folder: Path, lower_case_first: bool):
    names = {path.name for path in folder.iterdir()}
    if names & {"config.json", "tokenizer_config.json"} or "tokenizer.json" not in names:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        side = tokenizer.truncation_side
        tokenizer = tokenizer.backend_tokenizer
    else:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        side = (tokenizer.truncation or {}).get("direction", "right")
    if lower_case_first:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), tokenizer.normalizer])
    tokenizer.no_padding()
    return tokenizer, side


def ask(base: dict, changes: dict) -> dict:
    lower_case_first = changes.get("lower_case_first", False)
    files = {name: patch for name, patch in changes.items() if name != "lower_case_first"}
    with tempfile.TemporaryDirectory() as folder:
        write_directory(Path(folder), base, files)
        tokenizer, side = reference(Path(folder), lower_case_first)
    rows = {}
    for max_tokens in (512, 12):
        tokenizer.enable_truncation(max_length=max_tokens, direction=side)
        encodings = [tokenizer.encode(text) for text in TEXTS]
        rows[max_tokens] = [[encoding.ids, bool(encoding.overflowing)] for encoding in encodings]
    types = tokenizer.encode(TEXTS[2]).type_ids
    return {"files": files, "lower_case_first": lower_case_first, "types": types, "rows": rows}


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    if "--keep-tokenizer" not in sys.argv:
        text = json.dumps(train(), ensure_ascii=False, indent=0)
        (OUT / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
    base = json.loads((OUT / "tokenizer.json").read_text(encoding="utf-8"))
    versions = f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}"
    found = {name: ask(base, changes) for name, changes in cases(base).items()}
    lines = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in found.items()]
    texts = json.dumps(TEXTS, indent=0)
    (OUT / "cases.json").write_text(
        f'{{"texts": {texts},\n"cases": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8"
    )
    (OUT / "README.md").write_text(
        "# Goldens of the tokenizer\n\nWritten by `.venv-reference/bin/python tools/make_text_goldens.py`"
        f" ({versions}); never by hand.\n`tokenizer.json` is a tiny WordPiece tokenizer trained there; `cases.json` has"
        " the reference's ids for many ways\nto configure it: changes to the directory, then for each max_tokens the"
        " ids of every text and whether it was cut.\n",
        encoding="utf-8",
    )
    print(f"{OUT}: {len(base['model']['vocab'])} pieces, {len(found)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
