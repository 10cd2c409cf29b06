# SPDX-License-Identifier: Apache-2.0
"""The form in which peers hand over ids to be compared."""

import numpy as np


def flat(rows):
    """Lengths of all rows, then all ids: int64 [num_rows + num_tokens]."""
    ids = (np.asarray(row, np.int64) for row in rows)
    return np.concatenate([np.fromiter(map(len, rows), np.int64, len(rows)), *ids])
