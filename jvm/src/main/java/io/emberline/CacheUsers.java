// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Who uses which model of the cache. Each user (a class loader of a process) has a file ID, locked while it lives, and
 * a folder ID.uses with an empty file for each name that it uses. What a dead user left counts no more and is removed.
 */
final class CacheUsers {
  private static final String USES = ".uses";
  /**
   * Common to the class loaders of this JVM: none of them may open the locked file of another, which would unlock it.
   */
  private static final String JVM = ManagementFactory.getRuntimeMXBean().getName().replaceAll("[^A-Za-z0-9.-]", "-")
      + "-" + ManagementFactory.getRuntimeMXBean().getStartTime() + "-";
  private static final Map<Path, CacheUsers> KNOWN = new HashMap<>(); // guarded by itself

  private final Path folder;
  private final String id = JVM + UUID.randomUUID();
  private final Map<String, Integer> uses = new HashMap<>(); // guarded by this
  private FileChannel alive; // guarded by this; open as long as this JVM lives

  private CacheUsers(Path folder) {
    this.folder = folder;
  }

  /** One for a folder, however many caches are opened over it. */
  static CacheUsers of(Path folder) {
    synchronized (KNOWN) {
      return KNOWN.computeIfAbsent(folder.toAbsolutePath().normalize(), CacheUsers::new);
    }
  }

  /** Says that this process uses name, until close(), which may be called twice. */
  final class Use implements AutoCloseable {
    private final String name;
    private boolean closed;

    private Use(String name) {
      this.name = name;
    }

    @Override
    public void close() {
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
      }
      end(name);
    }
  }

  /** A further use of what this process uses already; null where it does not. */
  synchronized Use again(String name) {
    Integer count = uses.get(name);
    if (count == null) {
      return null;
    }
    uses.put(name, count + 1);
    return new Use(name);
  }

  /** The caller holds the lock of name, so that nobody removes it meanwhile. */
  synchronized Use begin(String name) throws IOException {
    if (!uses.containsKey(name) || !Files.exists(markOf(name))) {
      appear();
      Files.createDirectories(folder.resolve(id + USES));
      try {
        Files.createFile(markOf(name));
      } catch (FileAlreadyExistsException e) {
        // the mark is what counts
      }
    }
    uses.merge(name, 1, Integer::sum);
    return new Use(name);
  }

  private synchronized void end(String name) {
    if (uses.merge(name, -1, Integer::sum) > 0) {
      return;
    }
    uses.remove(name);
    try {
      Files.deleteIfExists(markOf(name));
    } catch (IOException e) {
      // The mark stays, and with it the model, until this process ends.
    }
  }

  private Path markOf(String name) {
    return folder.resolve(id + USES).resolve(name);
  }

  /** The caller holds this object's monitor. */
  private void appear() throws IOException {
    Path file = folder.resolve(id);
    // Again where it is gone: somebody saw it in the moment before it was locked, or emptied the whole cache.
    while (alive == null || !alive.isOpen() || !Files.exists(file)) {
      Files.createDirectories(folder);
      alive = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (alive.tryLock() == null) { // by somebody who looks whether it is locked
        alive.close();
      }
    }
  }

  /** All names that living processes use. Removes what dead ones left. */
  Set<String> namesInUse() throws IOException {
    Set<String> names = new HashSet<>();
    for (Path found : FileTree.children(folder)) {
      String user = found.getFileName().toString();
      if (!user.endsWith(USES)) {
        isAlive(user);
        continue;
      }
      // Whoever is alive was so before it made this folder; so its file is looked at now, and not before.
      if (isAlive(user.substring(0, user.length() - USES.length()))) {
        FileTree.children(found).forEach(mark -> names.add(mark.getFileName().toString()));
      } else {
        FileTree.delete(found);
      }
    }
    return names;
  }

  private boolean isAlive(String user) throws IOException {
    return user.startsWith(JVM) || isLocked(folder.resolve(user));
  }

  /** Whether another process holds the file; else it is removed. */
  private static boolean isLocked(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE); FileLock lock = channel.tryLock()) {
      if (lock != null) {
        Files.deleteIfExists(file);
      }
      return lock == null;
    } catch (NoSuchFileException e) {
      return false;
    } catch (OverlappingFileLockException e) {
      return true;
    }
  }
}
