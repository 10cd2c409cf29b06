// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where user-perceived characters end (extended grapheme clusters), as far as the reference's charsmap needs it.
#include <cstddef>
#include <string_view>

namespace emberline {

// The end of the cluster that begins at `begin` in well-formed `text`. Conjuncts of Indic scripts count as separate
// clusters: the charsmap looks at clusters below six bytes alone, and a conjunct is never that short.
size_t grapheme_end(std::string_view text, size_t begin);

}  // namespace emberline
