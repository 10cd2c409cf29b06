// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheSpaceTest {
  @TempDir Path folder;
  private ModelCache cache;

  @BeforeEach
  void openACacheOf100Bytes() {
    cache = new ModelCache(folder, 100);
  }

  private Path unused(String address, int minutesAgo) throws Exception {
    ModelCache.Copy copy = new StoredModel(40).in(cache, address);
    copy.close();
    return aged(copy.folder, minutesAgo);
  }

  private static Path aged(Path path, int minutesAgo) throws IOException {
    long time = System.currentTimeMillis() - TimeUnit.MINUTES.toMillis(minutesAgo);
    return Files.setLastModifiedTime(path, FileTime.fromMillis(time));
  }

  @Test
  void theLongestUnusedGoesFirstAndOnlyAsManyAsNeeded() throws Exception {
    Path middle = unused("s3a://models/a", 2);
    Path oldest = unused("s3a://models/b", 3);
    Path latest = unused("s3a://models/c", 0);
    assertTrue(Files.exists(middle));
    assertFalse(Files.exists(oldest));
    assertTrue(Files.exists(latest));
  }

  @Test
  void aModelThatIsUsedAgainIsNotTheOldest() throws Exception {
    Path first = unused("s3a://models/a", 3);
    Path second = unused("s3a://models/b", 2);
    new StoredModel(40).in(cache, "s3a://models/a").close();
    unused("s3a://models/c", 0);
    assertTrue(Files.exists(first));
    assertFalse(Files.exists(second));
  }

  @Test
  void aModelInUseStaysHoweverLittleRoomThereIs() throws Exception {
    ModelCache.Copy used = new StoredModel(90).in(cache, "s3a://models/a");
    ModelCache.Copy further = new StoredModel(90).in(cache, "s3a://models/a");
    used.close();
    used.close(); // twice gives back once
    aged(used.folder, 5);
    ModelCache.Copy beyond = new StoredModel(90).in(cache, "s3a://models/b");
    assertTrue(Files.exists(used.folder));
    assertTrue(Files.exists(beyond.folder), "the size is no wall for what is needed");
    further.close();
    new StoredModel(5).in(cache, "s3a://models/c").close();
    assertFalse(Files.exists(used.folder));
    assertTrue(Files.exists(beyond.folder));
  }

  @Test
  void packedWeightsCountAndGoUnlessTheirModelIsInUse() throws Exception {
    Path packed = Files.createDirectories(cache.packedFolder());
    Path old = aged(Files.write(packed.resolve("gone-1-avx2-f32.packed"), new byte[60]), 9);
    Path used = aged(Files.write(packed.resolve("mine-1-avx2-f32.packed"), new byte[60]), 9);
    CacheUsers.Use use = cache.useOf(folder.resolve("mine"));
    cache.packedBy(folder.resolve("mine"));
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(used));
    use.close();
    unused("s3a://models/a", 0);
    assertTrue(Files.exists(used), "100 bytes fit");
    unused("s3a://models/b", 0);
    assertFalse(Files.exists(used));
  }

  @Test
  void leftoversOfKilledProcessesGoWhateverModelTheyWereOf() throws Exception {
    Path leftover =
        Files.createDirectories(folder.resolve("models").resolve("other-0" + CacheSpace.PARTIAL + "killed"));
    Files.write(leftover.resolve("model.safetensors"), new byte[10]);
    unused("s3a://models/a", 0);
    assertFalse(Files.exists(leftover));
  }

  @Test
  void lockFilesDoNotGrowInNumber() throws Exception {
    for (int i = 0; i < 40; i++) {
      unused("s3a://models/" + i, 0);
    }
    assertTrue(FileTree.children(folder.resolve("locks")).size() <= 16);
    assertEquals(2, FileTree.children(folder.resolve("models")).size());
    for (Path user : FileTree.children(folder.resolve("users"))) {
      assertTrue(!Files.isDirectory(user) || FileTree.children(user).isEmpty(), "marks left in " + user);
    }
  }

  @Test
  void whatAnotherProcessUsesStaysUntilItIsKilled() throws Exception {
    ModelCache.Copy copy = new StoredModel(90).in(cache, "s3a://models/a");
    String name = copy.folder.getFileName().toString();
    Process other = OtherProcess.start("use", folder.resolve("users").toString(), name);
    try {
      copy.close();
      aged(copy.folder, 5);
      new StoredModel(90).in(cache, "s3a://models/b").close();
      assertTrue(Files.exists(copy.folder));
    } finally {
      other.destroyForcibly().waitFor();
    }
    aged(copy.folder, 5);
    new StoredModel(5).in(cache, "s3a://models/c").close();
    assertFalse(Files.exists(copy.folder));
  }

  @Test
  void aLockOfAKilledProcessIsFree() throws Exception {
    NameLocks locks = new NameLocks(folder.resolve("locks"));
    Process other = OtherProcess.start("lock", folder.resolve("locks").toString(), "model");
    try {
      assertEquals(null, locks.tryLock("model"));
    } finally {
      other.destroyForcibly().waitFor();
    }
    locks.lock("model").close();
    for (String name : Arrays.asList("model", "another")) {
      NameLocks.Held held = locks.tryLock(name);
      held.close();
    }
  }
}
