#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the test suites one after the other, all of them even when one fails, and ends with the sum.

usage: run_tests.py [--all] [--list] [SUITE ...]

Every suite gets one line; its output lies in build/test/SUITE.log, its results as JUnit XML beside it. Counts come from
those files, never from a summary text. A suite that has no result files counts as one test: its exit status. A suite
that fails without a failed test (a build error, a crash, a timeout) counts as one failure, and so does one that ran no
test. Exit status 1 if anything failed."""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "test"
JOBS = os.environ.get("JOBS") or str(os.cpu_count() or 2)
MVN_FLAGS = os.environ.get("MVN_FLAGS", "")
JVM_LIBRARY = "-Demberline.library.folder=$PWD/build/jar-resources"  # laid out by tools/build_jars.sh
PYTEST = ".venv/bin/python -m pytest -q -p no:cacheprovider"
QUERIES = " ".join(
    f"tests/spark/test_{part}.py"
    for part in ("query_shapes", "queries", "plans", "inputs", "output", "row_outcomes", "bad_input", "udf", "connect")
)
SLOW_UNDER_ASAN = "^Real|RowChangesWithItsBatchOrThreads"
MODELS = ("all-MiniLM-L6-v2", "bge-small-en-v1.5", "e5-small-v2", "bge-small-zh-v1.5")


@dataclass
class Suite:
    name: str
    steps: list[str]  # shell lines; the first that fails ends the suite
    reports: str = ""  # glob of JUnit files below the root; "" = the exit status is the one result
    minutes: float = 20
    only_all: bool = False


@dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: list[str] = field(default_factory=list)  # of failed tests


def ctest(preset: str, only: str = "", but: str = "", name: str = "") -> list[str]:
    chosen = (f" -R '{only}'" if only else "") + (f" -E '{but}'" if but else "")
    report = f"--output-junit {OUT}/{name or preset}.xml"
    return [
        f"cmake --preset {preset}",
        f"cmake --build build/{preset} -j {JOBS}",
        f"ctest --test-dir build/{preset} -j {JOBS} --output-on-failure --timeout 300 {report}{chosen}",
    ]


def pytest(name: str, arguments: str) -> list[str]:
    return [f"{PYTEST} {arguments} --junitxml=build/test/{name}.xml"]


def spark_line(line: str, tests: str = "tests/spark", **more: bool) -> Suite:
    name = f"spark-{line}{'-queries' if tests == QUERIES else ''}"
    chosen = "-m 'not slow' " if tests == QUERIES else ""
    step = f"bash tools/test_spark_line.sh {line} {tests} {chosen}--junitxml=build/test/{name}.xml"
    return Suite(name, [step], f"build/test/{name}.xml", minutes=40, **more)


def spark_lines() -> list[Suite]:
    """tests/spark on the lines that .venv does not have; its queries always on the oldest, which differs most."""
    text = (ROOT / "spark" / "lines.txt").read_text(encoding="utf-8")
    oldest, *others = [
        line
        for line in text.split("\n")
        if line[:1].isdigit() and (ROOT / "requirements" / f"spark-{line.split('_')[0]}.txt").exists()
    ]
    return [
        spark_line(oldest, QUERIES),
        spark_line(oldest, only_all=True),
        *(spark_line(line, only_all=True) for line in others),
    ]


def wheel_of_all_lines() -> list[str]:
    return ["make wheel", *(f"EMBERLINE_SPARK_LINES=all {step}" for step in pytest("wheel", "tests/wheel"))]


def parity() -> list[str]:
    """2,000 rows a model, in a language that the model knows."""
    python = "OMP_NUM_THREADS=1 EMBERLINE_LIBRARY=build/release/libemberline.so .venv-reference/bin/python"
    check = f"{python} tools/check_parity.py --rows 2000 --dtypes f32 bf16 int8 --"
    english, chinese = "build/corpus/natural.parquet", "build/corpus/chinese.parquet"
    return [
        f"[ -e {english} ] || .venv/bin/python tools/make_table.py build/corpus --only natural",
        f"[ -e {chinese} ] || .venv/bin/python tools/make_chinese_rows.py {chinese} 2000",
        *(f"{check} build/models/{model} {chinese if '-zh-' in model else english}" for model in MODELS),
    ]


def suites() -> list[Suite]:
    models = " ".join(f"build/models/{model}" for model in MODELS)
    return [
        Suite("build", [f"make build build/third_party/.complete {models}"], minutes=30),
        Suite("dev", ctest("dev"), "build/test/dev.xml", minutes=30),
        # What takes as long there as all the rest together, and reaches no other code.
        Suite("asan", ctest("asan", but=SLOW_UNDER_ASAN), "build/test/asan.xml", minutes=30),
        Suite(
            "asan-slow",
            ctest("asan", SLOW_UNDER_ASAN, name="asan-slow"),
            "build/test/asan-slow.xml",
            minutes=60,
            only_all=True,
        ),
        Suite(
            "tsan",
            ctest("tsan", "engine|api|Engine|Api|Embed|DeviceQueue|Team|SharedStream|WordCache"),
            "build/test/tsan.xml",
            minutes=30,
            only_all=True,
        ),
        Suite("jvm", [f"mvn -B -ntp {MVN_FLAGS} test {JVM_LIBRARY}"], "*/target/surefire-reports/TEST-*.xml"),
        Suite("tools", pytest("tools", "tests/tools tests/wheel"), "build/test/tools.xml"),
        Suite("python", pytest("python", "tests/python -m 'not slow'"), "build/test/python.xml"),
        Suite("spark", pytest("spark", "tests/spark -m 'not slow'"), "build/test/spark.xml"),
        *spark_lines(),
        Suite("ids", [".venv/bin/python tools/compare_ids.py --lines 10000"]),
        Suite(
            "ids-all",
            [
                ".venv/bin/python tools/compare_ids.py --lines 100000",
                ".venv/bin/python tools/train_tokenizers.py build/tokenizers",
                ".venv/bin/python tools/compare_ids.py build/tokenizers --lines 100000 --max-tokens 512",
                ".venv-reference/bin/python tools/train_sentencepiece.py build/tokenizers-sentencepiece",
                ".venv-reference/bin/python tools/compare_ids.py build/tokenizers-sentencepiece --lines 100000"
                " --max-tokens 512",
            ],
            minutes=60,
            only_all=True,
        ),
        Suite("parity", parity(), minutes=90, only_all=True),
        Suite("docs", pytest("docs", "tests/docs"), "build/test/docs.xml"),
        Suite("slow", pytest("slow", "tests/python tests/spark -m slow"), "build/test/slow.xml", 60, only_all=True),
        Suite("wheel", wheel_of_all_lines(), "build/test/wheel.xml", only_all=True),
        Suite("lint", [".venv/bin/python tools/lint.py --quick --junit build/test/lint.xml"], "build/test/lint.xml"),
        Suite("tidy", [".venv/bin/python tools/lint.py clang-tidy"], minutes=60, only_all=True),
    ]


def read_reports(paths: list[Path]) -> Result:
    """Counts test cases, not the totals that the files claim."""
    result = Result()
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                result.failed += 1
                result.names.append(f"{case.get('classname', '')} {case.get('name', '')}".strip())
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                result.skipped += 1
            else:
                result.passed += 1
    return result


def run_steps(suite: Suite, log: Path) -> str:
    """Empty if all steps succeeded, else what went wrong. Leaves no process of a step behind."""
    deadline = time.monotonic() + 60 * suite.minutes
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    with log.open("w", encoding="utf-8") as out:
        for step in suite.steps:
            out.write(f"$ {step}\n")
            out.flush()
            process = subprocess.Popen(
                ["bash", "-c", step],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return f"not done after {suite.minutes} minutes: {step}"
            finally:
                kill_group(process.pid)
            if status:
                return f"exit status {status}: {step}"
    return ""


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def run(suite: Suite) -> Result:
    started, cpu_before = time.monotonic(), cpu_seconds()
    for stale in ROOT.glob(suite.reports) if suite.reports else ():
        stale.unlink()
    log = OUT / f"{suite.name}.log"
    trouble = run_steps(suite, log)
    if not suite.reports:
        result = Result(failed=1, names=[trouble]) if trouble else Result(passed=1)
    else:
        try:
            result = read_reports(sorted(ROOT.glob(suite.reports)))
        except ElementTree.ParseError as error:
            result, trouble = Result(), f"unreadable report: {error}"
        if not trouble and result.passed + result.failed == 0:
            trouble = "ran no test"
        if trouble and not result.failed:
            result.failed = 1
            result.names.append(trouble)
    print_line(suite.name, result, time.monotonic() - started, cpu_seconds() - cpu_before)
    if result.failed:
        print_failure(result, log)
    return result


def counts(result: Result) -> str:
    text = f"{result.passed} passed, {result.failed} failed"
    return text + (f", {result.skipped} skipped" if result.skipped else "")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def print_line(name: str, result: Result, seconds: float, cpu: float) -> None:
    # The first word and the times keep this apart from the closing line.
    verdict = "FAIL" if result.failed else "ok  "
    print(f"{verdict} {name:14} {counts(result)} in {seconds:.0f} s ({cpu:.0f} s of cpu)", flush=True)


def print_failure(result: Result, log: Path) -> None:
    for name in result.names[:20]:
        print(f"     failed: {name}")
    print(f"     end of {log.relative_to(ROOT)}:")
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]:
        print(f"     | {line}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", nargs="*", help="run these alone")
    parser.add_argument("--all", action="store_true", help="also the slow ones")
    parser.add_argument("--list", action="store_true", help="print the suites and stop")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a running step is ended too
    known = {suite.name: suite for suite in suites()}
    if arguments.list:
        print("\n".join(f"{suite.name:14} {'; '.join(suite.steps)}" for suite in known.values()))
        return 0
    unknown = [name for name in arguments.suite if name not in known]
    if unknown:
        parser.error(f"unknown suite {unknown[0]}, expected one of {' '.join(known)}")
    if arguments.suite:
        chosen = [known[name] for name in arguments.suite]
    else:
        chosen = [suite for suite in known.values() if arguments.all or not suite.only_all]
    if not arguments.suite:
        shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True, exist_ok=True)

    total = Result()
    for suite in chosen:
        result = run(suite)
        total.passed += result.passed
        total.failed += result.failed
        total.skipped += result.skipped
    print(counts(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
