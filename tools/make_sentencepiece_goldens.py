#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/data/sentencepiece: small SentencePiece models, and the reference's ids for ways to use them.

usage: make_sentencepiece_goldens.py [--keep-models]        needs: pip install sentencepiece protobuf transformers

goldens.json is as tests/data/text/cases.json (tools/make_text_goldens.py), with {"copy_of": FILE} for the models, which
lie beside it. The reference is sentencepiece itself where no file names a tokenizer class, else AutoTokenizer.
--keep-models keeps the trained models and asks the reference again.
"""

import json
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import make_text_goldens
import make_tokenizer_goldens
import sentencepiece
import tokenizer_training
import train_sentencepiece

OUT = Path(__file__).resolve().parent.parent / "tests/data/sentencepiece"
VOCAB_SIZE = 1000
TEXTS = [
    *make_tokenizer_goldens.TEXTS,
    "<ctl> a<user>b two twofold <unk> <0x41> <s>x</s> <pad>",
    "[CLS] inner [MASK]and[SEP] new york new  york <extra_id_0> <extra_id_9>x <s>NOTUSED <bos> <eos>",
    "\u3000\u3000ideographic\u3000 space \u2581 \u2581 and \ud7a3\u11a8 \uff9e\uff76\uff9e",
]


def with_settings(kind: str, **settings) -> dict:
    base = train_sentencepiece.KINDS[kind]
    return {
        "tokenizer.json": None,
        base.file: {"copy_of": f"{kind}.model"},
        "config.json": {"model_type": base.model_type},
        "tokenizer_config.json": {**base.settings, **settings},
    }


def stripping_mask(content: str) -> dict:
    flags = {"single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True}
    return {"__type": "AddedToken", "content": content, **flags}


def cases() -> dict[str, dict]:
    found = {}
    for kind, base in train_sentencepiece.KINDS.items():
        if base.model_type:
            found[kind] = with_settings(kind)
        else:
            found[kind] = {"tokenizer.json": None, base.file: {"copy_of": f"{kind}.model"}}
    return {
        **found,
        "unigram_left": {**found["unigram"], "tokenizer_config.json": {"truncation_side": "left"}},
        "xlm-roberta_by_model_type": {**found["xlm-roberta"], "tokenizer_config.json": {}},
        "xlm-roberta_left": with_settings("xlm-roberta", truncation_side="left", add_prefix_space=False),
        "xlm-roberta_tokens": with_settings(
            "xlm-roberta",
            mask_token=stripping_mask("<mask>"),
            additional_special_tokens=["<extra_id_0>", "new york"],
            added_tokens_decoder={"1000": {"content": "inner", "special": False, "normalized": True}},
        ),
        "xlm-roberta_map": {
            **with_settings("xlm-roberta"),
            "special_tokens_map.json": {"pad_token": "<bos>", "additional_special_tokens": ["york"]},
            "added_tokens.json": {"lines": 2000, "<s>NOTUSED": 2001},
        },
        "camembert_no_extra_tokens": with_settings("camembert", extra_special_tokens=[]),
        "t5_usual_extra_ids": with_settings("t5", extra_ids=100),
        "t5_extra_tokens": with_settings("t5", extra_special_tokens=[f"<extra_id_{i}>" for i in range(10)]),
        "albert_keeping": with_settings("albert", do_lower_case=False, keep_accents=True),
        "albert_mask": with_settings(
            "albert",
            mask_token=stripping_mask("[MASK]"),
        ),
        "deberta-v3_other": with_settings("deberta-v3", do_lower_case=True, split_by_punct=True),
        "llama_legacy": with_settings("llama", legacy=True, add_eos_token=True),
        "llama_plain": with_settings("llama", add_bos_token=False, add_prefix_space=False),
        "llama_said_nothing": {**found["llama"], "tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer"}},
        "gemma_left": with_settings("gemma", truncation_side="left", add_eos_token=False),
    }


def write_directory(folder: Path, files: dict) -> None:
    plain = {}
    for name, content in files.items():
        if isinstance(content, dict) and "copy_of" in content:
            shutil.copy(OUT / content["copy_of"], folder / name)
        else:
            plain[name] = content
    make_text_goldens.write_directory(folder, {}, plain)


def ids_of_sentencepiece(files: dict) -> dict:
    model = next(content["copy_of"] for content in files.values() if content and "copy_of" in content)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(OUT / model))
    left = files.get("tokenizer_config.json", {}).get("truncation_side") == "left"
    rows = {}
    for max_tokens in (512, 12):
        whole = [processor.encode(text) for text in TEXTS]
        rows[max_tokens] = [[ids[-max_tokens:] if left else ids[:max_tokens], len(ids) > max_tokens] for ids in whole]
    return {"types": [0] * len(rows[12][2][0]), "rows": rows}


def ids_of_transformers(files: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        write_directory(Path(folder), files)
        tokenizer, side = make_text_goldens.reference(Path(folder), False)
    rows = {}
    for max_tokens in (512, 12):
        tokenizer.enable_truncation(max_length=max_tokens, direction=side)
        encodings = [tokenizer.encode(text) for text in TEXTS]
        rows[max_tokens] = [[encoding.ids, bool(encoding.overflowing)] for encoding in encodings]
    return {"types": tokenizer.encode(TEXTS[2]).type_ids, "rows": rows}


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    if "--keep-models" not in sys.argv:
        lines = tokenizer_training.training_lines()[::7]
        lines += [text.replace("\0", "") for text in TEXTS * 2 if text]
        for name, kind in train_sentencepiece.KINDS.items():
            (OUT / f"{name}.model").write_bytes(train_sentencepiece.train(kind, lines, VOCAB_SIZE))
    found = {}
    for name, files in cases().items():
        ask = ids_of_transformers if "config.json" in files else ids_of_sentencepiece
        found[name] = {"files": files, "lower_case_first": False, **ask(files)}
    rows = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in found.items()]
    (OUT / "goldens.json").write_text(
        f'{{"texts": {json.dumps(TEXTS, indent=0)},\n"cases": {{\n' + ",\n".join(rows) + "\n}}\n", encoding="utf-8"
    )
    versions = ", ".join(f"{name} {version(name)}" for name in ("sentencepiece", "tokenizers", "transformers"))
    (OUT / "README.md").write_text(
        "# Goldens of SentencePiece files\n\nWritten by"
        f" `.venv-reference/bin/python tools/make_sentencepiece_goldens.py` ({versions}); never by hand.\n"
        "`goldens.json` has the reference's ids for ways to use the models beside it, as `../text/cases.json` has.\n",
        encoding="utf-8",
    )
    size = sum(path.stat().st_size for path in OUT.iterdir())
    print(f"{OUT}: {len(found)} cases, {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
