# SPDX-License-Identifier: Apache-2.0
"""``emberline embed`` from file to file: kinds of files, columns kept, nothing half-written, flat memory."""

import csv
import datetime
import decimal
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import emberline
from data_paths import MINILM, TINY

TEXTS = ["a text", None, "", 'déjà "vu", 日本語 🙂', "two\nlines", "last"]


def table():
    return pa.table(
        {
            "id": pa.array(range(6), pa.int16()),
            "text": pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
            "label": pa.array(["x", "y", None, "x", "y", "x"]).dictionary_encode(),
            "tags": pa.array([["a", None], [], None, ["b"], ["c"], ["d"]]),
            "at": pa.array([datetime.datetime(2024, 2, 29, 12, 30)] * 6, pa.timestamp("ms", "UTC")),
            "day": pa.array([datetime.date(2024, 2, 29), None] * 3),
            "price": pa.array([decimal.Decimal("1.50")] * 6, pa.decimal128(9, 2)),
            "score": pa.array([1.5, float("nan"), None, -0.0, 1e300, 3.0]),
            "blob": pa.array([b"\x00\xff", None, b"", b"a", b"b", b"c"]),
            "nested": pa.array([{"n": 1, "s": "é"}, None, {"n": 2, "s": None}] * 2),
        }
    )


def assert_vectors(column, model, texts):
    """``column`` holds lists of floats, as read from any kind of output."""
    expected = model.embed(texts)
    assert [vector is None for vector in column] == [text is None for text in texts]
    for vector, row in zip(column, expected, strict=True):
        assert vector is None or np.array_equal(np.array(vector, np.float32), row)


def test_parquet_keeps_every_column_and_type(cli, tmp_path, model):
    pq.write_table(table(), tmp_path / "in.parquet")
    cli("embed", "in.parquet", "-o", "out.parquet", "--model", TINY, "--column", "text")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.schema.field("embedding").type == pa.list_(pa.float32())
    kept = out.drop_columns("embedding")
    assert kept.schema.equals(pq.read_table(tmp_path / "in.parquet").schema)
    expected = pq.read_table(tmp_path / "in.parquet").to_pylist()
    assert str(kept.to_pylist()) == str(expected)  # as text: NaN equals NaN
    assert_vectors(out["embedding"].to_pylist(), model, TEXTS)


def test_json_lines_output_is_json_that_reads_back(cli, tmp_path, model):
    pq.write_table(table(), tmp_path / "in.parquet")
    cli("embed", "in.parquet", "-o", "out.jsonl", "--model", TINY, "--column", "text", "--output-column", 've"c')

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [row["text"] for row in rows] == TEXTS
    assert rows[0]["at"] == "2024-02-29T12:30:00+00:00"
    assert rows[0]["day"] == "2024-02-29"
    assert rows[0]["price"] == "1.50"
    assert rows[1]["score"] is None
    assert rows[0]["blob"] == "AP8="
    assert rows[0]["nested"] == {"n": 1, "s": "é"}
    assert_vectors([row['ve"c'] for row in rows], model, TEXTS)


def test_csv_output_holds_vectors_as_json_lists(cli, tmp_path, model):
    pq.write_table(table().drop_columns("blob"), tmp_path / "in.parquet")
    cli("embed", "in.parquet", "-o", "out.csv", "--model", TINY, "--column", "text")
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == [text or "" for text in TEXTS]
    assert json.loads(rows[0]["tags"]) == ["a", None]
    assert rows[0]["price"] == "1.50"
    assert_vectors([json.loads(row["embedding"]) if row["embedding"] else None for row in rows], model, TEXTS)


def test_csv_input_is_typed_by_all_its_rows(cli, tmp_path, model):
    late = "".join(f"{row},text {row},{row},,{row % 2 == 0}\n" for row in range(60_000))
    (tmp_path / "in.csv").write_text("id,text,code,empty,flag\n" + late + 'last,"two\nlines, ""quoted""",A7,now,true\n')
    cli("embed", "in.csv", "-o", "out.parquet", "--model", TINY, "--column", "text", "--max-tokens", "4")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.num_rows == 60_001
    types = {field.name: field.type for field in out.schema}
    assert types["id"] == types["code"] == types["empty"] == pa.string()
    assert types["flag"] == pa.bool_()
    assert out["text"][-1].as_py() == 'two\nlines, "quoted"'
    assert out["id"][0].as_py() == "0"


