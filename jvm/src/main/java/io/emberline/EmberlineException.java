// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.nio.charset.StandardCharsets;

/** What the engine refused or failed to do, with the code that emberline.h gives it. */
public final class EmberlineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public static final int INVALID_ARGUMENT = 1;
  public static final int IO = 2;
  public static final int FORMAT = 3;
  public static final int UNSUPPORTED = 4;
  public static final int OUT_OF_MEMORY = 5;
  public static final int DEVICE = 6;
  public static final int INTERNAL = 7;
  public static final int CANCELLED = 8;

  private final int code;

  public EmberlineException(int code, String message) {
    super(message);
    this.code = code;
  }

  public EmberlineException(int code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** For native code, which has the message as UTF-8. */
  EmberlineException(int code, byte[] message) {
    this(code, new String(message, StandardCharsets.UTF_8));
  }

  public int code() {
    return code;
  }
}
