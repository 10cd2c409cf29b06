# SPDX-License-Identifier: Apache-2.0
"""sentence-transformers on PyTorch, f32: the reference. encode sorts by length on its own."""

import torch
from sentence_transformers import SentenceTransformer

BATCHES = (16, 64)


def load(model, threads):
    torch.set_num_threads(threads)
    loaded = SentenceTransformer(model, device="cpu", local_files_only=True)

    def embed(texts, batch):
        return loaded.encode(texts, batch_size=batch, show_progress_bar=False)

    return embed
