# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, f32, all graph optimisations (attention, layer norm and GELU are fused)."""

import numpy as np
import onnxruntime
from tokens import PaddedBatches, mean_pool

BATCHES = (16, 64)


def load(model, threads, graph="model.onnx"):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(f"{model}/{graph}", options, providers=["CPUExecutionProvider"])
    source = PaddedBatches(model)
    dim = session.get_outputs()[0].shape[-1]

    def embed(texts, batch):
        vectors = np.empty((len(texts), dim), np.float32)
        for rows, ids, mask in source.batches(texts, batch):
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            vectors[rows] = mean_pool(session.run(None, feeds)[0], mask)
        return vectors

    return embed
