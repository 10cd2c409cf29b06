// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Values that are dear to make: made once a key by the first who asks, while others wait, lent to many, and closed when
 * nobody has used them for a while. A failure is not kept: the next who waits tries again.
 */
final class OnceCache<K, V extends AutoCloseable> {
  /** Makes a value; may take long and may be interrupted. */
  interface Maker<V> {
    V make() throws Exception;
  }

  /** A value on loan. close() gives it back, once. */
  static final class Loan<V extends AutoCloseable> implements AutoCloseable {
    private final OnceCache<?, V> cache;
    private final Entry<V> entry;
    private boolean closed;
    final long makeNanos;
    final long waitNanos;

    private Loan(OnceCache<?, V> cache, Entry<V> entry, long makeNanos, long waitNanos) {
      this.cache = cache;
      this.entry = entry;
      this.makeNanos = makeNanos;
      this.waitNanos = waitNanos;
    }

    V value() {
      return entry.value;
    }

    @Override
    public void close() {
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
      }
      cache.giveBack(entry);
    }
  }

  private static final class Entry<V> {
    final ReentrantLock making = new ReentrantLock();
    volatile V value;
    int users; // guarded by the cache
    long idleSince; // guarded by the cache
  }

  private final Map<K, Entry<V>> entries = new HashMap<>(); // guarded by this
  private final int maxIdle;
  private final long maxIdleNanos;

  OnceCache(int maxIdle, long maxIdleNanos) {
    this.maxIdle = maxIdle;
    this.maxIdleNanos = maxIdleNanos;
  }

  Loan<V> borrow(K key, Maker<V> maker) throws Exception {
    Entry<V> entry;
    synchronized (this) {
      entry = entries.computeIfAbsent(key, unused -> new Entry<>());
      entry.users++;
    }
    boolean lent = false;
    try {
      long start = System.nanoTime();
      long waited = 0;
      long made = 0;
      if (entry.value == null) {
        entry.making.lockInterruptibly();
        try {
          waited = System.nanoTime() - start;
          if (entry.value == null) {
            entry.value = maker.make();
            made = System.nanoTime() - start - waited;
          }
        } finally {
          entry.making.unlock();
        }
      }
      lent = true;
      return new Loan<>(this, entry, made, waited);
    } finally {
      if (!lent) {
        giveBack(entry);
      }
    }
  }

  private void giveBack(Entry<V> entry) {
    synchronized (this) {
      entry.users--;
      entry.idleSince = System.nanoTime();
    }
    evict();
  }

  void evict() {
    evict(maxIdle, maxIdleNanos);
  }

  /** Closes what has been idle for longer than idleNanos, and the longest idle beyond the number that may stay. */
  void evict(int stay, long idleNanos) {
    List<Entry<V>> gone = new ArrayList<>();
    synchronized (this) {
      long now = System.nanoTime();
      List<Map.Entry<K, Entry<V>>> idle = new ArrayList<>();
      for (Map.Entry<K, Entry<V>> item : entries.entrySet()) {
        if (item.getValue().users == 0) {
          idle.add(item);
        }
      }
      idle.sort(Comparator.comparingLong(item -> now - item.getValue().idleSince)); // the latest first
      for (int i = 0; i < idle.size(); i++) {
        Entry<V> entry = idle.get(i).getValue();
        if (entry.value == null || i >= stay || now - entry.idleSince > idleNanos) {
          entries.remove(idle.get(i).getKey());
          gone.add(entry);
        }
      }
    }
    for (Entry<V> entry : gone) {
      closeQuietly(entry.value);
    }
  }

  synchronized int size() {
    return entries.size();
  }

  private static void closeQuietly(AutoCloseable value) {
    if (value == null) {
      return;
    }
    try {
      value.close();
    } catch (Exception e) {
      throw new IllegalStateException("closing an idle engine failed", e);
    }
  }
}
