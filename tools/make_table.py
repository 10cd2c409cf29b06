#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make real tables of text for the demo and the benches.

usage: make_table.py OUT_DIR [--only natural] [--model DIR] [--rows N]
needs: pyarrow; tokenizers for tokens128.parquet

  natural.parquet     id, name, text: paragraphs as people wrote them, in random order, none twice
  tokens128.parquet   id, text: paragraphs joined and cut so that every row is exactly 128 tokens of the model

The text is the description of every package in the lists of the machine's own Debian mirrors, fetched into a private
directory without root. Where there is no apt or no network, the docstrings of the Python packages here take its place.
The same source gives the same tables.
"""

import argparse
import ast
import pathlib
import random
import re
import subprocess
import sys
import sysconfig

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED = 20260101
LENGTH = 128  # tokens of a tokens128 row, [CLS] and [SEP] included


def fetch_descriptions(state):
    """Paths of apt's English description lists, fetched on the first call."""
    if not list(state.glob("lists/*Translation-en*")):
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        settings = {
            "Dir::State::Lists": state / "lists",
            "Dir::Cache": state / "cache",
            "APT::Sandbox::User": "root",  # the private directory need not be readable by the user _apt
            "Acquire::Languages": "en",
            "Acquire::IndexTargets::deb::Packages::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::http::Timeout": "20",
            "Acquire::Retries": "2",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        try:
            subprocess.run(["apt-get", "-qq", *options, "update"], check=False, timeout=300, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return []
    return sorted(state.glob("lists/*Translation-en*"))


def package_paragraphs(paths):
    """(package, paragraph) of every description; a line that holds only a dot separates paragraphs."""
    for path in paths:
        raw = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", str(path)], check=True, capture_output=True).stdout
        for stanza in raw.decode("utf-8", "replace").split("\n\n"):
            package = re.search(r"^Package: (\S+)$", stanza, re.MULTILINE)
            description = re.search(r"^Description-en: .*\n((?: .*\n?)+)", stanza, re.MULTILINE)
            if package and description:
                for paragraph in re.split(r"^ \.$", description[1], flags=re.MULTILINE):
                    yield package[1], paragraph


def docstring_paragraphs():
    """(module.name, paragraph) of every docstring in the standard library and the installed packages."""
    roots = {pathlib.Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")}
    for root in sorted(roots):
        for path in sorted(root.rglob("*.py")):
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                continue
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            for node in ast.walk(tree):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                    name = module if isinstance(node, ast.Module) else f"{module}.{node.name}"
                    for paragraph in re.split(r"\n\s*\n", ast.get_docstring(node) or ""):
                        if ">>>" not in paragraph:
                            yield name, paragraph


def unique(pairs):
    """{paragraph: name}, white space folded, what is too short to mean anything left out."""
    found = {}
    for name, paragraph in pairs:
        text = re.sub(r"\s+", " ", paragraph).strip()
        if len(text) >= 20:
            found.setdefault(text, name)
    return found


def exact_rows(texts, tokenizer, count):
    """Texts of LENGTH tokens: paragraphs joined and cut after a token; kept if they tokenize to that many again."""
    rows, joined = [], ""
    for text in texts:
        joined = f"{joined} {text}" if joined else text
        if len(joined) < LENGTH * 6:
            continue
        offsets = tokenizer.encode(joined, add_special_tokens=False).offsets
        if len(offsets) >= LENGTH - 2:
            cut = joined[: offsets[LENGTH - 3][1]]
            if len(tokenizer.encode(cut).ids) == LENGTH:
                rows.append(cut)
                if len(rows) == count:
                    break
        joined = ""
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", choices=["natural"])
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--rows", type=int, default=20_000)
    args = parser.parse_args()

    paths = fetch_descriptions(ROOT / "build/apt-text")
    source = "package descriptions" if paths else "Python docstrings"
    found = unique(package_paragraphs(paths) if paths else docstring_paragraphs())
    if len(found) < args.rows:
        sys.exit(f"only {len(found)} paragraphs in the {source}, {args.rows} wanted")
    texts = list(found)
    random.Random(SEED).shuffle(texts)

    args.out.mkdir(parents=True, exist_ok=True)
    natural = texts[: args.rows]
    columns = {"id": pa.array(range(len(natural)), pa.int64()), "name": [found[text] for text in natural]}
    write(pa.table({**columns, "text": natural}), args.out / "natural.parquet")
    print(f"natural.parquet: {len(natural):,} rows of {source}")
    if args.only != "natural":
        write_exact(texts, natural, args)


def write_exact(texts, natural, args):
    from tokenizers import Tokenizer  # the demo has no need of it

    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    exact = exact_rows(texts, tokenizer, args.rows // 5)
    write(pa.table({"id": pa.array(range(len(exact)), pa.int64()), "text": exact}), args.out / "tokens128.parquet")
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(natural)]
    longest = sum(length > 200 for length in lengths)
    print(f"natural.parquet: {sum(lengths) / len(lengths):.1f} tokens a row on average, {longest} rows over 200")
    print(f"tokens128.parquet: {len(exact):,} rows of {LENGTH} tokens")


def write(table, path):
    """Whole or not at all."""
    part = path.with_suffix(".part")
    pq.write_table(table, part)
    part.rename(path)


if __name__ == "__main__":
    main()
