# SPDX-License-Identifier: Apache-2.0
"""Hugging Face tokenizers: a list of texts in, a list of lists of ids out."""

import tokenizers_ids

BATCHES = tokenizers_ids.BATCHES


def load(model, threads):
    return tokenizers_ids.load(model, threads, as_lists=True)
