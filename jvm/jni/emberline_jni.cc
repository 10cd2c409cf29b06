// SPDX-License-Identifier: Apache-2.0
// Native side of io.emberline.EmberlineNative: converts arguments, calls the C ABI, throws the Java exception.
// Texts cross as UTF-8 byte arrays, because JNI's own strings are modified UTF-8. Nothing here may throw C++
// exceptions: buffers come from the JVM or from malloc.
#include <jni.h>

#include <cstdlib>
#include <cstring>

#include "emberline.h"

namespace {

// Mirrors the slots of io.emberline.EmbedCall; addresses are of memory that the caller keeps for the call.
struct EmbedCall {
  int64_t data;
  int64_t offsets;
  int64_t validity;
  int64_t num_rows;
  int64_t vectors;
  int64_t row_stride;
  int64_t status;
  int64_t tokens;
  int64_t truncated;
  emb_stats stats;
};
static_assert(sizeof(EmbedCall) == 17 * sizeof(int64_t), "io.emberline.EmbedCall has 17 slots");

template <typename T>
T* pointer(int64_t address) {
  return reinterpret_cast<T*>(static_cast<intptr_t>(address));
}

emb_model* model_of(jlong handle) {
  return pointer<emb_model>(handle);
}

jbyteArray to_bytes(JNIEnv* env, const char* text) {
  const auto size = static_cast<jsize>(std::strlen(text));
  jbyteArray bytes = env->NewByteArray(size);
  if (bytes != nullptr) env->SetByteArrayRegion(bytes, 0, size, reinterpret_cast<const jbyte*>(text));
  return bytes;
}

// Leaves a pending EmberlineException; the caller returns at once.
void throw_code(JNIEnv* env, emb_code code, const char* message) {
  jbyteArray text = to_bytes(env, message);
  jclass type = env->FindClass("io/emberline/EmberlineException");
  if (text == nullptr || type == nullptr) return;  // an OutOfMemoryError or NoClassDefFoundError is pending
  jmethodID constructor = env->GetMethodID(type, "<init>", "(I[B)V");
  if (constructor == nullptr) return;
  jobject exception = env->NewObject(type, constructor, static_cast<jint>(code), text);
  if (exception != nullptr) env->Throw(static_cast<jthrowable>(exception));
}

bool failed(JNIEnv* env, emb_code code) {
  if (code == EMB_OK) return false;
  throw_code(env, code, emb_last_error());
  return true;
}

// NUL-terminated copy of a Java byte array; text() is nullptr with an exception pending where that fails.
class CText {
 public:
  CText(JNIEnv* env, jbyteArray bytes) {
    const jsize size = env->GetArrayLength(bytes);
    text_ = static_cast<char*>(std::malloc(static_cast<size_t>(size) + 1));
    if (text_ == nullptr) {
      throw_code(env, EMB_OUT_OF_MEMORY, "no memory for an argument");
      return;
    }
    env->GetByteArrayRegion(bytes, 0, size, reinterpret_cast<jbyte*>(text_));
    text_[size] = '\0';
  }
  ~CText() { std::free(text_); }
  CText(const CText&) = delete;
  CText& operator=(const CText&) = delete;

  const char* text() const { return text_; }

