#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds what every tracked text must do: name no path of somebody's machine and no package registry's host, and begin
with an SPDX line where the format has comments. Prints each breach with its line; exit status 1 if there is one."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MACHINE_PATH = re.compile(r"(?<![\w.$}/~*-])/(?:home|root|work|farm|Users|tmp)/\w")
REGISTRY_HOST = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|crates)\.(?:org|io)\b|\brepo\d?\.maven|\bmaven\.org\b|\bdeb\.debian|\bproxy\.golang"
)
SPDX_SUFFIXES = {".cc", ".h", ".c", ".cu", ".py", ".java", ".scala", ".sh", ".cmake", ".toml", ".txt", ".xml"}
SPDX = "SPDX-License-Identifier: Apache-2.0"
DATA = ("tests/data/", "tests/golden/")  # texts made by tools, in formats of others


def breaches(name: str, text: str) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATH.search(line):
            found.append(f"{name}:{number}: path of a machine: {line.strip()[:100]}")
        if REGISTRY_HOST.search(line):
            found.append(f"{name}:{number}: host of a registry: {line.strip()[:100]}")
    wants_spdx = Path(name).suffix in SPDX_SUFFIXES and not name.startswith(DATA)
    if wants_spdx and SPDX not in "\n".join(text.splitlines()[:3]):
        found.append(f"{name}:1: no SPDX line, expected: {SPDX}")
    return found


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            found += breaches(name, data.decode("utf-8", errors="replace"))
    print("\n".join(found) if found else "texts: no breach")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
