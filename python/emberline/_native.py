# SPDX-License-Identifier: Apache-2.0
"""The C ABI of ``emberline.h`` through ctypes: structs, the library, codes turned into exceptions.

ctypes releases the GIL for the length of every call. All addresses are plain integers; whoever passes one keeps its
owner alive for the call.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_void_p,
)
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emberline import errors

LIBRARY_VARIABLE = "EMBERLINE_LIBRARY"


class _OptionInfo(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("type", c_char_p),
        ("default_value", c_char_p),
        ("choices", c_char_p),
        ("help", c_char_p),
        ("is_load_time", c_int32),
    ]


class _Rows(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("offsets", c_void_p),
        ("validity", c_void_p),
        ("validity_offset", c_int64),
        ("num_rows", c_int64),
    ]


class _Vectors(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("row_stride", c_int64),
        ("status", c_void_p),
        ("tokens", c_void_p),
        ("truncated", c_void_p),
    ]


class Stats(Structure):
    """Counts of one call; the times are nanoseconds summed over threads."""

    _fields_ = [
        (name, c_int64)
        for name in (
            "rows",
            "nulls",
            "failed",
            "truncated",
            "tokens",
            "batches",
            "tokenize_ns",
            "compute_ns",
        )
    ]


_PROGRESS = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64, c_int64, c_int64)


class _Run(Structure):
    _fields_ = [("progress", _PROGRESS), ("context", c_void_p), ("stats", Stats)]


class _Tokens(Structure):
    _fields_ = [
        ("ids", POINTER(c_int32)),
        ("offsets", POINTER(c_int64)),
        ("truncated", c_void_p),
        ("num_rows", c_int64),
    ]


# name -> (result, arguments); emb_code is an int.
_SIGNATURES = {
    "emb_version": (c_char_p, []),
    "emb_last_error": (c_char_p, []),
    "emb_options_create": (c_int, [POINTER(c_void_p)]),
    "emb_options_set": (c_int, [c_void_p, c_char_p, c_char_p]),
    "emb_options_release": (None, [c_void_p]),
    "emb_option_count": (c_int32, []),
    "emb_option_describe": (c_int, [c_int32, POINTER(_OptionInfo)]),
    "emb_model_load": (c_int, [c_char_p, c_void_p, POINTER(c_void_p)]),
    "emb_model_derive": (c_int, [c_void_p, c_void_p, POINTER(c_void_p)]),
    "emb_model_release": (None, [c_void_p]),
    "emb_model_dim": (c_int64, [c_void_p]),
    "emb_model_vector_bytes": (c_int64, [c_void_p]),
    "emb_model_num_labels": (c_int64, [c_void_p]),
    "emb_model_max_tokens": (c_int64, [c_void_p]),
    "emb_model_info": (c_char_p, [c_void_p]),
    "emb_measure_peak": (c_int, [c_void_p, POINTER(c_double)]),
    "emb_embed": (c_int, [c_void_p, POINTER(_Rows), POINTER(_Vectors), POINTER(_Run)]),
    "emb_rerank": (c_int, [c_void_p, POINTER(_Rows), POINTER(_Rows), POINTER(_Vectors), POINTER(_Run)]),
    "emb_tokenize": (c_int, [c_void_p, POINTER(_Rows), POINTER(_Tokens)]),
    "emb_tokens_release": (None, [POINTER(_Tokens)]),
    "emb_write_ranges": (c_int, [c_void_p, c_void_p, c_void_p, c_int64, c_char_p]),
    "emb_row_message": (c_char_p, [c_void_p, c_int]),
}


def library_path() -> Path:
    """Where the native library is looked for: $EMBERLINE_LIBRARY, else inside the installed package."""
    override = os.environ.get(LIBRARY_VARIABLE)
    return Path(override) if override else Path(__file__).parent / "lib" / "libemberline.so"


@functools.cache
def library() -> ctypes.CDLL:
    """The native library, opened once. Raises ImportError that says where it was looked for."""
    path = library_path()
    if not path.is_file():
        hint = "" if os.environ.get(LIBRARY_VARIABLE) else f" or set {LIBRARY_VARIABLE} to a libemberline.so"
        raise ImportError(f"emberline's native library is not at {path}: install the emberline wheel{hint}")
    try:
        lib = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise ImportError(f"emberline's native library {path} cannot be used: {error}") from error
    from emberline import __version__

    version = lib.emb_version().decode()
    if version != __version__:
        raise ImportError(f"emberline {__version__} found a native library of version {version} at {path}")
    return lib


def _check(code: int) -> None:
    if code:
        message = library().emb_last_error().decode(errors="replace")
        raise errors.BY_CODE.get(code, errors.Error)(message)


@dataclass(frozen=True)
class Option:
    """One line of the option table. ``type`` is text, integer, boolean, choice or layers."""

    name: str
    type: str
    default: str
    choices: tuple[str, ...]
    help: str
    is_load_time: bool


@functools.cache
def option_table() -> tuple[Option, ...]:
    """Every option this library knows, in its own order."""
    table, info = [], _OptionInfo()
    for index in range(library().emb_option_count()):
        _check(library().emb_option_describe(index, byref(info)))
        name, kind, default, choices, text = (
            field.decode()
            for field in (
                info.name,
                info.type,
                info.default_value,
                info.choices,
                info.help,
            )
        )
        table.append(
            Option(
                name,
                kind,
                default,
                tuple(filter(None, choices.split(","))),
                text,
                bool(info.is_load_time),
            )
        )
    return tuple(table)


def option_text(name: str, value: object) -> str:
    """An option's value as the C ABI takes it: true/false, decimal integers, comma separated lists."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(option_text(name, item) for item in value)
    if isinstance(value, (str, int, np.integer)):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise errors.InvalidArgument(f"option {name}: got {value!r} of type {type(value).__name__}")


