/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EMBERLINE_H
#define EMBERLINE_H
/* emberline: a column of text in, a column of vectors out. A whole program:
 *
 *   emb_options *options = NULL;
 *   emb_model *model = NULL;
 *   emb_options_create(&options);
 *   emb_options_set(options, "max_tokens", "128");
 *   if (emb_model_load("all-MiniLM-L6-v2", options, &model) != EMB_OK) { puts(emb_last_error()); return 1; }
 *   const char *text = "one texttwo texts";
 *   int64_t offsets[3] = {0, 8, 17};
 *   float *vectors = malloc(2 * emb_model_dim(model) * sizeof(float));
 *   emb_rows rows = {.data = (const uint8_t *)text, .offsets = offsets, .num_rows = 2};
 *   emb_vectors out = {.data = vectors, .row_stride = emb_model_dim(model) * sizeof(float)};
 *   if (emb_embed(model, &rows, &out, NULL) != EMB_OK) puts(emb_last_error());
 *   emb_model_release(model);
 *   emb_options_release(options);
 *
 * Threads: an emb_model may be used by many threads at once; an emb_options by one at a time.
 * Failure: every function that can fail returns an emb_code and leaves the reason in emb_last_error() of the calling
 * thread. Nothing aborts, nothing is printed. After fork() a child may go on using a handle: the engine keeps no
 * threads and no locks between calls. Releasing NULL does nothing. */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(EMB_BUILD)
#define EMB_API __attribute__((visibility("default")))
#else
#define EMB_API
#endif

typedef enum emb_code {
  EMB_OK = 0,
  EMB_INVALID_ARGUMENT = 1, /* an option, pointer or shape that cannot be: the caller's mistake */
  EMB_IO = 2,               /* a file that cannot be read */
  EMB_FORMAT = 3,           /* a file that contradicts itself or its format */
  EMB_UNSUPPORTED = 4,      /* a model, stage or device this build does not know */
  EMB_OUT_OF_MEMORY = 5,
  EMB_DEVICE = 6,
  EMB_INTERNAL = 7,
  EMB_CANCELLED = 8 /* the progress callback asked to stop */
} emb_code;

/* Why a row has no vector. Rows never affect each other. */
typedef enum emb_row_status {
  EMB_ROW_OK = 0,
  EMB_ROW_NULL = 1,     /* the input row was null: no vector, no error */
  EMB_ROW_TOO_LONG = 2, /* more than max_tokens tokens and long_text=error */
  EMB_ROW_TOO_LARGE = 3 /* the row alone does not fit into memory */
} emb_row_status;

typedef struct emb_options emb_options; /* opaque: settings by name, checked as they are set */
typedef struct emb_model emb_model;     /* opaque: weights, tokenizer and the options in force */

/* One line of the option table that drives every door (Python keyword, CLI flag, SQL named argument). */
typedef struct emb_option_info {
  const char* name;          /* "layer_op" */
  const char* type;          /* "text", "integer", "boolean", "choice" or "layers" */
  const char* default_value; /* as text; "" means: the model's own */
  const char* choices;       /* comma separated for "choice", else "" */
  const char* help;          /* one sentence */
  int32_t is_load_time;      /* 1: fixed by emb_model_load; 0: emb_model_derive may change it */
} emb_option_info;

/* Input rows in Arrow's large_string layout; borrowed for the call. */
typedef struct emb_rows {
  const uint8_t* data;     /* UTF-8 bytes of all rows; invalid sequences count as U+FFFD */
  const int64_t* offsets;  /* [num_rows + 1] byte offsets into data, not decreasing */
  const uint8_t* validity; /* Arrow bitmap (least significant bit first, 1 = valid), or NULL: no nulls */
  int64_t validity_offset; /* bit of row 0 in validity */
  int64_t num_rows;
} emb_rows;

/* The caller's output buffers, all indexed by input row. Rows without a vector are left untouched in data. */
typedef struct emb_vectors {
  void* data;         /* first vector; num_rows of emb_model_vector_bytes each, row_stride apart */
  int64_t row_stride; /* bytes from one vector to the next; a multiple of what one number of option output takes */
  int32_t* status;    /* [num_rows] emb_row_status, or NULL */
  int32_t* tokens;    /* [num_rows] tokens the model saw (0 for null and failed rows), or NULL */
  uint8_t* truncated; /* [num_rows] 1 where text was cut at max_tokens, or NULL */
} emb_vectors;

