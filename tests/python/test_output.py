# SPDX-License-Identifier: Apache-2.0
"""Option output: the forms in which vectors come out, and the ranges that two of them need."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import emberline
from data_paths import TINY
from emberline._encode import quantize

TEXTS = ["a text", "", "déjà vu 日本語 🙂", "a longer text with a number of words", "last"]
KINDS = {"float16": np.float16, "int8": np.int8, "uint8": np.uint8, "binary": np.int8, "ubinary": np.uint8}


@pytest.fixture(scope="module")
def ranges(model, tmp_path_factory):
    """The file of ranges of TEXTS, and these ranges."""
    file = tmp_path_factory.mktemp("ranges") / "ranges.json"
    model.calibrate(TEXTS, file)
    vectors = model.embed(TEXTS)
    return file, np.stack([vectors.min(axis=0), vectors.max(axis=0)])


@pytest.mark.parametrize("output", KINDS)
def test_forms_are_not_those_of_quantize(model, ranges, output):
    file, limits = ranges
    vectors = model.embed(TEXTS)
    stored = model.with_options(output=output, ranges=file).embed(TEXTS)
    expected = vectors.astype(np.float16) if output == "float16" else quantize(vectors, output, limits)
    assert stored.dtype == KINDS[output]
    np.testing.assert_array_equal(stored, expected)


@pytest.mark.parametrize("output", KINDS)
def test_arrow_loses_a_null_or_the_type(model, ranges, output):
    stored = model.with_options(output=output, ranges=ranges[0])
    result = stored.embed(pa.array(["a text", None, "last"]))
    assert result.type.value_type == pa.from_numpy_dtype(KINDS[output]) == stored.vector_type
    assert result.is_valid().to_pylist() == [True, False, True]
    np.testing.assert_array_equal(np.array(result[2].as_py(), KINDS[output]), stored.embed(["last"])[0])
    assert stored.embed_details(["a text", None]).field("embedding")[1].as_py() is None


def test_null_rows_of_integers_are_made_up(model):
    assert np.isnan(model.with_options(output="float16").embed(["a text", None])[1]).all()
    with pytest.raises(emberline.InvalidArgument, match="row 1 has no vector, and output=ubinary has no value"):
        model.with_options(output="ubinary").embed(["a text", None])


def test_encode_takes_stored_forms_for_floats(model):
    np.testing.assert_array_equal(model.with_options(output="ubinary").encode(TEXTS), model.encode(TEXTS))


def test_the_models_own_ranges_are_not_found(ranges, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in TINY.iterdir():
        (folder / file.name).symlink_to(file)
    with pytest.raises(emberline.InvalidArgument, match="int8 and uint8 need ranges.*emberline calibrate"):
        emberline.load(folder, output="int8")
    (folder / "emberline_ranges.json").write_bytes(ranges[0].read_bytes())
    expected = emberline.load(TINY, output="int8", ranges=ranges[0]).embed(TEXTS)
    np.testing.assert_array_equal(emberline.load(folder, output="int8").embed(TEXTS), expected)
    with pytest.raises(emberline.InvalidArgument, match="is for pooling=.*calibrate"):
        emberline.load(folder, output="int8", pooling="max")


def test_calibrating_without_rows_writes_a_file(model, tmp_path):
    with pytest.raises(emberline.InvalidArgument, match="ranges need rows"):
        model.calibrate([None, None], tmp_path / "ranges.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_files_lose_what_the_form_holds(cli, model, tmp_path, suffix):
    table = pa.table({"text": [*TEXTS, None]})
    pq.write_table(table, tmp_path / "texts.parquet")
    said = cli("calibrate", "texts.parquet", "-o", "ranges.json", "--model", TINY).stderr
    assert "ranges.json: ranges of 5 rows" in said
    options = ["--output", "int8", "--ranges", "ranges.json"]
    cli("embed", "texts.parquet", "-o", f"out.{suffix}", "--model", TINY, "--errors", "null", *options)
    expected = model.with_options(output="int8", ranges=tmp_path / "ranges.json").embed(TEXTS).tolist()
    path = tmp_path / f"out.{suffix}"
    if suffix == "parquet":
        column = pq.read_table(path)["embedding"]
        assert column.type == pa.list_(pa.int8())
        assert column.to_pylist() == [*expected, None]
    elif suffix == "jsonl":
        rows = [json.loads(line)["embedding"] for line in path.read_text(encoding="utf-8").splitlines()]
        assert rows == [*expected, None]
    else:
        assert json.dumps(expected[0], separators=(",", ":")) in path.read_text(encoding="utf-8")


def test_half_precision_cannot_be_written(cli, model, tmp_path):
    (tmp_path / "in.txt").write_text("a text\nanother\n", encoding="utf-8")
    for name in ("out.parquet", "out.jsonl"):
        cli("embed", "in.txt", "-o", name, "--model", TINY, "--output", "float16")
    expected = model.with_options(output="float16").embed(["a text", "another"])
    stored = pq.read_table(tmp_path / "out.parquet")["embedding"].combine_chunks()
    np.testing.assert_array_equal(stored.values.to_numpy(zero_copy_only=False).reshape(2, -1), expected)
    rows = [json.loads(line)["embedding"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    np.testing.assert_array_equal(np.array(rows, np.float16), expected)


def test_a_file_name_for_output_is_not_explained(cli, tmp_path):
    (tmp_path / "in.txt").write_text("a text\n", encoding="utf-8")
    said = cli("embed", "in.txt", "--output", "out.parquet", "-o", "x.parquet", "--model", TINY, status=1).stderr
    assert 'option output: got "out.parquet", expected one of float32' in said
