// SPDX-License-Identifier: Apache-2.0
#include "model/activations.h"

#include <span>

#include "base/error.h"

namespace emberline {
namespace {

struct Name {
  const char* name;
  Activation activation;
};

// gelu_fast, gelu_accurate and gelu_python_tanh write the tanh form in another order of operations.
constexpr Name kHiddenNames[] = {
    {"gelu", Activation::kGelu},
    {"gelu_python", Activation::kGelu},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"gelu_accurate", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_python_tanh", Activation::kGeluTanh},
    {"quick_gelu", Activation::kQuickGelu},
    {"relu", Activation::kRelu},
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
    {"tanh", Activation::kTanh},
    {"linear", Activation::kNone},
};

constexpr Name kTorchNames[] = {
    {"torch.nn.modules.activation.Tanh", Activation::kTanh}, {"torch.nn.modules.linear.Identity", Activation::kNone},
    {"torch.nn.modules.activation.GELU", Activation::kGelu}, {"torch.nn.modules.activation.ReLU", Activation::kRelu},
    {"torch.nn.modules.activation.SiLU", Activation::kSilu},
};

Activation find_name(std::span<const Name> names, const std::string& name, const std::string& where) {
  std::string known;
  for (const Name& entry : names) {
    if (name == entry.name) return entry.activation;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail(Code::kUnsupported, "{}: got \"{}\", supported: {}", where, name, known);
}

}  // namespace

Activation hidden_activation(const std::string& name, const std::string& where) {
  return find_name(kHiddenNames, name, where);
}

Activation torch_activation(const std::string& name, const std::string& where) {
  // torch.nn.Tanh and torch.nn.modules.activation.Tanh are one class.
  constexpr std::string_view kShort = "torch.nn.";
  if (name.starts_with(kShort) && name.find('.', kShort.size()) == std::string::npos) {
    const std::string last = name.substr(kShort.size());
    for (const Name& entry : kTorchNames) {
      if (std::string_view(entry.name).ends_with("." + last)) return entry.activation;
    }
  }
  return find_name(kTorchNames, name, where);
}

}  // namespace emberline