 private:
  char* text_ = nullptr;
};

class Options {
 public:
  // names_and_values: name, value, name, value; each a byte[].
  Options(JNIEnv* env, jobjectArray names_and_values) {
    if (failed(env, emb_options_create(&options_))) return;
    const jsize size = env->GetArrayLength(names_and_values);
    for (jsize i = 0; i + 1 < size; i += 2) {
      auto name_bytes = static_cast<jbyteArray>(env->GetObjectArrayElement(names_and_values, i));
      auto value_bytes = static_cast<jbyteArray>(env->GetObjectArrayElement(names_and_values, i + 1));
      const CText name(env, name_bytes);
      if (name.text() == nullptr) return;
      const CText value(env, value_bytes);
      if (value.text() == nullptr) return;
      if (failed(env, emb_options_set(options_, name.text(), value.text()))) return;
      env->DeleteLocalRef(name_bytes);
      env->DeleteLocalRef(value_bytes);
    }
    ok_ = true;
  }
  ~Options() { emb_options_release(options_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  bool ok() const { return ok_; }
  const emb_options* get() const { return options_; }

 private:
  emb_options* options_ = nullptr;
  bool ok_ = false;
};

struct ProgressTarget {
  JNIEnv* env;
  jobject progress;
  jmethodID method;
};

// An exception of the Java callback stays pending and stops the call.
int on_progress(void* context, int64_t rows_done, int64_t rows_total, int64_t tokens_done) {
  const auto* target = static_cast<const ProgressTarget*>(context);
  if (target->env->ExceptionCheck()) return 1;
  const jboolean stop = target->env->CallBooleanMethod(target->progress, target->method, static_cast<jlong>(rows_done),
                                                       static_cast<jlong>(rows_total), static_cast<jlong>(tokens_done));
  return target->env->ExceptionCheck() || stop ? 1 : 0;
}

}  // namespace

extern "C" {

JNIEXPORT jbyteArray JNICALL Java_io_emberline_EmberlineNative_version(JNIEnv* env, jclass) {
  return to_bytes(env, emb_version());
}

JNIEXPORT jobjectArray JNICALL Java_io_emberline_EmberlineNative_options(JNIEnv* env, jclass) {
  constexpr jsize kFields = 6;
  const int32_t count = emb_option_count();
  jclass bytes_type = env->FindClass("[B");
  if (bytes_type == nullptr) return nullptr;
  jobjectArray table = env->NewObjectArray(count * kFields, bytes_type, nullptr);
  if (table == nullptr) return nullptr;
  for (int32_t i = 0; i < count; ++i) {
    emb_option_info info;
    if (failed(env, emb_option_describe(i, &info))) return nullptr;
    const char* fields[kFields] = {info.name,    info.type, info.default_value,
                                   info.choices, info.help, info.is_load_time != 0 ? "load" : "derive"};
    for (jsize field = 0; field < kFields; ++field) {
      jbyteArray text = to_bytes(env, fields[field]);
      if (text == nullptr) return nullptr;
      env->SetObjectArrayElement(table, i * kFields + field, text);
      env->DeleteLocalRef(text);
    }
  }
  return table;
}

JNIEXPORT void JNICALL Java_io_emberline_EmberlineNative_checkOptions(JNIEnv* env, jclass, jobjectArray values) {
  const Options options(env, values);
}

JNIEXPORT jlong JNICALL Java_io_emberline_EmberlineNative_load(JNIEnv* env, jclass, jbyteArray path,
                                                               jobjectArray values) {
  const Options options(env, values);
  if (!options.ok()) return 0;
  const CText text(env, path);
  if (text.text() == nullptr) return 0;
  emb_model* model = nullptr;
  if (failed(env, emb_model_load(text.text(), options.get(), &model))) return 0;
  return static_cast<jlong>(reinterpret_cast<intptr_t>(model));
}

JNIEXPORT jlong JNICALL Java_io_emberline_EmberlineNative_derive(JNIEnv* env, jclass, jlong model,
                                                                 jobjectArray values) {
  const Options options(env, values);
  if (!options.ok()) return 0;
  emb_model* derived = nullptr;
  if (failed(env, emb_model_derive(model_of(model), options.get(), &derived))) return 0;
  return static_cast<jlong>(reinterpret_cast<intptr_t>(derived));
}

JNIEXPORT void JNICALL Java_io_emberline_EmberlineNative_release(JNIEnv*, jclass, jlong model) {
  emb_model_release(model_of(model));
}

JNIEXPORT jlong JNICALL Java_io_emberline_EmberlineNative_dim(JNIEnv*, jclass, jlong model) {
  return emb_model_dim(model_of(model));
}

JNIEXPORT jlong JNICALL Java_io_emberline_EmberlineNative_vectorBytes(JNIEnv*, jclass, jlong model) {
  return emb_model_vector_bytes(model_of(model));
}

JNIEXPORT jlong JNICALL Java_io_emberline_EmberlineNative_maxTokens(JNIEnv*, jclass, jlong model) {
  return emb_model_max_tokens(model_of(model));
}

JNIEXPORT jbyteArray JNICALL Java_io_emberline_EmberlineNative_info(JNIEnv* env, jclass, jlong model) {
  return to_bytes(env, emb_model_info(model_of(model)));
}

JNIEXPORT jbyteArray JNICALL Java_io_emberline_EmberlineNative_rowMessage(JNIEnv* env, jclass, jlong model,
                                                                          jint status) {
  return to_bytes(env, emb_row_message(model_of(model), status));
}

JNIEXPORT void JNICALL Java_io_emberline_EmberlineNative_embed(JNIEnv* env, jclass, jlong model, jlong call_address,
                                                               jobject progress) {
  auto* call = pointer<EmbedCall>(call_address);
  ProgressTarget target{env, progress, nullptr};
  emb_run run{};
  if (progress != nullptr) {
    target.method = env->GetMethodID(env->GetObjectClass(progress), "shouldStop", "(JJJ)Z");
    if (target.method == nullptr) return;
    run.progress = on_progress;
    run.context = &target;
  }
  emb_rows rows{};
  rows.data = pointer<const uint8_t>(call->data);
  rows.offsets = pointer<const int64_t>(call->offsets);
  rows.validity = pointer<const uint8_t>(call->validity);
  rows.num_rows = call->num_rows;
  emb_vectors vectors{};
  vectors.data = pointer<void>(call->vectors);
  vectors.row_stride = call->row_stride;
  vectors.status = pointer<int32_t>(call->status);
  vectors.tokens = pointer<int32_t>(call->tokens);
  vectors.truncated = pointer<uint8_t>(call->truncated);
  const emb_code code = emb_embed(model_of(model), &rows, &vectors, &run);
  call->stats = run.stats;
  if (!env->ExceptionCheck()) failed(env, code);
}

}  // extern "C"
