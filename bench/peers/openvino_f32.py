# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, f32 forced (it would take bf16 where the processor has it), all cores on one request at a time."""

import numpy as np
import openvino
from tokens import PaddedBatches, feeds, pool_of

BATCHES = (16, 64)


def load(model, threads, hint="LATENCY", precision="f32", graph="model.onnx"):
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": hint}
    compiled = core.compile_model(f"{model}/{graph}", "CPU", settings)
    queue = openvino.AsyncInferQueue(compiled)  # as many requests in flight as the hint asks for
    source, pool = PaddedBatches(model), pool_of(model)
    inputs = {tensor.any_name for tensor in compiled.inputs}
    dim = compiled.output(0).partial_shape[-1].get_length()

    def embed(texts, batch):
        vectors = np.empty((len(texts), dim), np.float32)

        def finish(request, place):
            rows, mask = place
            vectors[rows] = pool(request.get_output_tensor(0).data, mask)

        queue.set_callback(finish)
        for rows, ids, mask in source.batches(texts, batch):
            queue.start_async(feeds(ids, mask, inputs), (rows, mask))
        queue.wait_all()
        return vectors

    return embed
