# SPDX-License-Identifier: Apache-2.0
"""With EMBERLINE_LIBRARY set, this tree's package is tested over that library; else the installed wheel is."""

import os
import signal
import subprocess
import sys

import pytest

from data_paths import MINILM, ROOT, TINY

if os.environ.get("EMBERLINE_LIBRARY"):
    sys.path.insert(0, str(ROOT / "python"))
    os.environ["PYTHONPATH"] = str(ROOT / "python")

import emberline  # noqa: E402  after the path is set

# A background job's shell may have had SIGINT ignored, which the processes that tests interrupt would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model():
    """A small model with random weights; no test may close it."""
    return emberline.load(TINY)


@pytest.fixture(scope="session")
def minilm():
    """The real all-MiniLM-L6-v2."""
    if not MINILM.is_dir():
        pytest.fail(f"{MINILM.relative_to(ROOT)} is missing: make it with tools/get_models.py")
    return emberline.load(MINILM)


@pytest.fixture
def cli(tmp_path):
    """Runs ``emberline`` in an empty directory; checks the exit status and that no traceback is shown."""

    def run(*arguments, status=0):
        command = [sys.executable, "-m", "emberline", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run
