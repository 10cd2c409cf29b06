// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Runs where the JVM has the library: in the native jar's resources, or named by EMBERLINE_JNI_LIBRARY. */
@EnabledIf("hasLibrary")
class NativeLibraryTest {
  static boolean hasLibrary() {
    String resource = NativeLoader.resourceName(System.getProperty("os.name"), System.getProperty("os.arch"));
    return System.getenv(NativeLoader.OVERRIDE) != null || NativeLoader.class.getResource(resource) != null;
  }

  @Test
  void theOptionTableKnowsItsLoadTimeOptions() {
    assertNotNull(OptionTable.options().get("dims"));
    assertTrue(OptionTable.options().get("dtype").loadTime);
    assertEquals("boolean", OptionTable.options().get("normalize").type);
  }

  @Test
  void anUnknownOptionSuggestsTheNearest() {
    EmberlineException e = assertThrows(EmberlineException.class, () -> OptionTable.check("dimz", "3"));
    assertEquals(EmberlineException.INVALID_ARGUMENT, e.code());
    assertTrue(e.getMessage().contains("dims"), e.getMessage());
  }

  @Test
  void textsCrossAsUtf8() {
    EmberlineException e = assertThrows(EmberlineException.class, () -> OptionTable.check("größe-\uD83D\uDE80", "3"));
    assertTrue(e.getMessage().contains("größe-\uD83D\uDE80"), e.getMessage());
  }

  @Test
  void aNulCharacterIsRefusedBeforeItCutsAText() {
    assertThrows(EmberlineException.class, () -> OptionTable.check("prompt", "a\0b"));
  }

  private static Engines.Storage in(Path folder) {
    return new Engines.Storage(null, new ModelCache(folder.resolve("cache"), 0), false);
  }

  @Test
  void aMissingModelNamesHostAndPath(@TempDir Path folder) {
    String path = folder.resolve("absent").toString();
    EmberlineException e =
        assertThrows(EmberlineException.class, () -> Engines.acquire(path, null, Collections.emptyMap(), in(folder)));
    assertEquals(EmberlineException.IO, e.code());
    assertTrue(e.getMessage().contains(path) && e.getMessage().contains("on host "), e.getMessage());
  }

  @Test
  void aFolderThatIsNoModelFailsWithTheEnginesReason(@TempDir Path folder) {
    EmberlineException e = assertThrows(
        EmberlineException.class, () -> Engines.acquire(folder.toString(), null, Collections.emptyMap(), in(folder)));
    assertTrue(e.getMessage().contains("config.json"), e.getMessage());
  }
}
