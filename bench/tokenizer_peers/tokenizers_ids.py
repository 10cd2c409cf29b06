# SPDX-License-Identifier: Apache-2.0
"""Hugging Face tokenizers: a list of texts in; ids stay in the library's own Encodings."""

import json
import os
import pathlib

from flat import flat

BATCHES = (1, 100, 1000, 10_000)  # 1: encode, row by row; else encode_batch_fast


def load(model, threads, as_lists=False):
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if threads == 1 else "true"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    settings = json.loads(pathlib.Path(model, "sentence_bert_config.json").read_text())
    tokenizer.enable_truncation(settings["max_seq_length"])
    tokenizer.no_padding()

    def encodings(texts, batch):
        if batch == 1:
            return ([tokenizer.encode(text)] for text in texts)
        return (tokenizer.encode_batch_fast(texts[at : at + batch]) for at in range(0, len(texts), batch))

    def tokenize(texts, batch, wanted):
        rows = []
        for part in encodings(texts, batch):
            if as_lists or wanted:
                rows += [encoding.ids for encoding in part]
        return flat(rows) if wanted else None

    return tokenize
