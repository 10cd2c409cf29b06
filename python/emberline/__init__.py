# SPDX-License-Identifier: Apache-2.0
"""A column of text in, a column of vectors out.

>>> import emberline
>>> model = emberline.load("all-MiniLM-L6-v2/")
>>> model.embed(["a text", None, "another"])      # numpy float32 [3, 384]; the null row is all NaN
>>> model.embed(table["text"])                    # pyarrow in, pyarrow FixedSizeListArray out, nulls kept
>>> model.encode(sentences, batch_size=32)        # as sentence-transformers has it
>>> emberline.load("ms-marco-MiniLM-L6-v2/").rerank("a question", texts)  # a cross-encoder's scores, float32 [n]
"""

__version__ = "0.1.0"

from emberline.errors import (
    Cancelled,
    DeviceError,
    Error,
    FormatError,
    InvalidArgument,
    IoError,
    NotFound,
    OutOfMemory,
    RowError,
    Unsupported,
)
from emberline.model import Model, load, options

__all__ = [
    "Cancelled",
    "DeviceError",
    "Error",
    "FormatError",
    "InvalidArgument",
    "IoError",
    "Model",
    "NotFound",
    "OutOfMemory",
    "RowError",
    "Unsupported",
    "load",
    "options",
]
