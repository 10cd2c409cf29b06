// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EngineTest {
  private final AtomicInteger releases = new AtomicInteger();
  private final Engine engine = new Engine(7, model -> releases.addAndGet((int) model));

  @Test
  void closeTwiceReleasesOnce() {
    engine.close();
    engine.close();
    assertEquals(7, releases.get());
  }

  @Test
  void aRunningCallKeepsTheModel() {
    engine.begin();
    engine.begin();
    engine.close();
    engine.end();
    assertEquals(0, releases.get(), "released under a running call");
    engine.end();
    assertEquals(7, releases.get());
  }

  @Test
  void aClosedEngineRefusesCalls() {
    engine.close();
    EmberlineException e = assertThrows(EmberlineException.class, engine::begin);
    assertEquals(EmberlineException.INVALID_ARGUMENT, e.code());
  }
}
