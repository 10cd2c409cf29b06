// SPDX-License-Identifier: Apache-2.0
#include "model/naive_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "base/error.h"

namespace emberline {
namespace {

class NaiveBuffer : public Buffer {
 public:
  explicit NaiveBuffer(std::vector<float> values) : values_(std::move(values)) {
    data_ = values_.data();
    size_ = static_cast<int64_t>(values_.size());
  }

 private:
  std::vector<float> values_;
};

class NaiveLinear : public Linear {
 public:
  std::vector<float> weight;  // [out_features, in_features]
  std::vector<float> bias;    // [out_features]
};

float half_to_float(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return static_cast<float>(mantissa != 0 ? std::nan("") : sign * HUGE_VAL);
  const double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return static_cast<float>(sign * value);
}

float bfloat_to_float(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

std::vector<float> to_floats(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    if (tensor.dtype == DType::kF32) {
      std::memcpy(&values[i], tensor.data + 4 * i, 4);
      continue;
    }
    uint16_t bits = 0;
    std::memcpy(&bits, tensor.data + 2 * i, 2);
    values[i] = tensor.dtype == DType::kF16 ? half_to_float(bits) : bfloat_to_float(bits);
  }
  return values;
}

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGelu: return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return std::nan("");
}

float* row_of(const MatrixView& x, int64_t row) {
  return x.data + row * x.row_stride;
}

// A matrix of its own.
struct NaiveOperand : Operand {
  std::vector<float> values;
  MatrixView rows;

  MatrixView resize(int64_t num_rows, int64_t cols) {
    values.assign(static_cast<size_t>(num_rows * cols), std::nanf(""));
    return rows = {values.data(), num_rows, cols, cols};
  }
};

MatrixView rows_of(const Operand& operand) {
  return static_cast<const NaiveOperand&>(operand).rows;
}

class NaiveStream : public Stream {
 public:
  void embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
             std::span<const int32_t> types, MatrixView out) override {
    for (int64_t t = 0; t < out.rows; ++t) {
      const auto at = static_cast<size_t>(t);
      for (int64_t c = 0; c < out.cols; ++c) {
        double sum = double{tables.word_scale} * tables.words->data()[ids[at] * tables.hidden + c];
        if (tables.types != nullptr) sum += tables.types->data()[types[at] * tables.hidden + c];
        if (tables.positions != nullptr) sum += tables.positions->data()[positions[at] * tables.hidden + c];
        row_of(out, t)[c] = static_cast<float>(sum);
      }
    }
  }

