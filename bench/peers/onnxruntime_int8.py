# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, int8 by its dynamic quantisation: weights by channel, activations when they are there."""

import pathlib

import onnxruntime_f32
from onnxruntime.quantization import QuantType, quantize_dynamic

BATCHES = onnxruntime_f32.BATCHES


def load(model, threads):
    graph = pathlib.Path(model, "model_int8.onnx")
    if not graph.exists():
        quantize_dynamic(f"{model}/model.onnx", graph, weight_type=QuantType.QInt8, per_channel=True)
    return onnxruntime_f32.load(model, threads, graph.name)
