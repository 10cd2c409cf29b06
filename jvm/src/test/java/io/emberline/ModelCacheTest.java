// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCacheTest {
  private static final String URI = "s3a://models/tiny";

  @TempDir Path folder;

  /** Storage in memory that counts what is read from it. */
  private static final class Storage implements ModelSource {
    final Map<String, String> files = new TreeMap<>();
    final AtomicInteger opened = new AtomicInteger();
    long modified = 1;
    long lie;

    Storage() {
      files.put("config.json", "{}");
      files.put("1_Pooling/config.json", "{\"pooling\": 1}");
    }

    @Override
    public List<Entry> list(String uri) {
      return files.entrySet()
          .stream()
          .map(file -> new Entry(file.getKey(), file.getValue().length() + lie, modified))
          .collect(Collectors.toList());
    }

    @Override
    public InputStream open(String uri, String path) {
      opened.incrementAndGet();
      return new ByteArrayInputStream(files.get(path).getBytes(StandardCharsets.UTF_8));
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.map(path -> path.getFileName().toString()).sorted().collect(Collectors.toList());
    }
  }

  @Test
  void copiesEveryFileAndThenReadsNothing() throws IOException {
    Storage storage = new Storage();
    ModelCache cache = new ModelCache(folder);
    Path copy = cache.fetch(URI, storage);
    assertArrayEquals("{}".getBytes(StandardCharsets.UTF_8), Files.readAllBytes(copy.resolve("config.json")));
    assertTrue(Files.exists(copy.resolve("1_Pooling/config.json")));
    assertEquals(copy, cache.fetch(URI, storage));
    assertEquals(copy, new ModelCache(folder).fetch(URI, storage));
    assertEquals(2, storage.opened.get());
  }

  @Test
  void aChangedModelGetsAnotherCopy() throws IOException {
    Storage storage = new Storage();
    ModelCache cache = new ModelCache(folder);
    Path old = cache.fetch(URI, storage);
    storage.modified = 2;
    assertNotEquals(old, cache.fetch(URI, storage));
    assertTrue(Files.isDirectory(old));
  }

  @Test
  void manyThreadsCopyOnce() throws Exception {
    Storage storage = new Storage();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Path>> tasks = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        // Each its own cache, as two class loaders of one JVM would have, must not meet an overlapping lock either.
        ModelCache cache = new ModelCache(folder);
        tasks.add(() -> cache.fetch(URI, storage));
      }
      for (Future<Path> result : threads.invokeAll(tasks)) {
        assertTrue(Files.exists(result.get().resolve("config.json")));
      }
    } finally {
      threads.shutdown();
    }
    assertEquals(2, storage.opened.get());
  }

  @Test
  void aCopyThatFailedLeavesNothingThatLooksWhole() throws IOException {
    Storage storage = new Storage();
    storage.lie = 1;
    ModelCache cache = new ModelCache(folder);
    IOException e = assertThrows(IOException.class, () -> cache.fetch(URI, storage));
    assertTrue(e.getMessage().contains("changed while it was copied"), e.getMessage());
    assertTrue(names().stream().allMatch(name -> name.endsWith(".lock")), names().toString());
  }

  @Test
  void leftoversOfAKilledProcessAreRemoved() throws IOException {
    Storage storage = new Storage();
    Path copy = new ModelCache(folder).fetch(URI, storage);
    Path leftover = folder.resolve(copy.getFileName() + ".partial-killed");
    Files.move(copy, leftover);
    new ModelCache(folder).fetch(URI, storage);
    assertFalse(Files.exists(leftover));
    assertTrue(Files.isDirectory(copy));
  }

  @Test
  void anEmptyListingIsAMissingModel() {
    Storage storage = new Storage();
    storage.files.clear();
    NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> new ModelCache(folder).fetch(URI, storage));
    assertTrue(e.getMessage().contains(URI), e.getMessage());
  }

  @Test
  void aListingMayNotLeaveItsFolder() {
    Storage storage = new Storage();
    storage.files.put("../outside", "x");
    IOException e = assertThrows(IOException.class, () -> new ModelCache(folder).fetch(URI, storage));
    assertTrue(e.getMessage().contains("outside of itself"), e.getMessage());
  }

  @Test
  void aReplacedFileChangesTheFingerprint() throws IOException {
    Files.write(folder.resolve("model.safetensors"), new byte[8]);
    String before = ModelCache.fingerprint(folder);
    assertEquals(before, ModelCache.fingerprint(folder));
    Files.write(folder.resolve("model.safetensors"), new byte[9]);
    assertNotEquals(before, ModelCache.fingerprint(folder));
  }
}
