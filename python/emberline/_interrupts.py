# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while native code computes.

Python runs signal handlers between bytecodes. Inside a C callback that may be before the callback's first line, where
an exception has nowhere to go and is lost. So for the length of a call the main thread's handlers are replaced by one
that takes a note, and the callback runs the real handler where its exception can be caught.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Signals that arrived and were not handled yet."""

    def __init__(self):
        self.handlers: dict[int, object] = {}
        self.pending: list[tuple] = []

    def note(self, number, frame) -> None:
        self.pending.append((number, frame))

    def deliver(self) -> None:
        """Runs the handlers of the noted signals; raises what they raise, as a rule KeyboardInterrupt."""
        while self.pending:
            number, frame = self.pending.pop(0)
            self.handlers[number](number, frame)


@contextmanager
def held_back() -> Iterator[Interrupts]:
    """Notes signals instead of handling them; what is still pending at the end is delivered then."""
    interrupts = Interrupts()
    try:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):  # default action and ignored signals need no Python
                    interrupts.handlers[number] = handler
                    signal.signal(number, interrupts.note)
        yield interrupts
    finally:
        for number, handler in interrupts.handlers.items():
            signal.signal(number, handler)
        interrupts.deliver()