def test_csv_to_csv_keeps_fields_as_they_are_written(cli, tmp_path):
    (tmp_path / "in.csv").write_text("zip,text,when,number\n01234,a,2024-02-29T12:30:00Z,1.50\n,b,,\n")
    cli("embed", "in.csv", "-o", "out.csv", "--model", TINY, "--column", "text")
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:4] == ["zip", "text", "when", "number"]
    assert rows[1][:4] == ["01234", "a", "2024-02-29T12:30:00Z", "1.50"]
    assert rows[2][:4] == ["", "b", "", ""]


def test_a_csv_field_larger_than_a_block_is_read(cli, tmp_path):
    (tmp_path / "in.csv").write_text(f'text,n\n"{"long, " * 400_000}",1\nshort,2\n')
    cli("embed", "in.csv", "-o", "out.parquet", "--model", TINY)
    assert pq.read_table(tmp_path / "out.parquet")["n"].to_pylist() == [1, 2]


def test_json_lines_input_unites_the_keys_of_all_lines(cli, tmp_path, model):
    lines = [json.dumps({"text": f"row {row} " + "x" * 60, "n": row}) for row in range(20_000)]
    lines += ["", '{"text": null, "n": 0.5, "when": "2024-02-29"}', '{"late": [1], "text": "dé"}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    cli("embed", "in.jsonl", "-o", "out.parquet", "--model", TINY, "--column", "text", "--max-tokens", "4")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.num_rows == 20_002
    assert out.schema.field("n").type == pa.float64()
    assert out["when"].to_pylist()[-2:] == ["2024-02-29", None]
    assert out["late"].to_pylist()[-2:] == [None, [1]]
    assert out["embedding"].null_count == 1


def test_text_lines_are_rows(cli, tmp_path, model):
    (tmp_path / "in.txt").write_bytes(b"one\n\ntwo \xff\r\nlast")
    cli("embed", "in.txt", "-o", "out.jsonl", "--model", TINY)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["one", "", "two \ufffd", "last"]
    assert_vectors([row["embedding"] for row in rows], model, ["one", "", "two \ufffd", "last"])


@pytest.mark.parametrize("name", ["in.txt", "in.csv", "in.parquet"])
def test_no_rows_give_an_output_without_rows(cli, tmp_path, model, name):
    if name.endswith("parquet"):
        pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / name)
    else:
        (tmp_path / name).write_text("text\n" if name.endswith("csv") else "")
    cli("embed", name, "-o", "out.parquet", "--model", TINY, "--report", "run.json")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.num_rows == 0
    assert out.schema.field("embedding").type == pa.list_(pa.float32())
    assert json.loads((tmp_path / "run.json").read_text())["rows"] == 0


def test_directories_and_files_come_in_order_with_one_schema(cli, tmp_path):
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "_temporary").mkdir()
    pq.write_table(pa.table({"text": ["a"], "n": pa.array([1], pa.int32())}), tmp_path / "docs" / "1.parquet")
    pq.write_table(pa.table({"text": ["b"], "n": pa.array([2], pa.int64())}), tmp_path / "docs" / "deep" / "2.parquet")
    pq.write_table(pa.table({"text": ["no"]}), tmp_path / "docs" / "_temporary" / "3.parquet")
    (tmp_path / "docs" / "_SUCCESS").touch()
    (tmp_path / "more.txt").write_text("c\n")
    cli("embed", "docs", "more.txt", "-o", "out.parquet", "--model", TINY)
    out = pq.read_table(tmp_path / "out.parquet")
    assert out["text"].to_pylist() == ["a", "b", "c"]
    assert out["n"].to_pylist() == [1, 2, None]
    assert out.schema.field("n").type == pa.int64()


