// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece_file.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "text/byte_pieces.h"
#include "text/protobuf_reader.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Type = SentencePiece::Type;

// Of a piece: far more than any trainer makes, and few enough that every way to cut one in two can be tried.
constexpr size_t kLongestPiece = 4096;

// Numbers of the fields, as sentencepiece_model.proto has them.
struct ModelField {
  static constexpr uint32_t kPieces = 1, kTrainer = 2, kNormalizer = 3;
};
struct PieceField {
  static constexpr uint32_t kText = 1, kScore = 2, kType = 3;
};
struct TrainerField {
  static constexpr uint32_t kModelType = 3, kTreatWhitespaceAsSuffix = 24, kByteFallback = 35, kUnkId = 40;
};
struct NormalizerField {
  static constexpr uint32_t kCharsmap = 2, kAddDummyPrefix = 3, kRemoveExtraWhitespaces = 4, kEscapeWhitespaces = 5;
};

SentencePiece read_piece(ProtobufReader reader, const std::string& file, size_t place) {
  SentencePiece piece;
  while (reader.next()) {
    switch (reader.number()) {
      case PieceField::kText: piece.text = reader.bytes(); break;
      case PieceField::kScore: piece.score = reader.real(); break;
      case PieceField::kType: {
        const int32_t type = reader.integer();
        check(type >= 1 && type <= 6, Code::kFormat, "{}: piece {} is of type {}, expected 1 to 6", file, place, type);
        piece.type = static_cast<Type>(type);
        break;
      }
      default: break;
    }
  }
  return piece;
}

void read_trainer(ProtobufReader reader, SentencePieceFile& file) {
  while (reader.next()) {
    switch (reader.number()) {
      case TrainerField::kModelType: {
        const int32_t type = reader.integer();
        check(type == 1 || type == 2, Code::kUnsupported,
              "{}: trainer_spec.model_type is {}, expected 1 (unigram) or 2 (bpe)", file.name, type);
        file.kind = static_cast<SentencePieceFile::Kind>(type);
        break;
      }
      case TrainerField::kTreatWhitespaceAsSuffix:
        check(!reader.boolean(), Code::kUnsupported,
              "{}: trainer_spec.treat_whitespace_as_suffix is true, expected false: pieces that end with their space "
              "are not supported",
              file.name);
        break;
      case TrainerField::kByteFallback: file.byte_fallback = reader.boolean(); break;
      case TrainerField::kUnkId: file.unk_id = reader.integer(); break;
      default: break;
    }
  }
}

void read_normalizer(ProtobufReader reader, SentencePieceFile& file) {
  while (reader.next()) {
    switch (reader.number()) {
      case NormalizerField::kCharsmap: file.charsmap = reader.bytes(); break;
      case NormalizerField::kAddDummyPrefix: file.add_dummy_prefix = reader.boolean(); break;
      case NormalizerField::kRemoveExtraWhitespaces: file.remove_extra_whitespaces = reader.boolean(); break;
      case NormalizerField::kEscapeWhitespaces: file.escape_whitespaces = reader.boolean(); break;
      default: break;
    }
  }
}

void check_pieces(const SentencePieceFile& file) {
  check(!file.pieces.empty(), Code::kFormat, "{}: has no pieces", file.name);
  std::unordered_map<std::string_view, size_t> places;
  places.reserve(file.pieces.size());
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const SentencePiece& piece = file.pieces[i];
    check(!piece.text.empty(), Code::kFormat, "{}: piece {} is empty", file.name, i);
    check(piece.text.size() <= kLongestPiece, Code::kFormat, "{}: piece {} has {} bytes, expected at most {}",
          file.name, i, piece.text.size(), kLongestPiece);
    check(utf8::valid_prefix(piece.text) == piece.text.size() && piece.text.find('\0') == std::string::npos,
          Code::kFormat, "{}: piece {} is no UTF-8, or holds a NUL", file.name, i);
    check(std::isfinite(piece.score), Code::kFormat, "{}: piece {} \"{}\" has the score {}, expected a number",
          file.name, i, piece.text, piece.score);
    const auto [found, is_new] = places.emplace(piece.text, i);
    check(is_new, Code::kFormat, "{}: piece \"{}\" is there twice, as {} and {}", file.name, piece.text, found->second,
          i);
  }
}

void find_unknown(SentencePieceFile& file) {
  int32_t found = -1;
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    if (file.pieces[i].type != Type::kUnknown) continue;
    check(found < 0, Code::kFormat, "{}: pieces {} and {} are both of type unknown, expected one", file.name, found, i);
    found = static_cast<int32_t>(i);
  }
  check(found >= 0, Code::kFormat, "{}: none of its {} pieces is of type unknown, expected one", file.name,
        file.pieces.size());
  file.unknown = found;
}

void check_byte_pieces(const SentencePieceFile& file) {
  const std::array<int32_t, 256> ids = byte_ids(file);
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const SentencePiece& piece = file.pieces[i];
    if (piece.type != Type::kByte) continue;
    check(file.byte_fallback, Code::kFormat,
          "{}: piece {} \"{}\" is of type byte, but trainer_spec.byte_fallback is false", file.name, i, piece.text);
    const bool is_byte = std::find(ids.begin(), ids.end(), static_cast<int32_t>(i)) != ids.end();
    check(is_byte, Code::kFormat, "{}: piece {} \"{}\" is of type byte, expected one of <0x00> to <0xFF>", file.name, i,
          piece.text);
  }
  for (size_t byte = 0; byte < 256 && file.byte_fallback; ++byte) {
    check(ids[byte] >= 0, Code::kFormat, "{}: trainer_spec.byte_fallback is true, but no piece of type byte is \"{}\"",
          file.name, byte_piece(static_cast<uint8_t>(byte)));
  }
}

}  // namespace

std::array<int32_t, 256> byte_ids(const SentencePieceFile& file) {
  std::unordered_map<std::string, size_t> bytes;
  for (size_t byte = 0; byte < 256; ++byte) bytes.emplace(byte_piece(static_cast<uint8_t>(byte)), byte);
  std::array<int32_t, 256> ids;
  ids.fill(-1);
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    if (file.pieces[i].type != Type::kByte) continue;
    const auto byte = bytes.find(file.pieces[i].text);
    if (byte != bytes.end()) ids[byte->second] = static_cast<int32_t>(i);
  }
  return ids;
}

SentencePieceFile read_sentencepiece_file(std::string_view bytes, const std::string& name) {
  check(!bytes.empty(), Code::kFormat, "{}: is empty, expected a SentencePiece model", name);
  check(!bytes.starts_with("version https://git-lfs"), Code::kFormat,
        "{}: is a pointer of Git LFS, expected the file itself; run `git lfs pull` where it came from", name);
  SentencePieceFile file;
  file.name = name;
  ProtobufReader reader(bytes, name);
  while (reader.next()) {
    switch (reader.number()) {
      case ModelField::kPieces: file.pieces.push_back(read_piece(reader.message(), name, file.pieces.size())); break;
      case ModelField::kTrainer: read_trainer(reader.message(), file); break;
      case ModelField::kNormalizer: read_normalizer(reader.message(), file); break;
      default: break;
    }
  }
  check_pieces(file);
  find_unknown(file);
  check_byte_pieces(file);
  return file;
}

}  // namespace emberline
