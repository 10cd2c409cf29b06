# SPDX-License-Identifier: Apache-2.0
"""tools/check_texts.py finds what must not be in a tracked text."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check_texts

SPDX = f"# {check_texts.SPDX}\n"


@pytest.mark.parametrize("folder", ["home", "root", "work", "tmp"])
def test_a_path_of_a_machine_is_found(folder: str) -> None:
    found = check_texts.breaches("docs/a.md", f"first\nsee /{folder}/someone/model\n")
    assert len(found) == 1
    assert found[0].startswith("docs/a.md:2: path of a machine")


@pytest.mark.parametrize("words", ["pypi org", "files pythonhosted org", "repo1 maven org", "deb debian org"])
def test_a_host_of_a_registry_is_found(words: str) -> None:
    host = words.replace(" ", ".")
    assert "host of a registry" in check_texts.breaches("docs/a.md", f"https://{host}/simple\n")[0]


@pytest.mark.parametrize("text", ["a/work/b", "$PWD/tmp/x", "~/tmp/x", "build/tmp/x", "hdfs:///models/x", "./work/x"])
def test_a_path_inside_something_is_left_alone(text: str) -> None:
    assert check_texts.breaches("docs/a.md", text) == []


def test_a_source_without_spdx_line_is_found_and_data_is_not() -> None:
    assert "no SPDX line" in check_texts.breaches("src/a.cc", "int a;\n")[0]
    assert check_texts.breaches("src/a.cc", SPDX + "int a;\n") == []
    assert check_texts.breaches("tests/data/rows.txt", "a row\n") == []
    assert check_texts.breaches("docs/a.md", "text\n") == []