def test_small_row_groups_with_dictionaries_of_their_own(cli, tmp_path, model):
    texts = [f"text {row % 7} {row // 100}" for row in range(1000)]
    parts = [
        pa.table({"text": pa.array(texts[start : start + 90]).dictionary_encode()}) for start in range(0, 1000, 90)
    ]
    with pq.ParquetWriter(tmp_path / "in.parquet", parts[0].schema) as writer:
        for part in parts:
            writer.write_table(part)
    cli("embed", "in.parquet", "-o", "out.parquet", "--model", TINY)
    out = pq.read_table(tmp_path / "out.parquet")
    assert out["text"].to_pylist() == texts
    assert_vectors(out["embedding"].to_pylist(), model, texts)


def test_the_only_text_column_is_taken_unasked(cli, tmp_path):
    pq.write_table(pa.table({"n": [1], "body": ["a"]}), tmp_path / "in.parquet")
    cli("embed", "in.parquet", "-o", "out.parquet", "--model", TINY)
    assert pq.read_table(tmp_path / "out.parquet")["embedding"].null_count == 0


def test_model_options_are_flags(cli, tmp_path, model):
    (tmp_path / "in.txt").write_text("one two three\n")
    arguments = ["--layers", "-2:-1", "--layer-op", "concat", "--max-tokens", "4", "--normalize", "true"]
    cli("embed", "in.txt", "-o", "out.parquet", "--model", TINY, *arguments)
    wide = model.with_options(layers="-2:-1", layer_op="concat", max_tokens=4, normalize=True)
    assert_vectors(pq.read_table(tmp_path / "out.parquet")["embedding"].to_pylist(), wide, ["one two three"])


def test_the_report_counts_what_happened(cli, tmp_path, model):
    texts = ["short", "word " * 500, None, "tail"]
    pq.write_table(pa.table({"text": texts}), tmp_path / "in.parquet")
    arguments = ["--report", "run.json", "--max-tokens", "8"]
    cli("embed", "in.parquet", "-o", "out.parquet", "--model", TINY, *arguments)
    report = json.loads((tmp_path / "run.json").read_text())
    tokens = sum(map(len, model.with_options(max_tokens=8).tokenize(texts)))
    counted = {name: report[name] for name in ("rows", "embedded", "nulls", "failed", "truncated", "tokens")}
    assert counted == {"rows": 4, "embedded": 3, "nulls": 1, "failed": 0, "truncated": 1, "tokens": tokens}
    assert report["tokens_per_second"] > 0
    assert report["rows_per_second"] > 0
    assert report["model_load_seconds"] >= 0
    assert report["seconds"] > 0
    assert 20 << 20 < report["peak_memory_bytes"] < 2 << 30
    assert report["dtype"] == model.info["dtype"]
    assert report["isa"] == model.info["isa"]
    assert report["options"]["max_tokens"] == 8
    assert set(report["options"]) == {option.name for option in emberline.options()}
    assert report["inputs"] == ["in.parquet"]
    assert report["int8"]["speedup"] > 0
    assert report["int8"]["cosine"]["worst"] > 0.99


def test_a_failed_row_fails_the_job_and_names_file_and_row(cli, tmp_path):
    (tmp_path / "first.txt").write_text("fine\n" * 3)
    (tmp_path / "second.txt").write_text("fine\n" * 5000 + "word " * 500 + "\nfine\n")
    arguments = ["--long-text", "error", "--max-tokens", "8", "--model", TINY]
    done = cli("embed", "first.txt", "second.txt", "-o", "out.parquet", *arguments, status=1)
    assert done.stderr.splitlines()[-1].startswith("emberline: second.txt: row 5000: more than max_tokens=8")
    assert sorted(os.listdir(tmp_path)) == ["first.txt", "second.txt"]


def test_errors_null_counts_failed_rows(cli, tmp_path):
    (tmp_path / "in.txt").write_text("fine\n" + "word " * 500 + "\nfine\n")
    arguments = ["--long-text", "error", "--max-tokens", "8", "--errors", "null", "--report", "run.json"]
    done = cli("embed", "in.txt", "-o", "out.parquet", "--model", TINY, *arguments)
    assert "1 failed" in done.stderr
    assert json.loads((tmp_path / "run.json").read_text())["failed"] == 1
    out = pq.read_table(tmp_path / "out.parquet")
    assert out["embedding"].is_null().to_pylist() == [False, True, False]


