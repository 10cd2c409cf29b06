# SPDX-License-Identifier: Apache-2.0
"""The models of one Python worker: found on its host, loaded once, their packed weights mapped with other workers."""

from __future__ import annotations

import fcntl
import functools
import os
import socket
from collections.abc import Mapping

import emberline
from emberline import _native, errors
from emberline.model import Model

MOST_MODELS = 2  # that one worker keeps


def loaded(call: dict) -> Model:
    """The model with all options in force. A second call of this process reads no file of it again.

    Raises NotFound that names the host, and what ``emberline.load`` raises.
    """
    options = {"threads": str(_task_cpus()), **call["options"]}
    options.setdefault("cache_dir", os.environ.get("EMBERLINE_CACHE_DIR") or _sent("emberline-packed"))
    at_load = {option.name for option in _native.option_table() if option.is_load_time}
    fixed = tuple(sorted((name, value) for name, value in options.items() if name in at_load))
    places = _places(call["model"], call["folder"])
    folder = next(filter(os.path.isdir, places), call["model"])
    try:
        return _weights(folder, _fingerprint(folder), fixed).with_options(**options)
    except errors.NotFound:
        raise errors.NotFound(
            f"there is no model {call['model']} on the host {socket.gethostname()}: looked at {', '.join(places)} and"
            " the Hugging Face cache there. A Python worker reads files of its own host: put the model on storage that"
            " every host mounts, or send it with SparkContext.addArchive('model.zip#name') (through Connect"
            " SparkSession.addArtifacts('model.zip#name', archive=True)) and pass model='name'"
        ) from None


def _places(model: str, folder_of_driver: str | None) -> list[str]:
    """Directories that the model may be, on this host."""
    return list(dict.fromkeys(filter(None, (folder_of_driver, os.path.abspath(model), _sent(model)))))


@functools.lru_cache(maxsize=MOST_MODELS)
def _weights(folder: str, _files: tuple, options: tuple[tuple[str, str], ...]) -> Model:
    given = dict(options)
    cache = given.get("cache_dir", "auto")
    if cache == "auto":
        return emberline.load(folder, **given)
    try:
        os.makedirs(cache, exist_ok=True)
        with open(os.path.join(cache, "emberline.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _load_mapped(folder, given, cache)
    except OSError as error:
        if isinstance(error, errors.Error):
            raise
        return emberline.load(folder, **given)  # a cache is a convenience


def _load_mapped(folder: str, options: Mapping[str, str], cache: str) -> Model:
    """Whoever packs the weights has tables of its own; loaded again it maps those of the file, as all others do."""
    before = _files_of(cache, ".packed")
    model = emberline.load(folder, **options)
    if _files_of(cache, ".packed") != before:
        model.close()
        model = emberline.load(folder, **options)
    return model


def _fingerprint(folder: str) -> tuple:
    """Differs when a file of the model was replaced; nothing for a hub id."""
    if not os.path.isdir(folder):
        return ()
    folders = [folder, *(entry.path for entry in os.scandir(folder) if entry.is_dir())]
    return tuple(file for path in folders for file in _files_of(path))


def _files_of(folder: str, suffix: str = "") -> tuple:
    files = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix) and entry.is_file():
                status = entry.stat()
                files.append((entry.path, status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(sorted(files))


def _sent(name: str) -> str:
    """A path below the folder where Spark keeps what was sent to this executor, until the application ends."""
    from pyspark import SparkFiles

    return os.path.join(SparkFiles.getRootDirectory(), name)


def _task_cpus() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 1 if context is None else max(1, context.cpus())
