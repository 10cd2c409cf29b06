# SPDX-License-Identifier: Apache-2.0
"""``emberline info``: what a model directory is."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

import emberline
from emberline.cli.timing import int8_outlook


def print_info(path: str, options: dict[str, str], is_json: bool) -> None:
    """Loads the model and prints a table, or one JSON object, on stdout: what the library says, and what int8 would
    give."""
    model = emberline.load(path, **options)
    info = {**model.info, "int8": int8_outlook(path, options, model)}
    if is_json:
        print(json.dumps(info, indent=2, ensure_ascii=False))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _flat(info):
        table.add_row(name, value)
    Console(highlight=False, markup=False, emoji=False).print(table)


def _flat(info: dict, prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in info.items():
        if isinstance(value, dict) and value:
            lines += _flat(value, f"{prefix}{name}.")
        else:
            lines.append((prefix + name, _text(value)))
    return lines


def _text(value: object) -> str:
    if isinstance(value, str):
        return value if value == value.strip() and value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "\n".join(map(_text, value)) or "-"
    return "-" if value in (None, {}) else json.dumps(value, ensure_ascii=False)
