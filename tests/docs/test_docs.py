# SPDX-License-Identifier: Apache-2.0
"""Runs every example of the documents, and holds their tables and links to what is there.

A fenced block in a language that can run (python, sh, sql, scala, c) is run, unless the line above it is
<!-- not run: reason -->. Blocks of one language in one document run in order, as one program, in a folder that has
docs.parquet (id, text), the model directory all-MiniLM-L6-v2, and as ms-marco-MiniLM-L6-v2 a tiny cross-encoder.
"""

import os
import pathlib
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import emberline
import emberline.spark

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
MODEL = ROOT / "build/models/all-MiniLM-L6-v2"
RERANKER = ROOT / "tests/data/rerank/bert"
BLOCK = re.compile(r"(?P<above>[^\n]*)\n```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
TEXTS = ["a game with penguins", "stars and planets at night", None, "", "tomorrow's weather", "a word " * 400]


def programs(language):
    """The code of every document that has blocks in this language to run."""
    found = []
    for document in DOCUMENTS:
        blocks = [match for match in BLOCK.finditer(document.read_text()) if match["language"] == language]
        code = "\n".join(match["code"] for match in blocks if not match["above"].startswith("<!-- not run:"))
        if code:
            found.append(pytest.param(code, id=document.relative_to(ROOT).as_posix()))
    return found


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "all-MiniLM-L6-v2").symlink_to(MODEL)
    (tmp_path / "ms-marco-MiniLM-L6-v2").symlink_to(RERANKER)
    pq.write_table(pa.table({"id": range(len(TEXTS)), "text": TEXTS}), tmp_path / "docs.parquet")
    return tmp_path


def run(workspace, *command, text=None):
    """What a program printed; fails with all of it when the program fails."""
    variables = os.environ | {"PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=workspace,
        env=variables,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("code", programs("python"))
def test_python_example_fails(code, workspace):
    (workspace / "example.py").write_text(code)
    run(workspace, sys.executable, "example.py")


@pytest.mark.parametrize("code", programs("sh"))
def test_shell_example_fails(code, workspace):
    run(workspace, "bash", "-euo", "pipefail", "-c", code)


@pytest.mark.parametrize("code", programs("sql"))
def test_sql_example_fails(code, workspace):
    (workspace / "example.sql").write_text(code)
    program = """
import pathlib
from pyspark.sql import SparkSession
import emberline.spark as em

spark = em.configure(SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")).getOrCreate()
spark.read.parquet("docs.parquet").createOrReplaceTempView("docs")
for statement in pathlib.Path("example.sql").read_text().split(";"):
    if statement.strip():
        print(spark.sql(statement).collect())
"""
    run(workspace, sys.executable, "-c", program)


@pytest.mark.parametrize("code", programs("scala"))
def test_scala_example_fails(code, workspace):
    shell = pathlib.Path(sys.executable).with_name("spark-shell")
    begin = 'val df = spark.read.parquet("docs.parquet")\n'
    script = f'{begin}{code}\nprintln("at the " + "end")\n'
    settings = ["--conf", f"spark.sql.extensions={emberline.spark.EXTENSION}", "--conf", "spark.ui.enabled=false"]
    jars = ",".join(emberline.spark.jars())
    said = run(workspace, shell, "--master", "local[2]", "--jars", jars, *settings, text=script)
    # The shell goes on after an error and ends with status 0.
    assert "at the end" in said and not re.search(r"error:|Exception", said), said


@pytest.mark.parametrize("code", programs("c"))
def test_c_example_fails(code, workspace):
    (workspace / "example.c").write_text(code)
    library = pathlib.Path(
        os.environ.get("EMBERLINE_LIBRARY") or pathlib.Path(emberline.__file__).parent / "lib/libemberline.so"
    )
    run(workspace, "cc", "-std=c11", "-Wall", "-Werror", f"-I{ROOT / 'include'}", "example.c", library, "-o", "example")
    run(workspace, "env", f"LD_LIBRARY_PATH={library.parent}", "./example")


def test_options_table_is_not_the_library_s():
    lines = ["| option | default | values | meaning |", "|---|---|---|---|"]
    for option in emberline.options():
        default = f"`{option.default}`" if option.default else "the model's own"
        values = ", ".join(f"`{choice}`" for choice in option.choices) or option.type
        lines.append(f"| `{option.name}` | {default} | {values} | {option.help} |")
    table = "\n".join(lines)
    assert table in (ROOT / "README.md").read_text(), f"README.md should have:\n{table}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_document_names_a_file_that_is_not_there(document):
    text = document.read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    named = re.findall(r"`((?:src|include|jvm|spark|python|tests|bench|tools|examples|docs)/[\w./-]+)`", text)
    missing += [name for name in named if not (ROOT / name).exists()]
    assert not missing
