#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make tests/data/rerank, tiny models that score pairs of texts, and write what the reference's CrossEncoder says of
them into tests/golden/rerank: ids and types of pairs, scores, and raw ones, in f32, one pair at a time.

usage: make_rerank_goldens.py [--keep-models]     (needs torch, transformers, sentence-transformers)
"""

import json
import logging
import os
import shutil
import sys
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import make_tiny_models as tiny
import sentence_transformers
import tokenizers
import torch
import transformers
from golden_files import DATA, GOLDEN, SCRIPT_LINES, read_lines
from sentence_transformers import CrossEncoder
from tokenizers import processors

MODELS, SCORES = DATA / "rerank", GOLDEN / "rerank"
SHAPE = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 40}
BEHIND_PADDING = {**SHAPE, "max_position_embeddings": 66, "type_vocab_size": 1}


def twice_closed(folder: Path) -> None:
    """The angle tokenizer with RoBERTa's own way of joining two texts."""
    tokenizer = tiny.angle_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save_pretrained(folder)


def classifier(name: str, labels: int = 1, **config) -> dict:
    return tiny.family(name, "ForSequenceClassification", num_labels=labels, **config)


def make_models() -> None:
    shutil.rmtree(MODELS, ignore_errors=True)
    MODELS.mkdir(parents=True)
    maker = tiny.Maker(MODELS)
    maker.seed = 4000
    twice_closed(maker.work / "twice")
    bert = {**SHAPE, "max_position_embeddings": 64}
    maker.plain("bert", **classifier("Bert", **bert))
    older = maker.plain("bert-raw", **classifier("Bert", **bert))
    activation = "torch.nn.modules.linear.Identity"
    tiny.rewrite(older / "config.json", sbert_ce_default_activation_function=activation)
    maker.plain("bert-labels", **classifier("Bert", 3, **bert))
    saved = CrossEncoder(str(maker.network("saved", **classifier("Bert", **bert))), prompts={"ask": "question: "})
    saved.default_prompt_name, saved.activation_fn = "ask", torch.nn.Identity()
    saved.save_pretrained(str(MODELS / "cross-encoder"))
    roberta = maker.plain("roberta", tokenizer="twice", **classifier("Roberta", **BEHIND_PADDING))
    settings = {"activation_fn": "torch.nn.modules.activation.Sigmoid"}
    tiny.rewrite(roberta / "config.json", sentence_transformers=settings)
    maker.plain("xlm-roberta", tokenizer="twice", **classifier("XLMRoberta", **BEHIND_PADDING))
    maker.plain("mpnet", tokenizer="twice", **classifier("MPNet", **SHAPE, max_position_embeddings=66))
    maker.plain("electra", **classifier("Electra", **bert, embedding_size=20))
    distilled = {"dim": 32, "n_heads": 4, "n_layers": 2, "hidden_dim": 40, "max_position_embeddings": 64}
    maker.plain("distilbert", **classifier("DistilBert", **distilled))
    maker.plain("albert", **classifier("Albert", **bert, embedding_size=20))
    disentangled = {"relative_attention": True, "position_buckets": 32, "norm_rel_ebd": "layer_norm"}
    disentangled |= {"share_att_key": True, "pos_att_type": "p2c|c2p", "position_biased_input": False}
    maker.plain("deberta-v2", **classifier("DebertaV2", **bert, **disentangled, type_vocab_size=0, pad_token_id=0))
    modern = {**bert, "local_attention": 16, "pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3}
    modern |= {"bos_token_id": 2, "eos_token_id": 3}
    maker.plain("modernbert", **classifier("ModernBert", **modern, classifier_pooling="mean"))
    biased = {"norm_bias": True, "classifier_bias": True, "classifier_activation": "silu", "classifier_pooling": "cls"}
    maker.plain("modernbert-biased", **classifier("ModernBert", 2, **modern, **biased))
    for path in MODELS.glob("*/*"):
        if path.name in ("README.md", ".gitattributes", "special_tokens_map.json", "generation_config.json"):
            path.unlink()


def pairs() -> list[list[str]]:
    lines = read_lines("scripts.txt")
    texts = [lines[i] for i in SCRIPT_LINES]
    found = [[texts[i], texts[i - 1]] for i in range(len(texts))]
    long = " ".join(lines)
    return [*found, ["", ""], ["", texts[0]], [texts[0], ""], [texts[1], long], [long, texts[1]], [long, long[9:]]]


def write_golden(path: Path) -> str:
    model = CrossEncoder(str(path), device="cpu", model_kwargs={"dtype": torch.float32})
    prompt = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
    rows = pairs()
    features = [model.preprocess([row], prompt=prompt) for row in rows]
    ids = [feature["input_ids"][0].tolist() for feature in features]
    types = [feature["token_type_ids"][0].tolist() if "token_type_ids" in feature else [] for feature in features]
    raw = torch.nn.Identity()
    spec = {
        "max_tokens": model.max_seq_length,
        "labels": model.num_labels,
        "pairs": rows,
        "ids": ids,
        "types": types,
        "scores": [model.predict([row], show_progress_bar=False)[0].tolist() for row in rows],
        "raw": [model.predict([row], activation_fn=raw, show_progress_bar=False)[0].tolist() for row in rows],
    }
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in spec.items())
    (SCORES / f"{path.name}.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    return f"{path.name}: {len(rows)} pairs, raw scores {min(spec['raw'])} to {max(spec['raw'])}"


def write_readme() -> None:
    versions = {
        "sentence-transformers": sentence_transformers.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    listed = "\n".join(f"| {name} | {version} |" for name, version in versions.items())
    (SCORES / "README.md").write_text(
        f"""# Scores of pairs

What the reference's CrossEncoder computes in f32 on a CPU, one pair at a time. Never edited by hand; written by
`python tools/make_rerank_goldens.py` with

| package | version |
|---|---|
{listed}

`NAME.json` belongs to `tests/data/rerank/NAME`: pairs of texts, their ids and, where the network is told of them,
types, `scores` as the model's author wants them and `raw` ones before that.
""",
        encoding="utf-8",
    )


def main() -> None:
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    if "--keep-models" not in sys.argv:
        make_models()
    SCORES.mkdir(parents=True, exist_ok=True)
    for path in sorted(MODELS.iterdir()):
        print(write_golden(path))
    write_readme()
    total = sum(file.stat().st_size for folder in (MODELS, SCORES) for file in folder.glob("**/*") if file.is_file())
    print(f"{total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
