// SPDX-License-Identifier: Apache-2.0
#pragma once
// Text rows and result buffers as the engine's tests hand them over.
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace emberline::testing {

inline std::string data_path(const std::string& name) {
  return std::string(EMB_SOURCE_DIR) + "/tests/data/" + name;
}

using Texts = std::vector<std::optional<std::string>>;

// Owns what a RowsView borrows. `first_bit` is the place of row 0 in the validity bitmap.
class Column {
 public:
  explicit Column(const Texts& texts, int64_t first_bit = 0) : first_bit_(first_bit) {
    bitmap_.assign((static_cast<size_t>(first_bit) + texts.size()) / 8 + 1, 0);
    for (size_t row = 0; row < texts.size(); ++row) {
      if (texts[row]) {
        bytes_ += *texts[row];
        const size_t bit = static_cast<size_t>(first_bit) + row;
        bitmap_[bit / 8] = static_cast<uint8_t>(bitmap_[bit / 8] | (1U << (bit % 8)));
      }
      offsets_.push_back(static_cast<int64_t>(bytes_.size()));
    }
  }

  RowsView view() const {
    return {reinterpret_cast<const uint8_t*>(bytes_.data()), offsets_.data(), bitmap_.data(), first_bit_,
            static_cast<int64_t>(offsets_.size()) - 1};
  }

 private:
  int64_t first_bit_;
  std::string bytes_;
  std::vector<int64_t> offsets_{0};
  std::vector<uint8_t> bitmap_;
};

// Every output of one call. Vectors start filled with kUntouched.
struct Result {
  static constexpr float kUntouched = -7.5F;

  Result(int64_t num_rows, int64_t vector_dim)
      : dim(vector_dim),
        data(static_cast<size_t>(num_rows * vector_dim), kUntouched),
        status(static_cast<size_t>(num_rows), -1),
        tokens(static_cast<size_t>(num_rows), -1),
        truncated(static_cast<size_t>(num_rows), 9) {}

  VectorsView view() {
    return {data.data(), dim * static_cast<int64_t>(sizeof(float)), status.data(), tokens.data(), truncated.data()};
  }
  std::vector<float> row(size_t index) const {
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(index) * dim;
    return {begin, begin + dim};
  }

  int64_t dim;
  std::vector<float> data;  // [num_rows, dim]
  std::vector<int32_t> status;
  std::vector<int32_t> tokens;
  std::vector<uint8_t> truncated;
  Stats stats;
};

inline Result embed(const Engine& engine, const Texts& texts, const Progress& progress = {}) {
  const Column column(texts);
  Result result(static_cast<int64_t>(texts.size()), engine.dim());
  engine.embed(column.view(), result.view(), progress, result.stats);
  return result;
}

// Equal to the last bit; == would take -0 for 0 and no NaN for itself.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

inline Options options_of(std::initializer_list<std::pair<const char*, const char*>> settings) {
  Options options;
  for (const auto& [name, value] : settings) set_option(options, name, value);
  return options;
}

// Texts of many lengths and scripts, with empty ones among them; the same in every run.
inline Texts mixed_texts(size_t count) {
  const std::vector<std::string> words{"river", "stone",  "Haus", "ça", "東京", "data",
                                       "emb",   "привет", "42",   "!",  "🙂"};
  Texts texts;
  for (size_t row = 0; row < count; ++row) {
    std::string text;
    const size_t length = (row * 7919) % 61;
    for (size_t i = 0; i < length; ++i) text += words[(row * 31 + i * 17 + i * i) % words.size()] + " ";
    texts.push_back(text);
  }
  return texts;
}

}  // namespace emberline::testing
