#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the tiny models of tests/data: two or three layers, random weights of a fixed seed, every file layout that real
models come in.

usage: make_tiny_models.py [OUT_DIR]     (default tests/data; needs torch, transformers, sentence-transformers)
"""

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import safetensors.torch
import torch
import transformers
from published_networks import (
    NOMIC_KEYS,
    RoutedBertConfig,
    RoutedBertModel,
    SlopedBertConfig,
    SlopedBertModel,
    renamed,
)
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from task_adapters import save_folder, stack
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
)

ROOT = Path(__file__).resolve().parent.parent
TEXT = ROOT / "tests/data/scripts.txt"
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ANGLE_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # as RoBERTa orders them
VOCAB_SIZE = 700
NUM_CHARACTERS = 420  # not all of them, so that [UNK] appears


def wordpiece_vocabulary(lowercase: bool, specials: list[str] = SPECIALS) -> dict[str, int]:
    """The most frequent characters and the pieces that cover most text; ties by spelling, so that every run agrees."""
    normalizer, pre_tokenizer = normalizers.BertNormalizer(lowercase=lowercase), pre_tokenizers.BertPreTokenizer()
    words = Counter()
    for line in TEXT.read_text(encoding="utf-8").splitlines():
        words.update(word for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(line)))
    pieces = Counter()
    for word, count in words.items():
        for begin in range(len(word)):
            for end in range(begin + 1, min(len(word), begin + 10) + 1):
                pieces["##" * (begin > 0) + word[begin:end]] += count * (end - begin)
    ranked = sorted(pieces, key=lambda piece: (-pieces[piece], piece))
    characters = [piece for piece in ranked if len(piece.removeprefix("##")) == 1][:NUM_CHARACTERS]
    longer = [piece for piece in ranked if len(piece.removeprefix("##")) > 1]
    chosen = specials + characters + longer[: VOCAB_SIZE - len(specials) - len(characters)]
    return {piece: i for i, piece in enumerate(chosen)}


def angle_tokenizer() -> PreTrainedTokenizerFast:
    """The words of BERT's tokenizer with RoBERTa's special tokens, for families whose padding is token 1."""
    tokenizer = Tokenizer(models.WordPiece(wordpiece_vocabulary(True, ANGLE_SPECIALS), unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    tokens = {f"{name}_token": token for name, token in names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **tokens)


def closing_tokenizer() -> PreTrainedTokenizerFast:
    """The same words, with one special token: the one that ends a text, as decoders and T5 have it."""
    tokenizer = Tokenizer(models.WordPiece(wordpiece_vocabulary(True, ANGLE_SPECIALS), unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    names = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    inputs = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=200, model_input_names=inputs, padding_side="left", **names
    )


def byte_tokenizer() -> Qwen2Tokenizer:
    """Qwen's kind: pieces of bytes, and one token at the end, as its embedding models have it."""
    end = "<|endoftext|>"
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB_SIZE - 1, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train([str(TEXT)], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary = model["vocab"] | {end: len(model["vocab"])}
    merges = [tuple(merge) for merge in model["merges"]]
    made = Qwen2Tokenizer(vocab=vocabulary, merges=merges, model_max_length=200, padding_side="left")
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, vocabulary[end])]
    )
    return made


