# SPDX-License-Identifier: Apache-2.0
"""What a careful user of a bare runtime writes: fast tokenizer, rows sorted by length, padded batches, pooling."""

import json
import pathlib

import numpy as np
from tokenizers import Tokenizer


class PaddedBatches:
    """Texts of a call as padded batches of rows of like length."""

    def __init__(self, model):
        settings = json.loads(pathlib.Path(model, "sentence_bert_config.json").read_text())
        self.tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
        self.tokenizer.enable_truncation(settings["max_seq_length"])
        self.tokenizer.no_padding()

    def batches(self, texts, batch):
        """Yields (rows, ids [rows, longest], mask [rows, longest]), the longest rows first."""
        encodings = self.tokenizer.encode_batch_fast(list(texts))
        lengths = np.array([len(encoding) for encoding in encodings])
        order = np.argsort(-lengths, kind="stable")
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            ids = np.zeros((len(rows), lengths[rows[0]]), np.int64)
            for place, row in enumerate(rows):
                ids[place, : lengths[row]] = encodings[row].ids
            yield rows, ids, (np.arange(ids.shape[1]) < lengths[rows, None]).astype(np.int64)


def feeds(ids, mask, inputs):
    """What a graph is given that has these inputs; types are all 0."""
    return {
        name: value
        for name, value in (("input_ids", ids), ("attention_mask", mask), ("token_type_ids", np.zeros_like(ids)))
        if name in inputs
    }


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def mean_pool(hidden, mask):
    """Unit vectors [rows, hidden] of hidden states [rows, tokens, hidden]."""
    weights = mask.astype(np.float32)
    return unit(np.matmul(weights[:, None, :], hidden)[:, 0] / weights.sum(axis=1, keepdims=True))


def cls_pool(hidden, mask):
    """The same, of the first token alone."""
    return unit(hidden[:, 0])


def last_pool(hidden, mask):
    """The same, of the last token of each row."""
    return unit(hidden[np.arange(len(hidden)), mask.sum(axis=1) - 1])


def pool_of(model):
    """The pool that a model's own files ask for, in the spelling of today or of old."""
    settings = json.loads(pathlib.Path(model, "1_Pooling/config.json").read_text())
    modes = [name for name, is_on in settings.items() if name.startswith("pooling_mode_") and is_on is True]
    pools = {"mean": mean_pool, "cls": cls_pool, "lasttoken": last_pool}
    old = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "lasttoken"}
    mode = settings.get("pooling_mode") or ", ".join(old.get(name, name) for name in modes)
    if mode not in pools:
        raise ValueError(f"{model}: the bench pools by {', '.join(pools)}, not by {mode or 'nothing'}")
    return pools[mode]
