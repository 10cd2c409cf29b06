# SPDX-License-Identifier: Apache-2.0
"""Loading, options, errors, and a model's life among threads, processes and signals."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

import emberline
from data_paths import ROOT, TINY


def test_package_and_library_have_one_version():
    from emberline import _native

    assert _native.library().emb_version().decode() == emberline.__version__


def test_a_missing_library_is_said_plainly():
    environment = {**os.environ, "EMBERLINE_LIBRARY": "nowhere/libemberline.so"}
    code = "import emberline; print('imported'); emberline.load('x')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "imported\n"
    assert done.stderr.splitlines()[-1] == (
        "ImportError: emberline's native library is not at nowhere/libemberline.so: install the emberline wheel"
    )


def test_a_library_of_another_kind_is_said_plainly():
    environment = {**os.environ, "EMBERLINE_LIBRARY": __file__}
    code = "import emberline; emberline.options()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "cannot be used" in done.stderr.splitlines()[-1]


def test_missing_directory_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such-model") as caught:
        emberline.load(tmp_path / "no-such-model")
    assert isinstance(caught.value, emberline.Error)
    assert caught.value.code == "io"


def test_a_directory_that_is_no_model_names_the_missing_file(tmp_path):
    with pytest.raises(emberline.Error, match=r"config\.json"):
        emberline.load(tmp_path)


def test_an_unknown_option_names_the_nearest():
    with pytest.raises(emberline.InvalidArgument, match="did you mean max_tokens") as caught:
        emberline.load(TINY, max_tokns=12)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == "invalid_argument"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_tokens": 0}, ["max_tokens", "0"]),
        ({"max_tokens": 1.5}, ["max_tokens", "1.5", "float"]),
        ({"pooling": "middle"}, ["pooling", "middle", "mean"]),
        ({"normalize": "perhaps"}, ["normalize", "perhaps", "true"]),
        ({"layers": "77"}, ["layers", "77"]),
        ({"layers": object()}, ["layers", "object"]),
        ({"dims": 100_000}, ["dims", "100000"]),
        ({"prompt": "a\0b"}, ["prompt", "NUL"]),
        ({"prompt_name": "no-such-prompt"}, ["no-such-prompt"]),
    ],
    ids=str,
)
def test_bad_values_name_option_and_value(options, words):
    with pytest.raises(emberline.InvalidArgument) as caught:
        emberline.load(TINY, **options)
    for word in words:
        assert word in str(caught.value)


def test_a_device_that_is_not_there_is_an_error_and_no_silent_cpu_run():
    with pytest.raises(emberline.Unsupported, match="cuda"):
        emberline.load(TINY, device="cuda")


def test_options_say_what_they_are():
    table = {option.name: option for option in emberline.options()}
    assert table["pooling"].type == "choice"
    assert "mean" in table["pooling"].choices
    assert table["device"].is_load_time
    assert not table["max_tokens"].is_load_time
    assert all(option.help.endswith(".") for option in table.values())


def test_none_leaves_an_option_at_its_default(model):
    assert emberline.load(TINY, max_tokens=None, prompt=None).max_tokens == model.max_tokens


def test_layers_as_text_and_as_a_list(model):
    texts = ["one", "two three"]
    by_text = model.with_options(layers="1,2", layer_op="concat").embed(texts)
    by_list = model.with_options(layers=[1, 2], layer_op="concat").embed(texts)
    assert np.array_equal(by_text, by_list)


def test_with_options_adds_to_options_and_leaves_the_first_model_alone(model):
    narrow = model.with_options(max_tokens=8)
    both = narrow.with_options(dims=4)
    assert (both.dim, both.max_tokens) == (4, 8)
    assert (narrow.dim, narrow.max_tokens) == (model.dim, 8)
    assert narrow.with_options(max_tokens=None).max_tokens == model.max_tokens
    assert both.options == {"max_tokens": 8, "dims": 4}
    with pytest.raises(emberline.InvalidArgument):
        model.with_options(no_such_option=1)


def test_a_derived_model_outlives_its_parent():
    parent = emberline.load(TINY)
    child = parent.with_options(max_tokens=8)
    expected = child.embed(["a"])
    parent.close()
    del parent
    assert np.array_equal(child.embed(["a"]), expected)


def test_info_and_repr_say_what_the_model_is(model):
    assert model.info["dim"] == model.dim
    assert model.info["max_tokens"] == model.max_tokens
    assert repr(model).startswith("<emberline.Model '")
    assert f"dim={model.dim}" in repr(model)
    assert "max_tokens=8" in repr(model.with_options(max_tokens=8))


def test_a_closed_model_says_so():
    model = emberline.load(TINY)
    with model:
        model.embed(["a"])
    model.close()
    for use in (lambda: model.embed(["a"]), lambda: model.dim, lambda: model.tokenize(["a"]), model.encode):
        with pytest.raises((ValueError, TypeError)):
            use()
    with pytest.raises(ValueError, match="the model is closed"):
        model.embed(["a"])
    assert "closed" in repr(model)


def test_closing_under_a_running_call_lets_it_finish():
    model = emberline.load(TINY)
    texts = ["some words " * 20] * 2000
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(model.embed, texts, progress=lambda *_: model.close())
        assert np.isfinite(running.result()).all()


def test_many_threads_share_one_model(model):
    texts = [f"row {row} " + "word " * (row % 50) for row in range(300)]
    expected = model.embed(texts)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(model.embed, [texts[start::8] for start in range(8)] * 3))
    for number, part in enumerate(parts):
        assert np.array_equal(part, expected[number % 8 :: 8])


def test_other_threads_run_while_the_engine_computes(model):
    """Fails when the GIL is held: then the counting thread cannot move during the call."""
    counted, at_first_tick, at_last_tick = [0], [], []
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    def tick(rows_done, rows_total, _tokens):
        (at_first_tick if not at_first_tick else at_last_tick).append(counted[0])

    counter = threading.Thread(target=count)
    counter.start()
    try:
        model.with_options(threads=1).embed(["word " * 100] * 5000, progress=tick)
    finally:
        stop.set()
        counter.join()
    assert at_last_tick[-1] > at_first_tick[0]


def test_progress_counts_up_to_all_rows_and_its_error_stops_the_work(model):
    seen = []
    texts = ["word " * 50] * 3000
    model.embed(texts, progress=lambda *counts: seen.append(counts))
    assert seen, "progress was never called"
    assert [counts[0] for counts in seen] == sorted(counts[0] for counts in seen)
    assert all(counts[1] == len(texts) for counts in seen)
    assert seen[-1][0] <= len(texts)

    class Enough(Exception):
        pass

    def stop(*_):
        raise Enough("stop here")

    with pytest.raises(Enough, match="stop here"):
        model.embed(texts, progress=stop)
    assert np.isfinite(model.embed(["still works"])).all()


def test_pickled_models_keep_their_options(model):
    restored = pickle.loads(pickle.dumps(model.with_options(dims=4, layers=[1, 2])))
    assert restored.dim == 4
    assert np.array_equal(restored.embed(["a"]), model.with_options(dims=4, layers="1,2").embed(["a"]))
    with pytest.raises(FileNotFoundError):
        pickle.loads(pickle.dumps(model).replace(b"tiny-", b"none-"))


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(emberline.RowError(3, "too long", 2)))
    assert (error.row, error.reason, error.failed) == (3, "too long", 2)
    assert str(error) == "row 3: too long (1 more rows failed)"
    assert pickle.loads(pickle.dumps(emberline.Unsupported("no"))).code == "unsupported"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_model_goes_to_worker_processes(model, method):
    parts = [["one", None], ["two three"], []]
    expected = [model.embed(part) for part in parts]
    with multiprocessing.get_context(method).Pool(2) as pool:
        got = pool.map(model.embed, parts)
    for one, other in zip(got, expected, strict=True):
        assert np.array_equal(one, other, equal_nan=True)


def _embed_inherited(connection):
    connection.send(_INHERITED.embed(["after the fork"]))


def test_a_forked_child_uses_the_inherited_model_while_the_parent_computes(model):
    global _INHERITED
    _INHERITED = model
    expected = model.embed(["after the fork"])
    context = multiprocessing.get_context("fork")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(model.embed, ["word " * 100] * 3000)
        for _ in range(3):
            ours, theirs = context.Pipe()
            child = context.Process(target=_embed_inherited, args=(theirs,))
            child.start()
            assert ours.poll(120), "the child hangs"
            assert np.array_equal(ours.recv(), expected)
            child.join(60)
            assert child.exitcode == 0
        assert np.isfinite(running.result()).all()


ENDLESS = """
import sys, numpy, pyarrow, signal, emberline
model = emberline.load(sys.argv[1], threads=1)
def tick(done, total, tokens):
    global told
    if not told: print("computing", flush=True)
    told = True
