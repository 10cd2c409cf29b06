# SPDX-License-Identifier: Apache-2.0
"""How far a job is: a bar on a terminal, a line every few seconds elsewhere. All of it on stderr."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

LINE_SECONDS = 5.0


class Progress(Protocol):
    """A context manager that is told rows and tokens done so far."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, *_: object) -> None: ...

    def update(self, rows: int, tokens: int) -> None: ...


class Bar:
    """For terminals, by rich."""

    def __init__(self, num_rows: int, console: Console):
        self._bars = Bars(
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("rows  {task.fields[rate]} tokens/s  left"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task = self._bars.add_task("", total=num_rows, rate="-")
        self._start = time.monotonic()

    def __enter__(self) -> Bar:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def update(self, rows: int, tokens: int) -> None:
        rate = f"{tokens / max(time.monotonic() - self._start, 1e-9):,.0f}"
        self._bars.update(self._task, completed=rows, rate=rate)


class Lines:
    """For logs and pipes."""

    def __init__(self, num_rows: int, period: float = LINE_SECONDS):
        self._num_rows = num_rows
        self._period = period
        self._start = self._last = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, rows: int, tokens: int) -> None:
        now = time.monotonic()
        if now - self._last < self._period:
            return
        self._last = now
        seconds = now - self._start
        left = (self._num_rows - rows) * seconds / max(rows, 1)
        share = 100 * rows // max(self._num_rows, 1)
        rates = f"{rows / seconds:,.0f} rows/s, {tokens / seconds:,.0f} tokens/s, {left:,.0f} s left"
        print(
            f"emberline: {rows:,} of {self._num_rows:,} rows ({share} %), {rates}",
            file=sys.stderr,
            flush=True,
        )


class Silence:
    """For --quiet."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, rows: int, tokens: int) -> None:
        pass


def make_progress(num_rows: int, is_quiet: bool) -> Progress:
    if is_quiet:
        return Silence()
    console = Console(stderr=True)
    return Bar(num_rows, console) if console.is_terminal else Lines(num_rows)
