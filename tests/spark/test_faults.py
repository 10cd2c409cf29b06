# SPDX-License-Identifier: Apache-2.0
"""Injected faults leave no native memory behind, and no wrong or missing row."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark_cases import environment

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """The library that counts what the engine allocates."""
    library = tmp_path_factory.mktemp("native") / "libcount.so"
    source = HERE / "native" / "count_allocations.cc"
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-std=c++20", "-O2", "-shared", "-fPIC", "-o", library, source, "-lpthread"], check=True)
    return library


@pytest.mark.slow
@pytest.mark.parametrize("program", ["leaks_nothing", "speculated"])
def test_after_a_fault(program, tmp_path, counter):
    (tmp_path / "classes").mkdir()
    done = subprocess.run(
        [sys.executable, str(HERE / "fault_programs.py"), program, str(tmp_path)],
        cwd=tmp_path,
        env={**environment(), "COUNT_ALLOCATIONS": str(counter)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0 and "all is well" in done.stdout, (done.stdout + done.stderr)[-6000:]
