# SPDX-License-Identifier: Apache-2.0
"""A loaded model: rows of text in, rows of floats out."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Literal

import numpy as np
import pyarrow as pa

from emberline import _interrupts, _native, _rows, errors
from emberline._encode import Encode
from emberline._ranges import Ranges
from emberline.errors import InvalidArgument

# Called with rows done, rows in all and tokens done.
Progress = Callable[[int, int, int], object]


def load(path: str | os.PathLike, **options) -> Model:
    """Loads a model directory in Hugging Face or sentence-transformers form. Prints and downloads nothing.

    ``path`` is the directory, or a hub id ("org/name") that lies in the local Hugging Face cache.

    ``options`` are those of ``emberline.options()``: ``max_tokens=128``, ``pooling="cls"``, ``layers="-4:-1"``,
    ``threads=2`` and so on. An option that is None or left out keeps the model author's default.

    Raises NotFound (a FileNotFoundError) for a missing directory, IoError, FormatError or Unsupported for one that
    cannot be used, and InvalidArgument (a ValueError) for an unknown option (naming the nearest) or a bad value.
    """
    path = os.fspath(path)
    path = os.path.abspath(path) if os.path.isdir(path) else path  # a worker may have another working directory
    options = {name: value for name, value in options.items() if value is not None}
    return Model(_native.Handle.load(path, options), path, options)


def options() -> tuple[_native.Option, ...]:
    """The option table: name, type, default, choices, help and is_load_time of every option."""
    return _native.option_table()


class Model(Encode):
    """Made by :func:`load`. Many threads may use one model; it may be pickled, and used on after a fork."""

    def __init__(self, handle: _native.Handle, path: str, options: dict[str, object]):
        self._handle: _native.Handle | None = handle
        self._path = path
        self._options = options

    @property
    def path(self) -> str:
        """What was loaded: an absolute directory, or a hub id."""
        return self._path

    @property
    def options(self) -> dict[str, object]:
        """The options that were set; all others have the model author's defaults."""
        return dict(self._options)

    @property
    def dim(self) -> int:
        """Numbers in one vector; 0 where the model makes none. ``output="binary"`` and ``"ubinary"`` pack eight into
        each byte that comes out."""
        return self._open().dim

    @property
    def vector_type(self) -> pa.DataType:
        """What the vectors that come out are made of, as option ``output`` says: pa.float32() by default."""
        return pa.from_numpy_dtype(self._open().kind)

    @property
    def num_labels(self) -> int:
        """Scores of a pair of texts in ``rerank``; 0 where the model scores none."""
        return self._open().num_labels

    @property
    def max_tokens(self) -> int:
        """Tokens of a row that the model sees, special tokens included."""
        return self._open().max_tokens

    @property
    def info(self) -> dict:
        """What the model is and which options are in force, as plain data."""
        return self._open().info

    def measured_peak(self) -> float:
        """Multiplications and additions a second that this model's threads reach together in registers, by the
        instructions that its products take. Measured now, in some milliseconds; 0 where the device has no probe."""
        return self._open().measured_peak()

    def embed(
        self,
        rows,
        *,
        errors: Literal["raise", "null"] = "raise",
        progress: Progress | None = None,
    ):
        """Vectors of many rows of text, one for each row, in order.

        ``rows`` is a list of str, bytes (UTF-8; invalid sequences count as U+FFFD) or None, a numpy array of them, a
        pandas Series: the result is a numpy float32 array [len(rows), dim] in which null rows are all NaN. Or ``rows``
        is a pyarrow Array or ChunkedArray of strings or binaries (dictionaries too), or anything with
        ``__arrow_c_array__`` or ``__arrow_c_stream__``: the result is a pyarrow FixedSizeListArray that keeps nulls.
        With option ``output`` both hold what it says: float16, int8, uint8, or bits, eight of them in an int8
        (``binary``) or a uint8 (``ubinary``). Integers have no NaN, so that null rows of a numpy array then raise
        InvalidArgument.

        A row's vector depends on that row alone. A row that cannot be embedded (``long_text="error"``) raises RowError;
        with ``errors="null"`` it becomes a null row. ``progress(rows_done, rows_total, tokens_done)`` is called between
        batches; what it raises stops the work, as Ctrl-C does. Wrong types raise TypeError.
        """
        array, is_arrow = _rows.to_arrow(rows)
        outcome = self.run(array, progress)
        if check_choice("errors", errors, ("raise", "null")) == "raise":
            self.raise_row_error(outcome)
        if is_arrow:
            return fixed_size_list(outcome)
        is_missing = outcome.status != _native.STATUS_OK
        if outcome.vectors.dtype.kind == "f":
            outcome.vectors[is_missing] = np.nan
        elif is_missing.any():
            raise InvalidArgument(
                f"embed: row {int(np.argmax(is_missing))} has no vector, and output={self.info['output']} has no value"
                " that says so; pass the rows as a pyarrow array, whose result keeps nulls, or leave such rows out"
            )
        return outcome.vectors

    def embed_details(self, rows, *, progress: Progress | None = None) -> pa.StructArray:
        """Like embed, but every row tells how it went, and none raises.

        Returns struct<embedding: fixed_size_list<float>[dim], tokens: int32, truncated: bool, error: string>, or lists
        of what option ``output`` says; the embedding is null for null and failed rows, the error is null unless the row
        failed.
        """
        outcome = self.run(_rows.to_arrow(rows)[0], progress)
        return pa.StructArray.from_arrays(
            [
                fixed_size_list(outcome),
                pa.array(outcome.tokens),
                pa.array(outcome.truncated.astype(bool)),
                self.row_messages(outcome),
            ],
            names=["embedding", "tokens", "truncated", "error"],
        )

    def rerank(
        self,
        queries,
        texts,
        *,
        errors: Literal["raise", "null"] = "raise",
        progress: Progress | None = None,
    ):
        """Scores of texts for a query, or of pairs: the higher, the better a text suits.

        ``queries`` is one str or bytes, which goes with all texts, or as many rows as ``texts``, in any form that
        ``embed`` takes. The result is a numpy float32 array [len(texts)] in which rows without a text or a query are
        NaN, or, where ``texts`` is Arrow, a pyarrow FloatArray that keeps nulls. A model of several labels gives
        [len(texts), num_labels], or a FixedSizeListArray. Option ``activation="none"`` gives the raw numbers.

        The model is a cross-encoder: a class *ForSequenceClassification, whose tensors the weights hold. Any other
        raises Unsupported, which names what is missing. Pairs of more than ``max_tokens`` tokens lose the end of the
        longer text; ``long_text``, ``errors`` and ``progress`` are as in ``embed``, and a prompt goes before queries.
        """
        array, is_arrow = _rows.to_arrow(texts)
        outcome = self.run_rerank(_query_rows(queries), array, progress)
        if check_choice("errors", errors, ("raise", "null")) == "raise":
            self.raise_row_error(outcome)
        if is_arrow:
            return scores_of(outcome)
        outcome.vectors[outcome.status != _native.STATUS_OK] = np.nan
        return outcome.vectors[:, 0] if outcome.vectors.shape[1] == 1 else outcome.vectors

    def calibrate(self, rows, file: str | os.PathLike) -> None:
        """Writes the ranges of the rows' vectors, which ``output="int8"`` and ``"uint8"`` divide into 255 steps.

        Some thousand typical rows will do; numbers beyond what they had become the first or the last level. Name the
        file in option ``ranges``, or call it emberline_ranges.json and put it into the model's folder.
        """
        model = self.with_options(output=None, ranges=None)
        ranges = model.new_ranges()
        ranges.add(model.run(_rows.to_arrow(rows)[0]))
        ranges.write(file)

    def new_ranges(self) -> Ranges:
        """For outcomes of ``run``, of as many as there are."""
        return Ranges(self._open())

    def tokenize(self, rows) -> list[list[int]]:
        """Token ids as the model sees them: prompt, special tokens and truncation included. A null row has none."""
        array, _ = _rows.to_arrow(rows)
        return self._open().tokenize(_rows.native_rows(array))

    def with_options(self, **options) -> Model:
        """A second model over the same weights: this one's options with ``options`` changed, None meaning the default.

        Costs next to nothing. Options fixed at load (device, dtype) cannot differ: InvalidArgument.
        """
        merged = {name: value for name, value in {**self._options, **options}.items() if value is not None}
        return Model(self._open().derive(merged), self._path, merged)

    def close(self) -> None:
        """Lets go of the weights once running calls are done. Twice does nothing; later use raises ValueError."""
        self._handle = None

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self._options.items())
        state = f"dim={self._handle.dim}, max_tokens={self._handle.max_tokens}" if self._handle else "closed"
        return f"<emberline.Model {self._path!r}{options}: {state}>"

    def __reduce__(self):
        self._open()
        options = ((name, _native.option_text(name, value)) for name, value in self._options.items())
        return (_restore, (self._path, tuple(options)))

    def _open(self) -> _native.Handle:
        if self._handle is None:
            raise ValueError("the model is closed")
        return self._handle

    def run(self, array: pa.Array, progress: Progress | None = None) -> _native.Outcome:
        return self._watched(lambda tick: self._open().embed(_rows.native_rows(array), tick), progress)

    def run_rerank(self, queries: pa.Array, texts: pa.Array, progress: Progress | None = None) -> _native.Outcome:
        first, second = _rows.native_rows(queries), _rows.native_rows(texts)
        return self._watched(lambda tick: self._open().rerank(first, second, tick), progress)

    def _watched(self, work: Callable[[_native.Tick], _native.Outcome], progress: Progress | None) -> _native.Outcome:
        with _interrupts.held_back() as interrupts:

            def tick(rows_done: int, rows_total: int, tokens_done: int) -> bool:
                interrupts.deliver()
                if progress is not None:
                    progress(rows_done, rows_total, tokens_done)
                return False

            return work(tick)

    def row_messages(self, outcome: _native.Outcome) -> pa.StringArray:
        """Why a row failed, null for all others."""
        failures = [status for status in np.unique(outcome.status).tolist() if status > _native.STATUS_NULL]
        messages = {status: self._open().row_message(status) for status in failures}
        return pa.array([messages.get(status) for status in outcome.status.tolist()], pa.string())

    def raise_row_error(self, outcome: _native.Outcome, first_row: int = 0) -> None:
        """Raises RowError for the first failed row, if any; ``first_row`` is the number of the outcome's row 0."""
        failed = np.flatnonzero(outcome.status > _native.STATUS_NULL)
        if len(failed):
            reason = self._open().row_message(int(outcome.status[failed[0]]))
            raise errors.RowError(first_row + int(failed[0]), reason, len(failed))


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> object:
    if value not in choices:
        raise errors.InvalidArgument(f"{name}: got {value!r}, expected one of {', '.join(choices)}")
    return value


