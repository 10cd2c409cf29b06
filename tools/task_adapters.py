# SPDX-License-Identifier: Apache-2.0
"""Adapters for single tasks (LoRA, arXiv 2106.09685), as Jina v3 has them: written for tiny models, and added to what
the modules of transformers' network give, y = W x + scale B (A x), while its weights stay as they are.

Two layouts. Its authors keep the adapters of all tasks in model.safetensors, stacked, beside the weights that they
adapt, and list the tasks in config.json. For transformers each task has a folder of its own, as PEFT saves one; written
here by PEFT's description, since the package is not among the reference's.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

STACKED = "lora_adaptations"
ORIGINAL, A, B = (f".parametrizations.weight.{end}" for end in ("original", "0.lora_A", "0.lora_B"))
WRAPPER = "base_model.model."
# Names of transformers' class for those of its authors, which transformers also saves.
CLASS_NAMES = ((r"^roberta\.", ""), (r"^encoder\.layers", "layers"), (r"mixer\.out_proj", "self_attn.o_proj"))
QUERY_KEY_VALUE = ("q_proj", "k_proj", "v_proj")


@dataclass
class Adapter:
    module: str  # of transformers' class
    down: torch.Tensor  # [rank, in]; of an embedding [rows, rank]
    up: torch.Tensor  # [out, rank]; of an embedding [rank, dim]
    scale: float


def tasks_of(path: Path) -> dict[str, str]:
    """Each task and the prompt that belongs to it."""
    if not (path / "config.json").exists():
        return {}
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    if STACKED in config:
        return {task: config["task_instructions"][task] for task in config[STACKED]}
    settings = path / "config_sentence_transformers.json"
    prompts = json.loads(settings.read_text(encoding="utf-8"))["prompts"] if settings.exists() else {}
    by_folder = {re.sub("[.-]", "_", name): text for name, text in prompts.items()}
    return {
        file.parent.name: by_folder.get(file.parent.name, "") for file in sorted(path.glob("*/adapter_config.json"))
    }


def adapters_of(path: Path, task: str) -> list[Adapter]:
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    return stacked_adapters(path, config, task) if STACKED in config else folder_adapters(path / task)


def stacked_adapters(path: Path, config: dict, task: str) -> list[Adapter]:
    tensors = safetensors.torch.load_file(path / "model.safetensors")
    place, scale = config[STACKED].index(task), config["lora_alpha"] / config["lora_rank"]
    found = []
    for name in (name.removesuffix(A) for name in tensors if name.endswith(A)):
        down, up, module = tensors[name + A][place].float(), tensors[name + B][place].float(), name
        for pattern, replacement in CLASS_NAMES:
            module = re.sub(pattern, replacement, module)
        if module.endswith("mixer.Wqkv"):
            at = module.removesuffix("mixer.Wqkv") + "self_attn."
            parts = zip(QUERY_KEY_VALUE, up.chunk(3), strict=True)
            found += [Adapter(at + name, down, part, scale) for name, part in parts]
        else:
            found.append(Adapter(module, down, up, scale))
    return found


def folder_adapters(folder: Path) -> list[Adapter]:
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    tensors = safetensors.torch.load_file(folder / "adapter_model.safetensors")
    scale, found = config["lora_alpha"] / config["r"], []
    for name in tensors:
        module = name.removeprefix(WRAPPER)
        if name.endswith(".lora_A.weight"):
            up = tensors[name.replace("lora_A", "lora_B")]
            found.append(Adapter(module.removesuffix(".lora_A.weight"), tensors[name], up, scale))
        elif name.endswith(".lora_embedding_A"):
            up = tensors[name.replace("embedding_A", "embedding_B")]
            found.append(Adapter(module.removesuffix(".lora_embedding_A"), tensors[name].T, up.T, scale))
    return found


def attach(network: nn.Module, adapters: list[Adapter]) -> list:
    """Adds adapters to what the network's modules give. Returns handles whose remove() ends that."""

    def hook(adapter: Adapter):
        def added(module: nn.Module, inputs, output):
            (given,) = inputs
            if isinstance(module, nn.Embedding):
                return output + adapter.scale * (adapter.down[given] @ adapter.up)
            return output + adapter.scale * (given @ adapter.down.T @ adapter.up.T)

        return added

    return [network.get_submodule(adapter.module).register_forward_hook(hook(adapter)) for adapter in adapters]


