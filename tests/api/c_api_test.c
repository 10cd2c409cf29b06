/* SPDX-License-Identifier: Apache-2.0 */
/* The C ABI from a C compiler: the life cycle of the header's example, and every misuse that must give an error instead
 * of a crash. Prints each breach; exit status 1 if there is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emberline.h"

static int failures = 0;

static void expect(int condition, const char* what, int line) {
  if (condition) return;
  ++failures;
  fprintf(stderr, "line %d: expected %s; last error: \"%s\"\n", line, what, emb_last_error());
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static int says(const char* part) {
  return strstr(emb_last_error(), part) != NULL;
}

static const char* model_path(void) {
  return EMB_SOURCE_DIR "/tests/data/tiny-mean";
}

static emb_model* load_tiny(void) {
  emb_model* model = NULL;
  EXPECT(emb_model_load(model_path(), NULL, &model) == EMB_OK);
  return model;
}

static void test_option_table(void) {
  emb_option_info info;
  int32_t i;
  EXPECT(emb_option_count() == 20);
  for (i = 0; i < emb_option_count(); ++i) {
    EXPECT(emb_option_describe(i, &info) == EMB_OK);
    EXPECT(info.name != NULL && info.name[0] != '\0' && info.help[0] != '\0' && info.choices != NULL);
    EXPECT((strcmp(info.type, "choice") == 0) == (info.choices[0] != '\0'));
    EXPECT(info.is_load_time == (strcmp(info.name, "device") == 0 || strcmp(info.name, "dtype") == 0 ||
                                 strcmp(info.name, "cache_dir") == 0 || strcmp(info.name, "task") == 0));
  }
  EXPECT(emb_option_describe(-1, &info) == EMB_INVALID_ARGUMENT && says("got index -1, expected 0 to 19"));
  EXPECT(emb_option_describe(20, &info) == EMB_INVALID_ARGUMENT);
  EXPECT(emb_option_describe(0, NULL) == EMB_INVALID_ARGUMENT && says("info is NULL"));
}

static void test_options_misuse(void) {
  emb_options* options = NULL;
  EXPECT(emb_options_create(NULL) == EMB_INVALID_ARGUMENT && says("options is NULL"));
  EXPECT(emb_options_create(&options) == EMB_OK && options != NULL && emb_last_error()[0] == '\0');
  EXPECT(emb_options_set(NULL, "dims", "4") == EMB_INVALID_ARGUMENT && says("options is NULL"));
  EXPECT(emb_options_set(options, NULL, "4") == EMB_INVALID_ARGUMENT && says("name is NULL"));
  EXPECT(emb_options_set(options, "dims", NULL) == EMB_INVALID_ARGUMENT && says("value of option dims is NULL"));
  EXPECT(emb_options_set(options, "dim", "4") == EMB_INVALID_ARGUMENT && says("did you mean dims?"));
  EXPECT(emb_options_set(options, "dims", "four") == EMB_INVALID_ARGUMENT && says("\"four\""));
  EXPECT(emb_options_set(options, "device", "cuda") == EMB_UNSUPPORTED && says("no CUDA"));
  EXPECT(emb_options_set(options, "dims", "4") == EMB_OK && emb_last_error()[0] == '\0');
  emb_options_release(options);
  emb_options_release(NULL);
}

static void test_load_misuse(void) {
  emb_model* model = (emb_model*)&failures;
  emb_options* options = NULL;
  EXPECT(emb_model_load(model_path(), NULL, NULL) == EMB_INVALID_ARGUMENT && says("model is NULL"));
  EXPECT(emb_model_load(NULL, NULL, &model) == EMB_INVALID_ARGUMENT && says("path is NULL"));
  EXPECT(model == NULL);
  EXPECT(emb_model_load("", NULL, &model) == EMB_INVALID_ARGUMENT);
  EXPECT(emb_model_load("/nowhere/at-all", NULL, &model) == EMB_IO && says("/nowhere/at-all"));
  EXPECT(emb_model_load(EMB_SOURCE_DIR "/tests", NULL, &model) != EMB_OK && says("config.json"));
  EXPECT(model == NULL);
  EXPECT(emb_options_create(&options) == EMB_OK);
  EXPECT(emb_options_set(options, "max_tokens", "100000") == EMB_OK);
  EXPECT(emb_model_load(model_path(), options, &model) == EMB_INVALID_ARGUMENT && says("max_tokens: got 100000"));
  EXPECT(emb_options_set(options, "max_tokens", "16") == EMB_OK);
  EXPECT(emb_model_load(model_path(), options, &model) == EMB_OK && emb_model_max_tokens(model) == 16);
  emb_options_release(options);
  EXPECT(emb_model_max_tokens(model) == 16); /* the model does not borrow its options */
  emb_model_release(model);
  emb_model_release(NULL);
}

