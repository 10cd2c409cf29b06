// SPDX-License-Identifier: Apache-2.0
#pragma once
// A SentencePiece model file as plain data: its pieces, and what it says about normalization.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace emberline {

struct SentencePiece {
  enum class Type { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

  std::string text;
  float score = 0;
  Type type = Type::kNormal;
};

struct SentencePieceFile {
  enum class Kind { kUnigram = 1, kBpe = 2 };

  std::string name;  // of the file
  Kind kind = Kind::kUnigram;
  std::vector<SentencePiece> pieces;  // the place is the id; they differ
  int32_t unknown = 0;                // place of the one piece of type kUnknown
  int32_t unk_id = 0;                 // what the trainer's settings say of it
  bool byte_fallback = false;         // unknown characters become the pieces of their bytes, which are all there
  std::string charsmap;               // precompiled.h; empty: none
  bool add_dummy_prefix = true;       // a space before the text
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;  // a space becomes U+2581
};

// Throws Error(kFormat | kUnsupported) that names the file and the piece.
SentencePieceFile read_sentencepiece_file(std::string_view bytes, const std::string& name);

// The id of the piece that stands for each byte; -1 where there is none.
std::array<int32_t, 256> byte_ids(const SentencePieceFile& file);

}  // namespace emberline
