# SPDX-License-Identifier: Apache-2.0
"""Make the directory that the benched runtimes share: a model's files plus its ONNX graph, model.onnx.

usage: make_onnx.py MODEL_DIR OUT_DIR        run by .venv-reference's Python

The graph gives the last hidden state.
"""

import inspect
import pathlib
import sys

import torch
from transformers import AutoModel

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]  # the last where the network takes it


class LastHiddenState(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        return self.model(**dict(zip(INPUTS, inputs, strict=False))).last_hidden_state


def takes_types(model):
    return "token_type_ids" in inspect.signature(model.forward).parameters and model.config.type_vocab_size > 0


def export(source, graph):
    model = AutoModel.from_pretrained(source, attn_implementation="eager", dtype=torch.float32).eval()
    ids = torch.ones((2, 9), dtype=torch.int64)
    inputs = [ids, ids, torch.zeros_like(ids)] if takes_types(model) else [ids, ids]
    names = INPUTS[: len(inputs)]
    axes = {name: {0: "rows", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    with torch.no_grad():
        torch.onnx.export(
            LastHiddenState(model),
            tuple(inputs),
            graph,
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,  # ONNX Runtime's optimizer knows this exporter's attention, and it needs no more packages
        )


def main(source, out):
    out.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        link = out / path.name
        if not link.exists():
            link.symlink_to(path.resolve())
    graph = out / "model.onnx"
    if not graph.exists():
        part = graph.with_suffix(".part")
        export(source, part)
        part.rename(graph)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