static void test_null_handles(void) {
  int64_t offsets[2] = {0, 1};
  emb_rows rows = {NULL, NULL, NULL, 0, 0};
  emb_vectors out = {NULL, 0, NULL, NULL, NULL};
  emb_tokens tokens;
  emb_run run;
  emb_model* model = load_tiny();
  emb_model* derived = model;
  double peak = -1;
  const float vector[1] = {0};
  memset(&run, 0, sizeof run);
  rows.data = (const uint8_t*)"a";
  rows.offsets = offsets;
  rows.num_rows = 1;
  EXPECT(emb_model_dim(NULL) == 0 && says("model is NULL"));
  EXPECT(emb_model_max_tokens(NULL) == 0);
  EXPECT(emb_model_info(NULL)[0] == '\0');
  EXPECT(emb_row_message(NULL, EMB_ROW_TOO_LONG)[0] == '\0');
  EXPECT(emb_measure_peak(NULL, &peak) == EMB_INVALID_ARGUMENT && peak == 0 && says("model is NULL"));
  EXPECT(emb_measure_peak(model, NULL) == EMB_INVALID_ARGUMENT && says("operations_per_second is NULL"));
  EXPECT(emb_measure_peak(model, &peak) == EMB_OK && peak >= 0);
  EXPECT(emb_row_message(model, 99)[0] == '\0' && says("got status 99"));
  EXPECT(emb_model_derive(NULL, NULL, &derived) == EMB_INVALID_ARGUMENT && derived == NULL);
  EXPECT(emb_model_derive(model, NULL, NULL) == EMB_INVALID_ARGUMENT && says("derived is NULL"));
  EXPECT(emb_embed(NULL, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("model is NULL"));
  EXPECT(emb_embed(model, NULL, &out, NULL) == EMB_INVALID_ARGUMENT && says("rows is NULL"));
  run.stats.rows = 99;
  EXPECT(emb_embed(model, &rows, NULL, &run) == EMB_INVALID_ARGUMENT && says("out is NULL"));
  EXPECT(run.stats.rows == 0); /* written also on failure */
  EXPECT(emb_embed(model, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("out.data is NULL"));
  EXPECT(emb_tokenize(NULL, &rows, &tokens) == EMB_INVALID_ARGUMENT && tokens.ids == NULL && tokens.num_rows == 0);
  EXPECT(emb_tokenize(model, NULL, &tokens) == EMB_INVALID_ARGUMENT);
  EXPECT(emb_tokenize(model, &rows, NULL) == EMB_INVALID_ARGUMENT && says("tokens is NULL"));
  emb_tokens_release(&tokens); /* after a failure, and twice */
  emb_tokens_release(&tokens);
  emb_tokens_release(NULL);
  EXPECT(emb_write_ranges(NULL, vector, vector, 1, "f") == EMB_INVALID_ARGUMENT && says("model is NULL"));
  EXPECT(emb_write_ranges(model, NULL, vector, 1, "f") == EMB_INVALID_ARGUMENT && says("least is NULL"));
  EXPECT(emb_write_ranges(model, vector, NULL, 1, "f") == EMB_INVALID_ARGUMENT && says("largest is NULL"));
  EXPECT(emb_write_ranges(model, vector, vector, 1, NULL) == EMB_INVALID_ARGUMENT && says("file is NULL"));
  emb_model_release(model);
}

static int count_calls(void* context, int64_t rows_done, int64_t rows_total, int64_t tokens_done) {
  int* calls = (int*)context;
  ++*calls;
  (void)tokens_done;
  return rows_done > rows_total; /* never */
}

static int cancel(void* context, int64_t rows_done, int64_t rows_total, int64_t tokens_done) {
  (void)context;
  (void)rows_done;
  (void)rows_total;
  (void)tokens_done;
  return 1;
}

static void test_embed(void) {
  const char* text = "one texttwo texts";
  int64_t offsets[4] = {0, 8, 8, 17};
  const uint8_t validity = 0x05; /* the middle row is null */
  int32_t status[3] = {-1, -1, -1};
  int32_t counts[3] = {-1, -1, -1};
  uint8_t truncated[3] = {9, 9, 9};
  int calls = 0;
  emb_model* model = load_tiny();
  emb_model* derived = NULL;
  const size_t dim = (size_t)emb_model_dim(model);
  float* vectors = (float*)calloc(3 * dim, sizeof(float));
  float* again = (float*)calloc(3 * dim, sizeof(float));
  emb_rows rows;
  emb_vectors out;
  emb_run run;
  memset(&rows, 0, sizeof rows);
  rows.data = (const uint8_t*)text;
  rows.offsets = offsets;
  rows.validity = &validity;
  rows.num_rows = 3;
  out.data = vectors;
  out.row_stride = (int64_t)(dim * sizeof(float));
  out.status = status;
  out.tokens = counts;
  out.truncated = truncated;
  memset(&run, 0, sizeof run);
  run.progress = count_calls;
  run.context = &calls;
  EXPECT(dim > 0 && strstr(emb_model_info(model), "\"dim\"") != NULL);
  EXPECT(emb_embed(model, &rows, &out, &run) == EMB_OK && emb_last_error()[0] == '\0');
  EXPECT(status[0] == EMB_ROW_OK && status[1] == EMB_ROW_NULL && status[2] == EMB_ROW_OK);
  EXPECT(counts[0] > 2 && counts[1] == 0 && truncated[0] == 0);
  EXPECT(vectors[0] != 0.0F && vectors[dim] == 0.0F && vectors[2 * dim] != 0.0F);
  EXPECT(calls > 0 && run.stats.rows == 2 && run.stats.nulls == 1 && run.stats.tokens == counts[0] + counts[2]);

  /* An error in between changes nothing for the next call; outputs that nobody wants may be NULL. */
  rows.num_rows = -1;
  EXPECT(emb_embed(model, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("got -1 rows"));
  rows.num_rows = 3;
  EXPECT(emb_model_derive(model, NULL, &derived) == EMB_OK);
  emb_model_release(model); /* the derived handle outlives it */
  out.data = again;
  out.status = NULL;
  out.tokens = NULL;
  out.truncated = NULL;
  EXPECT(emb_embed(derived, &rows, &out, NULL) == EMB_OK);
  EXPECT(memcmp(vectors, again, 3 * dim * sizeof(float)) == 0);
  rows.num_rows = 0;
  EXPECT(emb_embed(derived, &rows, &out, NULL) == EMB_OK);
  EXPECT(strcmp(emb_row_message(derived, EMB_ROW_OK), "") == 0);
  EXPECT(strstr(emb_row_message(derived, EMB_ROW_TOO_LONG), "long_text=error") != NULL);
  emb_model_release(derived);
  free(vectors);
  free(again);
}

static void test_rerank(void) {
  const char* text = "one texttwo texts";
  int64_t offsets[4] = {0, 8, 8, 17};
  int64_t query_offsets[3] = {0, 9, 9};
  const uint8_t validity = 0x05; /* the middle row is null */
  int32_t status[3] = {-1, -1, -1};
  int32_t counts[3] = {-1, -1, -1};
  float scores[3] = {-2, -2, -2};
  float again[3] = {-2, -2, -2};
  emb_model* plain = load_tiny();
  emb_model* model = NULL;
  emb_rows rows;
  emb_rows query;
  emb_vectors out;
  emb_run run;
  memset(&rows, 0, sizeof rows);
  memset(&query, 0, sizeof query);
  memset(&out, 0, sizeof out);
  memset(&run, 0, sizeof run);
  rows.data = (const uint8_t*)text;
  rows.offsets = offsets;
  rows.validity = &validity;
  rows.num_rows = 3;
  query.data = (const uint8_t*)"which one";
  query.offsets = query_offsets;
  query.num_rows = 1;
  out.data = scores;
  out.row_stride = sizeof(float);
  out.status = status;
  out.tokens = counts;
  EXPECT(emb_model_load(EMB_SOURCE_DIR "/tests/data/rerank/bert", NULL, &model) == EMB_OK);
  EXPECT(emb_model_num_labels(model) == 1 && emb_model_num_labels(plain) == 0);
  EXPECT(emb_model_num_labels(NULL) == 0 && says("model is NULL"));
  EXPECT(emb_rerank(NULL, &query, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("model is NULL"));
  EXPECT(emb_rerank(model, NULL, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("queries is NULL"));
  EXPECT(emb_rerank(model, &query, NULL, &out, NULL) == EMB_INVALID_ARGUMENT && says("texts is NULL"));
  run.stats.rows = 99;
  EXPECT(emb_rerank(model, &query, &rows, NULL, &run) == EMB_INVALID_ARGUMENT && says("out is NULL"));
  EXPECT(run.stats.rows == 0); /* written also on failure */
  EXPECT(emb_rerank(plain, &query, &rows, &out, NULL) == EMB_UNSUPPORTED && says("bert.pooler.dense.weight"));
  out.row_stride = 2;
  EXPECT(emb_rerank(model, &query, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("got out.row_stride 2"));
  out.row_stride = sizeof(float);
  EXPECT(emb_rerank(model, &query, &rows, &out, &run) == EMB_OK && emb_last_error()[0] == '\0');
  EXPECT(status[0] == EMB_ROW_OK && status[1] == EMB_ROW_NULL && status[2] == EMB_ROW_OK && counts[0] > 3);
  EXPECT(scores[0] > 0 && scores[0] < 1 && scores[1] == -2 && run.stats.rows == 2 && run.stats.nulls == 1);
  out.data = again;
  EXPECT(emb_rerank(model, &rows, &rows, &out, NULL) == EMB_OK && again[1] == -2); /* a query for each text */
  query.num_rows = 2;
  EXPECT(emb_rerank(model, &query, &rows, &out, NULL) == EMB_INVALID_ARGUMENT && says("got 2 queries for 3 texts"));
  emb_model_release(model);
  emb_model_release(plain);
}

static void test_cancel(void) {
  int64_t offsets[4] = {0, 1, 2, 3};
  emb_options* options = NULL;
  emb_model* model = NULL;
  emb_rows rows;
  emb_vectors out;
  emb_run run;
  int32_t status[3] = {-1, -1, -1};
  float* vectors;
  EXPECT(emb_options_create(&options) == EMB_OK);
  EXPECT(emb_options_set(options, "batch_tokens", "1") == EMB_OK); /* a batch for each row */
  EXPECT(emb_options_set(options, "threads", "1") == EMB_OK);
  EXPECT(emb_model_load(model_path(), options, &model) == EMB_OK);
  vectors = (float*)calloc(3 * (size_t)emb_model_dim(model), sizeof(float));
  memset(&rows, 0, sizeof rows);
  memset(&out, 0, sizeof out);
  memset(&run, 0, sizeof run);
  rows.data = (const uint8_t*)"abc";
  rows.offsets = offsets;
  rows.num_rows = 3;
  out.data = vectors;
  out.row_stride = emb_model_dim(model) * (int64_t)sizeof(float);
  out.status = status;
  run.progress = cancel;
  EXPECT(emb_embed(model, &rows, &out, &run) == EMB_CANCELLED && says("cancelled after 1 of 3 rows"));
  EXPECT(run.stats.rows == 1 && status[0] == EMB_ROW_OK && status[1] == -1 && status[2] == -1);
  run.progress = NULL;
  EXPECT(emb_embed(model, &rows, &out, &run) == EMB_OK && run.stats.rows == 3);
  free(vectors);
  emb_model_release(model);
  emb_options_release(options);
}

static void test_tokenize(void) {
  int64_t offsets[4] = {0, 8, 8, 8};
  const uint8_t validity = 0x05;
  emb_model* model = load_tiny();
  emb_rows rows;
  emb_tokens tokens;
  memset(&rows, 0, sizeof rows);
  rows.data = (const uint8_t*)"one text";
  rows.offsets = offsets;
  rows.validity = &validity;
  rows.num_rows = 3;
  EXPECT(emb_tokenize(model, &rows, &tokens) == EMB_OK);
  EXPECT(tokens.num_rows == 3 && tokens.offsets[0] == 0 && tokens.offsets[1] > 2);
  EXPECT(tokens.offsets[2] == tokens.offsets[1]);     /* null: none */
  EXPECT(tokens.offsets[3] == tokens.offsets[2] + 2); /* empty: the special tokens */
  EXPECT(tokens.truncated[0] == 0);
  emb_tokens_release(&tokens);
  EXPECT(tokens.ids == NULL && tokens.num_rows == 0);
  emb_tokens_release(&tokens);
  rows.num_rows = 0;
  EXPECT(emb_tokenize(model, &rows, &tokens) == EMB_OK && tokens.offsets[0] == 0);
  emb_tokens_release(&tokens);
  emb_model_release(model);
}

int main(void) {
  EXPECT(strcmp(emb_version(), "0.1.0") == 0);
  test_option_table();
  test_options_misuse();
  test_load_misuse();
  test_null_handles();
  test_embed();
  test_rerank();
  test_cancel();
  test_tokenize();
  if (failures == 0) puts("c_api: all held");
  return failures == 0 ? 0 : 1;
}
