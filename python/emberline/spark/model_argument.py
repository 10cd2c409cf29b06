# SPDX-License-Identifier: Apache-2.0
"""What a user gave as ``model``, made into a path or URI and the options that go with it."""

from __future__ import annotations

import os

from emberline import model_objects


def resolved(model: object, tokenizer: object, options: dict[str, object]) -> tuple[str | None, dict[str, object]]:
    """(path or None, options that were set). A model object becomes the folder that it was saved in."""
    given = {name: value for name, value in options.items() if value is not None}
    if not model_objects.is_object(model):
        if tokenizer is not None:
            raise TypeError("tokenizer goes with a model object: a model's folder has its own")
        return (None if model is None else os.fspath(model)), given
    _refuse_on_a_client(model)
    dims = model_objects.leading_dimensions(model)
    if dims is not None:
        given.setdefault("dims", dims)
    return model_objects.saved_folder(model, tokenizer), given


def is_client_alone() -> bool:
    """Whether this process is the client of a Connect server that it did not start itself, on this host."""
    from pyspark.sql.utils import is_remote

    return is_remote() and "SPARK_LOCAL_REMOTE" not in os.environ


def _refuse_on_a_client(model: object) -> None:
    if is_client_alone():
        raise ValueError(
            f"model is an object ({type(model).__name__}) of this Spark Connect client, whose files the server does not"
            " see: save it where the server's hosts can read it (save_pretrained(folder)) and pass that path"
        )
