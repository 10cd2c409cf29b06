#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write what the reference says into tests/golden: token ids, hidden layers and finished vectors, in f32, one row at a
time.

usage: make_golden.py [MODEL ...]     (needs torch, transformers, sentence-transformers)

Without arguments: every tests/data/tiny-* but tiny-use (tools/make_use_goldens.py), and the real ones of build/models.
For each model there are NAME.json (rows as the model sees them, with ids) and NAME.safetensors (hidden.N [layers + 1,
tokens, hidden] of the row at place N of "layer_rows", vectors [rows, dim]); tasks/NAME.* for what its adapters make of
the same rows.
"""

import json
import logging
import os
import sys
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import safetensors.numpy
import sentence_transformers
import tokenizers
import torch
import transformers
from golden_files import DATA, GOLDEN, REAL, ROOT, layer_rows_of, rows_of, write_files
from published_networks import readable
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from task_adapters import adapters_of, attach, tasks_of


class StaticReference:
    """A table of tokens: sentence-transformers' StaticEmbedding, or a directory of model2vec, by that project's
    description: tokens without special ones and without the unknown one, their mean, its length made 1."""

    def __init__(self, path: Path):
        self.prompts, self.default_prompt_name, self.no_limit = {}, None, 1 << 24
        self.own = None if (path / "modules.json").exists() else json.loads((path / "config.json").read_text())
        self.max_seq_length = self.no_limit if self.own is None else self.own.get("max_length", 512)
        self.model = SentenceTransformer(str(path), device="cpu") if self.own is None else None
        module = self.model[0] if self.model else StaticEmbedding.load(str(path))
        self.tokenizer, self.table = module.tokenizer, module.embedding.weight.detach().float()

    def ids(self, row: str) -> list[int]:
        ids = self.tokenizer.encode(row, add_special_tokens=False).ids
        if self.own is None:
            return ids
        unknown = self.tokenizer.token_to_id(self.tokenizer.model.unk_token)
        return [i for i in ids[: self.max_seq_length] if i != unknown]

    def vector(self, row: str) -> np.ndarray:
        if self.model:
            return self.model.encode([row], show_progress_bar=False)
        ids = self.ids(row)
        mean = self.table[ids].numpy().mean(axis=0) if ids else np.zeros(self.table.shape[1], dtype=np.float32)
        length = np.linalg.norm(mean) if self.own.get("normalize") else 1
        return (mean / max(length, 1e-32)).astype(np.float32)[None]


def write_static_golden(path: Path) -> str:
    reference, rows = StaticReference(path), rows_of(path.name)
    ids = [reference.ids(row) for row in rows]
    layer_rows = [layer_rows_of(path.name, ids)[-1]]  # the empty row has no tokens
    tensors = {"vectors": np.concatenate([reference.vector(row) for row in rows])}
    for i in layer_rows:
        tensors[f"hidden.{i}"] = reference.table[ids[i]].numpy()[None]
    return write_files(path.name, rows, ids, tensors, layer_rows=layer_rows, max_tokens=reference.max_seq_length)


def is_static(path: Path) -> bool:
    files = (path / "modules.json", path / "config.json")
    text = "".join(file.read_text(encoding="utf-8") for file in files if file.exists())
    return "StaticEmbedding" in text or '"model2vec"' in text


def write_golden(path: Path) -> str:
    if is_static(path):
        return write_static_golden(path)
    name = path.name
    rows = rows_of(name)
    model = SentenceTransformer(str(readable(path)), device="cpu", model_kwargs={"dtype": torch.float32})
    if tasks := tasks_of(path):
        write_task_golden(path, model, rows, tasks)
    prompt = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
    features = [model.preprocess([row], prompt=prompt) for row in rows]
    ids = [feature["input_ids"][0].tolist() for feature in features]
    vectors = np.concatenate([model.encode([row], batch_size=1, show_progress_bar=False) for row in rows])
    layer_rows = layer_rows_of(name, ids)
    tensors = {"vectors": vectors}
    for i in layer_rows:
        inputs = {k: features[i][k] for k in ("input_ids", "attention_mask", "token_type_ids") if k in features[i]}
        with torch.no_grad():
            states = model.transformers_model(**inputs, output_hidden_states=True).hidden_states
        tensors[f"hidden.{i}"] = torch.stack([state[0] for state in states]).numpy()
    prompt_tokens = features[0].get("prompt_length", 0) if not pooling_of(model).include_prompt else 0
    return write_files(
        name,
        rows,
        ids,
        tensors,
        layer_rows=layer_rows,
        max_tokens=model.max_seq_length,
        prompt=prompt or "",
        prompt_tokens=prompt_tokens,
    )


def write_task_golden(path: Path, model: SentenceTransformer, rows: list[str], tasks: dict[str, str]) -> None:
    tensors = {}
    for task, prompt in tasks.items():
        handles = attach(model.transformers_model, adapters_of(path, task))
        encoded = [model.encode([row], prompt=prompt, batch_size=1, show_progress_bar=False) for row in rows]
        tensors[task] = np.concatenate(encoded)
        for handle in handles:
            handle.remove()
    (GOLDEN / "tasks").mkdir(exist_ok=True)
    record = json.dumps({"prompts": tasks, "rows": rows}, indent=1, ensure_ascii=False)
    (GOLDEN / "tasks" / f"{path.name}.json").write_text(record + "\n", encoding="utf-8")
    safetensors.numpy.save_file(tensors, GOLDEN / "tasks" / f"{path.name}.safetensors")


def pooling_of(model: SentenceTransformer) -> torch.nn.Module:
    return next(module for module in model if type(module).__name__ == "Pooling")


def write_readme() -> None:
    versions = {
        "sentence-transformers": sentence_transformers.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    listed = "\n".join(f"| {name} | {version} |" for name, version in versions.items())
    (GOLDEN / "README.md").write_text(
        f"""# Golden values

What the reference computes in f32 on a CPU, one row at a time. Never edited by hand; written by

```
python tools/get_models.py build/models
python tools/make_tiny_models.py
python tools/make_golden.py
python tools/make_use_goldens.py     # the others leave tiny-use alone
```

with

| package | version |
|---|---|
{listed}

`NAME.json` holds the rows, the prompt put before each and the token ids; `NAME.safetensors` holds `vectors`
[rows, dimensions] and, for the rows listed in `layer_rows`, `hidden.ROW` [layers + 1, tokens, hidden], the embeddings'
output first. `tasks/NAME.json` holds rows and the prompt of each task, `tasks/NAME.safetensors` the vectors of each;
adapters are added to what the reference's modules give (`tools/task_adapters.py`).
""",
        encoding="utf-8",
    )


def main(paths: list[Path]) -> None:
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    if not paths:
        tiny = [path for path in sorted(DATA.glob("tiny-*")) if path.name != "tiny-use"]
        paths = tiny + [ROOT / "build/models" / name for name in REAL]
        missing = [str(path) for path in paths if not path.is_dir()]
        if missing:
            sys.exit(f"make_golden: missing {', '.join(missing)}: run tools/get_models.py build/models")
        write_readme()
    GOLDEN.mkdir(exist_ok=True)
    for path in paths:
        print(write_golden(path))
    total = sum(file.stat().st_size for file in GOLDEN.glob("**/*") if file.is_file())
    print(f"{total / 1e6:.2f} MB in {GOLDEN}")


if __name__ == "__main__":
    main([Path(argument).resolve() for argument in sys.argv[1:]])
