# SPDX-License-Identifier: Apache-2.0
"""A Spark line is named in several files: they name the same ones."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = [line for line in (ROOT / "spark" / "lines.txt").read_text().split("\n") if line[:1].isdigit()]


def requirements(minor: str) -> Path:
    own = ROOT / "requirements" / f"spark-{minor}.txt"
    return own if own.exists() else ROOT / "requirements" / "spark.txt"


@pytest.mark.parametrize("line", LINES)
def test_a_line_has_a_pyspark_to_test_it_with(line: str) -> None:
    minor = line.split("_")[0]
    assert re.search(rf"^pyspark=={re.escape(minor)}\.\d+ ", requirements(minor).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_in_the_documents_with_its_jar_and_what_it_ran_on(line: str) -> None:
    minor = line.split("_")[0]
    version = re.search(r"^pyspark==(\S+)", requirements(minor).read_text(), flags=re.MULTILINE)[1]
    document = (ROOT / "docs" / "spark.md").read_text()
    row = next(row for row in document.split("\n") if f"`emberline-spark-{line}-" in row and row.startswith("|"))
    assert f"PySpark {version}" in row


def test_every_profile_is_a_line() -> None:
    profiles = re.findall(r"<id>spark-([\d.]+)</id>", (ROOT / "spark" / "pom.xml").read_text())
    assert set(profiles) <= {line.split("_")[0] for line in LINES}


def test_the_package_asks_for_these_lines_of_pyspark() -> None:
    low, high = re.search(r"pyspark>=([\d.]+),<([\d.]+)", (ROOT / "pyproject.toml").read_text()).groups()
    minors = [tuple(map(int, line.split("_")[0].split("."))) for line in LINES]
    assert tuple(map(int, low.split("."))) == min(minors)
    assert tuple(map(int, high.split("."))) == (max(minors)[0], max(minors)[1] + 1)
