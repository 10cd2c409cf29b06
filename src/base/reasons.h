// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everything that stands in the way of one thing, so that it can be told at once.
//
//   Reasons reasons;
//   reasons.attempt([&] { config = read_config(directory); });
//   reasons.attempt([&] { tokenizer = Tokenizer::load(directory); });
//   reasons.raise("load model");
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace emberline {

// What Reasons::raise throws where there are several.
class ManyReasons : public Error {
 public:
  ManyReasons(Code code, const std::string& text, std::vector<std::string> reasons)
      : Error(code, text), reasons_(std::move(reasons)) {}
  const std::vector<std::string>& reasons() const { return reasons_; }

 private:
  std::vector<std::string> reasons_;
};

class Reasons {
 public:
  // Runs `body`; an Error that it throws is a reason, each text once. True if it threw none.
  template <typename Body>
  bool attempt(const Body& body) {
    try {
      body();
      return true;
    } catch (const ManyReasons& many) {
      for (const std::string& reason : many.reasons()) add(many.code(), reason);
    } catch (const Error& error) {
      add(error.code(), error.what());
    }
    return false;
  }

  void add(const Reasons& others) {
    for (const std::string& reason : others.texts_) add(*others.code_, reason);
  }

  bool empty() const { return texts_.empty(); }
  std::string text() const { return texts_.empty() ? "" : texts_[0]; }  // of the first

  // Throws what there is: one reason as it came; several as an Error with the code of the first, whose text lists them.
  void raise(const std::string& what) const {
    if (texts_.empty()) return;
    if (texts_.size() == 1) throw Error(*code_, texts_[0]);
    std::string list = message("{}: {} reasons:", what, texts_.size());
    for (const std::string& reason : texts_) list += "\n- " + reason;
    throw ManyReasons(*code_, list, texts_);
  }

 private:
  void add(Code code, const std::string& text) {
    if (!code_) code_ = code;
    if (std::find(texts_.begin(), texts_.end(), text) == texts_.end()) texts_.push_back(text);
  }

  std::optional<Code> code_;  // of the first
  std::vector<std::string> texts_;
};

}  // namespace emberline
