#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every check of the sources that needs no test run. One line a check; exit status 1 if one fails.

usage: lint.py [--fix] [--junit FILE] [CHECK ...]

--fix rewrites sources in the house's format instead of checking."""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
JOBS = int(os.environ.get("JOBS") or os.cpu_count() or 2)
MAX_LINES = 60 if os.environ.get("CI") else 1000  # of one check's words
SCALAFMT_JARS = ROOT / "build" / "scalafmt"


def sources(*suffixes: str, under: str = "") -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in listed.stdout.splitlines() if name.startswith(under) and name.endswith(suffixes)]
    return [name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def run(*command: object) -> str:
    """Empty on success, else what the command said."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or f"exit status {done.returncode}"


def clang_format(fix: bool) -> str:
    files = sources(".cc", ".h", ".c", ".java")
    return run(BIN / "clang-format", *(["-i"] if fix else ["--dry-run", "-Werror"]), *files) if files else ""


def ruff_format(fix: bool) -> str:
    return run(BIN / "ruff", "format", "--quiet", *([] if fix else ["--diff"]), ".")


def ruff_check(fix: bool) -> str:
    return run(BIN / "ruff", "check", "--quiet", *(["--fix"] if fix else []), ".")


def scalafmt(fix: bool) -> str:
    files = sources(".scala")
    if not files:
        return ""
    if not SCALAFMT_JARS.is_dir():
        partial = SCALAFMT_JARS.with_suffix(".partial")
        trouble = run("mvn", "-q", "-B", "-f", "tools/scalafmt/pom.xml", "dependency:copy-dependencies",
                      f"-DoutputDirectory={partial}", "-DincludeScope=runtime")  # fmt: skip
        if trouble:
            return trouble
        partial.rename(SCALAFMT_JARS)
    mode = [] if fix else ["--test"]
    return run("java", "-cp", f"{SCALAFMT_JARS}/*", "org.scalafmt.cli.Cli", "--non-interactive", "--quiet",
               "--config", ".scalafmt.conf", *mode, *files)  # fmt: skip


def layers(_: bool) -> str:
    return run(sys.executable, "tools/check_layers.py")


def texts(_: bool) -> str:
    return run(sys.executable, "tools/check_texts.py")


def shell_syntax(_: bool) -> str:
    scripts = [*sources(".sh"), ".ci/run", "tools/zig-cc"]
    return "\n".join(filter(None, (run("bash", "-n", script) for script in scripts)))


def clang_tidy(_: bool) -> str:
    """Over src/ with the flags of the dev build. A file that passed is not looked at again until it, a header or the
    configuration changes."""
    if not (ROOT / "build/dev/compile_commands.json").is_file():
        trouble = run("cmake", "--preset", "dev")
        if trouble:
            return trouble
    shared = hashlib.sha256()
    for name in [".clang-tidy", "CMakeLists.txt", *sources(".h")]:
        shared.update((ROOT / name).read_bytes())
    stamps = ROOT / "build" / "stamps" / "clang-tidy"
    stamps.mkdir(parents=True, exist_ok=True)

    def check(name: str) -> str:
        key = shared.copy()
        key.update(name.encode() + (ROOT / name).read_bytes())
        stamp = stamps / key.hexdigest()
        if stamp.exists():
            return ""
        trouble = run(BIN / "clang-tidy", "-p", "build/dev", "--quiet", "--warnings-as-errors=*", name)
        if not trouble:
            stamp.touch()
        return trouble

    with ThreadPoolExecutor(JOBS) as pool:
        return "\n".join(filter(None, pool.map(check, sources(".cc", under="src/"))))


CHECKS = {
    "clang-format": clang_format,
    "ruff-format": ruff_format,
    "ruff-check": ruff_check,
    "scalafmt": scalafmt,
    "layers": layers,
    "texts": texts,
    "shell-syntax": shell_syntax,
    "clang-tidy": clang_tidy,
}
FORMATTERS = ("clang-format", "ruff-check", "ruff-format", "scalafmt")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("check", nargs="*", help=f"run these alone, of {' '.join(CHECKS)}")
    parser.add_argument("--fix", action="store_true", help="rewrite instead of checking")
    parser.add_argument("--junit", type=Path, help="also write the results there")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.check if name not in CHECKS]
    if unknown:
        parser.error(f"unknown check {unknown[0]}, expected one of {' '.join(CHECKS)}")
    report = ElementTree.Element("testsuite", name="lint")
    failed = 0
    for name in arguments.check or (FORMATTERS if arguments.fix else CHECKS):
        started = time.monotonic()
        trouble = CHECKS[name](arguments.fix)
        seconds = time.monotonic() - started
        print(f"{'FAIL' if trouble else 'ok  '} {name} ({seconds:.0f} s)", flush=True)
        case = ElementTree.SubElement(report, "testcase", classname="lint", name=name, time=f"{seconds:.2f}")
        if trouble:
            lines = trouble.splitlines()
            print("\n".join(lines[:MAX_LINES]), flush=True)
            if len(lines) > MAX_LINES:
                print(f"... and {len(lines) - MAX_LINES} lines more: tools/lint.py {name}", flush=True)
            failed += 1
            ElementTree.SubElement(case, "failure", message=f"{name} failed")
    if arguments.junit:
        arguments.junit.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(report).write(arguments.junit)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
