# SPDX-License-Identifier: Apache-2.0
"""tools/run_tests.py counts what happened, not what somebody says happened."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import run_tests
from run_tests import Suite

REPORT = """<testsuites tests="99" failures="0"><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="1 is not 2"/></testcase>
<testcase classname="a" name="broken"><error/></testcase>
<testcase classname="a" name="left_out"><skipped/></testcase>
<testcase classname="a" name="not_run" status="notrun"/>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "build" / "test").mkdir(parents=True)
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    monkeypatch.setattr(run_tests, "OUT", tmp_path / "build" / "test")
    return tmp_path


def outcome(result: run_tests.Result) -> tuple[int, int, int]:
    return result.passed, result.failed, result.skipped


def is_running(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_cases_are_counted_and_not_the_totals_of_the_file(own_root: Path) -> None:
    (own_root / "made.xml").write_text(REPORT)
    result = run_tests.run(Suite("x", ["cp made.xml build/test/x.xml; exit 1"], "build/test/x.xml"))
    assert outcome(result) == (1, 2, 2)
    assert result.names == ["a bad", "a broken"]


def test_a_suite_that_ran_no_test_has_failed() -> None:
    empty = "echo '<testsuite/>' > build/test/x.xml"
    assert outcome(run_tests.run(Suite("x", [empty], "build/test/x.xml"))) == (0, 1, 0)
    assert outcome(run_tests.run(Suite("x", ["true"], "build/test/nowhere.xml"))) == (0, 1, 0)


def test_only_skipped_tests_are_not_a_pass() -> None:
    skipped = "echo '<testsuite><testcase name=\"a\"><skipped/></testcase></testsuite>' > build/test/x.xml"
    assert outcome(run_tests.run(Suite("x", [skipped], "build/test/x.xml"))) == (0, 1, 1)


def test_a_crash_after_good_tests_is_one_failure() -> None:
    good = "echo '<testsuite><testcase name=\"a\"/></testsuite>' > build/test/x.xml; exit 139"
    assert outcome(run_tests.run(Suite("x", [good], "build/test/x.xml"))) == (1, 1, 0)


def test_a_report_of_an_earlier_run_does_not_count(own_root: Path) -> None:
    (own_root / "build" / "test" / "x.xml").write_text('<testsuite><testcase name="a"/></testsuite>')
    assert outcome(run_tests.run(Suite("x", ["false"], "build/test/x.xml"))) == (0, 1, 0)


def test_half_a_report_is_a_failure() -> None:
    half = "echo '<testsuite><testcase name=\"a\"/>' > build/test/x.xml"
    assert outcome(run_tests.run(Suite("x", [half], "build/test/x.xml"))) == (0, 1, 0)


def test_a_suite_without_reports_is_its_exit_status(own_root: Path) -> None:
    assert outcome(run_tests.run(Suite("x", ["true", "true"]))) == (1, 0, 0)
    assert outcome(run_tests.run(Suite("x", ["false", "touch reached"]))) == (0, 1, 0)
    assert not (own_root / "reached").exists()


def test_a_suite_over_its_time_fails_and_leaves_no_process(own_root: Path) -> None:
    result = run_tests.run(Suite("x", ["sleep 61 & echo $! > child; wait"], minutes=0.05))
    assert outcome(result) == (0, 1, 0)
    assert "not done after 0.05 minutes" in result.names[0]
    child = int((own_root / "child").read_text())
    for _ in range(100):  # a kill is done when the kernel gets to it
        if not is_running(child):
            return
        time.sleep(0.1)
    pytest.fail(f"process {child} still runs")


def test_the_closing_line_is_alone_and_adds_up(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    report = f"cat > build/test/NAME.xml <<'E'\n{REPORT}\nE\n"
    made = [
        Suite("one", [report.replace("NAME", "one")], "build/test/one.xml"),
        Suite("two", ["true"]),
        Suite("three", ["true"], only_all=True),
    ]
    monkeypatch.setattr(run_tests, "suites", lambda: made)
    monkeypatch.setattr(sys, "argv", ["run_tests.py"])
    assert run_tests.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 2 failed, 2 skipped"


def test_an_unknown_suite_is_refused() -> None:
    tool = Path(__file__).resolve().parents[2] / "tools" / "run_tests.py"
    done = subprocess.run([sys.executable, tool, "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown suite nonsense, expected one of build" in done.stderr


def test_every_spark_line_has_a_suite_and_the_oldest_one_always_runs(own_root: Path) -> None:
    (own_root / "spark").mkdir()
    (own_root / "spark" / "lines.txt").write_text("# words\n3.5_2.12\n3.5_2.13\n4.2_2.13\n4.3_2.13\n")
    (own_root / "requirements").mkdir()
    for name in ("spark.txt", "spark-3.5.txt", "spark-4.3.txt"):
        (own_root / "requirements" / name).touch()
    assert [(suite.name, suite.only_all) for suite in run_tests.spark_lines()] == [
        ("spark-3.5_2.12-queries", False),
        ("spark-3.5_2.12", True),
        ("spark-3.5_2.13", True),
        ("spark-4.3_2.13", True),
    ]
