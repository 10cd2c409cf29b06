// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of the table of families, and what they begin with. Of two rows of one name the one with a marker comes first.
#include <vector>

#include "model/families.h"

namespace emberline {

std::vector<Family> bert_families();     // BERT and those that differ from it by a table, a name or a bias
std::vector<Family> rotary_families();   // encoders that turn queries and keys by their positions
std::vector<Family> decoder_families();  // decoders that serve as encoders, and T5, which shares their norms

// The shape of BERT-base, which most configuration classes begin with.
NetworkConfig base_network(const char* model_type);

// No bias in any product of a layer.
void leave_out_biases(NetworkConfig& network);

}  // namespace emberline
