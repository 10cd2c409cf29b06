// SPDX-License-Identifier: Apache-2.0
package io.emberline;

/**
 * Layout of one batch's arguments and statistics: 17 int64 slots in native memory, filled by the caller, read and (from
 * ROWS on) written by the engine. Addresses of absent buffers are 0. One address crosses to C++ instead of 17 numbers.
 */
public final class EmbedCall {
  public static final int DATA = 0; // bytes of all rows
  public static final int OFFSETS = 1; // [numRows + 1] int64
  public static final int VALIDITY = 2; // bitmap, 1 = not null, or 0: no nulls
  public static final int NUM_ROWS = 3;
  public static final int VECTORS = 4; // first byte of the first vector
  public static final int ROW_STRIDE = 5; // bytes from one vector to the next
  public static final int STATUS = 6; // [numRows] int32
  public static final int TOKENS = 7; // [numRows] int32
  public static final int TRUNCATED = 8; // [numRows] uint8

  public static final int ROWS = 9;
  public static final int NULLS = 10;
  public static final int FAILED = 11;
  public static final int TRUNCATED_ROWS = 12;
  public static final int TOTAL_TOKENS = 13;
  public static final int BATCHES = 14;
  public static final int TOKENIZE_NS = 15;
  public static final int COMPUTE_NS = 16;

  public static final int SLOTS = 17;
  public static final int BYTES = SLOTS * 8;

  /** Values of the status buffer. */
  public static final int ROW_OK = 0;

  public static final int ROW_NULL = 1;

  private EmbedCall() {}
}
