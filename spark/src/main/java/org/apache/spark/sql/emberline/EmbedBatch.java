// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline;

import io.emberline.EmbedCall;
import io.emberline.EmberlineException;
import io.emberline.Engine;
import io.emberline.Progress;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * One batch in native memory: the texts of its rows, one after the other, and a vector a row: floats in
 * UnsafeArrayData's layout, so that Spark reads what the engine wrote without a copy in between, other forms as bytes.
 * Filled with add, computed by run, read by row, and emptied by clear. Grows with its rows; who fills it sets the
 * limit. Owns its memory until close, which may be called twice. Not thread-safe.
 */
final class EmbedBatch implements AutoCloseable {
  private final Engine engine;
  private final int dim;
  private final boolean isBinary; // vectors are bytes, and no arrays of floats
  private final int vectorBytes;
  private final int headerBytes;
  private final int strideBytes;

  private long call; // EmbedCall slots
  private long data; // [dataCapacity] bytes
  private long dataCapacity;
  private long dataSize;
  private int rowCapacity;
  private int rows;
  private int nulls;
  private long offsets; // [rowCapacity + 1] int64
  private long validity; // [(rowCapacity + 7) / 8] bitmap
  private int resultCapacity;
  private long vectors; // [resultCapacity] of strideBytes
  private long status; // [resultCapacity] int32
  private long tokens; // [resultCapacity] int32
  private long truncated; // [resultCapacity] uint8
  private boolean closed;

  EmbedBatch(Engine engine, boolean isBinary) {
    this.engine = engine;
    this.isBinary = isBinary;
    dim = engine.dim();
    vectorBytes = engine.vectorBytes();
    headerBytes = isBinary ? 0 : UnsafeArrayData.calculateHeaderPortionInBytes(dim);
    strideBytes = headerBytes + (vectorBytes + 7) / 8 * 8;
    call = Platform.allocateMemory(EmbedCall.BYTES);
    reserveData(1); // the engine gets an address also for empty texts
  }

  int rows() {
    return rows;
  }

  /** Bytes of text that the batch holds. */
  long textBytes() {
    return dataSize;
  }

  /** Bytes of one row's result. */
  int strideBytes() {
    return strideBytes;
  }

  /** Empties the batch and makes room for this many rows. */
  void clear(int expectedRows) {
    check();
    rows = 0;
    nulls = 0;
    dataSize = 0;
    reserveRows(Math.max(expectedRows, 1)); // the engine gets addresses also for no rows
  }

  /** text may be null. */
  void add(UTF8String text) {
    check();
    if (rows == rowCapacity) {
      reserveRows(Math.max(2 * rowCapacity, 16));
    }
    long at = validity + rows / 8;
    byte bits = rows % 8 == 0 ? 0 : Platform.getByte(null, at);
    if (text == null) {
      nulls++;
    } else {
      bits |= (byte) (1 << rows % 8);
      int size = text.numBytes();
      reserveData(dataSize + size);
      Platform.copyMemory(text.getBaseObject(), text.getBaseOffset(), null, data + dataSize, size);
      dataSize += size;
    }
    Platform.putByte(null, at, bits);
    rows++;
    Platform.putLong(null, offsets + 8L * rows, dataSize);
  }

  /** Computes every row on this thread; statistic() tells about it, also after a failure. */
  void run(Progress progress) {
    check();
    reserveResults(rowCapacity);
    slot(EmbedCall.DATA, data);
    slot(EmbedCall.OFFSETS, offsets);
    slot(EmbedCall.VALIDITY, nulls == 0 ? 0 : validity);
    slot(EmbedCall.NUM_ROWS, rows);
    slot(EmbedCall.VECTORS, vectors + headerBytes);
    slot(EmbedCall.ROW_STRIDE, strideBytes);
    slot(EmbedCall.STATUS, status);
    slot(EmbedCall.TOKENS, tokens);
    slot(EmbedCall.TRUNCATED, truncated);
    for (int i = EmbedCall.ROWS; i < EmbedCall.SLOTS; i++) {
      slot(i, 0);
    }
    engine.embed(call, progress);
  }