def without_adapters(path: Path) -> None:
    """Writes a stacked model as sentence-transformers reads it: the plain network."""
    tensors = safetensors.torch.load_file(path / "model.safetensors")
    plain = {name: tensor for name, tensor in tensors.items() if not name.endswith((A, B))}
    plain = {name.removeprefix("roberta.").replace(ORIGINAL, ".weight"): tensor for name, tensor in plain.items()}
    safetensors.torch.save_file(plain, path / "model.safetensors", {"format": "pt"})
    modules = json.loads((path / "modules.json").read_text(encoding="utf-8"))
    modules[0]["type"] = "sentence_transformers.models.Transformer"
    (path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")


# ---- written ----


def is_adapted(name: str, tensor: torch.Tensor) -> bool:
    return tensor.dim() == 2 and name.endswith(".weight")


def stack(path: Path, tasks: dict[str, str], rank: int, alpha: float, seed: int) -> None:
    """Turns a tiny model that transformers saved into one as Jina v3's authors publish it."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, tensor in sorted(safetensors.torch.load_file(path / "model.safetensors").items()):
        name = "roberta." + name
        if not is_adapted(name, tensor):
            tensors[name] = tensor.bfloat16()
            continue
        module, (rows, cols) = name.removesuffix(".weight"), tensor.shape
        tensors[module + ORIGINAL] = tensor.bfloat16()
        shapes = ((rows, rank), (rank, cols)) if "embeddings" in name else ((rank, cols), (rows, rank))
        for end, shape in zip((A, B), shapes, strict=True):
            noise = torch.randn(len(tasks), *shape, generator=generator)
            tensors[module + end] = (noise * 0.6 / cols**0.25).bfloat16()
    safetensors.torch.save_file(tensors, path / "model.safetensors", {"format": "pt"})
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    theta = config.pop("rope_parameters")["rope_theta"]
    config |= {"model_type": "xlm-roberta", "position_embedding_type": "rotary", "rotary_emb_base": theta}
    config |= {"architectures": ["XLMRobertaModel"], "dtype": "bfloat16", "use_reg_tokens": False, "emb_pooler": None}
    config |= {STACKED: list(tasks), "task_instructions": tasks, "lora_rank": rank, "lora_alpha": alpha}
    config |= {"lora_dropout_p": 0.0, "lora_main_params_trainable": False, "load_trained_adapters": True}
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    modules = json.loads((path / "modules.json").read_text(encoding="utf-8"))
    modules[0] |= {"type": "custom_st.Transformer", "kwargs": ["task"]}
    (path / "modules.json").write_text(json.dumps(modules, indent=2) + "\n", encoding="utf-8")
    (path / "sentence_bert_config.json").unlink()


def save_folder(network: nn.Module, folder: Path, targets: list[str], rank: int, alpha: float, seed: int) -> None:
    """An adapter of every module whose name ends with one of the targets, as PEFT saves it."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, module in network.named_modules():
        if name.split(".")[-1] not in targets:
            continue
        is_table = isinstance(module, nn.Embedding)
        out, wide = reversed(module.weight.shape) if is_table else module.weight.shape
        ends = (".lora_embedding_A", ".lora_embedding_B") if is_table else (".lora_A.weight", ".lora_B.weight")
        for end, shape in zip(ends, ((rank, wide), (out, rank)), strict=True):
            tensors[WRAPPER + name + end] = torch.randn(shape, generator=generator) * 0.6 / out**0.25
    folder.mkdir()
    safetensors.torch.save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": targets, "bias": "none"}
    config |= {"fan_in_fan_out": False, "inference_mode": True, "lora_dropout": 0.0, "use_dora": False}
    config |= {"use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}, "modules_to_save": None}
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
