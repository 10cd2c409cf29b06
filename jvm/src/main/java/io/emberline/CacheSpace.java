// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongPredicate;

/**
 * Keeps a host's cache within its size: models and packed weights that were not used for the longest time go first, and
 * what a living process uses stays. The size is a goal, not a wall: a model that is needed is copied also beyond it.
 */
final class CacheSpace {
  static final String PARTIAL = ".partial-";

  private final Path models;
  private final Path packed;
  private final NameLocks locks;
  private final CacheUsers users;
  private final long maxBytes;

  CacheSpace(Path models, Path packed, NameLocks locks, CacheUsers users, long maxBytes) {
    this.models = models;
    this.packed = packed;
    this.locks = locks;
    this.users = users;
    this.maxBytes = maxBytes;
  }

  /** A model or a file of packed weights; used: when last, in milliseconds since 1970. */
  private static final class Item {
    final Path path;
    final long bytes;
    final long used;

    Item(Path path, long bytes, long used) {
      this.path = path;
      this.bytes = bytes;
      this.used = used;
    }
  }

  /** Removes leftovers, and then what is unused until bytes more fit into the cache and onto the disk. */
  void makeRoom(long bytes) throws IOException {
    removeLeftovers();
    List<Item> items = items();
    long held = items.stream().mapToLong(item -> item.bytes).sum();
    LongPredicate fits = now -> now + bytes <= maxBytes && usableBytes() >= bytes;
    if (fits.test(held)) {
      return;
    }
    items.sort(Comparator.comparingLong((Item item) -> item.used));
    Set<String> inUse = users.namesInUse();
    for (Item item : items) {
      if (fits.test(held)) {
        return;
      }
      if (!isInUse(item, inUse) && remove(item)) {
        held -= item.bytes;
      }
    }
  }

  /** What the disk below the cache has for this process. */
  long usableBytes() {
    try {
      return Files.getFileStore(models).getUsableSpace();
    } catch (IOException e) {
      return Long.MAX_VALUE; // writing will tell
    }
  }

  private List<Item> items() throws IOException {
    List<Item> items = new ArrayList<>();
    List<Path> paths = FileTree.children(models);
    paths.addAll(FileTree.children(packed));
    for (Path path : paths) {
      if (path.getFileName().toString().contains(PARTIAL)) {
        continue;
      }
      try {
        items.add(new Item(path, FileTree.bytes(path), Files.getLastModifiedTime(path).toMillis()));
      } catch (IOException e) {
        // removed by another process, or another user's
      }
    }
    return items;
  }

  /** Files of packed weights are named after the model's folder, and then a hyphen. */
  private static boolean isInUse(Item item, Set<String> inUse) {
    String name = item.path.getFileName().toString();
    return inUse.contains(name) || inUse.stream().anyMatch(used -> name.startsWith(used + "-"));
  }

  private boolean remove(Item item) throws IOException {
    String name = item.path.getFileName().toString();
    NameLocks.Held held = locks.tryLock(name);
    if (held == null) {
      return false;
    }
    try {
      // Once more: a use begins under this lock. Then away in one step, so that no reader finds half of it.
      if (isInUse(item, users.namesInUse())) {
        return false;
      }
      if (Files.isDirectory(item.path)) {
        Path away = models.resolve(name + PARTIAL + UUID.randomUUID());
        Files.move(item.path, away, StandardCopyOption.ATOMIC_MOVE);
        FileTree.delete(away);
      } else {
        Files.delete(item.path);
      }
      return true;
    } catch (IOException e) {
      return !Files.exists(item.path); // another process may have been faster
    } finally {
      held.close();
    }
  }

  /** What killed processes were copying or removing: nobody holds the lock of its name. */
  private void removeLeftovers() throws IOException {
    for (Path path : FileTree.children(models)) {
      String name = path.getFileName().toString();
      int at = name.indexOf(PARTIAL);
      NameLocks.Held held = at < 0 ? null : locks.tryLock(name.substring(0, at));
      if (held != null) {
        try {
          FileTree.delete(path);
        } catch (IOException e) {
          // another user's
        } finally {
          held.close();
        }
      }
    }
  }
}
