# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, f32 forced, its throughput hint: several requests in flight, each on its share of the cores."""

import openvino_f32

BATCHES = openvino_f32.BATCHES


def load(model, threads):
    return openvino_f32.load(model, threads, "THROUGHPUT")
