// SPDX-License-Identifier: Apache-2.0
#pragma once
// The release: the same number as in CMakeLists.txt.

namespace emberline {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace emberline
