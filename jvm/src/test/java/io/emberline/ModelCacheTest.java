// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCacheTest {
  private static final String URI = "s3a://models/tiny";

  @TempDir Path folder;

  private ModelCache cache() {
    return new ModelCache(folder, StoredModel.NO_LIMIT);
  }

  /** What lies among the models. */
  private List<String> names() throws IOException {
    try (Stream<Path> found = Files.list(folder.resolve("models"))) {
      return found.map(path -> path.getFileName().toString()).sorted().collect(Collectors.toList());
    }
  }

  @Test
  void copiesEveryFileAndThenReadsNothing() throws Exception {
    StoredModel model = new StoredModel();
    ModelCache cache = cache();
    Path copy = model.in(cache, URI).folder;
    assertArrayEquals("{}".getBytes(StandardCharsets.UTF_8), Files.readAllBytes(copy.resolve("config.json")));
    assertTrue(Files.exists(copy.resolve("1_Pooling/config.json")));
    assertTrue(copy.getFileName().toString().startsWith("tiny-"), copy.toString());
    assertEquals(copy, model.in(cache, URI).folder);
    assertEquals(copy, model.in(cache(), URI).folder);
    assertEquals(2, model.opened.get());
  }

  @Test
  void aChangedModelGetsAnotherCopyBesideTheFirst() throws Exception {
    StoredModel model = new StoredModel();
    ModelCache cache = cache();
    Path old = model.in(cache, URI).folder;
    model.modified = 2;
    assertNotEquals(old, model.in(cache, URI).folder);
    assertTrue(Files.isDirectory(old));
  }

  @Test
  void manyThreadsCopyOnce() throws Exception {
    StoredModel model = new StoredModel();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<ModelCache.Copy>> tasks = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        ModelCache cache = cache();
        tasks.add(() -> model.in(cache, URI));
      }
      for (Future<ModelCache.Copy> result : threads.invokeAll(tasks)) {
        assertTrue(Files.exists(result.get().folder.resolve("config.json")));
      }
    } finally {
      threads.shutdown();
    }
    assertEquals(2, model.opened.get());
  }

  @Test
  void aFileOfAnotherLengthLeavesNothingThatLooksWhole() throws Exception {
    StoredModel model = new StoredModel();
    model.lie = 1;
    IOException e = assertThrows(IOException.class, () -> model.in(cache(), URI));
    assertTrue(e.getMessage().contains("changed while it was copied"), e.getMessage());
    assertEquals(new ArrayList<String>(), names());
  }

  @Test
  void aModelThatChangedSinceItWasListedIsNotTakenForTheListedOne() throws Exception {
    StoredModel model = new StoredModel();
    List<ModelSource.Entry> listed = model.list(URI);
    model.modified = 2;
    IOException e = assertThrows(IOException.class, () -> cache().fetch(URI, listed, model));
    assertTrue(e.getMessage().contains("since the query began"), e.getMessage());
    assertEquals(new ArrayList<String>(), names());
  }

  @Test
  void bytesThatWereChangedOnTheWayAreRefused() throws Exception {
    StoredModel model = new StoredModel();
    ModelSource sent = new ModelSource() {
      @Override
      public List<Entry> list(String address) {
        return Collections.singletonList(new Entry("config.json", 2, 0, Entry.SHA256 + "00"));
      }

      @Override
      public InputStream open(String address, String path) throws IOException {
        return model.open(address, path);
      }
    };
    IOException e = assertThrows(IOException.class, () -> cache().fetch(URI, sent.list(URI), sent));
    assertTrue(e.getMessage().contains("other contents"), e.getMessage());
    assertEquals(new ArrayList<String>(), names());
  }

  @Test
  void aStoppedTaskLeavesNoLockAndNothingPartial() throws Exception {
    StoredModel model = new StoredModel();
    ModelSource stopping = new ModelSource() {
      @Override
      public List<Entry> list(String address) {
        return model.list(address);
      }

      @Override
      public InputStream open(String address, String path) throws IOException {
        Thread.currentThread().interrupt();
        return model.open(address, path);
      }
    };
    assertThrows(InterruptedException.class, () -> cache().fetch(URI, model.list(URI), stopping));
    Thread.interrupted();
    assertEquals(new ArrayList<String>(), names());
    assertTrue(Files.exists(model.in(cache(), URI).folder.resolve("config.json")));
  }

  @Test
  void aFullDiskIsNamedWithWhatHelps() throws Exception {
    StoredModel model = new StoredModel();
    ModelSource full = new ModelSource() {
      @Override
      public List<Entry> list(String address) {
        return model.list(address);
      }

      @Override
      public InputStream open(String address, String path) throws IOException {
        throw new IOException("No space left on device"); // as the copy's own writing says it
      }
    };
    IOException e = assertThrows(IOException.class, () -> cache().fetch(URI, model.list(URI), full));
    assertTrue(e.getMessage().contains("spark.emberline.cacheDir"), e.getMessage());
    assertTrue(e.getMessage().contains(URI) && e.getMessage().contains(folder.toString()), e.getMessage());
    assertEquals(new ArrayList<String>(), names());
  }

  @Test
  void aCopyThatLostAFileIsMadeAnew() throws Exception {
    StoredModel model = new StoredModel();
    ModelCache.Copy first = model.in(cache(), URI);
    Files.delete(first.folder.resolve("config.json"));
    first.close();
    assertTrue(Files.exists(model.in(cache(), URI).folder.resolve("config.json")));
  }

  @Test
  void anEmptyListingIsAMissingModel() {
    StoredModel model = new StoredModel();
    model.files.clear();
    NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> model.in(cache(), URI));
    assertTrue(e.getMessage().contains(URI), e.getMessage());
  }

  @Test
  void aListingMayNotLeaveItsFolder() {
    StoredModel model = new StoredModel();
    model.files.put("../outside", "x");
    IOException e = assertThrows(IOException.class, () -> model.in(cache(), URI));
    assertTrue(e.getMessage().contains("outside of itself"), e.getMessage());
  }
}
