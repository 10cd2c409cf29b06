# SPDX-License-Identifier: Apache-2.0
"""``python -m emberline``."""

import sys

from emberline.cli import main

sys.exit(main())