def randomize(network: torch.nn.Module, seed: int) -> None:
    """Weights large enough that a missing bias, scale or activation shows in the first digits."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(network.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower():
                parameter.copy_(noise * 0.2 + (1 if name.endswith("weight") else 0))
            elif parameter.dim() == 1:
                parameter.copy_(noise * 0.2)
            elif "embeddings" in name:
                parameter.copy_(noise * 0.5)
            elif name.endswith("SelfAttention.q.weight"):  # of T5, which does not scale scores
                parameter.copy_(noise / parameter.shape[1])
            elif name.endswith("self_attn.q_proj.weight"):  # a decoder's last token alone counts: no sharp choices
                parameter.copy_(noise * 0.5 / parameter.shape[1] ** 0.5)
            else:
                parameter.copy_(noise * 1.3 / parameter.shape[1] ** 0.5)


def bert_config(hidden=32, heads=4, layers=2, ffn=64, positions=64, **others) -> BertConfig:
    return BertConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=hidden,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        intermediate_size=ffn,
        max_position_embeddings=positions,
        **others,
    )


class Maker:
    def __init__(self, out: Path):
        self.out = out
        self.seed = 0
        self.work = Path(tempfile.mkdtemp())
        for lowercase, name in ((True, "lower"), (False, "cased")):
            vocabulary = wordpiece_vocabulary(lowercase)
            tokenizer = BertTokenizer(vocab=vocabulary, do_lower_case=lowercase, model_max_length=64)
            tokenizer.save_pretrained(self.work / name)
        angle_tokenizer().save_pretrained(self.work / "angle")
        closing_tokenizer().save_pretrained(self.work / "closing")
        byte_tokenizer().save_pretrained(self.work / "bytes")

    def network(
        self, name: str, tokenizer="lower", network_class=BertModel, dtype=torch.float32, config=None, **shape
    ) -> Path:
        self.seed += 1
        network = network_class(config or bert_config(**shape))
        randomize(network, self.seed)
        path = self.work / "networks" / name
        network.to(dtype).save_pretrained(path)
        for file in sorted((self.work / tokenizer).iterdir()):
            shutil.copy(file, path / file.name)
        return path

    def plain(self, name: str, **options) -> Path:
        return Path(shutil.move(self.network(name, **options), self.out / name))

    def sentence(self, name: str, pooling: str, *after, include_prompt=True, prompts=None, **options) -> Path:
        path = self.network(name, **options)
        transformer = Transformer(str(path), model_kwargs={"dtype": options.get("dtype", torch.float32)})
        modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling, include_prompt), *after]
        settings = {"prompts": prompts, "default_prompt_name": next(iter(prompts))} if prompts else {}
        SentenceTransformer(modules=modules, device="cpu", **settings).save(
            str(self.out / name), create_model_card=False
        )
        return self.out / name


def dense(in_features: int, out_features: int, activation: torch.nn.Module, seed: int, **others) -> Dense:
    module = Dense(in_features, out_features, activation_function=activation, **others)
    randomize(module, seed)
    return module


def rewrite(path: Path, **changes) -> None:
    spec = json.loads(path.read_text(encoding="utf-8"))
    spec.update(changes)
    path.write_text(json.dumps(spec, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make_old_layout(path: Path) -> None:
    """The files as sentence-transformers before 5.5 wrote them."""
    names = ("Transformer", "Pooling", "Normalize")
    entries = [
        {"idx": i, "name": str(i), "path": f"{i}_{n}" if i else "", "type": f"sentence_transformers.models.{n}"}
        for i, n in enumerate(names)
    ]
    (path / "modules.json").write_text(json.dumps(entries, indent=2) + "\n")
    pooling = {"word_embedding_dimension": 32, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    pooling |= {"pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}
    (path / "1_Pooling/config.json").write_text(json.dumps(pooling, indent=2) + "\n")
    (path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24, "do_lower_case": False}) + "\n")


def make_sharded(path: Path) -> None:
    """Writes the weights again in several files."""
    network = BertModel.from_pretrained(path)
    (path / "model.safetensors").unlink()
    network.save_pretrained(path, max_shard_size="60KB")


def make_lower_first(path: Path) -> None:
    """A tokenizer that keeps case behind sentence-transformers' own lower-casing."""
    rewrite(path / "sentence_bert_config.json", max_seq_length=64, do_lower_case=True)


def family(name: str, task: str = "Model", **config) -> dict:
    """Options of Maker.network for another family than BERT: "Roberta", "ForMaskedLM"."""
    network_class, config_class = getattr(transformers, name + task), getattr(transformers, name + "Config")
    return {"network_class": network_class, "config": config_class(vocab_size=VOCAB_SIZE, **config)}


