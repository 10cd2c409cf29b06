// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLoaderTest {
  @TempDir Path folder;

  @Test
  void namesAreTheSameForEveryJvmsSpelling() {
    assertEquals("linux-x86_64/libemberline_jni.so", NativeLoader.resourceName("Linux", "amd64"));
    assertEquals("linux-aarch64/libemberline_jni.so", NativeLoader.resourceName("Linux", "arm64"));
    assertEquals("windows-x86_64/libemberline_jni.so", NativeLoader.resourceName("Windows 11", "x86_64"));
  }

  @Test
  void aFailureNamesEveryFolderAndTheWayOut() throws IOException {
    Path missing = folder.resolve("missing");
    // A class file is no library: the loader copies it and the JVM refuses it.
    EmberlineException e = assertThrows(
        EmberlineException.class, () -> NativeLoader.loadFirst("NativeLoader.class", Arrays.asList(missing, folder)));
    assertTrue(e.getMessage().contains(missing.toString()), e.getMessage());
    assertTrue(e.getMessage().contains("java.io.tmpdir") && e.getMessage().contains(NativeLoader.OVERRIDE));
    try (Stream<Path> left = Files.list(folder)) {
      assertFalse(left.findAny().isPresent(), "a temporary file was left behind");
    }
  }

  @Test
  void aWrongOverrideIsNamed() {
    EmberlineException e =
        assertThrows(EmberlineException.class, () -> NativeLoader.loadFile(folder.resolve("absent.so")));
    assertTrue(e.getMessage().contains("absent.so") && e.getMessage().contains(NativeLoader.OVERRIDE), e.getMessage());
  }
}
