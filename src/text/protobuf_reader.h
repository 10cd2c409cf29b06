// SPDX-License-Identifier: Apache-2.0
#pragma once
// The fields of one message of Protocol Buffers, one after the other.
//
//   ProtobufReader reader(bytes, "spiece.model");
//   while (reader.next()) {
//     if (reader.number() == 3) kind = reader.integer();
//   }
#include <cstdint>
#include <string>
#include <string_view>

namespace emberline {

// Reads `bytes`, which must outlive it. Fields that nobody asks for are skipped. Throws Error(kFormat) that names the
// file and the byte where the file is cut off or is no message of this kind.
class ProtobufReader {
 public:
  // `offset`: where `bytes` begin in the file, for messages.
  ProtobufReader(std::string_view bytes, const std::string& file, size_t offset = 0)
      : bytes_(bytes), file_(file), offset_(offset) {}

  bool next();  // goes to the next field; false at the end
  uint32_t number() const { return number_; }

  // The value of the field; throws where it is written in another way than asked for.
  int32_t integer() const;
  bool boolean() const { return integer() != 0; }
  float real() const;
  std::string_view bytes() const;
  ProtobufReader message() const { return ProtobufReader(bytes(), file_, offset_ + value_at_); }

 private:
  enum class Wire { kVarint = 0, kEightBytes = 1, kLengthDelimited = 2, kFourBytes = 5 };

  uint64_t read_varint();
  void take(size_t length);
  void expect(Wire wire, const char* what) const;
  size_t place() const { return offset_ + field_at_; }

  std::string_view bytes_;
  const std::string& file_;
  size_t offset_;
  size_t at_ = 0;
  size_t field_at_ = 0;  // where the field begins
  size_t value_at_ = 0;  // where its value does
  uint32_t number_ = 0;
  Wire wire_ = Wire::kVarint;
  uint64_t varint_ = 0;
  std::string_view value_;
};

}  // namespace emberline