def make_families(maker: Maker) -> None:
    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 64}
    bert = {**shape, "max_position_embeddings": 64}
    behind_padding = {**shape, "max_position_embeddings": 66, "type_vocab_size": 1}
    maker.sentence("tiny-roberta", "mean", Normalize(), tokenizer="angle", **family("Roberta", **behind_padding))
    maker.plain("tiny-camembert-task-head", tokenizer="angle", **family("Camembert", "ForMaskedLM", **behind_padding))
    maker.sentence("tiny-xlm-roberta", "cls", Normalize(), tokenizer="angle", **family("XLMRoberta", **behind_padding))
    maker.sentence("tiny-electra", "mean", Normalize(), **family("Electra", **bert, embedding_size=20))
    maker.plain("tiny-electra-task-head", **family("Electra", "ForMaskedLM", **bert, embedding_size=32))
    distilled = {"dim": 32, "n_heads": 4, "n_layers": 3, "hidden_dim": 64, "max_position_embeddings": 64}
    maker.sentence("tiny-distilbert", "mean", Normalize(), **family("DistilBert", **distilled))
    albert = {**bert, "embedding_size": 20, "num_hidden_layers": 5, "num_hidden_groups": 2}
    maker.sentence("tiny-albert", "mean", Normalize(), **family("Albert", **albert))
    nested = {**bert, "embedding_size": 32, "num_hidden_groups": 2, "inner_group_num": 2}
    maker.plain("tiny-albert-task-head", **family("Albert", "ForMaskedLM", **nested))
    mpnet = family("MPNet", **shape, max_position_embeddings=202)
    rewrite(
        maker.sentence("tiny-mpnet", "mean", Normalize(), tokenizer="angle", **mpnet) / "sentence_bert_config.json",
        max_seq_length=200,  # so that distances reach the last bucket
    )
    maker.plain("tiny-mpnet-task-head", tokenizer="angle", **family("MPNet", "ForMaskedLM", **shape))
    modern = {**shape, "num_hidden_layers": 5, "intermediate_size": 40, "max_position_embeddings": 200}
    modern |= {"local_attention": 16, "pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3}
    modern |= {"bos_token_id": 2, "eos_token_id": 3}
    long_modern = maker.sentence("tiny-modernbert", "mean", Normalize(), **family("ModernBert", **modern))
    rewrite(long_modern / "sentence_bert_config.json", max_seq_length=200)
    biased = {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "hidden_activation": "silu"}
    maker.plain("tiny-modernbert-task-head", **family("ModernBert", "ForMaskedLM", **modern, **biased))
    rotary = {**shape, "num_hidden_layers": 2, "intermediate_size": 40, "max_position_embeddings": 64}
    maker.sentence("tiny-nomic-bert", "mean", Normalize(), **family("NomicBert", **rotary, pad_token_id=0))
    maker.plain("tiny-gte", tokenizer="angle", **family("Gte", **rotary, type_vocab_size=1))
    maker.plain("tiny-gte-task-head", tokenizer="angle", **family("Gte", "ForMaskedLM", **rotary, type_vocab_size=0))


def make_decoders(maker: Maker) -> None:
    maker.seed = 1000  # whatever stands before
    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 40}
    shape |= {"max_position_embeddings": 200, "pad_token_id": 1, "bos_token_id": None, "eos_token_id": 2}
    qwen2 = {**shape, "num_key_value_heads": 2, "use_sliding_window": True, "sliding_window": 16}
    maker.sentence(
        "tiny-qwen2", "lasttoken", Normalize(), tokenizer="bytes", **family("Qwen2", **qwen2, max_window_layers=1)
    )
    qwen3 = {**shape, "num_key_value_heads": 2, "head_dim": 12}
    prompts = {"query": "Instruct: find what answers\nQuery:", "document": ""}
    maker.sentence(
        "tiny-qwen3", "lasttoken", Normalize(), tokenizer="bytes", prompts=prompts, **family("Qwen3", **qwen3)
    )
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 50, "rope_theta": 5000.0}
    foretelling = {**qwen3, "num_key_value_heads": 4, "attention_bias": True, "rope_parameters": yarn}
    maker.plain("tiny-qwen3-task-head", tokenizer="bytes", **family("Qwen3", "ForCausalLM", **foretelling))
    mistral = {**shape, "num_key_value_heads": 1, "sliding_window": 16}
    linear = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1000.0}
    maker.sentence(
        "tiny-mistral",
        "lasttoken",
        Normalize(),
        tokenizer="closing",
        **family("Mistral", **mistral, rope_parameters=linear),
    )
    llama3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    llama3 |= {"original_max_position_embeddings": 50, "rope_theta": 1000.0}
    wide = {**shape, "num_key_value_heads": 2, "head_dim": 16, "sliding_window": None, "rope_parameters": llama3}
    maker.plain("tiny-mistral-task-head", tokenizer="closing", **family("Mistral", "ForCausalLM", **wide))


