// SPDX-License-Identifier: Apache-2.0
// The C ABI: convert, guard, call Engine. No exception leaves this file.
#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/version.h"
#include "emberline.h"
#include "engine/engine.h"
#include "engine/options.h"

struct emb_options {
  emberline::Options values;
};

struct emb_model {
  emberline::Engine engine;
};

namespace {

using emberline::check;
using emberline::Code;
using emberline::Engine;
using emberline::RowStatus;

template <typename Enum>
constexpr int number(Enum value) {
  return static_cast<int>(value);
}

static_assert(EMB_INVALID_ARGUMENT == number(Code::kInvalidArgument) && EMB_IO == number(Code::kIo) &&
              EMB_FORMAT == number(Code::kFormat) && EMB_UNSUPPORTED == number(Code::kUnsupported) &&
              EMB_OUT_OF_MEMORY == number(Code::kOutOfMemory) && EMB_DEVICE == number(Code::kDevice) &&
              EMB_INTERNAL == number(Code::kInternal) && EMB_CANCELLED == number(Code::kCancelled));
static_assert(EMB_ROW_OK == number(RowStatus::kOk) && EMB_ROW_NULL == number(RowStatus::kNull) &&
              EMB_ROW_TOO_LONG == number(RowStatus::kTooLong) && EMB_ROW_TOO_LARGE == number(RowStatus::kTooLarge));

// A fixed array: reporting that memory ran out must not need memory.
constexpr size_t kErrorBytes = 4096;
thread_local char error_text[kErrorBytes] = "";

void set_error(std::string_view text) noexcept {
  size_t length = std::min(text.size(), kErrorBytes - 1);
  // Cut before a whole UTF-8 character, not inside it.
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  std::memcpy(error_text, text.data(), length);
  error_text[length] = '\0';
}

template <typename Body>
emb_code guard(const Body& body) noexcept {
  try {
    body();
    error_text[0] = '\0';
    return EMB_OK;
  } catch (const emberline::Error& error) {
    set_error(error.what());
    return static_cast<emb_code>(error.code());
  } catch (const std::bad_alloc&) {
    set_error("out of memory");
    return EMB_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    set_error(error.what());
    return EMB_INTERNAL;
  } catch (...) {
    set_error("unknown exception");
    return EMB_INTERNAL;
  }
}

template <typename T>
T& deref(T* pointer, const char* function, const char* argument) {
  check(pointer != nullptr, Code::kInvalidArgument, "{}: {} is NULL", function, argument);
  return *pointer;
}

emberline::Options values_or_defaults(const emb_options* options) {
  return options == nullptr ? emberline::Options() : options->values;
}

emberline::RowsView rows_view(const emb_rows& rows) {
  return {rows.data, rows.offsets, rows.validity, rows.validity_offset, rows.num_rows};
}

emberline::VectorsView vectors_view(const emb_vectors& out) {
  return {out.data, out.row_stride, out.status, out.tokens, out.truncated};
}

// The caller's progress, none where there is none.
emberline::Progress progress_of(const emb_run* run) {
  if (run == nullptr || run->progress == nullptr) return {};
  return [run](int64_t rows_done, int64_t rows_total, int64_t tokens_done) {
    return run->progress(run->context, rows_done, rows_total, tokens_done) != 0;
  };
}

void store(const emberline::Stats& from, emb_stats& to) {
  to = {from.rows,   from.nulls,   from.failed,      from.truncated,
        from.tokens, from.batches, from.tokenize_ns, from.compute_ns};
}

template <typename T>
std::unique_ptr<T[]> copy_of(const std::vector<T>& values) {
  std::unique_ptr<T[]> copy(new T[std::max<size_t>(values.size(), 1)]);
  std::copy(values.begin(), values.end(), copy.get());
  return copy;
}

}  // namespace

