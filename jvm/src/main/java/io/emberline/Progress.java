// SPDX-License-Identifier: Apache-2.0
package io.emberline;

/** Asked between the engine's batches, on the thread that embeds: the way to stop a long call. */
@FunctionalInterface
public interface Progress {
  /** True ends the call with {@link EmberlineException#CANCELLED}; an exception ends it with itself. */
  boolean shouldStop(long rowsDone, long rowsTotal, long tokensDone);
}