def make_t5(maker: Maker) -> None:
    maker.seed = 2000
    shape = {"d_model": 32, "num_heads": 4, "num_layers": 3, "d_kv": 12, "d_ff": 40, "pad_token_id": 1}
    head = dense(32, 24, torch.nn.Identity(), 104, bias=False)
    maker.sentence("tiny-t5", "mean", head, Normalize(), tokenizer="closing", **family("T5", "EncoderModel", **shape))
    gated = {**shape, "d_kv": 8, "num_decoder_layers": 1, "feed_forward_proj": "gated-gelu"}
    gated |= {"relative_attention_num_buckets": 16, "relative_attention_max_distance": 40}
    maker.plain("tiny-t5-task-head", tokenizer="closing", **family("T5", "ForConditionalGeneration", **gated))


def make_gemma(maker: Maker) -> None:
    maker.seed = 3000
    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 40}
    shape |= {"num_key_value_heads": 2, "head_dim": 12, "query_pre_attn_scalar": 20, "max_position_embeddings": 200}
    shape |= {"sliding_window": 16, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    shape["layer_types"] = ["sliding_attention", "full_attention"]
    wide = dense(32, 48, torch.nn.Identity(), 105, bias=False)
    narrow = dense(48, 32, torch.nn.Identity(), 106, bias=False)
    both_ways = family("Gemma3Text", **shape, use_bidirectional_attention=True)
    maker.sentence("tiny-gemma3", "mean", wide, narrow, Normalize(), tokenizer="closing", **both_ways)
    angles = {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5000.0}}
    angles["sliding_attention"] = {"rope_type": "default", "rope_theta": 300.0}
    causal = {**shape, "rope_parameters": angles}
    config = transformers.Gemma3TextConfig(vocab_size=VOCAB_SIZE, **causal)
    foretelling = {"network_class": transformers.Gemma3ForCausalLM, "config": config}
    maker.plain("tiny-gemma3-task-head", tokenizer="closing", **foretelling)


def as_published(path: Path, change) -> None:
    """Writes config.json as the authors of the family do, for code of their own."""
    file = path / "config.json"
    config = change(json.loads(file.read_text(encoding="utf-8")))
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def as_new(config: dict) -> dict:
    """Alibaba's first name of GTE, with the scaling that gte-base-en-v1.5 has."""
    rotation, dim = config.pop("rope_parameters"), config["hidden_size"] // config["num_attention_heads"]
    factor = round(rotation["factor"] ** (dim / 2))
    scaling = {"rope_theta": rotation["rope_theta"] / factor, "rope_scaling": {"type": "ntk", "factor": float(factor)}}
    others = {"position_embedding_type": "rope", "layer_norm_type": "layer_norm", "pack_qkv": True}
    return {**config, **scaling, **others, "model_type": "new", "logn_attention_scale": False}


def as_nomic(config: dict) -> dict:
    config = renamed(config, {name: key for key, name in NOMIC_KEYS.items()})
    theta = config.pop("rope_parameters")["rope_theta"]
    rotation = {"rotary_emb_base": theta, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False}
    none = {"qkv_proj_bias": False, "mlp_fc1_bias": False, "mlp_fc2_bias": False, "moe_every_n_layers": 0}
    others = {"activation_function": "swiglu", "prenorm": False, "use_rms_norm": False, "parallel_block": False}
    return {**config, **rotation, "rotary_scaling_factor": None, **none, **others}


