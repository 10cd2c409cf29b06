# SPDX-License-Identifier: Apache-2.0
"""Networks whose authors publish code of their own beside the weights, as the reference can run them.

readable(PATH) gives a model directory that sentence-transformers loads without code from elsewhere: PATH itself, or a
copy whose config.json says the same in keys that transformers knows. What transformers has no class for is written here
from the published description, under the published names of tensors.
"""

import json
import math
import shutil
import tempfile
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, BertConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class SlopedBertConfig(BertConfig):
    """JinaBERT v2 (arXiv 2310.19923): BERT with symmetric ALiBi in place of positions, and gated feed-forwards."""

    model_type = "sloped_bert"


def head_slopes(heads: int) -> list[float]:
    """ALiBi's slopes (arXiv 2108.12409), with its authors' rule for head counts that are no power of two."""
    power = 2 ** math.floor(math.log2(heads))
    start = 2 ** (-8 / power)
    slopes = [start ** (i + 1) for i in range(power)]
    return slopes + (head_slopes(2 * power)[0::2][: heads - power] if heads > power else [])


class SlopedBertLayer(nn.Module):
    def __init__(self, config: SlopedBertConfig):
        super().__init__()
        hidden, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(hidden, hidden) for name in ("query", "key", "value")}),
                "output": nn.ModuleDict(
                    {"dense": nn.Linear(hidden, hidden), "LayerNorm": nn.LayerNorm(hidden, eps=eps)}
                ),
            }
        )
        self.mlp = nn.ModuleDict(
            {
                "gated_layers": nn.Linear(hidden, 2 * inner, bias=False),
                "wo": nn.Linear(inner, hidden),
                "layernorm": nn.LayerNorm(hidden, eps=eps),
            }
        )

    def attend(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        products = self.attention["self"]
        query, key, value = (
            products[name](hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2) for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + bias
        return (torch.softmax(scores, -1) @ value).transpose(1, 2).flatten(2)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        output = self.attention["output"]
        hidden = output["LayerNorm"](output["dense"](self.attend(hidden, bias)) + hidden)
        gate, up = self.mlp["gated_layers"](hidden).chunk(2, -1)
        return self.mlp["layernorm"](self.mlp["wo"](nn.functional.gelu(gate) * up) + hidden)


class SlopedBertModel(PreTrainedModel):
    config_class = SlopedBertConfig
    base_model_prefix = "bert"

    def __init__(self, config: SlopedBertConfig):
        super().__init__(config)
        hidden = config.hidden_size
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(config.vocab_size, hidden),
                "token_type_embeddings": nn.Embedding(config.type_vocab_size, hidden),
                "LayerNorm": nn.LayerNorm(hidden, eps=config.layer_norm_eps),
            }
        )
        layers = [SlopedBertLayer(config) for _ in range(config.num_hidden_layers)]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings["word_embeddings"]

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, output_hidden_states=None, **_):
        tables = self.embeddings
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        hidden = tables["LayerNorm"](tables["word_embeddings"](input_ids) + tables["token_type_embeddings"](types))
        places = torch.arange(input_ids.shape[1])
        slopes = torch.tensor(head_slopes(self.config.num_attention_heads))
        bias = -slopes[:, None, None] * (places[None, :] - places[:, None]).abs()
        if attention_mask is not None:
            bias = bias + (attention_mask[:, None, None, :] == 0) * torch.finfo(torch.float32).min
        states = [hidden]
        for layer in self.encoder["layer"]:
            states.append(layer(states[-1], bias))
        return BaseModelOutput(last_hidden_state=states[-1], hidden_states=tuple(states))


AutoConfig.register(SlopedBertConfig.model_type, SlopedBertConfig)
AutoModel.register(SlopedBertConfig, SlopedBertModel)


def renamed(config: dict, names: dict[str, str]) -> dict:
    return {names.get(key, key): value for key, value in config.items()}


def gte_config(config: dict) -> dict:
    """"new" is transformers' GTE; its NTK scaling is a linear one with another base."""
    rotation = {"rope_type": "default", "rope_theta": config["rope_theta"]}
    if scaling := config.get("rope_scaling"):
        factor, dim = scaling["factor"], config["hidden_size"] // config["num_attention_heads"]
        rotation = {"rope_type": "linear", "rope_theta": config["rope_theta"] * factor, "factor": factor ** (2 / dim)}
    gone = ("rope_theta", "rope_scaling", "position_embedding_type")
    kept = {key: value for key, value in config.items() if key not in gone}
    return {**kept, "model_type": "gte", "rope_parameters": rotation}


NOMIC_KEYS = {
    "n_embd": "hidden_size",
    "n_layer": "num_hidden_layers",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "n_positions": "max_position_embeddings",
    "layer_norm_epsilon": "layer_norm_eps",
}


def nomic_config(config: dict) -> dict:
    theta = config.pop("rotary_emb_base")
    return {**renamed(config, NOMIC_KEYS), "rope_parameters": {"rope_type": "default", "rope_theta": theta}}


def known_config(config: dict) -> dict:
    """What config.json says, in keys that transformers (and the classes above) know."""
    if config.get("position_embedding_type") == "alibi":
        return {**config, "model_type": SlopedBertConfig.model_type}
    if config["model_type"] == "new" or "pack_qkv" in config:
        return gte_config(config)
    return nomic_config(dict(config)) if "n_embd" in config else config


def readable(path: Path) -> Path:
    if not (path / "config.json").exists():
        return path
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    known = known_config(config)
    if known == config:
        return path
    copy = Path(tempfile.mkdtemp()) / path.name
    shutil.copytree(path, copy)
    (copy / "config.json").write_text(json.dumps(known), encoding="utf-8")
    return copy
