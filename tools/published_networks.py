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
from task_adapters import STACKED, without_adapters
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
            bias = bias + hidden_by(attention_mask)
        states = [hidden]
        for layer in self.encoder["layer"]:
            states.append(layer(states[-1], bias))
        return BaseModelOutput(last_hidden_state=states[-1], hidden_states=tuple(states))


class RoutedBertConfig(BertConfig):
    """NomicBERT's second version (arXiv 2502.07972): rotary positions, and experts in every other layer."""

    model_type = "routed_bert"

    rotary_emb_base: float = 10000.0
    moe_every_n_layers: int = 2
    num_experts: int = 8
    moe_top_k: int = 2


class RoutedFeedForward(nn.Module):
    def __init__(self, config: RoutedBertConfig):
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.shape, self.chosen = (config.num_experts, inner, hidden), config.moe_top_k
        self.router = nn.ModuleDict({"layer": nn.Linear(hidden, config.num_experts, bias=False)})
        self.experts = nn.Module()
        self.experts.mlp = nn.Module()
        self.experts.mlp.w1 = nn.Parameter(torch.empty(config.num_experts * inner, hidden))
        self.experts.mlp.w2 = nn.Parameter(torch.empty(config.num_experts * inner, hidden))
        self.experts.bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        up, down = self.experts.mlp.w1.view(self.shape), self.experts.mlp.w2.view(self.shape)
        weights, chosen = torch.topk(torch.softmax(self.router["layer"](hidden), -1), self.chosen, -1)
        mixed = torch.zeros_like(hidden)
        for expert in range(self.shape[0]):
            weight = (weights * (chosen == expert)).sum(-1, keepdim=True)
            mixed = mixed + weight * (nn.functional.gelu(hidden @ up[expert].T) @ down[expert])
        return mixed + self.experts.bias


class RoutedBertLayer(nn.Module):
    def __init__(self, config: RoutedBertConfig, index: int):
        super().__init__()
        hidden, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads
        self.attn = nn.ModuleDict({"Wqkv": nn.Linear(hidden, 3 * hidden), "out_proj": nn.Linear(hidden, hidden)})
        every = config.moe_every_n_layers
        self.is_routed = every > 0 and index % every == 1
        dense = {"fc1": nn.Linear(hidden, inner), "fc2": nn.Linear(inner, hidden)}
        self.mlp = RoutedFeedForward(config) if self.is_routed else nn.ModuleDict(dense)
        self.norm1, self.norm2 = nn.LayerNorm(hidden, eps=eps), nn.LayerNorm(hidden, eps=eps)

    def attend(self, hidden: torch.Tensor, angles: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        parts = self.attn["Wqkv"](hidden).chunk(3, -1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)

        def turned(x: torch.Tensor) -> torch.Tensor:
            first, second = x.chunk(2, -1)
            return torch.cat((first * angles.cos() - second * angles.sin(),
                              first * angles.sin() + second * angles.cos()), -1)  # fmt: skip

        scores = turned(query) @ turned(key).transpose(-1, -2) / math.sqrt(query.shape[-1]) + mask
        return (torch.softmax(scores, -1) @ value).transpose(1, 2).flatten(2)

    def forward(self, hidden: torch.Tensor, angles: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.norm1(self.attn["out_proj"](self.attend(hidden, angles, mask)) + hidden)
        if self.is_routed:
            return self.norm2(self.mlp(hidden) + hidden)
        return self.norm2(self.mlp["fc2"](nn.functional.gelu(self.mlp["fc1"](hidden))) + hidden)


class RoutedBertModel(PreTrainedModel):
    config_class = RoutedBertConfig
    base_model_prefix = "nomic_bert"

    def __init__(self, config: RoutedBertConfig):
        super().__init__(config)
        hidden = config.hidden_size
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(config.vocab_size, hidden),
                "token_type_embeddings": nn.Embedding(config.type_vocab_size, hidden),
            }
        )
        self.emb_ln = nn.LayerNorm(hidden, eps=config.layer_norm_eps)
        layers = [RoutedBertLayer(config, i) for i in range(config.num_hidden_layers)]
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(layers)})
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings["word_embeddings"]

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, output_hidden_states=None, **_):
        tables, config = self.embeddings, self.config
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        hidden = self.emb_ln(tables["word_embeddings"](input_ids) + tables["token_type_embeddings"](types))
        dim = config.hidden_size // config.num_attention_heads
        frequencies = 1 / config.rotary_emb_base ** (torch.arange(0, dim, 2).float() / dim)
        angles = torch.arange(input_ids.shape[1]).float()[:, None] * frequencies
        mask = torch.zeros(1) if attention_mask is None else hidden_by(attention_mask)
        states = [hidden]
        for layer in self.encoder["layers"]:
            states.append(layer(states[-1], angles, mask))
        return BaseModelOutput(last_hidden_state=states[-1], hidden_states=tuple(states))


def hidden_by(attention_mask: torch.Tensor) -> torch.Tensor:
    """What is added to scores, so that padding counts nothing."""
    return (attention_mask[:, None, None, :] == 0) * torch.finfo(torch.float32).min


for config_class, model_class in ((SlopedBertConfig, SlopedBertModel), (RoutedBertConfig, RoutedBertModel)):
    AutoConfig.register(config_class.model_type, config_class)
    AutoModel.register(config_class, model_class)


def renamed(config: dict, names: dict[str, str]) -> dict:
    return {names.get(key, key): value for key, value in config.items()}


def gte_config(config: dict) -> dict:
    """ "new" is transformers' GTE; its NTK scaling is a linear one with another base."""
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
    if config.get("activation_function") == "gelu":
        return {**renamed(config, NOMIC_KEYS), "model_type": RoutedBertConfig.model_type}
    theta = config.pop("rotary_emb_base")
    return {**renamed(config, NOMIC_KEYS), "rope_parameters": {"rope_type": "default", "rope_theta": theta}}


def jina_config(config: dict) -> dict:
    """Jina v3's authors call it a kind of XLM-RoBERTa."""
    rotation = {"rope_type": "default", "rope_theta": config["rotary_emb_base"]}
    gone = ("rotary_emb_base", "position_embedding_type", "task_instructions")
    kept = {key: value for key, value in config.items() if key not in gone and not key.startswith("lora_")}
    return {**kept, "model_type": "jina_embeddings_v3", "rope_parameters": rotation}


def known_config(config: dict) -> dict:
    """What config.json says, in keys that transformers (and the classes above) know."""
    if config.get("position_embedding_type") == "alibi":
        return {**config, "model_type": SlopedBertConfig.model_type}
    if config.get("position_embedding_type") == "rotary":
        return jina_config(config)
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
    if STACKED in config:
        without_adapters(copy)
    return copy
