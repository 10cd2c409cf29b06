// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.util.Map;
import java.util.function.LongConsumer;

/**
 * One loaded model with its options in force. Safe from many threads. close() may be called at any time and twice: the
 * native model is released when the last running call has returned, never under it.
 */
public final class Engine implements AutoCloseable {
  private final long model;
  private final LongConsumer release;
  private long calls; // guarded by this
  private boolean closed; // guarded by this

  Engine(long model, LongConsumer release) {
    this.model = model;
    this.release = release;
  }

  public static Engine load(String path, Map<String, String> options) {
    NativeLoader.load();
    return new Engine(EmberlineNative.load(EmberlineNative.bytes(path), EmberlineNative.namesAndValues(options)),
        EmberlineNative::release);
  }

  /** The same weights under other options; closed on its own, in any order. */
  public Engine derive(Map<String, String> options) {
    begin();
    try {
      return new Engine(
          EmberlineNative.derive(model, EmberlineNative.namesAndValues(options)), EmberlineNative::release);
    } finally {
      end();
    }
  }

  /** Version of the native library. */
  public static String version() {
    NativeLoader.load();
    return EmberlineNative.text(EmberlineNative.version());
  }

  /** Numbers in one vector. */
  public int dim() {
    begin();
    try {
      return Math.toIntExact(EmberlineNative.dim(model));
    } finally {
      end();
    }
  }

  /** Bytes of one vector as option output has it. */
  public int vectorBytes() {
    begin();
    try {
      return Math.toIntExact(EmberlineNative.vectorBytes(model));
    } finally {
      end();
    }
  }

  public long maxTokens() {
    begin();
    try {
      return EmberlineNative.maxTokens(model);
    } finally {
      end();
    }
  }

  /** JSON. */
  public String info() {
    begin();
    try {
      return EmberlineNative.text(EmberlineNative.info(model));
    } finally {
      end();
    }
  }

  /** Why a row with this status has no vector. */
  public String rowMessage(int status) {
    begin();
    try {
      return EmberlineNative.text(EmberlineNative.rowMessage(model, status));
    } finally {
      end();
    }
  }

  /** Embeds the batch that the {@link EmbedCall} slots at this address describe, on the calling thread. */
  public void embed(long call, Progress progress) {
    begin();
    try {
      EmberlineNative.embed(model, call, progress);
    } finally {
      end();
    }
  }

  synchronized void begin() {
    if (closed) {
      throw new EmberlineException(EmberlineException.INVALID_ARGUMENT, "the engine was closed");
    }
    calls++;
  }

  void end() {
    boolean last;
    synchronized (this) {
      calls--;
      last = closed && calls == 0;
    }
    if (last) {
      release.accept(model);
    }
  }

  @Override
  public void close() {
    boolean last;
    synchronized (this) {
      last = !closed && calls == 0;
      closed = true;
    }
    if (last) {
      release.accept(model);
    }
  }
}
