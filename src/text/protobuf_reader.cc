// SPDX-License-Identifier: Apache-2.0
#include "text/protobuf_reader.h"

#include <bit>

#include "base/error.h"

namespace emberline {

bool ProtobufReader::next() {
  if (at_ == bytes_.size()) return false;
  field_at_ = at_;
  const uint64_t key = read_varint();
  number_ = static_cast<uint32_t>(key >> 3);
  check(key >> 3 != 0 && key >> 3 < uint64_t{1} << 29, Code::kFormat,
        "{}: byte {}: got a field of number {}, expected a SentencePiece model; is it another kind of file?", file_,
        place(), key >> 3);
  wire_ = static_cast<Wire>(key & 7);
  value_at_ = at_;
  switch (wire_) {
    case Wire::kVarint: varint_ = read_varint(); return true;
    case Wire::kEightBytes: take(8); return true;
    case Wire::kFourBytes: take(4); return true;
    case Wire::kLengthDelimited: {
      const uint64_t length = read_varint();
      value_at_ = at_;
      check(length <= bytes_.size() - at_, Code::kFormat,
            "{}: cut off: field {} at byte {} has {} bytes, but {} are left; copy the file again", file_, number_,
            place(), length, bytes_.size() - at_);
      take(static_cast<size_t>(length));
      return true;
    }
  }
  fail(Code::kFormat, "{}: byte {}: got wire type {}, expected a SentencePiece model; is it another kind of file?",
       file_, place(), key & 7);
}

int32_t ProtobufReader::integer() const {
  expect(Wire::kVarint, "an integer");
  return static_cast<int32_t>(static_cast<uint32_t>(varint_));
}

float ProtobufReader::real() const {
  expect(Wire::kFourBytes, "a number of four bytes");
  uint32_t bits = 0;
  for (size_t i = 4; i-- > 0;) bits = bits << 8 | static_cast<uint8_t>(value_[i]);
  return std::bit_cast<float>(bits);
}

std::string_view ProtobufReader::bytes() const {
  expect(Wire::kLengthDelimited, "bytes");
  return value_;
}

uint64_t ProtobufReader::read_varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    check(at_ < bytes_.size(), Code::kFormat, "{}: cut off at byte {}; copy the file again", file_, offset_ + at_);
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail(Code::kFormat, "{}: byte {}: got an integer of more than 64 bits", file_, place());
}

void ProtobufReader::take(size_t length) {
  check(length <= bytes_.size() - at_, Code::kFormat, "{}: cut off at byte {}; copy the file again", file_,
        offset_ + bytes_.size());
  value_ = bytes_.substr(at_, length);
  at_ += length;
}

void ProtobufReader::expect(Wire wire, const char* what) const {
  check(wire_ == wire, Code::kFormat, "{}: byte {}: field {} is of wire type {}, expected {}", file_, place(), number_,
        static_cast<int>(wire_), what);
}

}  // namespace emberline