extern "C" {

const char* emb_version(void) {
  return emberline::kVersion;
}

const char* emb_last_error(void) {
  return error_text;
}

emb_code emb_options_create(emb_options** options) {
  return guard([&] {
    emb_options*& target = deref(options, "emb_options_create", "options");
    target = new emb_options;
  });
}

emb_code emb_options_set(emb_options* options, const char* name, const char* value) {
  return guard([&] {
    emb_options& target = deref(options, "emb_options_set", "options");
    deref(name, "emb_options_set", "name");
    check(value != nullptr, Code::kInvalidArgument, "emb_options_set: value of option {} is NULL", name);
    emberline::set_option(target.values, name, value);
  });
}

void emb_options_release(emb_options* options) {
  delete options;
}

int32_t emb_option_count(void) {
  return static_cast<int32_t>(emberline::option_table().size());
}

emb_code emb_option_describe(int32_t index, emb_option_info* info) {
  return guard([&] {
    emb_option_info& target = deref(info, "emb_option_describe", "info");
    check(index >= 0 && index < emb_option_count(), Code::kInvalidArgument,
          "emb_option_describe: got index {}, expected 0 to {}", index, emb_option_count() - 1);
    const emberline::OptionSpec& spec = emberline::option_table()[static_cast<size_t>(index)];
    target = {spec.name, spec.type, spec.initial, spec.choices, spec.help, spec.load_time ? 1 : 0};
  });
}

emb_code emb_model_load(const char* path, const emb_options* options, emb_model** model) {
  return guard([&] {
    emb_model*& target = deref(model, "emb_model_load", "model");
    target = nullptr;
    deref(path, "emb_model_load", "path");
    target = new emb_model{Engine::load(path, values_or_defaults(options))};
  });
}

emb_code emb_model_derive(const emb_model* model, const emb_options* options, emb_model** derived) {
  return guard([&] {
    emb_model*& target = deref(derived, "emb_model_derive", "derived");
    target = nullptr;
    target = new emb_model{deref(model, "emb_model_derive", "model").engine.derive(values_or_defaults(options))};
  });
}

void emb_model_release(emb_model* model) {
  delete model;
}

int64_t emb_model_dim(const emb_model* model) {
  int64_t dim = 0;
  guard([&] { dim = deref(model, "emb_model_dim", "model").engine.dim(); });
  return dim;
}

int64_t emb_model_vector_bytes(const emb_model* model) {
  int64_t bytes = 0;
  guard([&] { bytes = deref(model, "emb_model_vector_bytes", "model").engine.vector_bytes(); });
  return bytes;
}

int64_t emb_model_num_labels(const emb_model* model) {
  int64_t num_labels = 0;
  guard([&] { num_labels = deref(model, "emb_model_num_labels", "model").engine.num_labels(); });
  return num_labels;
}

int64_t emb_model_max_tokens(const emb_model* model) {
  int64_t max_tokens = 0;
  guard([&] { max_tokens = deref(model, "emb_model_max_tokens", "model").engine.max_tokens(); });
  return max_tokens;
}

const char* emb_model_info(const emb_model* model) {
  const char* info = "";
  guard([&] { info = deref(model, "emb_model_info", "model").engine.info().c_str(); });
  return info;
}

emb_code emb_measure_peak(const emb_model* model, double* operations_per_second) {
  return guard([&] {
    double& target = deref(operations_per_second, "emb_measure_peak", "operations_per_second");
    target = 0;
    target = deref(model, "emb_measure_peak", "model").engine.measured_peak();
  });
}

emb_code emb_embed(const emb_model* model, const emb_rows* rows, const emb_vectors* out, emb_run* run) {
  emberline::Stats stats;
  const emb_code code = guard([&] {
    const Engine& engine = deref(model, "emb_embed", "model").engine;
    const emb_rows& input = deref(rows, "emb_embed", "rows");
    const emb_vectors& output = deref(out, "emb_embed", "out");
    engine.embed(rows_view(input), vectors_view(output), progress_of(run), stats);
  });
  if (run != nullptr) store(stats, run->stats);
  return code;
}

emb_code emb_rerank(const emb_model* model, const emb_rows* queries, const emb_rows* texts, const emb_vectors* out,
                    emb_run* run) {
  emberline::Stats stats;
  const emb_code code = guard([&] {
    const Engine& engine = deref(model, "emb_rerank", "model").engine;
    const emb_rows& first = deref(queries, "emb_rerank", "queries");
    const emb_rows& second = deref(texts, "emb_rerank", "texts");
    const emb_vectors& output = deref(out, "emb_rerank", "out");
    engine.rerank(rows_view(first), rows_view(second), vectors_view(output), progress_of(run), stats);
  });
  if (run != nullptr) store(stats, run->stats);
  return code;
}

emb_code emb_tokenize(const emb_model* model, const emb_rows* rows, emb_tokens* tokens) {
  return guard([&] {
    emb_tokens& target = deref(tokens, "emb_tokenize", "tokens");
    target = {};
    const Engine& engine = deref(model, "emb_tokenize", "model").engine;
    const emberline::RowsView input = rows_view(deref(rows, "emb_tokenize", "rows"));
    input.validate("tokenize");
    std::vector<int32_t> ids;
    std::vector<int64_t> offsets{0};
    std::vector<uint8_t> truncated;
    emberline::Encoding encoding;
    for (int64_t row = 0; row < input.num_rows; ++row) {
      const bool is_null = input.is_null(row);
      if (!is_null) {
        engine.tokenize(input.text(row), encoding);
        ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
      }
      offsets.push_back(static_cast<int64_t>(ids.size()));
      truncated.push_back(!is_null && encoding.truncated ? 1 : 0);
    }
    auto ids_copy = copy_of(ids);
    auto offsets_copy = copy_of(offsets);
    auto truncated_copy = copy_of(truncated);
    target = {ids_copy.release(), offsets_copy.release(), truncated_copy.release(), input.num_rows};
  });
}

void emb_tokens_release(emb_tokens* tokens) {
  if (tokens == nullptr) return;
  delete[] tokens->ids;
  delete[] tokens->offsets;
  delete[] tokens->truncated;
  *tokens = {};
}

emb_code emb_write_ranges(const emb_model* model, const float* least, const float* largest, int64_t num_vectors,
                          const char* file) {
  return guard([&] {
    deref(model, "emb_write_ranges", "model")
        .engine.write_ranges(&deref(least, "emb_write_ranges", "least"), &deref(largest, "emb_write_ranges", "largest"),
                             num_vectors, &deref(file, "emb_write_ranges", "file"));
  });
}

const char* emb_row_message(const emb_model* model, int32_t status) {
  const char* text = "";
  guard([&] {
    const Engine& engine = deref(model, "emb_row_message", "model").engine;
    check(status >= EMB_ROW_OK && status <= EMB_ROW_TOO_LARGE, Code::kInvalidArgument,
          "emb_row_message: got status {}, expected {} to {}", status, number(EMB_ROW_OK), number(EMB_ROW_TOO_LARGE));
    text = engine.row_message(static_cast<RowStatus>(status)).c_str();
  });
  return text;
}

}  // extern "C"