@contextmanager
def _options(values: Mapping[str, object]) -> Iterator[c_void_p]:
    lib, options = library(), c_void_p()
    _check(lib.emb_options_create(byref(options)))
    try:
        for name, value in values.items():
            text = option_text(name, value)
            if "\0" in text:
                raise errors.InvalidArgument(f"option {name}: a NUL character cannot be passed")
            _check(lib.emb_options_set(options, name.encode(), text.encode(errors="surrogateescape")))
        yield options
    finally:
        lib.emb_options_release(options)


def check_options(values: Mapping[str, object]) -> None:
    """Raises InvalidArgument for an unknown name (naming the nearest) or a value that cannot be."""
    with _options(values):
        pass


@dataclass(frozen=True)
class Rows:
    """Text rows at the addresses of an Arrow large_string or large_binary array, which ``owner`` keeps alive."""

    owner: object
    data: int
    offsets: int  # int64 [num_rows + 1]
    validity: int | None  # Arrow bitmap
    validity_offset: int
    num_rows: int

    def _struct(self) -> _Rows:
        return _Rows(self.data, self.offsets, self.validity, self.validity_offset, self.num_rows)


@dataclass
class Outcome:
    """What one call wrote, by input row. Vectors of rows whose status is not OK are zeros."""

    vectors: np.ndarray  # [num_rows, Handle.width] of Handle.kind; scores are float32 [num_rows, Handle.num_labels]
    status: np.ndarray  # int32 [num_rows]
    tokens: np.ndarray  # int32 [num_rows]
    truncated: np.ndarray  # uint8 [num_rows]
    stats: Stats


STATUS_OK, STATUS_NULL = 0, 1

_OUTPUT_KINDS = {"float32": "float32", "float16": "float16", "int8": "int8", "binary": "int8"}

# Called with rows done, rows in all and tokens done; returns True to cancel.
Tick = Callable[[int, int, int], bool]


