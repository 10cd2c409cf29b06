// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OnceCacheTest {
  private static final class Value implements AutoCloseable {
    boolean closed;

    @Override
    public void close() {
      assertFalse(closed, "closed twice");
      closed = true;
    }
  }

  private static final long HOUR = 3_600_000_000_000L;

  @Test
  void oneLoadsAndTheOthersWait() throws Exception {
    OnceCache<String, Value> cache = new OnceCache<>(1, HOUR);
    AtomicInteger made = new AtomicInteger();
    CountDownLatch making = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    List<OnceCache.Loan<Value>> loans = java.util.Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 6; i++) {
      Thread thread = new Thread(() -> {
        try {
          loans.add(cache.borrow("model", () -> {
            made.incrementAndGet();
            making.await();
            return new Value();
          }));
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      });
      thread.start();
      threads.add(thread);
    }
    making.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(1, made.get());
    assertEquals(6, loans.size());
    loans.forEach(loan -> assertSame(loans.get(0).value(), loan.value()));
    assertEquals(1, loans.stream().filter(loan -> loan.makeNanos > 0).count());
  }

  @Test
  void aFailureIsNotKept() throws Exception {
    OnceCache<String, Value> cache = new OnceCache<>(1, HOUR);
    assertThrows(EmberlineException.class,
        () -> cache.borrow("model", () -> { throw new EmberlineException(EmberlineException.IO, "gone"); }));
    assertEquals(0, cache.size());
    assertFalse(cache.borrow("model", Value::new).value().closed);
  }

  @Test
  void aWaiterCanBeInterrupted() throws Exception {
    OnceCache<String, Value> cache = new OnceCache<>(1, HOUR);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    Thread loader = new Thread(() -> {
      try {
        cache.borrow("model", () -> {
          inside.countDown();
          finish.await();
          return new Value();
        });
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    });
    loader.start();
    inside.await();
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> cache.borrow("model", Value::new));
    finish.countDown();
    loader.join();
  }

  @Test
  void aValueInUseIsNeverEvicted() throws Exception {
    OnceCache<String, Value> cache = new OnceCache<>(0, 0);
    OnceCache.Loan<Value> first = cache.borrow("model", Value::new);
    OnceCache.Loan<Value> second = cache.borrow("model", Value::new);
    Value value = first.value();
    first.close();
    first.close(); // twice gives back once
    assertFalse(value.closed);
    second.close();
    assertTrue(value.closed);
    assertEquals(0, cache.size());
  }

  @Test
  void onlySoManyIdleValuesStay() throws Exception {
    OnceCache<String, Value> cache = new OnceCache<>(2, HOUR);
    List<Value> values = new ArrayList<>();
    for (String key : new String[] {"a", "b", "c"}) {
      OnceCache.Loan<Value> loan = cache.borrow(key, Value::new);
      values.add(loan.value());
      loan.close();
    }
    assertEquals(2, cache.size());
    assertTrue(values.get(0).closed, "the longest idle goes first");
    assertFalse(values.get(2).closed);
  }
}
