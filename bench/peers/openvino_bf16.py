# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, bf16, its throughput hint."""

import openvino_f32

BATCHES = openvino_f32.BATCHES


def load(model, threads):
    return openvino_f32.load(model, threads, "THROUGHPUT", "bf16")
