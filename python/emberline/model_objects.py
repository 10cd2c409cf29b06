# SPDX-License-Identifier: Apache-2.0
"""Models that live in this process as objects of sentence-transformers or transformers, brought into a folder.

Nothing here imports those packages: whoever has an object has them loaded.
"""

from __future__ import annotations

import atexit
import inspect
import os
import shutil
import tempfile
import threading
import weakref
from dataclasses import dataclass

# Settings of a sentence-transformers object that go into its files and may be changed at any time.
_SETTINGS = ("max_seq_length", "prompts", "default_prompt_name")


@dataclass
class _Saved:
    model: weakref.ref
    tokenizer: weakref.ref | None
    state: tuple
    folder: str


_lock = threading.Lock()
_saved: dict[int, _Saved] = {}  # by id() of the model; guarded by _lock
_root: str | None = None  # guarded by _lock


def is_object(model: object) -> bool:
    """Whether this is neither a path nor nothing."""
    return model is not None and not isinstance(model, (str, os.PathLike))


def saved_folder(model: object, tokenizer: object = None) -> str:
    """A folder that holds ``model`` as it is now, in a temporary directory that goes when this process ends.

    ``model`` is a sentence-transformers object, or a transformers one, which needs its ``tokenizer``. The same object
    gives the same folder until its weights or settings change. Raises TypeError that says what is missing.
    """
    _check(model, tokenizer)
    state = _state(model)
    with _lock:
        known = _saved.get(id(model))
        if known is not None and known.model() is model and known.state == state and _is_tokenizer_of(known, tokenizer):
            return known.folder
        folder = tempfile.mkdtemp(prefix=f"{type(model).__name__}-", dir=_temporary_root())
        try:
            _save(model, folder)
            if tokenizer is not None:
                tokenizer.save_pretrained(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        # A column that names the folder may outlive the object, so the folder stays until the process ends.
        kept = weakref.ref(tokenizer) if tokenizer is not None else None
        _saved[id(model)] = _Saved(weakref.ref(model), kept, state, folder)
        return folder


def leading_dimensions(model: object) -> int | None:
    """The ``truncate_dim`` of a sentence-transformers object: the one setting that its files do not hold."""
    return getattr(model, "truncate_dim", None)


def _check(model: object, tokenizer: object) -> None:
    name = type(model).__name__
    if not callable(getattr(model, "save_pretrained", None)):
        raise TypeError(
            f"model is {name}: expected a path, a hub id, a sentence-transformers model, or a transformers model with"
            " tokenizer=..."
        )
    has_tokenizer = callable(getattr(model, "encode", None))  # sentence-transformers
    if has_tokenizer and tokenizer is not None:
        raise TypeError(f"tokenizer is {type(tokenizer).__name__}, but {name} has its own: leave tokenizer out")
    if not has_tokenizer and not callable(getattr(tokenizer, "save_pretrained", None)):
        got = "none" if tokenizer is None else type(tokenizer).__name__
        raise TypeError(
            f"model is {name}, and its tokenizer is {got}: pass the tokenizer too, as in"
            " tokenizer=AutoTokenizer.from_pretrained(...)"
        )


def _is_tokenizer_of(known: _Saved, tokenizer: object) -> bool:
    return (known.tokenizer() if known.tokenizer is not None else None) is tokenizer


def _state(model: object) -> tuple:
    """Differs once the weights were trained, replaced or cast, or a setting changed. PyTorch counts writes in place."""
    settings = repr([getattr(model, name, None) for name in _SETTINGS])
    state_dict = getattr(model, "state_dict", None)
    if not callable(state_dict):
        return (settings,)
    tensors = [
        (name, tensor.data_ptr(), str(tensor.dtype), tensor._version)
        for name, tensor in state_dict(keep_vars=True).items()
        if hasattr(tensor, "data_ptr")
    ]
    return (settings, *tensors)


def _save(model: object, folder: str) -> None:
    wanted = {"create_model_card": False, "safe_serialization": True}
    taken = inspect.signature(model.save_pretrained).parameters
    model.save_pretrained(folder, **{name: value for name, value in wanted.items() if name in taken})


def _temporary_root() -> str:
    global _root
    if _root is None:
        _root = tempfile.mkdtemp(prefix="emberline-models-")
        atexit.register(_remove, _root, os.getpid())
    return _root


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked child that ends must leave it to its parent
        shutil.rmtree(folder, ignore_errors=True)
