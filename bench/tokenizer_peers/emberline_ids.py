# SPDX-License-Identifier: Apache-2.0
"""emberline's emb_tokenize over a column in memory, one call for all rows: ids stay where the library put them."""

from ctypes import byref

import numpy as np
import pyarrow as pa

from emberline import _native, _rows

BATCHES = (0,)


def prepare(texts):
    return _rows.native_rows(_rows.to_arrow(pa.array(texts, pa.large_string()))[0])


def load(model, threads):
    handle = _native.Handle.load(model, {"threads": threads})
    library = _native.library()

    def tokenize(rows, batch, wanted):
        tokens = _native._Tokens()
        if library.emb_tokenize(handle._pointer, byref(rows._struct()), byref(tokens)):
            raise RuntimeError(library.emb_last_error().decode())
        try:
            if wanted:
                offsets = np.ctypeslib.as_array(tokens.offsets, (rows.num_rows + 1,))
                return np.concatenate([np.diff(offsets), np.ctypeslib.as_array(tokens.ids, (offsets[-1],))])
        finally:
            library.emb_tokens_release(byref(tokens))

    return tokenize
