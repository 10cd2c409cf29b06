# SPDX-License-Identifier: Apache-2.0
"""What the command line says when asked for what cannot be: one line, the right status, nothing written."""

import json
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import emberline
from data_paths import CROSS_ENCODER, TINY
from emberline.cli import bench


@pytest.fixture
def files(tmp_path):
    pq.write_table(pa.table({"id": [1], "title": ["a"], "body": ["b"]}), tmp_path / "two.parquet")
    pq.write_table(pa.table({"id": [1]}), tmp_path / "none.parquet")
    pq.write_table(pa.table({"text": ["a"], "embedding": [1]}), tmp_path / "taken.parquet")
    pq.write_table(pa.table({"text": [1]}), tmp_path / "number.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is no parquet file PAR1")
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    (tmp_path / "mixed.jsonl").write_text('{"text": "a"}\n{"text": 3}\n')
    (tmp_path / "ragged.csv").write_text("text,n\na,1\nb\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "in.txt").write_text("a\n")
    (tmp_path / "in.docx").write_text("a\n")
    (tmp_path / "hollow").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.txt"], ["missing.txt does not exist"]),
        (["in.docx"], ["in.docx: unknown kind of input", ".parquet, .csv, .jsonl, .ndjson, .txt"]),
        (["hollow"], ["hollow has no file that ends in .parquet"]),
        (["in.txt", "-o", "out.txt"], ["out.txt: unknown kind of output", ".parquet, .csv, .jsonl, .ndjson"]),
        (["in.txt", "-o", "folder.parquet"], ["folder.parquet is a directory"]),
        (["in.txt", "-o", "no/such/out.parquet"], ["no/such/out.parquet: the directory no/such does not exist"]),
        (["in.txt", "--report", "no/run.json"], ["no/run.json: the directory no does not exist"]),
        (["two.parquet"], ["name the column to embed with --column; columns of text: title, body"]),
        (["two.parquet", "--column", "text"], ["the input has no column text; it has id, title, body"]),
        (["none.parquet"], ["no column is text: id"]),
        (["number.parquet", "--column", "text"], ["column text is int64, expected text"]),
        (["taken.parquet"], ["the input has a column embedding already", "--output-column"]),
        (["broken.parquet"], ["broken.parquet: "]),
        (["broken.jsonl"], ["broken.jsonl: JSON parse error"]),
        (["mixed.jsonl"], ["mixed.jsonl: ", "text"]),
        (["ragged.csv"], ["ragged.csv: ", "Expected 2 columns, got 1"]),
        (["empty.csv"], ["empty.csv: Empty CSV file"]),
        (["two.parquet", "number.parquet", "in.txt"], ["in.txt does not fit the files before it", "text"]),
        (["in.txt", "--max-tokens", "many"], ['option max_tokens: got "many"']),
        (["in.txt", "--layers", "-99"], ["layers", "-99"]),
        (["in.txt", "--prompt-name", "nope"], ["nope"]),
        (["in.txt", "--device", "cuda"], ["cuda"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_one_line_says_what_is_wrong(cli, files, arguments, words):
    before = sorted(os.listdir(files))
    if "-o" not in arguments:
        arguments = [*arguments, "-o", "out.parquet"]
    done = cli("embed", *arguments, "--model", TINY, status=1)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("emberline: ")
    for word in words:
        assert word in done.stderr
    assert sorted(os.listdir(files)) == before


def test_a_missing_model_is_named(cli, files):
    done = cli("embed", "in.txt", "-o", "out.parquet", "--model", "no-such-model", status=1)
    assert "no-such-model" in done.stderr
    assert not (files / "out.parquet").exists()


def test_wrong_usage_has_status_2(cli):
    assert "required: -o/--out" in cli("embed", "in.txt", "--model", TINY, status=2).stderr
    assert "--no-such-flag" in cli("embed", "a", "-o", "b", "--model", TINY, "--no-such-flag", "1", status=2).stderr
    assert "COMMAND" in cli(status=2).stderr


def test_help_lists_every_option_of_the_table(cli):
    shown = cli("embed", "--help").stdout
    for option in emberline.options():
        assert f"--{option.name.replace('_', '-')} " in shown


def test_version(cli):
    assert cli("--version").stdout == f"emberline {emberline.__version__}\n"


def test_info_as_a_table_and_as_json(cli, model):
    said = json.loads(cli("info", TINY, "--json").stdout)
    int8 = said.pop("int8")
    assert said == model.info
    assert int8["speedup"] > 0
    assert 0.99 < int8["cosine"]["worst"] <= int8["cosine"]["mean"] <= 1
    shown = cli("info", TINY).stdout
    for name in model.info:
        assert any(line.startswith(name) for line in shown.splitlines())
    assert json.loads(cli("info", TINY, "--json", "--max-tokens", "7").stdout)["max_tokens"] == 7


def test_bench_names_every_dtype_that_it_timed(cli):
    report = json.loads(cli("bench", TINY, "--json", "--seconds", "0").stdout)
    timed = {entry["dtype"]: entry for entry in report["dtypes"]}
    assert {"f32", "int8"} <= set(timed)
    assert set(timed) | set(report["left_out"]) == {"f32", "bf16", "int8"}
    assert timed["f32"]["cosine"]["worst"] == pytest.approx(1)
    assert timed["int8"]["cosine"]["worst"] > 0.9
    for entry in report["dtypes"]:
        assert entry["query_ms"] > 0
        assert all(rates["tokens_per_second"] >= rates["rows_per_second"] > 0 for rates in entry["lengths"])
        assert all(0 < rates["share_of_peak"] < 1 for rates in entry["lengths"])
        assert all(rates["peak_operations_per_second"] > 1e8 for rates in entry["lengths"])
        assert entry["memory_bytes"] is None or 0 < entry["memory_bytes"] < 1 << 30
    shown = cli("bench", TINY, "--seconds", "0", "--dtype", "f32").stdout
    assert "f32" in shown and "int8" not in shown
    assert "of peak" in shown and "memory MB" in shown and "%" in shown


def test_bench_times_pairs_where_a_model_makes_no_vectors(cli):
    report = json.loads(cli("bench", CROSS_ENCODER, "--json", "--seconds", "0").stdout)
    timed = {entry["dtype"]: entry["score_difference"] for entry in report["dtypes"]}
    assert timed["f32"] == {"mean": 0, "worst": 0}
    for dtype in ("bf16", "int8"):
        assert dtype in report["left_out"] or 0 < timed[dtype]["mean"] < timed[dtype]["worst"] < 0.1
    assert "mean score difference" in cli("bench", CROSS_ENCODER, "--seconds", "0").stdout


def test_bench_counts_the_products_of_the_layers_that_run():
    info = {"hidden": 4, "intermediate": 8, "layers_selected": [3]}
    products = 2 * (4 * 4 * 4 + 2 * 4 * 8)  # query, key, value, output; up and down
    attention = 4 * 4  # scores and sums, for each pair of tokens
    assert bench.network_operations(info, [5]) == 3 * (5 * products + 25 * attention)
    assert bench.network_operations(info, [5, 2]) == 3 * (7 * products + 29 * attention)
    assert bench.network_operations({**info, "layers_selected": [1, 2]}, [1]) == 2 * (products + attention)
    assert bench.network_operations({**info, "layers_selected": [0]}, [1]) == 0


def test_info_says_what_loading_takes_and_what_is_left_out(cli, model):
    said = json.loads(cli("info", TINY, "--json").stdout)
    assert said["tokenizer"].endswith(" of tokenizer.json, as BertTokenizer")
    assert said["head"][0] == f"Pooling {said['pooling']}"
    assert said["hidden"] % said["attention_heads"] == 0
    memory = said["memory_bytes_by_dtype"]
    assert memory["f32"] > memory["bf16"] > memory["int8"] > 0
    assert memory[said["dtype"]] == said["estimated_memory_bytes"]
    assert all("dtype" in reason or "f32" in reason for reason in said["unsupported"])


def test_info_of_a_model_with_several_faults_names_them_all(cli, tmp_path):
    faulty = tmp_path / "faulty"
    shutil.copytree(TINY, faulty)
    config = json.loads((faulty / "config.json").read_text())
    config |= {"is_decoder": True, "position_embedding_type": "relative_key", "hidden_act": "snake"}
    (faulty / "config.json").write_text(json.dumps(config))
    tokenizer = json.loads((faulty / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"] = {"type": "Shuffle"}
    (faulty / "tokenizer.json").write_text(json.dumps(tokenizer))
    (faulty / "model.safetensors").write_bytes(b"short")
    said = json.loads(cli("info", str(faulty), "--json", status=1).stdout)
    keys = ("position_embedding_type", "is_decoder", "hidden_act", "model.safetensors", "Shuffle")
    assert len(said["unsupported"]) == len(keys)
    for key, reason in zip(keys, said["unsupported"], strict=True):
        assert key in reason
    shown = cli("info", str(faulty), status=1).stderr
    assert shown.startswith(f"emberline: {faulty}: 5 reasons:\n- ")
    assert all(key in shown for key in keys)


def test_info_of_no_model(cli):
    done = cli("info", "no-such-model", status=1)
    assert done.stderr.startswith("emberline: ")
    assert "no-such-model" in done.stderr


def test_a_missing_library_is_one_line(cli, monkeypatch):
    monkeypatch.setenv("EMBERLINE_LIBRARY", "nowhere.so")
    done = cli("info", TINY, status=1)
    assert done.stderr == "emberline: emberline's native library is not at nowhere.so: install the emberline wheel\n"
