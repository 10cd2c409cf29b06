# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, int8 by NNCF's post-training quantisation for transformers, calibrated on 300 real rows that are not among
the timed ones; what stays in floats runs in bf16 where the processor has it, as is OpenVINO's own choice."""

import pathlib

import nncf
import openvino
import openvino_f32
import pyarrow.parquet as pq
from tokens import PaddedBatches, feeds

BATCHES = openvino_f32.BATCHES
CALIBRATION_ROWS = 300


def quantise(model, graph):
    table = pathlib.Path(__file__).resolve().parents[2] / "build/corpus/natural.parquet"
    texts = pq.read_table(table, columns=["text"])["text"].to_pylist()[-CALIBRATION_ROWS:]

    floats = openvino.Core().read_model(f"{model}/model.onnx")
    inputs = {tensor.any_name for tensor in floats.inputs}
    batches = [feeds(ids, mask, inputs) for _, ids, mask in PaddedBatches(model).batches(texts, 1)]
    rows = nncf.Dataset(batches)
    quantised = nncf.quantize(
        floats, rows, model_type=nncf.ModelType.TRANSFORMER, subset_size=CALIBRATION_ROWS, fast_bias_correction=True
    )
    openvino.save_model(quantised, graph, compress_to_fp16=False)


def load(model, threads):
    graph = pathlib.Path(model, "openvino_int8.xml")
    if not graph.exists():
        quantise(model, graph)
    return openvino_f32.load(model, threads, "THROUGHPUT", "bf16", graph.name)
