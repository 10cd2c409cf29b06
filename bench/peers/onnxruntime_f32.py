# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, f32, all graph optimisations. Its offline optimizer, which fuses attention, too, was no faster."""

import numpy as np
import onnxruntime
from tokens import PaddedBatches, feeds, pool_of

BATCHES = (16, 64)


def load(model, threads, graph="model.onnx"):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(f"{model}/{graph}", options, providers=["CPUExecutionProvider"])
    source, pool = PaddedBatches(model), pool_of(model)
    inputs = {tensor.name for tensor in session.get_inputs()}
    dim = session.get_outputs()[0].shape[-1]

    def embed(texts, batch):
        vectors = np.empty((len(texts), dim), np.float32)
        for rows, ids, mask in source.batches(texts, batch):
            vectors[rows] = pool(session.run(None, feeds(ids, mask, inputs))[0], mask)
        return vectors

    return embed
