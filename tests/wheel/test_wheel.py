# SPDX-License-Identifier: Apache-2.0
"""The wheel runs on any glibc 2.28 machine, shows nothing but its doors, and carries what it should."""

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEWEST_GLIBC = (2, 28)
SYSTEM_LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux-x86-64.so.2"}


@pytest.fixture(scope="module")
def wheel() -> zipfile.ZipFile:
    wheels = list((ROOT / "build" / "wheel").glob("*.whl"))
    assert len(wheels) == 1, "run: make wheel"
    return zipfile.ZipFile(wheels[0])


@pytest.fixture(scope="module")
def libraries(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every shared library of the wheel, those inside its jars included."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel.extractall(folder)
    for jar in folder.rglob("*.jar"):
        zipfile.ZipFile(jar).extractall(jar.with_suffix(".unpacked"))
    return sorted(folder.rglob("*.so"))


def objdump(flag: str, library: Path) -> str:
    return subprocess.run(["objdump", flag, library], capture_output=True, text=True, check=True).stdout


def needed(library: Path) -> set[str]:
    return set(re.findall(r"NEEDED\s+(\S+)", objdump("-p", library)))


def glibc_versions(library: Path) -> set[tuple[int, ...]]:
    found = re.findall(r"GLIBC_([0-9.]+)", objdump("-T", library))
    return {tuple(int(part) for part in version.split(".")) for version in found}


def exported(library: Path) -> set[str]:
    lines = [line for line in objdump("-T", library).splitlines() if re.match(r"[0-9a-f]{16} ", line)]
    return {line.split()[-1] for line in lines if "*UND*" not in line}


def test_the_name_promises_manylinux_2_28_and_any_python(wheel: zipfile.ZipFile) -> None:
    assert Path(wheel.filename).name.endswith("-py3-none-manylinux_2_28_x86_64.whl")


def test_the_wheel_holds_library_package_and_jars(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "emberline/__init__.py" in names
    assert "emberline/lib/libemberline.so" in names
    assert [name for name in names if re.fullmatch(r"emberline/jars/.+\.jar", name)], "no jar in the wheel"
    assert not [name for name in names if "__pycache__" in name or name.startswith(("include/", "lib/"))]


def test_the_jars_are_those_of_the_lines_asked_for(wheel: zipfile.ZipFile) -> None:
    """`make wheel` asks for all, `make build` for two."""
    known = [line for line in (ROOT / "spark" / "lines.txt").read_text().split("\n") if line[:1].isdigit()]
    asked = os.environ.get("EMBERLINE_SPARK_LINES", "3.5_2.12 4.2_2.13")
    jars = [Path(name).name for name in wheel.namelist() if name.endswith(".jar")]
    lines = [match[1] for jar in jars if (match := re.match(r"emberline-spark-([\d._]+)-[\d.]+jar", jar))]
    assert sorted(lines) == sorted(known if asked == "all" else asked.split())
    assert len(jars) == len(lines) + 1, "and the native one"


def test_every_jar_brings_functions_and_extension(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    jars = [name for name in wheel.namelist() if re.search(r"emberline-spark-.*\.jar$", name)]
    contents = [set(zipfile.ZipFile(wheel.extract(name, tmp_path)).namelist()) for name in jars]
    for name, content in zip(jars, contents, strict=True):
        assert "META-INF/services/org.apache.spark.sql.SparkSessionExtensionsProvider" in content, name
        assert {"emberline/spark/EmberlineExtensions.class", "emberline/spark/functions.class"} <= content, name
        assert not [entry for entry in content if entry.startswith(("org/apache/spark/sql/catalyst", "scala/"))], name


def test_a_jar_holds_the_native_library(libraries: list[Path]) -> None:
    assert [path for path in libraries if ".unpacked" in str(path)]


def test_no_symbol_above_glibc_2_28(libraries: list[Path]) -> None:
    for library in libraries:
        versions = glibc_versions(library)
        assert versions, f"{library.name}: no glibc symbol at all"
        assert max(versions) <= NEWEST_GLIBC, library.name


def test_no_library_needed_but_the_system_s(libraries: list[Path]) -> None:
    for library in libraries:
        assert needed(library) - SYSTEM_LIBRARIES - {path.name for path in libraries} == set(), library.name


def test_only_the_doors_are_exported(libraries: list[Path]) -> None:
    for library in libraries:
        names = exported(library)
        assert names, f"{library.name} exports nothing"
        strangers = {name for name in names if not re.match(r"emb_|Java_|JNI_OnLoad$", name)}
        assert strangers == set(), library.name


def test_every_function_of_the_header_is_exported(libraries: list[Path]) -> None:
    header = (ROOT / "include" / "emberline.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"^EMB_API [^;(]*?\b(emb_\w+)\(", header, flags=re.MULTILINE))
    assert len(declared) > 10
    library = next(path for path in libraries if path.parent.name == "lib")
    assert declared - exported(library) == set()