  void dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) override {
    const auto& naive = static_cast<const NaiveLinear&>(weights);
    check(x.cols == naive.in_features && out.cols == naive.out_features && x.rows == out.rows, Code::kInternal,
          "dense: got [{}, {}] -> [{}, {}], expected {} -> {}", x.rows, x.cols, out.rows, out.cols, naive.in_features,
          naive.out_features);
    for (int64_t r = 0; r < x.rows; ++r) {
      for (int64_t o = 0; o < out.cols; ++o) {
        double sum = naive.bias[static_cast<size_t>(o)];
        const float* w = naive.weight.data() + o * x.cols;
        for (int64_t i = 0; i < x.cols; ++i) sum += static_cast<double>(row_of(x, r)[i]) * w[i];
        row_of(out, r)[o] = static_cast<float>(activate(sum, activation));
      }
    }
  }

  void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out, Operand* operand) override {
    std::vector<double> values(static_cast<size_t>(x.cols));
    for (int64_t r = 0; r < x.rows; ++r) {
      double mean = 0;
      for (int64_t c = 0; c < x.cols; ++c) {
        double& value = values[static_cast<size_t>(c)];
        value = row_of(x, r)[c];
        if (residual.data != nullptr) value += row_of(residual, r)[c];
        if (!weights.is_rms) mean += value / static_cast<double>(x.cols);
      }
      double variance = 0;
      for (const double value : values) variance += (value - mean) * (value - mean) / static_cast<double>(x.cols);
      const double inverse = 1 / std::sqrt(variance + weights.eps);
      for (int64_t c = 0; c < x.cols; ++c) {
        const double bias = weights.is_rms ? 0 : weights.bias->data()[c];
        row_of(out, r)[c] =
            static_cast<float>((values[static_cast<size_t>(c)] - mean) * inverse * weights.gain->data()[c] + bias);
      }
    }
    if (operand != nullptr) to_operand(out, weights.factors.get(), *operand);
  }

  void to_operand(MatrixView x, const Buffer* factors, Operand& operand) override {
    const MatrixView copy = static_cast<NaiveOperand&>(operand).resize(x.rows, x.cols);
    for (int64_t r = 0; r < x.rows; ++r) {
      for (int64_t c = 0; c < x.cols; ++c) {
        row_of(copy, r)[c] = row_of(x, r)[c] * (factors != nullptr ? factors->data()[c] : 1.0F);
      }
    }
  }

  void linear(const Operand& x, const Linear& weights, Activation activation, MatrixView out) override {
    dense(rows_of(x), weights, activation, out);
  }

  void convolve(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, const Linear& weights,
                Activation activation, MatrixView out) override {
    for (size_t s = 0; s + 1 < seq_offsets.size(); ++s) {
      for (int64_t t = seq_offsets[s]; t < seq_offsets[s + 1]; ++t) {
        NaiveOperand neighbours;
        float* to = neighbours.resize(1, weights.in_features).data;
        for (int64_t i = 0; i < weights.in_features; ++i) {
          const int64_t at = t - before + i / x.cols;
          to[i] = at >= seq_offsets[s] && at < seq_offsets[s + 1] ? row_of(x, at)[i % x.cols] : 0;
        }
        dense(neighbours.rows, weights, activation, {row_of(out, t), 1, out.cols, out.row_stride});
        for (int64_t c = 0; c < out.cols; ++c) row_of(out, t)[c] += row_of(x, t)[c];
      }
    }
  }

  void feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                    MatrixView out) override {
    NaiveOperand inner;
    dense(rows_of(x), up, activation, inner.resize(rows_of(x).rows, up.out_features));
    dense(inner.rows, down, Activation::kNone, out);
  }

  void gated_feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                          MatrixView out) override {
    NaiveOperand both;
    NaiveOperand inner;
    dense(rows_of(x), up, Activation::kNone, both.resize(rows_of(x).rows, up.out_features));
    const MatrixView gated = inner.resize(rows_of(x).rows, up.out_features / 2);
    for (int64_t r = 0; r < gated.rows; ++r) {
      const float* row = row_of(both.rows, r);
      for (int64_t c = 0; c < gated.cols; ++c) {
        row_of(gated, r)[c] = static_cast<float>(activate(row[c], activation) * row[gated.cols + c]);
      }
    }
    dense(gated, down, Activation::kNone, out);
  }

  void routed_feed_forward(MatrixView x, const Buffer* factors, const Experts& experts, Activation activation,
                           MatrixView out) override {
    NaiveOperand scores;
    dense(x, *experts.router, Activation::kNone, scores.resize(x.rows, experts.router->out_features));
    for (int64_t r = 0; r < x.rows; ++r) {
      std::copy_n(experts.bias->data(), out.cols, row_of(out, r));
      const float* row = row_of(scores.rows, r);
      double total = 0;
      std::vector<std::pair<double, int64_t>> order;
      for (int64_t e = 0; e < scores.rows.cols; ++e) {
        total += std::exp(double{row[e]});
        order.emplace_back(-double{row[e]}, e);
      }
      std::sort(order.begin(), order.end());
      order.resize(static_cast<size_t>(experts.num_chosen));
      for (const auto& [score, e] : order) {
        NaiveOperand one;
        NaiveOperand result;
        to_operand({row_of(x, r), 1, x.cols, x.row_stride}, factors, one);
        const auto at = static_cast<size_t>(e);
        feed_forward(one, *experts.up[at], activation, *experts.down[at], result.resize(1, out.cols));
        for (int64_t c = 0; c < out.cols; ++c) {
          row_of(out, r)[c] += static_cast<float>(std::exp(-score) / total * result.rows.data[c]);
        }
      }
    }
  }

  void self_attention(const Operand& x, const Linear& query_key_value, std::span<const int64_t> seq_offsets,
                      const AttentionShape& shape, Operand& to) override {
    NaiveOperand projected;
    const MatrixView qkv = projected.resize(rows_of(x).rows, query_key_value.out_features);
    linear(x, query_key_value, Activation::kNone, qkv);
    const MatrixView out = static_cast<NaiveOperand&>(to).resize(qkv.rows, shape.num_heads * shape.head_dim);
    for (int64_t head = 0; head < shape.num_heads; ++head)
      norm_head(qkv, head * shape.head_dim, shape.query_norm, shape);
    for (int64_t head = 0; head < shape.kv_heads(); ++head) {
      norm_head(qkv, shape.keys_at() + head * shape.head_dim, shape.key_norm, shape);
    }
    for (size_t s = 0; s + 1 < seq_offsets.size(); ++s) {
      for (int64_t head = 0; head < shape.num_heads; ++head) {
        for (int64_t t = seq_offsets[s]; t < seq_offsets[s + 1]; ++t) {
          attend(qkv, seq_offsets[s], seq_offsets[s + 1], head, t, shape, out);
        }
      }
    }
  }

  void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) override {
    for (int64_t r = 0; r < x.rows; ++r) {
      for (int64_t c = 0; c < x.cols; ++c) {
        const float value = row_of(x, r)[c];
        float& sum = row_of(total, r)[c];
        if (op == LayerOp::kConcat) {
          row_of(total, r)[step * x.cols + c] = value;
          continue;
        }
        sum = step == 0 ? value : op == LayerOp::kMax ? std::max(sum, value) : sum + value;
        if (op == LayerOp::kMean && step == num_layers - 1) sum /= static_cast<float>(num_layers);
      }
    }
  }

  void pool(MatrixView hidden, std::span<const int64_t> seq_offsets, Pooling pooling, int64_t skip,
            MatrixView out) override {
    for (int64_t s = 0; s < out.rows; ++s) {
      const int64_t begin = seq_offsets[static_cast<size_t>(s)];
      const int64_t end = seq_offsets[static_cast<size_t>(s) + 1];
      for (int64_t c = 0; c < out.cols; ++c) {
        row_of(out, s)[c] = static_cast<float>(pool_column(hidden, begin, end, pooling, skip, c));
      }
    }
  }

  void normalize(MatrixView x) override {
    for (int64_t r = 0; r < x.rows; ++r) {
      double squares = 0;
      for (int64_t c = 0; c < x.cols; ++c) squares += static_cast<double>(row_of(x, r)[c]) * row_of(x, r)[c];
      const double length = std::max(std::sqrt(squares), 1e-12);
      for (int64_t c = 0; c < x.cols; ++c) row_of(x, r)[c] = static_cast<float>(row_of(x, r)[c] / length);
    }
  }

  void download_row(MatrixView x, int64_t row, int64_t cols, float* host) override {
    std::copy_n(row_of(x, row), cols, host);
  }

 private:
  static void norm_head(const MatrixView& qkv, int64_t column, const Buffer* gain, const AttentionShape& shape) {
    if (gain == nullptr) return;
    for (int64_t r = 0; r < qkv.rows; ++r) {
      float* head = row_of(qkv, r) + column;
      double squares = 0;
      for (int64_t d = 0; d < shape.head_dim; ++d) squares += static_cast<double>(head[d]) * head[d];
      const double length = std::sqrt(squares / static_cast<double>(shape.head_dim) + shape.norm_eps);
      for (int64_t d = 0; d < shape.head_dim; ++d) head[d] = static_cast<float>(head[d] / length * gain->data()[d]);
    }
  }

  // Element d of a query's or key's head, turned by the angle of its position.
  static double turned(const float* head, int64_t d, int64_t position, const AttentionShape& shape) {
    if (shape.rotation == nullptr) return head[d];
    const int64_t half = shape.head_dim / 2;
    const double cosine = shape.rotation->data()[position * shape.head_dim + d % half];
    const double sine = shape.rotation->data()[position * shape.head_dim + half + d % half];
    return head[d] * cosine + (d < half ? -head[d + half] : head[d - half]) * sine;
  }

  static double score_of(const MatrixView& qkv, int64_t begin, int64_t head, int64_t t, int64_t other,
                         const AttentionShape& shape) {
    if (shape.window > 0 && std::abs(t - other) > shape.window) return -std::numeric_limits<double>::infinity();
    if (shape.causal && other > t) return -std::numeric_limits<double>::infinity();
    const float* query = row_of(qkv, t) + head * shape.head_dim;
    const float* key = row_of(qkv, other) + shape.keys_at() + head / shape.heads_per_key() * shape.head_dim;
    double dot = 0;
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      dot += turned(query, d, t - begin, shape) * turned(key, d, other - begin, shape);
    }
    if (shape.distance_terms != nullptr) {
      const DistanceTerms& terms = *shape.distance_terms;
      const int64_t row = terms.row_of.at(static_cast<size_t>(terms.reach + other - t));
      for (int64_t d = 0; d < shape.head_dim; ++d) {
        const int64_t at = row * terms.cols + head * shape.head_dim + d;
        if (terms.by_query != nullptr) dot += static_cast<double>(query[d]) * terms.by_query->data()[at];
        if (terms.by_key != nullptr) dot += static_cast<double>(key[d]) * terms.by_key->data()[at];
      }
    }
    dot *= shape.scale;
    if (shape.distance_bias == nullptr) return dot;
    const int64_t first = head * (2 * shape.bias_reach + 1) + shape.bias_reach;
    return dot + shape.distance_bias->data()[first + other - t];
  }

  static void attend(const MatrixView& qkv, int64_t begin, int64_t end, int64_t head, int64_t t,
                     const AttentionShape& shape, const MatrixView& out) {
    const int64_t at = head * shape.head_dim;
    const int64_t values_at = shape.values_at() + head / shape.heads_per_key() * shape.head_dim;
    std::vector<double> scores;
    double top = -std::numeric_limits<double>::infinity();
    for (int64_t other = begin; other < end; ++other) {
      scores.push_back(score_of(qkv, begin, head, t, other, shape));
      top = std::max(top, scores.back());
    }
    double total = 0;
    for (double& score : scores) total += score = std::exp(score - top);
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      double sum = 0;
      for (int64_t other = begin; other < end; ++other) {
        sum += scores[static_cast<size_t>(other - begin)] / total * row_of(qkv, other)[values_at + d];
      }
      row_of(out, t)[at + d] = static_cast<float>(sum);
    }
  }

  static double pool_column(const MatrixView& hidden, int64_t begin, int64_t end, Pooling pooling, int64_t skip,
                            int64_t col) {
    const int64_t first = begin + skip;
    if (pooling == Pooling::kCls) return row_of(hidden, first < end ? first : begin)[col];
    if (pooling == Pooling::kLast) return first < end ? row_of(hidden, end - 1)[col] : 0;
    double total = 0;
    double weights = 0;
    double most = -std::numeric_limits<double>::infinity();
    for (int64_t t = first; t < end; ++t) {
      // An excluded prompt leaves the positions of the other tokens as they were.
      const double weight = pooling == Pooling::kWeightedMean ? static_cast<double>(t - begin + 1) : 1;
      total += weight * row_of(hidden, t)[col];
      weights += weight;
      most = std::max(most, static_cast<double>(row_of(hidden, t)[col]));
    }
    if (pooling == Pooling::kMax) return most;
    weights = std::max(weights, 1e-9);
    return total / (pooling == Pooling::kMeanSqrtLen ? std::sqrt(weights) : weights);
  }
};

