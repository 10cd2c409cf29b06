# SPDX-License-Identifier: Apache-2.0
"""``Model.rerank`` and ``emberline rerank``: kinds of rows, nulls, labels, and models that cannot."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import emberline
from data_paths import ROOT, TINY

MODELS = ROOT / "tests" / "data" / "rerank"
TEXTS = ["a river", None, "東京 stone", ""]
QUERIES = ["one", "two", None, "four"]


@pytest.fixture(scope="module")
def reranker():
    return emberline.load(MODELS / "bert")


def golden(name):
    return json.loads((ROOT / "tests" / "golden" / "rerank" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["bert", "xlm-roberta", "modernbert", "cross-encoder"])
def test_scores_are_the_references(name):
    expected = golden(name)
    model = emberline.load(MODELS / name, dtype="f32")
    queries, texts = zip(*expected["pairs"], strict=True)
    scores = model.rerank(list(queries), list(texts))
    assert scores.dtype == np.float32
    assert scores.shape == (len(texts),)
    assert np.allclose(scores, np.array(expected["scores"]).reshape(-1), rtol=1e-5, atol=1e-5)


def test_one_query_goes_with_all_texts(reranker):
    texts = ["a river", "a stone", ""]
    one = reranker.rerank("which river?", texts)
    assert np.array_equal(one, reranker.rerank(["which river?"] * 3, texts))
    assert np.array_equal(one, reranker.rerank(b"which river?", texts))
    assert reranker.rerank("which river?", []).shape == (0,)


def test_null_text_or_query_has_no_score(reranker):
    scores = reranker.rerank(QUERIES, TEXTS)
    assert np.isnan(scores).tolist() == [False, True, True, False]
    arrow = reranker.rerank(pa.chunked_array([QUERIES[:1], QUERIES[1:]]), pa.array(TEXTS))
    assert arrow.type == pa.float32()
    assert arrow.is_null().to_pylist() == [False, True, True, False]
    assert np.array_equal(arrow.to_numpy(zero_copy_only=False)[[0, 3]], scores[[0, 3]])
    series = reranker.rerank(pd.Series(QUERIES), np.array(TEXTS, object))
    assert np.array_equal(series, scores, equal_nan=True)
    assert reranker.rerank([None], pa.array(["a", "b"])).null_count == 2


def test_several_labels_give_a_column_each():
    model = emberline.load(MODELS / "bert-labels")
    assert model.num_labels == 3
    scores = model.rerank("one", ["a", None])
    assert scores.shape == (2, 3)
    assert np.isnan(scores[1]).all()
    arrow = model.rerank("one", pa.array(["a", None]))
    assert arrow.type == pa.list_(pa.float32(), 3)
    assert arrow.null_count == 1
    assert np.array_equal(arrow[0].values.to_numpy(), scores[0])


def test_raw_scores_and_pickles_keep_their_options(reranker):
    raw = reranker.with_options(activation="none")
    score = raw.rerank("one", ["two"])
    assert np.allclose(reranker.rerank("one", ["two"]), 1 / (1 + np.exp(-score)), atol=1e-6)
    assert raw.info["activation"] == "none"
    assert raw.info["labels"] == 1


def test_long_pair_raises_or_is_null_as_asked(reranker):
    strict = reranker.with_options(max_tokens=8, long_text="error")
    texts = ["a", "a b c d e f g h"]
    with pytest.raises(emberline.RowError, match="row 1: more than max_tokens=8"):
        strict.rerank("one", texts)
    assert np.isnan(strict.rerank("one", texts, errors="null")).tolist() == [False, True]


def test_other_number_of_queries_is_named(reranker):
    with pytest.raises(emberline.InvalidArgument, match="got 2 queries for 3 texts"):
        reranker.rerank(["a", "b"], ["a", "b", "c"])
    with pytest.raises(TypeError, match="rows is one str"):
        reranker.rerank("a", "b")


def test_model_without_a_head_names_what_is_missing(model):
    assert model.num_labels == 0
    assert model.info["labels"] == 0
    with pytest.raises(emberline.Unsupported, match="lacks bert.pooler.dense.weight, classifier.weight"):
        model.rerank("one", ["two"])


def test_cross_encoder_says_that_it_makes_no_vectors():
    model = emberline.load(MODELS / "cross-encoder")
    assert model.dim == 0
    with pytest.raises(emberline.Unsupported, match="CrossEncoder without Pooling makes no vectors"):
        model.embed(["one"])


def test_progress_stops_the_work(reranker):
    def stop(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        reranker.rerank("one", ["two"] * 500, progress=stop)


def write_table(path):
    table = pa.table({"id": [1, 2, 3, 4], "question": QUERIES, "text": TEXTS})
    pq.write_table(table, path)
    return table


def test_cli_adds_a_score_to_every_row(cli, tmp_path, reranker):
    table = write_table(tmp_path / "in.parquet")
    cli("rerank", "in.parquet", "--query", "one", "--model", MODELS / "bert", "-o", "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.drop_columns("score").equals(table)
    assert out.schema.field("score").type == pa.float32()
    assert out["score"].combine_chunks().equals(reranker.rerank("one", pa.array(TEXTS)))


def test_cli_takes_each_rows_own_query(cli, tmp_path, reranker):
    write_table(tmp_path / "in.parquet")
    arguments = ("in.parquet", "--query-column", "question", "--column", "text", "--model", MODELS / "bert")
    done = cli("rerank", *arguments, "-o", "out.jsonl", "--output-column", "fit", "--report", "report.json")
    assert "4 rows" in done.stderr
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    expected = reranker.rerank(pa.array(QUERIES), pa.array(TEXTS)).to_pylist()
    assert [row["fit"] for row in rows] == pytest.approx(expected)
    report = json.loads((tmp_path / "report.json").read_text())
    assert {name: report[name] for name in ("rows", "scored", "nulls")} == {"rows": 4, "scored": 2, "nulls": 2}


def test_cli_writes_scores_as_numbers_into_csv(cli, tmp_path, reranker):
    write_table(tmp_path / "in.parquet")
    cli("rerank", "in.parquet", "--query", "one", "--model", MODELS / "bert", "-o", "out.csv")
    read = pa.csv.read_csv(tmp_path / "out.csv")["score"].to_pylist()
    assert read == pytest.approx(reranker.rerank("one", pa.array(TEXTS)).to_pylist())


def test_cli_writes_lists_for_several_labels(cli, tmp_path):
    write_table(tmp_path / "in.parquet")
    cli("rerank", "in.parquet", "--query", "one", "--model", MODELS / "bert-labels", "-o", "out.parquet")
    scores = pq.read_table(tmp_path / "out.parquet")["score"].to_pylist()
    assert [score and len(score) for score in scores] == [3, None, 3, 3]


def test_cli_names_what_is_wrong(cli, tmp_path):
    write_table(tmp_path / "in.parquet")
    output = ("-o", "out.parquet")
    usage = cli("rerank", "in.parquet", "--model", MODELS / "bert", *output, status=2).stderr
    assert "one of the arguments --query --query-column is required" in usage
    wrong = cli("rerank", "in.parquet", "--query-column", "q", "--model", MODELS / "bert", *output, status=1).stderr
    assert "the input has no column q; it has id, question, text" in wrong
    headless = cli("rerank", "in.parquet", "--query", "one", "--model", TINY, *output, status=1).stderr
    assert "lacks bert.pooler.dense.weight" in headless
    vectors = cli("embed", "in.parquet", "--model", MODELS / "cross-encoder", *output, status=1).stderr
    assert "CrossEncoder without Pooling makes no vectors" in vectors
    assert not (tmp_path / "out.parquet").exists()
