# SPDX-License-Identifier: Apache-2.0
"""``emberline info``: what a model directory is."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

import emberline
from emberline.cli.timing import int8_outlook


def print_info(path: str, options: dict[str, str], is_json: bool) -> int:
    """Loads the model and prints a table, or one JSON object, on stdout: what the library says, and what int8 would
    give. A model that cannot be loaded has every reason for that that was found in ``unsupported``. Returns the exit
    status."""
    try:
        model = emberline.load(path, **options)
    except (emberline.Unsupported, emberline.FormatError) as error:
        if not is_json:
            raise
        print(json.dumps({"model": path, "unsupported": reasons(str(error))}, indent=2, ensure_ascii=False))
        return 1
    info = {**model.info, "int8": int8_outlook(path, options, model)}
    if is_json:
        print(json.dumps(info, indent=2, ensure_ascii=False))
        return 0
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _flat(info):
        table.add_row(name, value)
    Console(highlight=False, markup=False, emoji=False).print(table)
    return 0


def reasons(text: str) -> list[str]:
    """The reasons that an error lists, a line each, or the one that it is."""
    first, *others = text.split("\n- ")
    return others or [first]


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
