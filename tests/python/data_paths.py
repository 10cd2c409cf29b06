# SPDX-License-Identifier: Apache-2.0
"""Where the models of the tests lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "data" / "tiny-bert"
CROSS_ENCODER = ROOT / "tests" / "data" / "rerank" / "cross-encoder"
MINILM = ROOT / "build" / "models" / "all-MiniLM-L6-v2"
USE = ROOT / "build" / "models" / "use-multilingual-v3"
REFERENCE = ROOT / ".venv-reference" / "bin" / "python"
