# SPDX-License-Identifier: Apache-2.0
"""sentence-transformers on PyTorch, weights and activations in bf16."""

import torch
from sentence_transformers import SentenceTransformer

BATCHES = (16, 64)


def load(model, threads):
    torch.set_num_threads(threads)
    settings = {"dtype": torch.bfloat16}
    loaded = SentenceTransformer(model, device="cpu", local_files_only=True, model_kwargs=settings)

    def embed(texts, batch):
        vectors = loaded.encode(texts, batch_size=batch, show_progress_bar=False, convert_to_tensor=True)
        return vectors.float().numpy()

    return embed
