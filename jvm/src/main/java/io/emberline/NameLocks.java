// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Locks by name that hold between the threads of this JVM, its class loaders and all processes that use the folder; a
 * process that dies gives back its own. The number of lock files is fixed, so that none is left over: names that share
 * a file wait for each other. A thread holds one lock at a time.
 */
final class NameLocks {
  private static final int FILES = 16;
  private static final long POLL_MILLIS = 20;
  private static final Map<Path, Slot> SLOTS = new ConcurrentHashMap<>();

  private final Path folder;

  NameLocks(Path folder) {
    this.folder = folder.toAbsolutePath().normalize();
  }

  /** A file lock excludes other processes and class loaders, so threads meet at a lock of their own first. */
  private static final class Slot {
    final ReentrantLock threads = new ReentrantLock();
    // Open for good: closing any channel of a file ends all locks that its process has there, other class loaders' too.
    FileChannel channel; // guarded by threads
  }

  /** Closed by the thread that got it. */
  static final class Held implements AutoCloseable {
    private final Slot slot;
    private final FileLock lock;

    private Held(Slot slot, FileLock lock) {
      this.slot = slot;
      this.lock = lock;
    }

    @Override
    public void close() throws IOException {
      try {
        if (lock.acquiredBy().isOpen()) {
          lock.release();
        }
      } finally {
        slot.threads.unlock();
      }
    }
  }

  Held lock(String name) throws IOException, InterruptedException {
    Path file = fileOf(name);
    Slot slot = SLOTS.computeIfAbsent(file, unused -> new Slot());
    slot.threads.lockInterruptibly();
    FileLock lock = null;
    try {
      if (slot.threads.getHoldCount() > 1) {
        throw new IllegalStateException("lock " + name + ": this thread holds a lock already");
      }
      for (lock = tryFile(slot, file); lock == null; lock = tryFile(slot, file)) {
        Thread.sleep(POLL_MILLIS); // blocking inside the channel would end it, and others' locks, on an interrupt
      }
    } finally {
      if (lock == null) {
        slot.threads.unlock();
      }
    }
    return new Held(slot, lock);
  }

  /** Null where somebody holds it. */
  Held tryLock(String name) throws IOException {
    Path file = fileOf(name);
    Slot slot = SLOTS.computeIfAbsent(file, unused -> new Slot());
    if (slot.threads.isHeldByCurrentThread() || !slot.threads.tryLock()) {
      return null;
    }
    FileLock lock = null;
    try {
      lock = tryFile(slot, file);
    } finally {
      if (lock == null) {
        slot.threads.unlock();
      }
    }
    return lock == null ? null : new Held(slot, lock);
  }

  private Path fileOf(String name) {
    return folder.resolve(Integer.toString(Math.floorMod(name.hashCode(), FILES)));
  }

  private FileLock tryFile(Slot slot, Path file) throws IOException {
    if (slot.channel == null || !slot.channel.isOpen() || !Files.exists(file)) {
      Files.createDirectories(folder);
      slot.channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }
    try {
      return slot.channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another class loader of this JVM has it
    }
  }
}