def as_nomic_moe(config: dict) -> dict:
    config = renamed(config, {name: key for key, name in NOMIC_KEYS.items()})
    others = {"activation_function": "gelu", "prenorm": False, "use_rms_norm": False, "parallel_block": False}
    others |= {"qkv_proj_bias": True, "mlp_fc1_bias": True, "mlp_fc2_bias": True, "num_shared_experts": 0}
    others |= {"rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False, "rotary_scaling_factor": None}
    return {**config, "model_type": "nomic_bert", **others, "moe_normalize_expert_weights": False}


def as_jina(config: dict) -> dict:
    return {**config, "model_type": "bert", "position_embedding_type": "alibi", "feed_forward_type": "geglu"}


def make_published_families(maker: Maker) -> None:
    """Families whose authors publish code of their own, under the keys and names that it reads."""
    maker.seed = 1000  # so that models before these come and go without changing them
    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 40}
    rotary = {**shape, "max_position_embeddings": 200}
    longer = {"rope_type": "linear", "rope_theta": 2000.0, "factor": 2 ** (2 / 8)}
    new = family("Gte", **rotary, type_vocab_size=1, rope_parameters=longer)
    published = maker.sentence("tiny-new", "cls", Normalize(), tokenizer="angle", **new)
    rewrite(published / "sentence_bert_config.json", max_seq_length=200)
    as_published(published, as_new)
    nomic = family("NomicBert", **rotary, pad_token_id=0)
    published = maker.sentence("tiny-nomic-bert-published", "mean", Normalize(), **nomic)
    as_published(published, as_nomic)
    # Six heads: the last two take slopes of another row of powers.
    sloped = SlopedBertConfig(vocab_size=VOCAB_SIZE, **{**rotary, "num_attention_heads": 6, "hidden_size": 48})
    jina = {"network_class": SlopedBertModel, "config": sloped}
    published = maker.sentence("tiny-jina-bert", "mean", Normalize(), **jina)
    rewrite(published / "sentence_bert_config.json", max_seq_length=200)
    as_published(published, as_jina)
    routed = RoutedBertConfig(vocab_size=VOCAB_SIZE, num_experts=4, **{**rotary, "num_hidden_layers": 4})
    moe = {"network_class": RoutedBertModel, "config": routed}
    published = maker.sentence("tiny-nomic-bert-moe", "mean", Normalize(), **moe)
    as_published(published, as_nomic_moe)
    maker.sentence("tiny-jina-v3", "mean", Normalize(), tokenizer="angle", **family("JinaEmbeddingsV3", **rotary))


def make_task_adapters(maker: Maker) -> None:
    """Jina v3 with adapters, as its authors publish it and as transformers has it."""
    maker.seed = 1300
    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 40}
    jina = family("JinaEmbeddingsV3", **shape, max_position_embeddings=200)
    stacked = maker.sentence("tiny-jina-v3-stacked", "mean", Normalize(), tokenizer="angle", **jina)
    stack(stacked, {"retrieval.query": "find what answers: ", "text-matching": ""}, rank=3, alpha=2, seed=1310)
    folders = maker.sentence("tiny-jina-v3-folders", "mean", Normalize(), tokenizer="angle", **jina)
    rewrite(folders / "config_sentence_transformers.json", prompts={"retrieval.query": "find what answers: "})
    network = jina["network_class"](jina["config"])
    everything = ["word_embeddings", "q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2", "dense"]
    save_folder(network, folders / "retrieval_query", everything, rank=2, alpha=3, seed=1320)
    save_folder(network, folders / "separation", ["q_proj", "v_proj"], rank=4, alpha=1, seed=1330)


def make_disentangled(maker: Maker) -> None:
    """DeBERTa as its third version is, and with the choices that older ones made."""
    maker.seed = 1100
    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 40}
    shape |= {"max_position_embeddings": 200, "relative_attention": True, "pad_token_id": 0}
    third = {"position_buckets": 32, "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": "p2c|c2p"}
    third |= {"position_biased_input": False, "type_vocab_size": 0}
    deberta = maker.sentence("tiny-deberta-v2", "mean", Normalize(), **family("DebertaV2", **shape, **third))
    rewrite(deberta / "sentence_bert_config.json", max_seq_length=200)
    older = {"max_relative_positions": 24, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 2}
    maker.plain("tiny-deberta-v2-task-head", **family("DebertaV2", "ForMaskedLM", **shape, **older))


