# SPDX-License-Identifier: Apache-2.0
"""Calls of encode that sentence-transformers and emberline must answer alike. Used by the golden tool and the tests."""

SENTENCES = [
    "A man is eating food.",
    "",
    "Le déjeuner est prêt, dit-elle.",
    "日本語のテキスト",
    "One morning, when Gregor Samsa woke from troubled dreams, he found himself transformed in his bed. " * 12,
    "12,345.67 EUR (incl. VAT) -- e-mail: a.b@c.de",
    "short",
    "🙂 emoji and ﬁne ligatures",
]

# name -> (model directory below the root, method, keyword arguments)
CASES: dict[str, tuple[str, str, dict]] = {
    "minilm": ("build/models/all-MiniLM-L6-v2", "encode", {}),
    "minilm-prompt": ("build/models/all-MiniLM-L6-v2", "encode", {"prompt": "query: "}),
    "minilm-truncate": ("build/models/all-MiniLM-L6-v2", "encode", {"truncate_dim": 100}),
    "minilm-truncate-normalize": (
        "build/models/all-MiniLM-L6-v2",
        "encode",
        {"truncate_dim": 100, "normalize_embeddings": True},
    ),
    "minilm-uint8": ("build/models/all-MiniLM-L6-v2", "encode", {"precision": "uint8"}),
    "minilm-int8": ("build/models/all-MiniLM-L6-v2", "encode", {"precision": "int8"}),
    "minilm-binary": ("build/models/all-MiniLM-L6-v2", "encode", {"precision": "binary"}),
    "minilm-ubinary": ("build/models/all-MiniLM-L6-v2", "encode", {"precision": "ubinary", "truncate_dim": 100}),
    "tiny-mean-plain": ("tests/data/tiny-mean", "encode", {}),
    "tiny-mean-normalize": ("tests/data/tiny-mean", "encode", {"normalize_embeddings": True, "batch_size": 3}),
    "prompts-default": ("tests/data/tiny-prompts", "encode", {}),
    "prompts-named": ("tests/data/tiny-prompts", "encode", {"prompt_name": "store"}),
    "prompts-empty": ("tests/data/tiny-prompts", "encode", {"prompt": ""}),
    "prompts-both": ("tests/data/tiny-prompts", "encode", {"prompt": "store: ", "prompt_name": "search"}),
    "prompts-query": ("tests/data/tiny-prompts", "encode_query", {}),
    "prompts-document": ("tests/data/tiny-prompts", "encode_document", {}),
}