class Handle:
    """One emb_model. Released when the last reference goes, so never under a call that is still running."""

    def __init__(self, pointer: c_void_p):
        self._pointer = pointer
        # Not at interpreter exit: a daemon thread may still be computing, and the process gives all back anyhow.
        weakref.finalize(self, library().emb_model_release, pointer).atexit = False
        self.dim: int = library().emb_model_dim(pointer)
        # What one vector is as option output has it: so many numbers, or bytes of bits, of this type.
        self.kind = np.dtype(_OUTPUT_KINDS.get(self.info["output"], "uint8"))
        self.width: int = library().emb_model_vector_bytes(pointer) // self.kind.itemsize
        self.num_labels: int = library().emb_model_num_labels(pointer)
        self.max_tokens: int = library().emb_model_max_tokens(pointer)

    @classmethod
    def load(cls, path: str, options: Mapping[str, object]) -> Handle:
        pointer = c_void_p()
        with _options(options) as native:
            try:
                _check(library().emb_model_load(os.fsencode(path), native, byref(pointer)))
            except errors.IoError as error:
                raise (error if os.path.isdir(path) else errors.NotFound(str(error))) from None
        return cls(pointer)

    def derive(self, options: Mapping[str, object]) -> Handle:
        pointer = c_void_p()
        with _options(options) as native:
            _check(library().emb_model_derive(self._pointer, native, byref(pointer)))
        return Handle(pointer)

    @functools.cached_property
    def info(self) -> dict:
        return json.loads(library().emb_model_info(self._pointer))

    def measured_peak(self) -> float:
        peak = c_double()
        _check(library().emb_measure_peak(self._pointer, byref(peak)))
        return peak.value

    def row_message(self, status: int) -> str:
        return library().emb_row_message(self._pointer, status).decode(errors="replace")

    def embed(self, rows: Rows, tick: Tick) -> Outcome:
        """Runs the rows. An exception in ``tick`` stops the work and is raised here."""
        vectors = np.empty((rows.num_rows, self.width), self.kind)
        return self._run(library().emb_embed, (rows,), vectors, tick)

    def rerank(self, queries: Rows, texts: Rows, tick: Tick) -> Outcome:
        """Scores of the pairs, as embed does it. One query goes with all texts."""
        scores = np.empty((texts.num_rows, self.num_labels), np.float32)
        return self._run(library().emb_rerank, (queries, texts), scores, tick)

    def _run(self, function: Callable[..., int], inputs: tuple[Rows, ...], vectors: np.ndarray, tick: Tick) -> Outcome:
        count, width = vectors.shape
        outcome = Outcome(
            vectors,
            np.zeros(count, np.int32),
            np.zeros(count, np.int32),
            np.zeros(count, np.uint8),
            Stats(),
        )
        raised: list[BaseException] = []

        def progress(_context, rows_done, rows_total, tokens_done):
            try:
                return int(bool(tick(rows_done, rows_total, tokens_done)))
            except BaseException as error:  # noqa: BLE001  nothing may pass through the C frames
                raised.append(error)
                return 1

        arrays = (outcome.status, outcome.tokens, outcome.truncated)
        out = _Vectors(
            outcome.vectors.ctypes.data,
            width * vectors.itemsize,
            *(array.ctypes.data for array in arrays),
        )
        run = _Run(_PROGRESS(progress), None, Stats())
        code = function(self._pointer, *(byref(rows._struct()) for rows in inputs), byref(out), byref(run))
        if raised:
            raise raised[0]
        _check(code)
        outcome.stats = run.stats
        outcome.vectors[outcome.status != STATUS_OK] = 0
        return outcome

    def write_ranges(self, least: np.ndarray, largest: np.ndarray, num_vectors: int, file: str | os.PathLike) -> None:
        """Both arrays are float32 [dim]."""
        addresses = (least.ctypes.data, largest.ctypes.data)
        _check(library().emb_write_ranges(self._pointer, *addresses, num_vectors, os.fsencode(file)))

    def tokenize(self, rows: Rows) -> list[list[int]]:
        tokens = _Tokens()
        _check(library().emb_tokenize(self._pointer, byref(rows._struct()), byref(tokens)))
        try:
            offsets = tokens.offsets[: rows.num_rows + 1]
            ids = tokens.ids[: offsets[-1]] if offsets[-1] else []
        finally:
            library().emb_tokens_release(byref(tokens))
        return [ids[start:end] for start, end in zip(offsets, offsets[1:], strict=False)]
