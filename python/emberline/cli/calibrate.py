# SPDX-License-Identifier: Apache-2.0
"""``emberline calibrate``: the ranges of a model's vectors over a table, for output=int8 and uint8."""

from __future__ import annotations

from pathlib import Path

import emberline
from emberline import _rows
from emberline.cli import embed, readers
from emberline.cli.progress import make_progress


def run(
    inputs: list[str], output: Path, model_path: str, options: dict[str, str], column: str | None, quiet: bool
) -> int:
    """Writes the file and returns of how many rows it is. Rows without a vector count for nothing."""
    if not output.parent.is_dir():
        raise embed.JobError(f"{output}: the directory {output.parent} does not exist")
    for name in ("output", "ranges"):
        if name in options:
            raise embed.JobError(f"--{name} goes with emberline embed: calibrate finds the ranges that it will take")
    table = readers.Table([readers.open_reader(path, False) for path in readers.find_files(inputs)])
    text_column = embed.choose_column(table.schema, column)
    model = emberline.load(model_path, **options)
    ranges = model.new_ranges()
    rows_done = tokens_done = 0
    with make_progress(table.num_rows, quiet) as progress:
        for _path, _first_row, batch in table.batches():
            outcome = model.run(_rows.to_arrow(batch.column(text_column))[0])
            ranges.add(outcome)
            rows_done += batch.num_rows
            tokens_done += outcome.stats.tokens
            progress.update(rows_done, tokens_done)
    ranges.write(output)
    return ranges.num_vectors
