// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of activations as the files of a model spell them.
#include <string>

#include "backend/backend.h"

namespace emberline {

// config.json's hidden_act: "gelu_new". Throws Error(kUnsupported) naming `where` and the supported names.
Activation hidden_activation(const std::string& name, const std::string& where);

// A Dense module's activation_function: "torch.nn.modules.activation.Tanh". Throws as above.
Activation torch_activation(const std::string& name, const std::string& where);

}  // namespace emberline