def fixed_size_list(outcome: _native.Outcome) -> pa.FixedSizeListArray:
    """Arrow over the vectors' own memory."""
    count, width = outcome.vectors.shape
    kind = pa.from_numpy_dtype(outcome.vectors.dtype)
    values = pa.Array.from_buffers(kind, count * width, [None, pa.py_buffer(outcome.vectors)])
    validity, null_count = validity_of(outcome)
    return pa.Array.from_buffers(pa.list_(kind, width), count, [validity], null_count, children=[values])


def scores_of(outcome: _native.Outcome) -> pa.Array:
    """Arrow over the scores' own memory: floats, or lists of them where a pair has several."""
    if outcome.vectors.shape[1] > 1:
        return fixed_size_list(outcome)
    validity, null_count = validity_of(outcome)
    buffers = [validity, pa.py_buffer(outcome.vectors)]
    return pa.Array.from_buffers(pa.float32(), len(outcome.vectors), buffers, null_count)


def _query_rows(queries: object) -> pa.Array:
    return _rows.to_arrow([queries] if isinstance(queries, (str, bytes)) else queries)[0]


def validity_of(outcome: _native.Outcome) -> tuple[pa.Buffer | None, int]:
    """Arrow's bitmap of rows with a vector, None where all have one, and the number of rows without."""
    is_valid = outcome.status == _native.STATUS_OK
    null_count = len(is_valid) - int(is_valid.sum())
    return (pa.py_buffer(np.packbits(is_valid, bitorder="little")) if null_count else None), null_count


@functools.lru_cache(maxsize=4)
def _restored_handle(path: str, options: tuple) -> _native.Handle:
    return _native.Handle.load(path, dict(options))


def _restore(path: str, options: tuple) -> Model:
    """Unpickles a model. A worker that gets the same model with every task reads it once."""
    return Model(_restored_handle(path, options), path, dict(options))
