// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a model lies: a directory, or a hub id that is in the local Hugging Face cache. Nothing is ever downloaded.
#include <filesystem>
#include <string>

namespace emberline {

// `model` is a path or a hub id ("org/name"; "name" alone also stands for "sentence-transformers/name", as there). The
// cache is HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub; the
// snapshot is the one that refs/main names. Throws Error(kIo) that lists the places looked at.
std::filesystem::path find_model_directory(const std::string& model);

}  // namespace emberline