typedef struct emb_stats {
  int64_t rows; /* rows with a vector */
  int64_t nulls;
  int64_t failed;
  int64_t truncated;
  int64_t tokens;
  int64_t batches;
  int64_t tokenize_ns; /* summed over threads */
  int64_t compute_ns;  /* summed over threads */
} emb_stats;

/* Called on the thread that called emb_embed or emb_rerank, between batches. Non-zero cancels. */
typedef int (*emb_progress)(void* context, int64_t rows_done, int64_t rows_total, int64_t tokens_done);

/* What a call may say while it runs and after. */
typedef struct emb_run {
  emb_progress progress; /* or NULL */
  void* context;         /* handed to progress */
  emb_stats stats;       /* written before return, also on failure */
} emb_run;

/* Token ids of many rows; owned by the library until emb_tokens_release. */
typedef struct emb_tokens {
  int32_t* ids;       /* [offsets[num_rows]] */
  int64_t* offsets;   /* [num_rows + 1] */
  uint8_t* truncated; /* [num_rows] */
  int64_t num_rows;
} emb_tokens;

EMB_API const char* emb_version(void);    /* "0.1.0" */
EMB_API const char* emb_last_error(void); /* of this thread; "" after success; valid until its next call */

/* Options. emb_options_set fails on an unknown name (and suggests the nearest) and on a value out of range. */
EMB_API emb_code emb_options_create(emb_options** options);
EMB_API emb_code emb_options_set(emb_options* options, const char* name, const char* value);
EMB_API void emb_options_release(emb_options* options);
EMB_API int32_t emb_option_count(void);
EMB_API emb_code emb_option_describe(int32_t index, emb_option_info* info); /* static strings */

/* Models. options may be NULL: all defaults. */
EMB_API emb_code emb_model_load(const char* path, const emb_options* options, emb_model** model);
/* A second handle over the same weights with other options; each is released on its own, in any order. Options that are
 * not set in options take the model author's defaults, not those of model; load-time options may not differ. */
EMB_API emb_code emb_model_derive(const emb_model* model, const emb_options* options, emb_model** derived);
EMB_API void emb_model_release(emb_model* model);
EMB_API int64_t emb_model_dim(const emb_model* model);          /* numbers in one vector; 0: it makes none */
EMB_API int64_t emb_model_vector_bytes(const emb_model* model); /* of one vector, as option output has it */
EMB_API int64_t emb_model_num_labels(const emb_model* model);   /* scores of a pair; 0: the model scores none */
EMB_API int64_t emb_model_max_tokens(const emb_model* model);   /* special tokens included */
EMB_API const char* emb_model_info(const emb_model* model);     /* JSON, owned by model */
/* Multiplications and additions a second that this handle's threads reach together in registers, by the instructions
 * that its products take: what its speed is a share of, now. Keeps all of them busy for some milliseconds; 0 where the
 * device has no probe. */
EMB_API emb_code emb_measure_peak(const emb_model* model, double* operations_per_second);

/* The work. run may be NULL. Bad rows get a status and do not fail the call. */
EMB_API emb_code emb_embed(const emb_model* model, const emb_rows* rows, const emb_vectors* out, emb_run* run);
/* Scores of pairs, higher for a text that suits its query better: of each text with the query of its row, or, where
 * queries has one row, with that one. out takes emb_model_num_labels floats a row, whatever option output says; a row
 * whose text or query is null is null. Fails with EMB_UNSUPPORTED where the model has no head that scores pairs. */
EMB_API emb_code emb_rerank(const emb_model* model, const emb_rows* queries, const emb_rows* texts,
                            const emb_vectors* out, emb_run* run);
/* Token ids as the model sees them, special tokens, prompt and truncation included; a null row has none. */
EMB_API emb_code emb_tokenize(const emb_model* model, const emb_rows* rows, emb_tokens* tokens);
EMB_API void emb_tokens_release(emb_tokens* tokens);
/* Writes a file for option ranges: the least and the largest value [emb_model_dim] that num_vectors vectors of this
 * handle, as floats, had in each dimension. The file is there whole or not at all. */
EMB_API emb_code emb_write_ranges(const emb_model* model, const float* least, const float* largest, int64_t num_vectors,
                                  const char* file);
/* Sentence for a row's status, e.g. "more than max_tokens=256 tokens and long_text=error". Owned by model. */
EMB_API const char* emb_row_message(const emb_model* model, int32_t status);

#ifdef __cplusplus
}
#endif
#endif
