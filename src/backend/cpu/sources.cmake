# SPDX-License-Identifier: Apache-2.0
target_sources(emberline_core PRIVATE
)