told = False
{setup}
try:
    model.embed(pyarrow.array(["word " * 60]).take(pyarrow.array(numpy.zeros(1_000_000, "i4"))), progress=tick)
except {caught}:
    print("stopped", model.embed(["still works"]).shape[0], flush=True)
"""


@pytest.mark.parametrize(
    ("number", "setup", "caught"),
    [
        (signal.SIGINT, "", "KeyboardInterrupt"),
        (signal.SIGTERM, "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))", "SystemExit"),
    ],
)
def test_a_signal_stops_one_huge_call(number, setup, caught):
    code = ENDLESS.format(setup=setup, caught=caught)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(TINY)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == "computing\n", process.stderr.read()
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert out == "stopped 1\n", err
    assert process.returncode == 0
    assert err == ""


def test_signal_handlers_are_restored(model):
    before = signal.getsignal(signal.SIGINT)
    model.embed(["a"])
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_that_does_not_raise_lets_the_call_go_on(model):
    handled = []
    before = signal.signal(signal.SIGINT, lambda *_: handled.append(1))
    try:
        vectors = model.embed(["word " * 50] * 2000, progress=lambda *_: handled or os.kill(os.getpid(), signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert handled
    assert np.isfinite(vectors).all()


def test_no_memory_is_kept_from_call_to_call(model):
    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    rows = pa.array(["some words here"] * 100 + [None] * 40_000)
    for _ in range(5):
        model.embed(rows)
    before = resident()
    for _ in range(30):
        model.embed(rows)
        model.tokenize(["a"] * 100)
        model.with_options(max_tokens=8).embed(["a"])
    assert resident() - before < 30 << 20
