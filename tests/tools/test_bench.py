# SPDX-License-Identifier: Apache-2.0
"""The benches count and compare what they say: pooling, ratios, operations, ids and the geometry of made models."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.extend(
    str(Path(__file__).resolve().parents[2] / folder)
    for folder in ("tools", "bench", "bench/peers", "bench/tokenizer_peers")
)
import make_random_model
import memory
import run
import spark_bench
import spark_tables
import tokenizer
import tokens
from flat import flat

ROOT = Path(__file__).resolve().parents[2]
BERT_BASE = {"vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2}


def model_that_pools(folder: Path, *modes: str) -> Path:
    names = ("cls_token", "mean_tokens", "max_tokens", "lasttoken")
    settings = {"word_embedding_dimension": 2} | {f"pooling_mode_{name}": name in modes for name in names}
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("mode", "expected"), [("mean_tokens", [0.6, 0.8]), ("cls_token", [1.0, 0.0]), ("lasttoken", [0.0, 1.0])]
)
def test_peers_pool_as_the_model_says(tmp_path: Path, mode: str, expected: list[float]) -> None:
    hidden = np.array([[[6, 0], [0, 8], [99, 99]]], np.float32)
    mask = np.array([[1, 1, 0]], np.int64)
    pooled = tokens.pool_of(model_that_pools(tmp_path, mode))(hidden, mask)
    np.testing.assert_allclose(pooled, [expected], rtol=1e-6)


@pytest.mark.parametrize("modes", [("max_tokens",), ("cls_token", "mean_tokens"), ()])
def test_pooling_that_the_peers_lack_is_refused(tmp_path: Path, modes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="the bench pools by mean, cls, lasttoken, not by "):
        tokens.pool_of(model_that_pools(tmp_path, *modes))


def test_ratios_are_to_ours_in_the_same_dtype_or_to_our_f32() -> None:
    best = {"emberline": (4.0, 0), "emberline int8": (1.0, 0), "OpenVINO int8": (3.0, 16)}
    assert run.ratio_of(best, "OpenVINO int8", False) == "3.00"
    assert run.ratio_of(best, "emberline int8", False) == "1.00"
    assert run.ratio_of(best, "emberline int8", True) == "4.00"
    assert run.ratio_of({"OpenVINO int8": (3.0, 16)}, "OpenVINO int8", False) == "-"


def test_every_peer_has_a_module_that_ends_in_its_dtype() -> None:
    for module, _ in run.PEERS.values():
        assert (ROOT / f"bench/{module}.py").is_file()
        assert module.rpartition("_")[2] in run.MIN_COSINE
    for module, _ in tokenizer.PEERS.values():
        assert (ROOT / f"bench/{module}.py").is_file()


def test_operations_of_a_row_count_products_and_attention(tmp_path: Path) -> None:
    config = {"hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    products, attention = 2 * (4 * 4 * 4 + 2 * 4 * 8), 4 * 4
    assert run.flops(tmp_path, [5, 2]) == 3 * (7 * products + 29 * attention)


def test_operations_of_a_decoder_count_shared_keys_and_gates(tmp_path: Path) -> None:
    config = {"hidden_size": 4, "intermediate_size": 8, "num_hidden_layers": 3, "num_attention_heads": 4}
    config |= {"num_key_value_heads": 2, "head_dim": 3, "model_type": "qwen3"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    products, attention = 2 * (4 * (12 + 6 + 6 + 12) + 3 * 4 * 8), 4 * 12
    assert run.flops(tmp_path, [5, 2]) == 3 * (7 * products + 29 * attention)


def test_ids_that_differ_have_another_flat_form() -> None:
    assert flat([[7, 8], [], [9]]).tolist() == [2, 0, 1, 7, 8, 9]
    assert not np.array_equal(flat([[7], [8]]), flat([[7, 8], []]))


def test_tokenizer_table_compares_one_result_with_the_same() -> None:
    best = {"w": {"emberline, ids": (1.0, 0), "tokenizers, ids": (20.0, 100), "emberline, lists": (2.0, 0)}}
    best["w"]["tokenizers, lists"] = (21.0, 1)
    args = argparse.Namespace(model=Path("m"), rounds=1, clock="wall")
    tokenizer.WORKLOADS["w"] = "words"
    lines = list(tokenizer.report(args, best, {"w": (4_000_000, np.array([3, 5]))}))
    assert "| tokenizers | ids | 100 | 0.2 | 0 | 20.0 |" in lines
    assert "| emberline | lists | own | 2.0 | 1 | 1.0 |" in lines
    assert "| tokenizers | lists | 1 | 0.2 | 0 | 10.5 |" in lines


def test_made_model_has_the_size_of_the_real_one() -> None:
    shapes = make_random_model.shapes_of(BERT_BASE | make_random_model.GEOMETRIES["bge-base"])
    biases = sum(shape[0] for name, shape in shapes.items() if not name.endswith("_embeddings.weight"))
    assert sum(int(np.prod(shape)) for shape in shapes.values()) + biases == 109_482_240


def test_made_model_is_the_same_each_time() -> None:
    small = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    shapes = make_random_model.shapes_of(BERT_BASE | {"vocab_size": 10} | small)
    first, second = make_random_model.draw(shapes), make_random_model.draw(shapes)
    assert all(np.array_equal(first[name], second[name]) for name in shapes)
    assert first["encoder.layer.0.output.dense.weight"].std() == pytest.approx(0.02, rel=0.3)


def test_spark_bench_names_a_module_that_is_not_there() -> None:
    for module, environment in spark_bench.PEERS.values():
        assert (ROOT / f"bench/{module}.py").is_file() and environment in (".venv", ".venv-reference")
    assert set(spark_bench.KINDS) | set(spark_bench.SCALED) < set(spark_bench.PEERS)


def test_memory_of_a_child_is_not_counted() -> None:
    program = "import sys; held = bytearray(96 << 20); print(flush=True); sys.stdin.read()"
    shell = ["sh", "-c", f"{sys.executable} -c '{program}'; true"]
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with memory.PeakMemory(process.pid, every=0.01) as peak:
            assert len(memory.processes_of(process.pid)) == 2
        process.stdin.close()
    assert peak.bytes > 96 << 20


def test_short_texts_are_not_as_many_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_tables, "ROOT", tmp_path)
    pq.write_table(pa.table({"text": ["a b c d e f g h", "x"]}), tmp_path / "table.parquet")
    rows = pq.read_table(spark_tables.short_texts(tmp_path / "table.parquet", 35) / "0.parquet").num_rows
    whole = pa.concat_tables(
        pq.read_table(file) for file in sorted((tmp_path / "build/bench/short-35").glob("*.parquet"))
    )
    assert rows == 3 and sorted(whole["id"].to_pylist()) == list(range(35))
    assert len(set(whole["text"].to_pylist())) == 35 and "a b c d e f 0" in whole["text"].to_pylist()