def test_output_goes_to_a_file_and_nothing_to_stdout(cli, tmp_path):
    (tmp_path / "in.txt").write_text("a\n")
    done = cli("embed", "in.txt", "-o", "out.parquet", "--model", TINY)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("emberline: out.parquet: 1 rows, ")
    assert cli("embed", "in.txt", "-o", "out.parquet", "--model", TINY, "--quiet").stderr == ""


def test_an_existing_output_is_replaced_even_when_it_is_the_input(cli, tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "in.parquet")
    cli("embed", "in.parquet", "-o", "in.parquet", "--model", TINY)
    assert pq.read_table(tmp_path / "in.parquet").column_names == ["text", "embedding"]
    assert os.listdir(tmp_path) == ["in.parquet"]


def test_the_output_has_the_usual_permissions(cli, tmp_path):
    (tmp_path / "in.txt").write_text("a\n")
    cli("embed", "in.txt", "-o", "out.parquet", "--model", TINY)
    assert (tmp_path / "out.parquet").stat().st_mode == (tmp_path / "in.txt").stat().st_mode


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_a_stopped_job_leaves_nothing_behind(tmp_path, number, status, suffix):
    text = pa.array(["word " * 400]).take(pa.array([0] * 400_000))
    pq.write_table(pa.table({"text": text}), tmp_path / "in.parquet")
    output = tmp_path / f"out.{suffix}"
    output.write_text("what was there before")
    command = [
        sys.executable,
        "-m",
        "emberline",
        "embed",
        "in.parquet",
        "-o",
        output,
        "--model",
        TINY,
        "--threads",
        "1",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not any(path.stat().st_size for path in tmp_path.glob(".out.*.partial")):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline, "no partial output was seen"
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == status
    assert "Traceback" not in err
    assert sorted(os.listdir(tmp_path)) == ["in.parquet", output.name]
    assert output.read_text() == "what was there before"


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    (tmp_path / "in.txt").write_text("some words\n" * 200_000)
    limited = (
        f"ulimit -f 2000; trap '' XFSZ; exec {sys.executable} -m emberline embed in.txt -o out.jsonl --model {TINY}"
    )
    done = subprocess.run(["bash", "-c", limited], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("emberline: ")
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["in.txt"]


def test_a_terminal_gets_a_progress_bar(tmp_path):
    (tmp_path / "in.txt").write_text("some words\n" * 20_000)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "emberline", "embed", "in.txt", "-o", "out.parquet", "--model", str(TINY)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    process = subprocess.Popen(command, cwd=tmp_path, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the terminal's other end is closed
        pass
    assert process.wait(60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "20000/20000 rows" in text
    assert "tokens/s" in text


def peak(tmp_path, num_rows, *arguments):
    source = tmp_path / "in.parquet"
    words = " ".join(f"word{number}" for number in range(60))
    texts = pa.array([f"{words} {number}" for number in range(1000)])
    text = texts.take(pa.array(np.arange(num_rows) % 1000))
    columns = {"id": np.arange(num_rows), "text": text, "x": np.random.default_rng(0).random(num_rows)}
    pq.write_table(pa.table(columns), source, row_group_size=num_rows, use_dictionary=False, compression="none")
    assert pq.ParquetFile(source).num_row_groups == 1
    command = [sys.executable, "-m", "emberline", "embed", source, "-o", tmp_path / "out.parquet"]
    command += ["--model", TINY, "--column", "text", "--report", tmp_path / "run.json", *arguments]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["rows"] == num_rows
    return report["peak_memory_bytes"]


def test_memory_does_not_grow_with_one_giant_row_group(tmp_path):
    """A reader that takes a row group whole would hold 80 MB more for the longer file."""
    narrow = ["--max-tokens", "4"]
    short, long = peak(tmp_path, 100_000, *narrow), peak(tmp_path, 300_000, *narrow)
    assert long - short < 40 << 20
    assert long < 300 << 20


@pytest.mark.slow
def test_a_million_rows_of_a_real_width_stay_under_300_mb(tmp_path):
    weights = sum(path.stat().st_size for path in MINILM.glob("*.safetensors"))
    arguments = ["--model", str(MINILM), "--max-tokens", "3", "--layers", "0"]
    assert peak(tmp_path, 1_000_000, *arguments) - weights < 300 << 20