def make_static(maker: Maker) -> None:
    """Tables of tokens, as sentence-transformers and as model2vec write them."""
    generator = torch.Generator().manual_seed(1200)
    table = torch.randn(VOCAB_SIZE, 24, generator=generator)
    tokenizer = Tokenizer.from_file(str(maker.work / "lower/tokenizer.json"))
    modules = [StaticEmbedding(tokenizer, embedding_weights=table), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(maker.out / "tiny-static"), create_model_card=False)
    own = maker.out / "tiny-model2vec"
    own.mkdir()
    safetensors.torch.save_file({"embeddings": table.half()}, own / "model.safetensors")
    tokenizer.save(str(own / "tokenizer.json"))
    config = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True, "hidden_dim": 24}
    (own / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    # A vocabulary that shares rows of int8, each token with a weight of its own.
    folded = maker.out / "tiny-model2vec-folded"
    shutil.copytree(own, folded)
    parts = {"embeddings": (table[:90] * 40).round().clamp(-127, 127).to(torch.int8)}
    parts["mapping"] = torch.randint(90, (VOCAB_SIZE,), generator=generator)
    parts["weights"] = torch.rand(VOCAB_SIZE, generator=generator)
    safetensors.torch.save_file(parts, folded / "model.safetensors")
    as_published(folded, lambda config: {**config, "embedding_dtype": "int8", "vocabulary_quantization": 90})


def make_all(out: Path) -> None:
    maker = Maker(out)
    maker.plain("tiny-bert", layers=3)
    maker.plain("tiny-bert-task-head", network_class=BertForMaskedLM, hidden=36, heads=3, ffn=50)
    maker.plain("tiny-gelu-new", hidden_act="gelu_new", hidden=48, heads=4, ffn=100, layer_norm_eps=1e-5)
    make_sharded(maker.plain("tiny-sharded", layers=3))
    vocabulary = maker.plain("tiny-vocab-txt")
    (vocabulary / "tokenizer.json").unlink()
    (vocabulary / "tokenizer_config.json").unlink()
    (vocabulary / "vocab.txt").write_bytes(vocabulary_lines(maker.work / "lower"))
    maker.sentence("tiny-mean", "mean", Normalize(), hidden=96, heads=6, ffn=192)
    make_old_layout(maker.sentence("tiny-cls", "cls", Normalize()))
    maker.sentence("tiny-max", "max", hidden_act="relu")
    maker.sentence("tiny-mean-sqrt-len", "mean_sqrt_len_tokens", hidden_act="silu")
    maker.sentence("tiny-weighted-mean", "weightedmean", Normalize(), hidden_act="quick_gelu")
    maker.sentence("tiny-last", "lasttoken", Normalize())
    maker.sentence("tiny-dense", "mean", dense(32, 20, torch.nn.Tanh(), 101), Normalize())
    residual = dense(32, 24, torch.nn.GELU(), 102, use_residual=True, bias=False)
    maker.sentence("tiny-dense-residual", "mean", residual, dense(24, 24, torch.nn.Identity(), 103, use_residual=True))
    prompts = {"search": "search for: ", "store": "store: "}
    maker.sentence("tiny-prompts", "mean", Normalize(), include_prompt=False, prompts=prompts)
    weighted_prompts = {"search": "search for: "}
    maker.sentence("tiny-prompts-weighted", "weightedmean", include_prompt=False, prompts=weighted_prompts)
    maker.sentence("tiny-f16", "mean", Normalize(), dtype=torch.float16, layers=3)
    maker.sentence("tiny-bf16", "mean", Normalize(), dtype=torch.bfloat16, layers=3)
    make_lower_first(maker.sentence("tiny-lower-first", "mean", Normalize(), tokenizer="cased"))
    make_families(maker)
    make_decoders(maker)
    make_t5(maker)
    make_gemma(maker)
    make_published_families(maker)
    make_task_adapters(maker)
    make_disentangled(maker)
    make_static(maker)


def vocabulary_lines(tokenizer: Path) -> bytes:
    vocabulary = BertTokenizer.from_pretrained(tokenizer).get_vocab()
    return "".join(token + "\n" for token in sorted(vocabulary, key=vocabulary.get)).encode()


def main(out: Path) -> None:
    for old in sorted(out.glob("tiny-*")):
        if old.name != "tiny-use":  # tools/make_use_goldens.py makes it
            shutil.rmtree(old)
    out.mkdir(parents=True, exist_ok=True)
    make_all(out)
    for path in sorted(out.glob("tiny-*/**/*")):
        if path.name in ("README.md", ".gitattributes", "special_tokens_map.json", "generation_config.json"):
            path.unlink()
    total = sum(path.stat().st_size for path in out.glob("tiny-*/**/*") if path.is_file())
    print(f"{len(list(out.glob('tiny-*')))} models, {total / 1e6:.2f} MB in {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/data")
