// SPDX-License-Identifier: Apache-2.0
#pragma once
// Attention of one sequence with bf16 tiles. Included by kernels_amx.cc.
//
// A step is a block of up to 16 queries of one head against a chunk of that head's keys. It passes four stages: scores
// (tiles), weights (vectors), sums of values (tiles), and, after a block's last chunk, division and output (vectors).
// Each turn of the loop has one step in every stage, so that tiles and vectors work side by side and nothing waits for
// what was stored just now. Chunks of a block follow one another with a running maximum: what was summed before is
// scaled when it grows.
#include "backend/cpu/amx_attention_steps.h"
#include "backend/cpu/amx_distance_terms.h"
#include "backend/cpu/amx_tiles.h"
#include "backend/cpu/bf16_attention_pack.h"
#include "backend/cpu/bf16_softmax.h"
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {
namespace {

constexpr int64_t kChunkPairs = 4;    // pairs of key tiles: what a turn reads and writes stays in the first-level cache
constexpr int64_t kWholeTile = 1024;  // bytes
static_assert(2 * kChunkPairs <= AmxDistanceTerms::kMostKeyTiles);

// Tile registers. Heads of up to 32 dims have two tiles of sums and keep in two more what serves many products; wider
// heads have four tiles of sums. Intrinsics want literal numbers.
#define EMB_SUM_0 0
#define EMB_SUM_1 1
#define EMB_SUM_2 2
#define EMB_SUM_3 3
#define EMB_ONES 2
#define EMB_QUERIES 3
#define EMB_TOTAL 4  // sums of the weights
#define EMB_SCORES 5
#define EMB_LEFT 6
#define EMB_RIGHT 7

// What a turn does at one pair of key tiles.
struct PairWork {
  int64_t score_tiles;        // of the step that is scored, still to do: the first two of them are done here
  const unsigned char* keys;  // tiles
  unsigned char* scores_out;  // tiles
  bool sums;
  const unsigned char* summed_weights;  // tile
  const unsigned char* values;          // tiles
  int64_t fours;                        // rows to weigh / 4
  const float* scores;                  // two tiles
  uint16_t* weights;                    // tile
  __mmask16 low;                        // keys of both tiles of scores
  __mmask16 high;
};

// Scratch of a call, in whole tiles: one head's keys and values, the scores of two steps, whose weights replace them.
struct AttentionScratch {
  int64_t dim_chunks;  // of 32 dims
  int64_t pairs;       // of key tiles
  int64_t chunk;       // pairs of a step

  AttentionScratch(int64_t len, int64_t head_dim)
      : dim_chunks((head_dim + kDimsOfTile - 1) / kDimsOfTile),
        pairs((len + 31) / 32),
        chunk(pairs < kChunkPairs ? pairs : kChunkPairs) {}

  int64_t head_tiles() const { return pairs * 2 * dim_chunks; }
  int64_t keys() const { return 0; }
  int64_t values() const { return head_tiles(); }
  int64_t scores() const { return 2 * head_tiles(); }
  int64_t weights(int64_t turn) const { return scores() + 2 * chunk + turn % 2 * chunk; }
  int64_t sums() const { return scores() + 4 * chunk; }
  int64_t totals() const { return sums() + 2 * dim_chunks; }
  int64_t ones() const { return totals() + 1; }
  int64_t queries() const { return ones() + 1; }
  int64_t terms() const { return queries() + dim_chunks; }
  int64_t count() const { return terms() + AmxDistanceTerms::kScratchTiles; }
};

template <bool kNarrow>
class AmxAttention {
 public:
  AmxAttention(const HeadsView& qkv, float scale, MatrixView out, void* scratch)
      : qkv_(qkv),
        out_(out),
        head_dim_(qkv.head_dim),
        factor_(scale * (256 * 1.44269504F)),
        bias_factor_(1 / scale),
        layout_(qkv.rows, qkv.head_dim),
        steps_(qkv, layout_.chunk),
        scratch_(static_cast<unsigned char*>(scratch)),
        terms_(qkv.terms, layout_.dim_chunks, steps_.block(), tile(layout_.terms())) {}

  void run() {
    configure();
    pack_keys(0);
    pack_values(0);
    AttentionStep weighed;
    AttentionStep summed;
    AttentionStep finished;
    AttentionStep scored = {0, 0, 0, 0};
    begin_queries(scored);
    for (int64_t t = 0; t < steps_.tiles_of(scored); ++t) {
      begin_score(tile(layout_.keys() + t * layout_.dim_chunks));
      end_score(tile(layout_.scores() + t));
    }
    for (int64_t turn = 0; finished.head < qkv_.num_heads; ++turn) {
      finished = summed;
      summed = weighed;
      weighed = scored;
      if (terms_.exist() && steps_.exists(weighed)) add_terms(weighed);
      scored = steps_.exists(scored) ? steps_.following(scored) : scored;
      if (steps_.exists(scored)) {
        if (scored.keys != weighed.keys) pack_keys(scored.keys);
        begin_queries(scored);
      }
      take_turn(scored, weighed, summed, finished, turn);
      if (steps_.exists(weighed) && weighed.keys != summed.keys) pack_values(weighed.keys);
    }
    _tile_release();
  }

 private:
  unsigned char* tile(int64_t index) const { return scratch_ + index * kWholeTile; }
  float* floats(int64_t index) const { return reinterpret_cast<float*>(tile(index)); }
  uint32_t* dwords(int64_t index) const { return reinterpret_cast<uint32_t*>(tile(index)); }
  uint16_t* words(int64_t index) const { return reinterpret_cast<uint16_t*>(tile(index)); }

  void configure() {
    TileConfig config = kWholeTiles;
    for (int t = 0; t < 8; ++t) config.rows[t] = static_cast<uint8_t>(steps_.block());
    config.rows[EMB_RIGHT] = kTileRows;
    if constexpr (kNarrow) config.rows[EMB_ONES] = kTileRows;
    // Column 0 of a product with this tile is the sum of the weights.
    uint32_t* ones = dwords(layout_.ones());
    for (int64_t i = 0; i < kTileRows; ++i) {
      _mm512_store_si512(ones + i * 16, _mm512_maskz_set1_epi32(1, 0x3f803f80));
    }
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
    if constexpr (kNarrow) _tile_loadd(EMB_ONES, ones, 64);
  }

  void pack_keys(int64_t head) {
    const uint16_t* keys = qkv_.data + qkv_.keys_at + head * head_dim_;
    uint32_t* tiles = dwords(layout_.keys());
    __m512 poison = _mm512_setzero_ps();
    for (int64_t t = 0; t < qkv_.rows; t += kKeysOfTile) {
      const uint16_t* from = keys + t * qkv_.row_stride;
      for (int64_t d = 0; d < head_dim_; d += kDimsOfTile, tiles += kTileDwords) {
        poison = _mm512_add_ps(poison, pack_key_tile(from + d, qkv_.row_stride, qkv_.rows - t, head_dim_ - d, tiles));
      }
    }
    poison_[head % 4] = _mm512_reduce_add_ps(poison) + (terms_.exist() ? qkv_.terms.poison[head] : 0);
    finish_stores();
  }

  void pack_values(int64_t head) {
    const uint16_t* values = qkv_.data + qkv_.values_at + head * head_dim_;
    uint32_t* tiles = dwords(layout_.values());
    for (int64_t t = 0; t < qkv_.rows; t += 2 * kKeysOfTile) {
      const uint16_t* from = values + t * qkv_.row_stride;
      for (int64_t d = 0; d < head_dim_; d += kDimsOfTile, tiles += 2 * kTileDwords) {
        pack_value_tiles(from + d, qkv_.row_stride, qkv_.rows - t, head_dim_ - d, tiles);
      }
    }
    finish_stores();
  }

  // Where heads fill whole tiles, queries are read where they lie.
  void begin_queries(const AttentionStep& s) {
    queries_ = qkv_.data + s.query * qkv_.row_stride + s.head * head_dim_;
    query_stride_ = qkv_.row_stride;
    if (head_dim_ % kDimsOfTile != 0) copy_queries(steps_.rows_of(s));
    if constexpr (kNarrow) _tile_loadd(EMB_QUERIES, queries_, query_stride_ * 2);
  }

  void copy_queries(int64_t rows) {
    const uint16_t* from = queries_;
    uint16_t* to = words(layout_.queries());
    queries_ = to;
    query_stride_ = layout_.dim_chunks * kDimsOfTile;
    for (int64_t r = 0; r < rows; ++r, from += qkv_.row_stride) {
      for (int64_t d = 0; d < head_dim_; d += kDimsOfTile, to += kDimsOfTile) {
        _mm512_store_si512(to, _mm512_maskz_loadu_epi16(first_words(head_dim_ - d), from + d));
      }
    }
    finish_stores();
  }

  void take_turn(const AttentionStep& scored, const AttentionStep& weighed, const AttentionStep& summed,
                 const AttentionStep& finished, int64_t turn) {
    const int64_t score_tiles = steps_.tiles_of(scored);
    const int64_t weigh_pairs = steps_.pairs_of(weighed);
    const int64_t sum_pairs = steps_.pairs_of(summed);
    int64_t pairs = (score_tiles + 1) / 2 + 1;
    if (pairs < weigh_pairs) pairs = weigh_pairs;
    if (pairs < sum_pairs) pairs = sum_pairs;
    if (!steps_.is_first(summed)) scale_sums();
    bool finishing = steps_.exists(finished) && steps_.is_first(summed);
    if (2 * layout_.dim_chunks > 4) {
      if (finishing) finish(finished);
      finishing = false;
      add_other_dims(summed, turn + 1);
    }
    if (sum_pairs > 0) begin_sums(steps_.is_first(summed), 0);
    if (weigh_pairs > 0) find_biases(weighed);
    if (finishing) finish(finished);
    const __mmask16 all = 0xffff;
    const __mmask16 last = steps_.last_keys(weighed);
    const int64_t dims = layout_.dim_chunks * kWholeTile;  // bytes of one key tile, or of one tile of 16 dims twice
    PairWork work;
    work.keys = tile(layout_.keys()) + (2 * scored.pair - 2) * dims;
    work.scores_out = tile(layout_.scores() - 2);
    work.summed_weights = tile(layout_.weights(turn + 1));
    work.values = tile(layout_.values()) + 2 * summed.pair * dims;
    work.scores = floats(layout_.scores());
    work.weights = words(layout_.weights(turn));
    for (int64_t p = 0; p < pairs; ++p) {
      // Scores replace those that became weights one pair before.
      work.score_tiles = p == 0 ? 0 : score_tiles - (2 * p - 2);
      work.sums = p < sum_pairs;
      work.fours = p < weigh_pairs ? (steps_.rows_of(weighed) + 3) / 4 : 0;
      const int64_t left = steps_.tiles_of(weighed) - 2 * p;
      work.low = left == 1 ? last : all;
      work.high = left == 2 ? last : all;
      if (left == 1) {
        take_pair<true>(work);
      } else {
        take_pair<false>(work);
      }
      work.keys += 2 * dims;
      work.scores_out += 2 * kWholeTile;
      work.summed_weights += kWholeTile;
      work.values += 2 * dims;
      work.scores += 2 * kScoreTile;
      work.weights += kWholeTile / 2;
    }
    if (sum_pairs > 0) end_sums(0);
    finish_stores();
  }

  // A pair of key tiles in each stage. Products come one by one between the vectors: several at once would fill the
  // processor's queues and hold up what follows.
  template <bool kOneTile>
  void take_pair(const PairWork& w) {
    if (w.score_tiles > 0) begin_score(w.keys);
    if (w.fours > 0) weigh_rows<kOneTile>(w, 0);
    if (w.score_tiles > 0) end_score(w.scores_out);
    if (w.sums) add_values(w.summed_weights, w.values, 0, 0);
    if (w.fours > 1) weigh_rows<kOneTile>(w, 4);
    if (w.score_tiles > 1) begin_score(w.keys + layout_.dim_chunks * kWholeTile);
    if (w.fours > 2) weigh_rows<kOneTile>(w, 8);
    if (w.score_tiles > 1) end_score(w.scores_out + kWholeTile);
    if (w.sums) add_values(w.summed_weights, w.values, 0, 1);
    if (w.fours > 3) weigh_rows<kOneTile>(w, 12);
    finish_stores();
  }

  template <bool kOneTile>
  void weigh_rows(const PairWork& w, int64_t first) {
    weigh_four<kOneTile>(w.scores + first * 16, w.low, w.high, factor_, biases_ + first, w.weights + first * 32);
  }

  void begin_score(const unsigned char* keys) {
    const int64_t chunks = layout_.dim_chunks;
    _tile_zero(EMB_SCORES);
    if constexpr (kNarrow) {
      _tile_loadd(EMB_RIGHT, keys, 64);
      _tile_dpbf16ps(EMB_SCORES, EMB_QUERIES, EMB_RIGHT);
    } else {
      for (int64_t c = 0; c < chunks; ++c, keys += kWholeTile) {
        _tile_loadd(EMB_LEFT, queries_ + c * kDimsOfTile, query_stride_ * 2);
        _tile_loadd(EMB_RIGHT, keys, 64);
        _tile_dpbf16ps(EMB_SCORES, EMB_LEFT, EMB_RIGHT);
      }
    }
  }

  void end_score(unsigned char* scores) { _tile_stored(EMB_SCORES, scores, 64); }

  // While its queries and keys are still those at hand.
  void add_terms(const AttentionStep& s) {
    terms_.add({s.head, steps_.first_key(s) - s.query, steps_.rows_of(s), steps_.tiles_of(s)}, queries_, query_stride_,
               dwords(layout_.keys() + 2 * s.pair * layout_.dim_chunks), floats(layout_.scores()));
  }

  // The bases of a step's exponents: the largest score so far shall weigh 1.
  void find_biases(const AttentionStep& s) {
    finish_stores();
    float* scores = floats(layout_.scores());
    if (qkv_.bias != nullptr) add_biases(s, scores);
    if (qkv_.causal || qkv_.window > 0) hide_unseen(s, scores);
    __m512 top = largest_scores(scores, steps_.tiles_of(s), steps_.last_keys(s), -3.40282347e38F);
    if (!steps_.is_first(s)) {
      const __m512 before = _mm512_load_ps(tops_);
      top = _mm512_max_ps(before, top);
      const __m512 change = _mm512_mul_ps(_mm512_sub_ps(before, top), _mm512_set1_ps(factor_ / 256));
      _mm512_store_ps(changes_, power_of_two(change));
    }
    _mm512_store_ps(tops_, top);
    const __m512 biases = _mm512_fnmadd_ps(top, _mm512_set1_ps(factor_), _mm512_set1_ps(kWeightBase));
    _mm512_store_ps(biases_, biases);
    // Where the rounding of so large a number would show in the exponent, scores are shifted exactly.
    const __mmask16 huge = _mm512_cmp_ps_mask(_mm512_abs_ps(biases), _mm512_set1_ps(4194304.0F), _CMP_NLT_UQ);
    if (huge != 0) shift_rows(scores, steps_.tiles_of(s), steps_.rows_of(s), huge);
  }

  // What the distance adds, divided by what scores are still to be multiplied by.
  [[gnu::noinline]] void add_biases(const AttentionStep& s, float* scores) {
    const __m512 factor = _mm512_set1_ps(bias_factor_);
    const int64_t tiles = steps_.tiles_of(s);
    const float* distance = qkv_.bias + s.head * qkv_.bias_stride + steps_.first_key(s) - s.query;
    for (int64_t t = 0; t < tiles; ++t, scores += kScoreTile, distance += kKeysOfTile) {
      const __mmask16 keys = t + 1 == tiles ? steps_.last_keys(s) : static_cast<__mmask16>(0xffff);
      for (int64_t r = 0; r < steps_.rows_of(s); ++r) {
        const __m512 bias = _mm512_maskz_loadu_ps(keys, distance - r);
        _mm512_store_ps(scores + r * 16, _mm512_fmadd_ps(bias, factor, _mm512_load_ps(scores + r * 16)));
      }
    }
  }

  // Scores of keys outside a query's window, or behind a causal one, become -infinity: their weight is zero whatever
  // the others are.
  [[gnu::noinline]] void hide_unseen(const AttentionStep& s, float* scores) {
    const __m512 hidden = _mm512_set1_ps(-__builtin_inff());
    const int64_t before = qkv_.window > 0 ? qkv_.window : qkv_.rows;
    const int64_t behind = qkv_.causal ? 0 : qkv_.window;
    const int64_t rows = steps_.rows_of(s);
    for (int64_t t = 0; t < steps_.tiles_of(s); ++t, scores += kScoreTile) {
      const int64_t first_key = steps_.first_key(s) + kKeysOfTile * t;
      if (first_key >= s.query + rows - 1 - before && first_key + kKeysOfTile - 1 <= s.query + behind) continue;
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t query = s.query + r - first_key;
        const __mmask32 seen = first_words(query + behind + 1) & ~first_words(query - before);
        _mm512_mask_store_ps(scores + r * 16, static_cast<__mmask16>(~seen), hidden);
      }
    }
  }

  [[gnu::noinline]] void shift_rows(float* scores, int64_t tiles, int64_t rows, __mmask16 which) {
    for (int64_t r = 0; r < rows; ++r) {
      if ((which >> r & 1) == 0) continue;
      for (int64_t t = 0; t < tiles; ++t) {
        float* row = scores + t * kScoreTile + r * 16;
        _mm512_store_ps(row, _mm512_sub_ps(_mm512_load_ps(row), _mm512_set1_ps(tops_[r])));
      }
      biases_[r] = kWeightBase;
    }
  }

  // Sums of the tiles of dims from `first` on, and with the first ones of the weights themselves.
  void begin_sums(bool zero, int64_t first) {
    const unsigned char* sums = tile(layout_.sums() + first);
    if (zero) {
      _tile_zero(EMB_SUM_0);
      _tile_zero(EMB_SUM_1);
      if constexpr (!kNarrow) {
        _tile_zero(EMB_SUM_2);
        _tile_zero(EMB_SUM_3);
      }
      if (first == 0) _tile_zero(EMB_TOTAL);
      return;
    }
    _tile_loadd(EMB_SUM_0, sums, 64);
    _tile_loadd(EMB_SUM_1, sums + kWholeTile, 64);
    if constexpr (!kNarrow) {
      if (has_four(first)) {
        _tile_loadd(EMB_SUM_2, sums + 2 * kWholeTile, 64);
        _tile_loadd(EMB_SUM_3, sums + 3 * kWholeTile, 64);
      }
    }
    if (first == 0) _tile_loadd(EMB_TOTAL, tile(layout_.totals()), 64);
  }

  bool has_four(int64_t first) const { return first + 4 <= 2 * layout_.dim_chunks; }

  // After the maximum grew.
  [[gnu::noinline]] void scale_sums() {
    float* sums = floats(layout_.sums());
    for (int64_t t = 0; t <= 2 * layout_.dim_chunks; ++t, sums += kScoreTile) {
      for (int64_t r = 0; r < steps_.block(); ++r) {
        const __m512 sum = _mm512_load_ps(sums + r * 16);
        _mm512_store_ps(sums + r * 16, _mm512_mul_ps(sum, _mm512_set1_ps(changes_[r])));
      }
    }
    finish_stores();
  }

  // In two halves, so that other work comes between.
  void add_values(const unsigned char* weights, const unsigned char* values, int64_t first, int64_t half) {
    if (half == 0 || !kNarrow) _tile_loadd(EMB_LEFT, weights, 64);
    if (half == 0) {
      _tile_loadd(EMB_RIGHT, values, 64);
      _tile_dpbf16ps(EMB_SUM_0, EMB_LEFT, EMB_RIGHT);
      if constexpr (!kNarrow) {
        _tile_loadd(EMB_RIGHT, values + kWholeTile, 64);
        _tile_dpbf16ps(EMB_SUM_1, EMB_LEFT, EMB_RIGHT);
      }
      return;
    }
    if constexpr (kNarrow) {
      _tile_loadd(EMB_RIGHT, values + kWholeTile, 64);
      _tile_dpbf16ps(EMB_SUM_1, EMB_LEFT, EMB_RIGHT);
      _tile_dpbf16ps(EMB_TOTAL, EMB_LEFT, EMB_ONES);
    } else {
      if (has_four(first)) {
        _tile_loadd(EMB_RIGHT, values + 2 * kWholeTile, 64);
        _tile_dpbf16ps(EMB_SUM_2, EMB_LEFT, EMB_RIGHT);
        _tile_loadd(EMB_RIGHT, values + 3 * kWholeTile, 64);
        _tile_dpbf16ps(EMB_SUM_3, EMB_LEFT, EMB_RIGHT);
      }
      if (first == 0) {
        _tile_loadd(EMB_RIGHT, tile(layout_.ones()), 64);
        _tile_dpbf16ps(EMB_TOTAL, EMB_LEFT, EMB_RIGHT);
      }
    }
  }

  void add_other_dims(const AttentionStep& s, int64_t turn) {
    if (steps_.pairs_of(s) == 0) return;
    for (int64_t first = 4; first < 2 * layout_.dim_chunks; first += 4) {
      begin_sums(steps_.is_first(s), first);
      for (int64_t p = 0; p < steps_.pairs_of(s); ++p) {
        const unsigned char* values = tile(layout_.values() + (s.pair + p) * 2 * layout_.dim_chunks + first);
        add_values(tile(layout_.weights(turn) + p), values, first, 0);
        add_values(tile(layout_.weights(turn) + p), values, first, 1);
      }
      end_sums(first);
    }
  }

  void end_sums(int64_t first) {
    unsigned char* sums = tile(layout_.sums() + first);
    _tile_stored(EMB_SUM_0, sums, 64);
    _tile_stored(EMB_SUM_1, sums + kWholeTile, 64);
    if constexpr (!kNarrow) {
      if (has_four(first)) {
        _tile_stored(EMB_SUM_2, sums + 2 * kWholeTile, 64);
        _tile_stored(EMB_SUM_3, sums + 3 * kWholeTile, 64);
      }
    }
    if (first == 0) _tile_stored(EMB_TOTAL, tile(layout_.totals()), 64);
  }

  // Divides a block's sums by the sums of its weights.
  void finish(const AttentionStep& s) {
    const float* sums = floats(layout_.sums());
    const __m512i rows = _mm512_setr_epi32(0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240);
    const __m512 totals = _mm512_i32gather_ps(rows, floats(layout_.totals()), 4);
    const __m512 poison = _mm512_set1_ps(poison_[s.keys % 4]);
    alignas(64) float factors[16];
    _mm512_store_ps(factors, _mm512_add_ps(_mm512_div_ps(_mm512_set1_ps(1.0F), totals), poison));
    float* to = out_.data + s.query * out_.row_stride + s.head * head_dim_;
    const int64_t rows_count = steps_.rows_of(s);
    for (int64_t d = 0; d < head_dim_; d += 16, sums += kScoreTile, to += 16) {
      const __mmask16 dims = static_cast<__mmask16>(first_words(head_dim_ - d));
      for (int64_t r = 0; r < rows_count; r += 4) {
        float* row = to + r * out_.row_stride;
#pragma GCC unroll 4
        for (int64_t i = 0; i < 4; ++i) {
          if (i > 0 && r + i >= rows_count) break;
          const __m512 sum = _mm512_mul_ps(_mm512_load_ps(sums + (r + i) * 16), _mm512_set1_ps(factors[r + i]));
          _mm512_mask_storeu_ps(row + i * out_.row_stride, dims, sum);
        }
      }
    }
  }

  HeadsView qkv_;
  MatrixView out_;
  int64_t head_dim_;
  float factor_;  // 256 scale / ln 2
  float bias_factor_;
  AttentionScratch layout_;
  AttentionSteps steps_;
  unsigned char* scratch_;
  AmxDistanceTerms terms_;
  const uint16_t* queries_ = nullptr;  // [block, head_dim] of the step that is scored
  int64_t query_stride_ = 0;
  float poison_[4] = {};  // by head of keys: NaN where one of its keys has NaN or an infinity
  alignas(64) float tops_[16];
  alignas(64) float biases_[16];
  alignas(64) float changes_[16];
};

#undef EMB_SUM_0
#undef EMB_SUM_1
#undef EMB_SUM_2
#undef EMB_SUM_3
#undef EMB_ONES
#undef EMB_QUERIES
#undef EMB_TOTAL
#undef EMB_SCORES
#undef EMB_LEFT
#undef EMB_RIGHT

void attention(const HeadsView& qkv, float scale, MatrixView out, void* scratch) {
  if (qkv.rows == 0 || qkv.num_heads == 0) return;
  if (qkv.head_dim <= kDimsOfTile) {
    AmxAttention<true>(qkv, scale, out, scratch).run();
  } else {
    AmxAttention<false>(qkv, scale, out, scratch).run();
  }
}

int64_t attention_scratch_bytes(int64_t len, int64_t head_dim) {
  return AttentionScratch(len, head_dim).count() * kWholeTile;
}

}  // namespace
}  // namespace emberline::cpu