class NaiveBackend : public Backend {
 public:
  std::string describe() const override { return "naive"; }
  DType dtype() const override { return DType::kF32; }

  // Filled with NaN, so that a read of memory nobody wrote shows.
  std::unique_ptr<Buffer> allocate(int64_t floats) const override {
    return std::make_unique<NaiveBuffer>(std::vector<float>(static_cast<size_t>(floats), std::nanf("")));
  }

  std::unique_ptr<Buffer> upload(const TensorView& tensor) const override {
    return std::make_unique<NaiveBuffer>(to_floats(tensor));
  }

  std::unique_ptr<Backend> make_exact() const override { return make_naive_backend(); }
  std::unique_ptr<Operand> make_operand() const override { return std::make_unique<NaiveOperand>(); }
  std::unique_ptr<Linear> make_dense(const LinearPart& part) const override { return make_linear({&part, 1}, {}); }

  std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts,
                                      std::span<const float> input_factors) const override {
    auto linear = std::make_unique<NaiveLinear>();
    linear->in_features = parts.front().weight.shape[1];
    for (const LinearPart& part : parts) {
      const std::vector<float> weight = to_floats(part.weight);
      linear->weight.insert(linear->weight.end(), weight.begin(), weight.end());
      linear->out_features += part.weight.shape[0];
      if (part.bias) {
        const std::vector<float> bias = to_floats(*part.bias);
        linear->bias.insert(linear->bias.end(), bias.begin(), bias.end());
      }
      linear->bias.resize(static_cast<size_t>(linear->out_features));
    }
    for (size_t i = 0; !input_factors.empty() && i < linear->weight.size(); ++i) {
      linear->weight[i] /= input_factors[i % input_factors.size()];
    }
    return linear;
  }

  std::unique_ptr<Stream> make_stream(int64_t) const override { return std::make_unique<NaiveStream>(); }
  int64_t preferred_batch_tokens(int64_t, int64_t) const override { return 256; }
};

}  // namespace

std::unique_ptr<Backend> make_naive_backend() {
  return std::make_unique<NaiveBackend>();
}

}  // namespace emberline
