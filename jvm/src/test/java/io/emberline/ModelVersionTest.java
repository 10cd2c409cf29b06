// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelVersionTest {
  private static final String[] FILES = {"1_Pooling/config.json", "config.json", "empty.txt", "model.safetensors"};
  private static final int[] LENGTHS = {5, 30, 0, 64};

  @TempDir Path scratch;
  private Path folder;

  @BeforeEach
  void writeAModel() throws IOException {
    folder = Files.createDirectory(scratch.resolve("model"));
    Random random = new Random(1);
    for (int i = 0; i < FILES.length; i++) {
      byte[] bytes = new byte[LENGTHS[i]];
      random.nextBytes(bytes);
      Path file = folder.resolve(FILES[i]);
      Files.createDirectories(file.getParent());
      Files.write(file, bytes);
    }
  }

  /** Pieces that stay in this process. */
  private static final class Local implements ModelVersion.Pieces {
    private static final long serialVersionUID = 1L;
    final ArrayList<byte[]> pieces = new ArrayList<>();

    @Override
    public byte[] piece(int index) {
      return pieces.get(index);
    }
  }

  private ModelVersion sent(int pieceBytes, Local pieces) throws IOException {
    List<ModelSource.Entry> entries = ModelVersion.cut(folder, ModelFiles.list(folder), pieceBytes, pieces.pieces::add);
    return ModelVersion.sent("/driver/model", entries, pieces, pieceBytes);
  }

  private ModelCache cache() {
    return new ModelCache(scratch.resolve("cache"), StoredModel.NO_LIMIT);
  }

  @Test
  void filesArriveWholeWhereverTheyWereCut() throws Exception {
    for (int pieceBytes : new int[] {1, 7, 33, 99, 100, 1000}) {
      Local pieces = new Local();
      ModelVersion version = sent(pieceBytes, pieces);
      assertEquals((99 + pieceBytes - 1) / pieceBytes, pieces.pieces.size());
      ModelCache cache = new ModelCache(scratch.resolve("cache" + pieceBytes), StoredModel.NO_LIMIT);
      try (ModelCache.Copy copy = cache.fetch("/driver/model", version.entries(), version)) {
        for (String file : FILES) {
          assertArrayEquals(Files.readAllBytes(folder.resolve(file)), Files.readAllBytes(copy.folder.resolve(file)));
        }
      }
    }
  }

  @Test
  void aFolderThatChangesWhileItIsReadIsNotSent() throws IOException {
    List<ModelSource.Entry> listed = ModelFiles.list(folder);
    Files.write(folder.resolve("config.json"), new byte[31]);
    IOException e = assertThrows(IOException.class, () -> ModelVersion.cut(folder, listed, 16, piece -> {}));
    assertTrue(e.getMessage().contains("changed while it was read"), e.getMessage());
  }

  @Test
  void theSameLengthsAreNotTakenForTheSameModel() throws IOException {
    ModelVersion version = sent(16, new Local());
    Path other = Files.createDirectory(scratch.resolve("other"));
    for (String file : FILES) {
      Files.createDirectories(other.resolve(file).getParent());
      Files.copy(folder.resolve(file), other.resolve(file));
    }
    assertTrue(version.equalsFilesOf(other, ModelFiles.list(other)));
    byte[] weights = Files.readAllBytes(other.resolve("model.safetensors"));
    weights[40]++;
    Files.write(other.resolve("model.safetensors"), weights);
    assertFalse(version.equalsFilesOf(other, ModelFiles.list(other)));
    Files.write(other.resolve("tokenizer.json"), new byte[1]); // a file more changes what the engine reads
    assertFalse(version.equalsFilesOf(other, ModelFiles.list(other)));
  }

  @Test
  void aHostWithAnotherVersionAtThatPathUsesTheSentOne() throws Exception {
    Engines.Storage storage = new Engines.Storage(null, cache(), false);
    ModelVersion version = sent(16, new Local());
    try (ModelLocation same = ModelLocation.of(folder.toString(), version, storage)) {
      assertEquals(folder.toString(), same.path);
    }
    byte[] before = Files.readAllBytes(folder.resolve("model.safetensors"));
    Files.write(folder.resolve("model.safetensors"), new byte[64]);
    try (ModelLocation other = ModelLocation.of(folder.toString(), version, storage)) {
      assertNotEquals(folder.toString(), other.path);
      assertArrayEquals(before, Files.readAllBytes(scratch.resolve(other.path).resolve("model.safetensors")));
    }
  }

  @Test
  void aTaskDoesNotComputeWithAnotherVersionThanItsJobBeganWith() throws Exception {
    Engines.Storage storage = new Engines.Storage(null, cache(), false);
    ModelVersion version = ModelVersion.listed(folder.toString(), ModelFiles.list(folder));
    try (ModelLocation location = ModelLocation.of(folder.toString(), version, storage)) {
      location.check();
      Files.setLastModifiedTime(folder.resolve("config.json"), FileTime.fromMillis(1000));
      EmberlineException e = assertThrows(EmberlineException.class, location::check);
      assertTrue(e.getMessage().contains("run the query again"), e.getMessage());
    }
  }

  @Test
  void weightsThatTheEngineDoesNotReadStayWhereTheyAre() throws IOException {
    for (String file : new String[] {"pytorch_model.bin", "onnx/model.onnx", ".cache/config.json", "README.md"}) {
      Files.createDirectories(folder.resolve(file).getParent());
      Files.write(folder.resolve(file), new byte[10]);
    }
    Files.createSymbolicLink(folder.resolve("gone.json"), scratch.resolve("nowhere"));
    Files.createSymbolicLink(folder.resolve("vocab.txt"), folder.resolve("empty.txt"));
    List<String> paths = ModelFiles.list(folder).stream().map(entry -> entry.path).collect(Collectors.toList());
    assertEquals("[1_Pooling/config.json, config.json, empty.txt, model.safetensors, vocab.txt]", paths.toString());
  }
}
