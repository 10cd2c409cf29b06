# SPDX-License-Identifier: Apache-2.0
"""encode answers as sentence-transformers does: goldens here, the library itself in the slow test."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import emberline
from data_paths import REFERENCE, ROOT
from emberline._encode import quantize
from encode_cases import CASES, SENTENCES

GOLDEN = Path(__file__).parent / "golden" / "encode.npz"


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


@pytest.fixture(scope="module")
def models():
    return {path: emberline.load(ROOT / path, dtype="f32") for path, _, _ in CASES.values()}


def assert_alike(ours, theirs, precision="float32"):
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    if precision == "float32":
        assert np.abs(ours - theirs).max() <= 1e-5 * max(1.0, np.abs(theirs).max())
    elif precision.endswith("int8"):
        # Floats that differ in the last digit may fall on either side of a step.
        steps = np.abs(ours.astype(int) - theirs.astype(int))
        assert steps.max() <= 1
        assert (steps == 0).mean() > 0.99
    else:
        differing = np.unpackbits(ours.view(np.uint8) ^ theirs.view(np.uint8))
        assert differing.mean() < 0.001


@pytest.mark.parametrize("case", CASES)
def test_encode_answers_as_sentence_transformers(golden, models, case):
    path, method, arguments = CASES[case]
    ours = getattr(models[path], method)(SENTENCES, **arguments)
    assert_alike(ours, golden[case], arguments.get("precision", "float32"))


def test_prompts_are_not_all_the_same(golden):
    """Guards the goldens: a case that ignores its prompt would prove nothing."""
    assert np.abs(golden["prompts-default"] - golden["prompts-named"]).max() > 1e-3
    assert np.abs(golden["prompts-default"] - golden["prompts-empty"]).max() > 1e-3


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_quantize_equals_quantize_embeddings(golden, precision):
    theirs = golden[f"quantized-{precision}"]
    ours = quantize(golden["floats"], precision)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)
    if precision.endswith("int8"):
        assert np.array_equal(
            quantize(golden["floats"], precision, golden["ranges"]), golden[f"quantized-{precision}-ranges"]
        )


@pytest.mark.slow
def test_goldens_are_what_sentence_transformers_answers_today(golden, tmp_path):
    if not REFERENCE.exists():
        pytest.fail(".venv-reference is missing: make .venv-reference/.complete")
    script = Path(__file__).parent / "make_encode_golden.py"
    fresh_file = tmp_path / "encode.npz"
    subprocess.run([REFERENCE, script, fresh_file], check=True, capture_output=True)
    fresh = np.load(fresh_file)
    assert set(fresh.files) == set(golden.files)
    for name in set(golden.files) - {"version"}:
        if name in CASES:
            assert_alike(fresh[name], golden[name], CASES[name][2].get("precision", "float32"))
        else:
            assert np.array_equal(fresh[name], golden[name])


def test_the_signature_is_theirs():
    """Positions and defaults of sentence-transformers 6.2, written out."""
    parameters = inspect.signature(emberline.Model.encode).parameters
    assert {name: parameter.default for name, parameter in list(parameters.items())[2:]} == {
        "prompt_name": None,
        "prompt": None,
        "batch_size": 32,
        "show_progress_bar": None,
        "output_value": "sentence_embedding",
        "precision": "float32",
        "convert_to_numpy": True,
        "convert_to_tensor": False,
        "device": None,
        "normalize_embeddings": False,
        "truncate_dim": None,
        "pool": None,
        "chunk_size": None,
        "sentences": parameters["inputs"].default,  # its old name
    }


def test_one_text_gives_one_vector(model):
    assert model.encode("a text").shape == (model.dim,)
    assert np.array_equal(model.encode("a text"), model.encode(["a text"])[0])
    assert model.encode("a text", precision="ubinary").shape == (model.dim // 8,)


def test_every_sequence_of_str_is_a_batch(model):
    expected = model.encode(["a", "b"])
    for inputs in (("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], object), iter(["a", "b"])):
        assert np.array_equal(model.encode(inputs), expected)


def test_an_empty_list_gives_an_empty_array(model):
    assert model.encode([]).shape == (0,)
    assert model.encode([], precision="int8").shape == (0,)


def test_the_old_name_of_inputs_still_works(model):
    with pytest.warns(DeprecationWarning, match="inputs"):
        assert np.array_equal(model.encode(sentences=["a"]), model.encode(["a"]))


def test_an_unknown_argument_raises(model):
    with pytest.raises(TypeError, match="no_such_argument"):
        model.encode(["a"], no_such_argument=1)
    with pytest.raises(TypeError, match="no_such_argument"):
        model.encode_query(["a"], no_such_argument=1)
    with pytest.raises(TypeError, match="inputs"):
        model.encode()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"output_value": "token_embeddings"}, emberline.Unsupported, "token_embeddings"),
        ({"output_value": None}, emberline.Unsupported, "None"),
        ({"batch_size": 0}, ValueError, "batch_size: got 0"),
        ({"precision": "int4"}, ValueError, "int4"),
        ({"precision": "int8"}, ValueError, "one embedding"),
        ({"device": "cuda:0"}, emberline.Unsupported, "cuda:0"),
        ({"device": ["cpu", "cpu"]}, emberline.Unsupported, "processes"),
        ({"pool": {"processes": []}}, emberline.Unsupported, "processes"),
        ({"prompt_name": "no-such"}, ValueError, "no-such"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(model, arguments, error, message):
    with pytest.raises(error, match=message):
        model.encode(["a"], **arguments)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [(["a", None], "row 1 is NoneType: expected str"), (3, "inputs is int: expected str or a list of str")],
)
def test_what_is_no_text_raises(model, inputs, message):
    with pytest.raises(TypeError, match=message):
        model.encode(inputs)


def test_device_cpu_and_arguments_without_effect_are_accepted(model):
    expected = model.encode(["a", "b"])
    assert np.array_equal(model.encode(["a", "b"], device="cpu", batch_size=1, chunk_size=5), expected)


def test_the_progress_bar_is_on_stderr_and_only_when_asked(model, capfd):
    model.encode(["a"])
    assert capfd.readouterr() == ("", "")
    model.encode(["a", "b"], show_progress_bar=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Rows" in err


def test_torch_is_not_imported_unless_tensors_are_asked_for():
    code = "import sys, emberline; emberline.load(sys.argv[1]).encode(['a']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(ROOT / "tests/data/tiny-bert")]).returncode == 0


TENSORS = """
import sys, torch, numpy, emberline
model = emberline.load(sys.argv[1])
expected = model.encode(["a", "b"])
tensor = model.encode(["a", "b"], convert_to_tensor=True)
assert isinstance(tensor, torch.Tensor) and numpy.array_equal(tensor.numpy(), expected)
parts = model.encode(["a", "b"], convert_to_numpy=False)
assert isinstance(parts, list) and isinstance(parts[1], torch.Tensor)
assert numpy.array_equal(parts[1].numpy(), expected[1])
assert model.encode("a", convert_to_tensor=True).shape == (model.dim,)
assert model.encode(["a", "b"], convert_to_tensor=True, precision="int8").dtype == torch.int8
assert model.encode([], convert_to_tensor=True).shape == (0,)
assert model.encode([], convert_to_numpy=False) == []
print("tensors alike")
"""


@pytest.mark.slow
def test_tensors_are_torch_tensors():
    """In the environment that has torch; emberline itself never needs it."""
    if not REFERENCE.exists():
        pytest.fail(".venv-reference is missing: make .venv-reference/.complete")
    import os

    package = Path(emberline.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    done = subprocess.run(
        [REFERENCE, "-c", TENSORS, ROOT / "tests/data/tiny-bert"], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "tensors alike\n", done.stderr
