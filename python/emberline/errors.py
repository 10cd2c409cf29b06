# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, one class for each code of the C ABI."""

from __future__ import annotations


class Error(Exception):
    """Base of everything emberline raises about models and rows. ``code`` is the reason as one word."""

    code = "internal"


class InvalidArgument(Error, ValueError):
    """An option, prompt name or shape that cannot be: the caller's mistake."""

    code = "invalid_argument"


class IoError(Error, OSError):
    """A file that cannot be read."""

    code = "io"


class NotFound(IoError, FileNotFoundError):
    """A model directory, or a file it must have, that is not there."""


class FormatError(Error):
    """A file that contradicts itself or its format."""

    code = "format"


class Unsupported(Error):
    """A model, tokenizer stage, option value or device that this build does not know."""

    code = "unsupported"


class OutOfMemory(Error, MemoryError):
    """The work does not fit into memory."""

    code = "out_of_memory"


class DeviceError(Error):
    """The device failed."""

    code = "device"


class Cancelled(Error):
    """The progress callback asked to stop."""

    code = "cancelled"


class RowError(Error, ValueError):
    """A row that has no vector: ``row`` is its position, ``reason`` a sentence, ``failed`` the number of such rows."""

    code = "row"

    def __init__(self, row: int, reason: str, failed: int = 1):
        others = f" ({failed - 1} more rows failed)" if failed > 1 else ""
        super().__init__(f"row {row}: {reason}{others}")
        self.row, self.reason, self.failed = row, reason, failed

    def __reduce__(self):
        return (type(self), (self.row, self.reason, self.failed))


# By emb_code of emberline.h.
BY_CODE: dict[int, type[Error]] = {
    1: InvalidArgument,
    2: IoError,
    3: FormatError,
    4: Unsupported,
    5: OutOfMemory,
    6: DeviceError,
    7: Error,
    8: Cancelled,
}
