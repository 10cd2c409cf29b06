# SPDX-License-Identifier: Apache-2.0
"""``encode`` with sentence-transformers' signature, shapes and precisions, so that a script changes one import."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emberline.errors import InvalidArgument, Unsupported

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "int8", "uint8", "binary", "ubinary"]
_PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
_MISSING: Any = object()
_log = logging.getLogger("emberline")


def quantize(embeddings: np.ndarray, precision: Precision, ranges: np.ndarray | None = None) -> np.ndarray:
    """Stored forms of float vectors, coded as sentence-transformers' ``quantize_embeddings`` codes them.

    ``embeddings`` is [n, dim]. int8 and uint8 divide each dimension's range into 255 steps and give [n, dim];
    ``ranges`` [2, dim] holds the least and the largest value of each dimension and is taken from ``embeddings`` when
    absent. binary and ubinary pack the signs, eight to a byte: [n, ceil(dim / 8)].
    """
    if precision == "float32":
        return embeddings.astype(np.float32)
    if precision in ("binary", "ubinary"):
        packed = np.packbits(embeddings > 0, axis=-1)
        return packed if precision == "ubinary" else (packed ^ 0x80).view(np.int8)
    if precision not in ("int8", "uint8"):
        raise InvalidArgument(f"precision: got {precision!r}, expected one of {', '.join(_PRECISIONS)}")
    if ranges is None:
        if len(embeddings) == 1:
            raise InvalidArgument(f"precision {precision}: ranges cannot be taken from one embedding")
        ranges = np.stack([embeddings.min(axis=0), embeddings.max(axis=0)])
    low, high = np.asarray(ranges, np.float32)
    step = (high - low) / 255
    step[step == 0] = 1
    levels = np.clip(np.floor((embeddings - low) / step), 0, 255).astype(np.uint8)
    return levels if precision == "uint8" else (levels ^ 0x80).view(np.int8)


class Encode:
    """The sentence-transformers side of a Model."""

    def encode(
        self,
        inputs: str | Iterable[str] = _MISSING,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding"] = "sentence_embedding",
        precision: Precision = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: None = None,
        chunk_size: int | None = None,
        *,
        sentences: str | Iterable[str] = _MISSING,
    ) -> np.ndarray | torch.Tensor | list[torch.Tensor]:
        """Vectors of one text [dim] or of many [n, dim], as ``SentenceTransformer.encode`` returns them.

        ``batch_size`` and ``chunk_size`` change nothing: work is cut by tokens (option ``batch_tokens``), and a row's
        vector does not depend on its batch. Only ``output_value="sentence_embedding"``, the CPU and one process are
        there: anything else raises Unsupported. torch is imported only where tensors are asked for. An unknown prompt
        name or precision raises ValueError, an unknown argument or a text that is no str raises TypeError.
        """
        if sentences is not _MISSING:
            warnings.warn("encode's argument sentences is now named inputs", DeprecationWarning, stacklevel=2)
            inputs = sentences if inputs is _MISSING else inputs
        if inputs is _MISSING:
            raise TypeError("encode() missing 1 required positional argument: 'inputs'")
        if output_value != "sentence_embedding":
            raise Unsupported(f"output_value {output_value!r}: only 'sentence_embedding' is there")
        if batch_size <= 0:
            raise InvalidArgument(f"batch_size: got {batch_size}, expected a positive integer")
        if precision is not None and precision not in _PRECISIONS:
            raise InvalidArgument(f"precision: got {precision!r}, expected one of {', '.join(_PRECISIONS)}")
        if pool is not None or isinstance(device, (list, tuple)):
            raise Unsupported("pools of processes: one model uses all cores (option threads)")
        if device is not None and str(device) != "cpu":
            raise Unsupported(f"device {device}: this build runs on cpu")
        is_single = isinstance(inputs, str)
        texts = [inputs] if is_single else _texts(inputs)

        model = self.with_options(output=None) if self.options.get("output") else self
        if prompt is not None:
            if prompt_name is not None:
                _log.warning("encode got prompt and prompt_name: prompt_name is ignored")
            model = model.with_options(prompt=prompt, prompt_name=None)
        elif prompt_name is not None:
            model = model.with_options(prompt=None, prompt_name=prompt_name)
        if show_progress_bar is None:
            show_progress_bar = _log.getEffectiveLevel() in (
                logging.INFO,
                logging.DEBUG,
            )
        with _bar(len(texts), show_progress_bar) as progress:
            vectors = model.embed(texts, progress=progress)
        vectors = np.ascontiguousarray(vectors[:, :truncate_dim])
        if normalize_embeddings:
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        if precision is not None and len(texts):
            vectors = quantize(vectors, precision)
        return _converted(vectors, is_single, convert_to_numpy, convert_to_tensor)

    def encode_query(
        self,
        inputs,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args,
        **kwargs,
    ):
        """``encode`` with the model's "query" prompt, where it has one and none is given."""
        if prompt_name is None and prompt is None and "query" in self.info["prompt_names"]:
            prompt_name = "query"
        return self.encode(inputs, prompt_name, prompt, *args, **kwargs)

    def encode_document(
        self,
        inputs,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args,
        **kwargs,
    ):
        """``encode`` with the first of the prompts "document", "passage", "corpus" that the model has."""
        if prompt_name is None and prompt is None:
            prompt_name = next(
                (name for name in _DOCUMENT_PROMPTS if name in self.info["prompt_names"]),
                None,
            )
        return self.encode(inputs, prompt_name, prompt, *args, **kwargs)


def _texts(inputs: Iterable[str]) -> list[str]:
    if not isinstance(inputs, Iterable) or isinstance(inputs, (bytes, dict)):
        raise TypeError(f"inputs is {type(inputs).__name__}: expected str or a list of str")
    texts = inputs.tolist() if isinstance(inputs, np.ndarray) else list(inputs)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"row {row} is {type(text).__name__}: expected str")
    return texts


def _converted(
    vectors: np.ndarray,
    is_single: bool,
    convert_to_numpy: bool,
    convert_to_tensor: bool,
):
    if convert_to_numpy and not convert_to_tensor:
        if not len(vectors):
            return np.array([])
        return vectors[0] if is_single else vectors
    import torch

    if convert_to_tensor and not len(vectors):
        return torch.tensor([])
    tensor = torch.from_numpy(vectors)
    if is_single:
        return tensor[0]
    return tensor if convert_to_tensor else list(tensor)


@contextmanager
def _bar(num_rows: int, is_shown: bool):
    """A callback that moves a progress bar on stderr, or None."""
    if not is_shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task("Rows", total=num_rows)
        yield lambda rows_done, _total, _tokens: bars.update(task, completed=rows_done)
        bars.update(task, completed=num_rows)
