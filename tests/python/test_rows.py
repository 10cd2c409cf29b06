# SPDX-License-Identifier: Apache-2.0
"""Same rows, same order, one output a row, whatever kind of column comes in."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import emberline
from data_paths import TINY

TEXTS = ["a text", None, "", "déjà vu 日本語 🙂", "a longer text with a number of words", None, "last"]
IS_NULL = [text is None for text in TEXTS]


class Stream:
    """What a library hands over that is not pyarrow: the PyCapsule interface and nothing else."""

    def __init__(self, column):
        self._column = column

    def __arrow_c_stream__(self, requested_schema=None):
        return self._column.__arrow_c_stream__(requested_schema)


class Single:
    def __init__(self, array):
        self._array = array

    def __arrow_c_array__(self, requested_schema=None):
        return self._array.__arrow_c_array__(requested_schema)


@pytest.fixture(scope="module")
def expected(model):
    """Vectors of TEXTS, each row embedded alone."""
    rows = [np.full(model.dim, np.nan, np.float32) if text is None else model.embed([text])[0] for text in TEXTS]
    return np.stack(rows)


def assert_column(column, expected, is_null=None):
    assert isinstance(column, pa.FixedSizeListArray)
    column.validate(full=True)
    is_null = IS_NULL if is_null is None else is_null
    assert column.is_null().to_pylist() == is_null
    values = column.flatten().to_numpy().reshape(-1, column.type.list_size)
    assert np.array_equal(values, expected[~np.array(is_null, bool)])


def test_list_gives_numpy_and_null_rows_are_nan(model, expected):
    vectors = model.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), model.dim)
    assert np.isnan(vectors).all(axis=1).tolist() == IS_NULL
    assert np.array_equal(vectors, expected, equal_nan=True)


@pytest.mark.parametrize(
    "make",
    [
        tuple,
        iter,
        lambda texts: np.array(texts, object),
        lambda texts: pd.Series(texts, index=range(10, 10 + len(texts))),
        lambda texts: pd.Series(texts, dtype="string"),
        lambda texts: pd.Series(texts, dtype="category"),
        lambda texts: pd.Series(texts).where(pd.Series(texts).notna(), np.nan),
        lambda texts: [None if text is None else text.encode() for text in texts],
        lambda texts: [None if text is None else bytearray(text.encode()) for text in texts],
        lambda texts: [text if row % 2 or text is None else text.encode() for row, text in enumerate(texts)],
    ],
)
def test_every_python_kind_gives_the_same_vectors(model, expected, make):
    assert np.array_equal(model.embed(make(TEXTS)), expected, equal_nan=True)


def test_numpy_arrays_of_str_and_bytes(model):
    texts = ["one", "two three"]
    assert np.array_equal(model.embed(np.array(texts)), model.embed(texts))
    assert np.array_equal(model.embed(np.array(texts, "S")), model.embed(texts))


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.large_string()),
    ],
    ids=str,
)
def test_every_arrow_type_whole_sliced_and_chunked(model, expected, kind):
    array = (
        pa.array(TEXTS, pa.string()).cast(kind.value_type).dictionary_encode().cast(kind)
        if pa.types.is_dictionary(kind)
        else pa.array([None if text is None else text.encode() for text in TEXTS], pa.binary()).cast(kind)
    )
    assert_column(model.embed(array), expected)
    assert_column(model.embed(array.slice(3, 3)), expected[3:6], IS_NULL[3:6])
    assert_column(model.embed(array.slice(2)), expected[2:], IS_NULL[2:])
    chunked = pa.chunked_array([array.slice(0, 2), array.slice(2, 0), array.slice(2)])
    assert_column(model.embed(chunked), expected)
    assert_column(model.embed(chunked.slice(1, 4)), expected[1:5], IS_NULL[1:5])


def test_nulls_from_index_and_from_dictionary_values(model):
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2], pa.int8()), pa.array(["a", None, "b"]))
    assert model.embed(array).is_null().to_pylist() == [False, True, True, False]


def test_null_type_and_all_null(model):
    assert model.embed(pa.nulls(3)).null_count == 3
    assert np.isnan(model.embed([None, None])).all()
    assert model.embed([None]).shape == (1, model.dim)


def test_objects_that_only_speak_the_arrow_protocol(model, expected):
    assert_column(model.embed(Stream(pa.chunked_array([TEXTS[:3], TEXTS[3:]]))), expected)
    assert_column(model.embed(Single(pa.array(TEXTS))), expected)


def test_validity_starts_at_any_bit(model):
    array = pa.array(["x" if row % 3 else None for row in range(40)])
    for start in range(20):
        assert model.embed(array.slice(start)).is_null().to_pylist() == array.slice(start).is_null().to_pylist()


def test_empty_inputs_give_empty_outputs(model):
    for rows in ([], (), np.array([], "U"), np.array([], object), pd.Series([], dtype=object)):
        assert model.embed(rows).shape == (0, model.dim)
    for rows in (pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.array(["a"]).slice(1), pa.nulls(0)):
        assert len(model.embed(rows)) == 0
        assert model.embed(rows).type == pa.list_(pa.float32(), model.dim)
    assert model.tokenize([]) == []
    assert len(model.embed_details([])) == 0


def test_invalid_utf8_counts_as_replacement_character(model):
    replaced = b"caf\xe9 au lait".decode(errors="replace")
    assert np.array_equal(model.embed([b"caf\xe9 au lait"]), model.embed([replaced]))
    assert model.tokenize([b"caf\xe9 au lait"]) == model.tokenize([replaced])


def test_half_a_surrogate_pair_counts_as_replacement_character(model):
    assert model.tokenize(["a \ud83d b", "\ud83d\ude42", None]) == model.tokenize(["a \ufffd b", "🙂", None])


def test_a_nul_character_does_not_end_a_text(model):
    assert model.tokenize(["one\0two three"]) == model.tokenize([b"one\0two three"])
    assert len(model.tokenize(["one\0two three"])[0]) > len(model.tokenize(["one"])[0])


def test_rows_do_not_depend_on_neighbours_or_order(model):
    texts = [f"row {row} " + "word " * (row * 7 % 90) for row in range(200)]
    vectors = model.embed(texts)
    backwards = model.embed(texts[::-1])
    assert np.array_equal(vectors, backwards[::-1])
    assert np.array_equal(vectors[17], model.embed([texts[17]])[0])
    narrow = model.with_options(batch_tokens=64, threads=1)
    assert np.array_equal(vectors, narrow.embed(texts))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a", "b", None, 3], "row 3 is int: expected str, bytes or None"),
        ([["a"]], "row 0 is list: expected str, bytes or None"),
        (["a", float("nan")], "row 1 is float: expected str, bytes or None"),
        (np.array(["a", 1.5], object), "row 1 is float: expected str, bytes or None"),
        (pd.Series(["a", 2]), "row 1 is int: expected str, bytes or None"),
        (np.arange(3), "rows is a numpy array of int64: expected str, bytes or None"),
        (pa.array([1, 2]), "rows is an Arrow array of int64: expected string, binary, a dictionary of them, or null"),
        (pd.DataFrame({"text": ["a"]}), "rows is a pandas DataFrame: expected a Series, as in frame[column]"),
        ("a text", "rows is one str: expected many rows, as in [text]"),
        (b"a text", "rows is one bytes: expected many rows, as in [text]"),
        (7, "rows is int: expected a list, a numpy array, a pandas Series or an Arrow array"),
        ({"a": 1}, "rows is dict: expected a list, a numpy array, a pandas Series or an Arrow array"),
    ],
)
def test_wrong_types_name_row_and_type(model, rows, message):
    for method in (model.embed, model.embed_details, model.tokenize):
        with pytest.raises(TypeError) as caught:
            method(rows)
        assert str(caught.value) == message


def test_two_dimensional_numpy_is_refused(model):
    with pytest.raises(ValueError, match=r"shape \(1, 1\): expected one dimension"):
        model.embed(np.array([["a"]]))


def test_a_table_takes_the_result_as_a_column(model):
    table = pa.table({"text": pa.chunked_array([TEXTS[:2], TEXTS[2:]])})
    table = table.append_column("embedding", model.embed(table["text"]))
    assert table.num_rows == len(TEXTS)
    assert table["embedding"].null_count == sum(IS_NULL)


def test_a_result_outlives_its_model():
    with emberline.load(TINY) as model:
        column, vectors, alone = model.embed(pa.array(["a"])), model.embed(["a"]), model.embed(["a"]).copy()
    assert np.array_equal(column.flatten().to_numpy(), alone[0])
    assert np.array_equal(vectors, alone)


LONG = "word " * 5000


def test_a_failed_row_raises_with_its_number_and_reason(model):
    strict = model.with_options(long_text="error", max_tokens=16)
    with pytest.raises(emberline.RowError) as caught:
        strict.embed(["short", None, LONG, LONG])
    assert caught.value.row == 2
    assert caught.value.failed == 2
    assert "max_tokens=16" in caught.value.reason
    assert str(caught.value).startswith("row 2: ")
    assert isinstance(caught.value, ValueError)


def test_errors_null_gives_nan_or_null_and_spares_the_neighbours(model):
    strict = model.with_options(long_text="error", max_tokens=16)
    texts = ["short", LONG, None, "tail"]
    vectors = strict.embed(texts, errors="null")
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True, True, False]
    assert np.array_equal(vectors[[0, 3]], strict.embed(["short", "tail"]))
    assert strict.embed(pa.array(texts), errors="null").is_null().to_pylist() == [False, True, True, False]
    with pytest.raises(emberline.InvalidArgument, match="errors: got 'ignore', expected one of raise, null"):
        strict.embed(texts, errors="ignore")


def test_embed_details_tells_how_each_row_went(model):
    narrow = model.with_options(max_tokens=16)
    details = narrow.embed_details(["short", LONG, None])
    assert details.type.field("embedding").type == pa.list_(pa.float32(), model.dim)
    assert details.field("truncated").to_pylist() == [False, True, False]
    assert details.field("tokens").to_pylist() == [len(ids) for ids in narrow.tokenize(["short", LONG, None])]
    assert details.field("tokens").to_pylist()[1:] == [16, 0]
    assert details.field("error").to_pylist() == [None, None, None]
    assert details.field("embedding").is_null().to_pylist() == [False, False, True]
    failed = model.with_options(max_tokens=16, long_text="error").embed_details(["short", LONG]).to_pylist()[1]
    assert failed["embedding"] is None
    assert failed["tokens"] == 0
    assert "max_tokens=16" in failed["error"]


def test_chunks_of_a_long_text_are_the_mean_of_their_windows_vectors(model):
    words = [f"{i}" for i in range(10)]
    text = " ".join(words[i % 10] for i in range(27))
    whole = model.with_options(normalize=False)
    assert len(whole.tokenize([text])[0]) == 29
    windows = [" ".join(text.split()[begin:end]) for begin, end in ((0, 10), (7, 17), (14, 24), (21, 27))]
    mean = np.average(whole.embed(windows), axis=0, weights=[10, 10, 10, 6])
    chunked = whole.with_options(long_text="chunk", max_tokens=12, overlap=3)
    details = chunked.embed_details([text, "short"])
    np.testing.assert_allclose(details.field("embedding")[0].as_py(), mean, atol=1e-6)
    assert details.field("embedding")[1].as_py() == whole.embed(["short"])[0].tolist()
    assert details.field("tokens").to_pylist() == [12 + 12 + 12 + 8, len(whole.tokenize(["short"])[0])]
    assert details.field("truncated").to_pylist() == [False, False]
    with pytest.raises(emberline.InvalidArgument, match="option overlap: got 10, expected less than the 10 tokens"):
        chunked.with_options(overlap=10)


def test_one_row_of_a_hundred_thousand_words(model):
    text = "word " * 100_000
    vectors = model.embed([text, "short"])
    assert np.isfinite(vectors).all()
    assert len(model.tokenize([text])[0]) == model.max_tokens