  /** A slot of EmbedCall from ROWS on. */
  long statistic(int slot) {
    check();
    return Platform.getLong(null, call + 8L * slot);
  }

  int status(int row) {
    check();
    return Platform.getInt(null, status + 4L * row);
  }

  int tokens(int row) {
    check();
    return Platform.getInt(null, tokens + 4L * row);
  }

  boolean truncated(int row) {
    check();
    return Platform.getByte(null, truncated + row) != 0;
  }

  int textBytes(int row) {
    check();
    return (int) (Platform.getLong(null, offsets + 8L * row + 8) - Platform.getLong(null, offsets + 8L * row));
  }

  /** The row's vector as Catalyst holds it: an array in place, valid until the next call of run or close, or bytes. */
  Object vector(int row) {
    check();
    return isBinary ? bytes(row) : view(row);
  }

  /** The row's vector, for good. */
  Object vectorCopy(int row) {
    check();
    return isBinary ? bytes(row) : view(row).copy();
  }

  private UnsafeArrayData view(int row) {
    UnsafeArrayData view = new UnsafeArrayData();
    view.pointTo(null, vectors + (long) row * strideBytes, strideBytes);
    return view;
  }

  private byte[] bytes(int row) {
    byte[] bytes = new byte[vectorBytes];
    Platform.copyMemory(null, vectors + (long) row * strideBytes, bytes, Platform.BYTE_ARRAY_OFFSET, vectorBytes);
    return bytes;
  }

  private void slot(int index, long value) {
    Platform.putLong(null, call + 8L * index, value);
  }

  private void check() {
    if (closed) {
      throw new EmberlineException(EmberlineException.CANCELLED, "the task has ended");
    }
  }

  private void reserveData(long size) {
    if (size <= dataCapacity) {
      return;
    }
    long capacity = Math.max(size, Math.max(2 * dataCapacity, 64 * 1024));
    data = grown(data, dataSize, capacity);
    dataCapacity = capacity;
  }

  private void reserveRows(int capacity) {
    if (capacity <= rowCapacity) {
      return;
    }
    offsets = grown(offsets, 8L * (rows + 1), 8L * (capacity + 1));
    validity = grown(validity, (rows + 7) / 8, (capacity + 7) / 8);
    Platform.putLong(null, offsets, 0);
    rowCapacity = capacity;
  }

  private void reserveResults(int capacity) {
    if (capacity <= resultCapacity) {
      return;
    }
    freeResults();
    status = Platform.allocateMemory(4L * capacity);
    tokens = Platform.allocateMemory(4L * capacity);
    truncated = Platform.allocateMemory(capacity);
    long bytes = (long) capacity * strideBytes;
    vectors = Platform.allocateMemory(bytes);
    // Null bits and the padding behind an odd dim are zero for good: Spark compares and hashes these bytes.
    Platform.setMemory(vectors, (byte) 0, bytes);
    for (int row = 0; row < capacity && !isBinary; row++) {
      Platform.putLong(null, vectors + (long) row * strideBytes, dim);
    }
    resultCapacity = capacity;
  }

  private void freeResults() {
    free(status);
    free(tokens);
    free(truncated);
    free(vectors);
    status = 0;
    tokens = 0;
    truncated = 0;
    vectors = 0;
    resultCapacity = 0;
  }

  private static long grown(long address, long used, long size) {
    return address == 0 ? Platform.allocateMemory(size) : Platform.reallocateMemory(address, used, size);
  }

  private static void free(long address) {
    if (address != 0) {
      Platform.freeMemory(address);
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    freeResults();
    free(offsets);
    free(validity);
    free(data);
    free(call);
  }
}
