// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The functions of emberline.h that a JVM needs. Handles and memory are addresses; the caller owns both and keeps them
 * alive for the call. Texts are UTF-8 bytes. Every function throws {@link EmberlineException} where it fails.
 * Callers load the library first with {@link NativeLoader#load}, which throws again what a static initializer would
 * lose.
 */
final class EmberlineNative {
  private EmberlineNative() {}

  static native byte[] version();

  /** Six texts an option: name, type, default, choices, help, "load" or "derive". */
  static native byte[][] options();

  static native void checkOptions(byte[][] namesAndValues);

  static native long load(byte[] path, byte[][] namesAndValues);

  static native long derive(long model, byte[][] namesAndValues);

  static native void release(long model);

  static native long dim(long model);

  static native long vectorBytes(long model);

  static native long maxTokens(long model);

  static native byte[] info(long model);

  static native byte[] rowMessage(long model, int status);

  /** Embeds one batch; call is the address of an {@link EmbedCall}'s slots, progress may be null. */
  static native void embed(long model, long call, Progress progress);

  static String text(byte[] utf8) {
    return new String(utf8, StandardCharsets.UTF_8);
  }

  static byte[] bytes(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new EmberlineException(
          EmberlineException.INVALID_ARGUMENT, "a NUL character in \"" + text.replace("\0", "\\0") + "\"");
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[][] namesAndValues(Map<String, String> options) {
    byte[][] flat = new byte[2 * options.size()][];
    int i = 0;
    for (Map.Entry<String, String> option : options.entrySet()) {
      flat[i++] = bytes(option.getKey());
      flat[i++] = bytes(option.getValue());
    }
    return flat;
  }
}
