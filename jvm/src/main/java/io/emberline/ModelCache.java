// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.List;
import java.util.UUID;

/**
 * Copies of models on this host, shared by all its processes. A copy is named after its model and what tells the
 * model's version, so a changed model gets a new one; it appears under its name only when it is whole, and stays while
 * it is used. Its folder holds models/, packed/ (the engine's packed weights), users/ and locks/.
 */
public final class ModelCache {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int LONGEST_NAME = 60;

  private final Path models;
  private final Path packed;
  private final NameLocks locks;
  private final CacheUsers users;
  private final CacheSpace space;

  /** maxBytes: what copies and packed weights may take together, as long as unused ones can make room. */
  public ModelCache(Path folder, long maxBytes) {
    models = folder.resolve("models");
    packed = folder.resolve("packed");
    locks = new NameLocks(folder.resolve("locks"));
    users = CacheUsers.of(folder.resolve("users"));
    space = new CacheSpace(models, packed, locks, users, maxBytes);
  }

  /** A model of this host that is not removed before close(), which may be called twice. */
  public final class Copy implements AutoCloseable {
    public final Path folder;
    private final CacheUsers.Use use;

    private Copy(Path folder, CacheUsers.Use use) {
      this.folder = folder;
      this.use = use;
    }

    /** The same on its own account. */
    Copy again() {
      return new Copy(folder, users.again(folder.getFileName().toString()));
    }

    @Override
    public void close() {
      use.close();
    }
  }

  /** Where the engine may keep packed weights. */
  public Path packedFolder() {
    return packed;
  }

  /** The copy of the model of these entries at address; made now from source where this host has none. */
  public Copy fetch(String address, List<ModelSource.Entry> entries, ModelSource source)
      throws IOException, InterruptedException {
    if (entries.isEmpty()) {
      throw new NoSuchFileException(address, null, "no such folder, or it is empty");
    }
    String name = nameOf(address, entries);
    Path target = models.resolve(name);
    CacheUsers.Use known = users.again(name);
    if (known != null) {
      if (Files.isDirectory(target)) {
        return new Copy(target, known);
      }
      known.close();
    }
    Files.createDirectories(models);
    if (!Files.isDirectory(target)) {
      space.makeRoom(ModelFiles.bytes(entries));
    }
    NameLocks.Held held = locks.lock(name);
    try {
      if (!isWhole(target, entries)) {
        FileTree.delete(target);
        copy(address, entries, source, target);
      }
      CacheUsers.Use use = users.begin(name);
      Files.setLastModifiedTime(target, FileTime.fromMillis(System.currentTimeMillis()));
      return new Copy(target, use);
    } finally {
      held.close();
    }
  }

  /** Keeps the packed weights of a model in a folder of its own from being removed, until the use is closed. */
  CacheUsers.Use useOf(Path folder) throws IOException, InterruptedException {
    String name = lastName(folder);
    NameLocks.Held held = locks.lock(name);
    try {
      return users.begin(name);
    } finally {
      held.close();
    }
  }

  /**
   * After an engine was loaded from folder: its packed weights were used now, and may have to make room for
   * themselves.
   */
  void packedBy(Path folder) {
    String prefix = lastName(folder) + "-";
    try {
      for (Path file : FileTree.children(packed)) {
        if (file.getFileName().toString().startsWith(prefix)) {
          Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis()));
        }
      }
      space.makeRoom(0);
    } catch (IOException e) {
      // The engine is loaded; the next who loads one tries again.
    }
  }

  private static String lastName(Path folder) {
    Path name = folder.toAbsolutePath().normalize().getFileName();
    return name == null ? "root" : name.toString();
  }

  private static boolean isWhole(Path folder, List<ModelSource.Entry> entries) throws IOException {
    for (ModelSource.Entry entry : entries) {
      Path file = folder.resolve(entry.path);
      if (!Files.isRegularFile(file) || Files.size(file) != entry.length) {
        return false; // some hosts clean their temporary folder file by file
      }
    }
    return true;
  }

  private void copy(String address, List<ModelSource.Entry> entries, ModelSource source, Path target)
      throws IOException, InterruptedException {
    Path partial = models.resolve(target.getFileName() + CacheSpace.PARTIAL + UUID.randomUUID());
    try {
      for (ModelSource.Entry entry : entries) {
        Path file = partial.resolve(entry.path).normalize();
        if (!file.startsWith(partial)) {
          throw new IOException(address + " lists a file outside of itself: " + entry.path);
        }
        Files.createDirectories(file.getParent());
        copyFile(address, entry, source, file);
      }
      if (!ModelFiles.isSame(source.list(address), entries)) {
        throw new IOException(address + " changed while it was copied, or since the query began; run the query again");
      }
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (InterruptedIOException | ClosedByInterruptException e) {
      throw new InterruptedException("the task was stopped while it copied " + address);
    } catch (IOException e) {
      throw isFull(e) ? full(address, entries, e) : e;
    } finally {
      FileTree.delete(partial);
    }
  }

  private static void copyFile(String address, ModelSource.Entry entry, ModelSource source, Path file)
      throws IOException {
    MessageDigest digest = entry.fingerprint.startsWith(ModelSource.Entry.SHA256) ? ModelFiles.sha256() : null;
    byte[] buffer = new byte[BUFFER_BYTES];
    long length = 0;
    try (InputStream input = source.open(address, entry.path); OutputStream output = Files.newOutputStream(file)) {
      for (int n = input.read(buffer); n >= 0; n = input.read(buffer)) {
        if (Thread.currentThread().isInterrupted()) {
          throw new InterruptedIOException();
        }
        output.write(buffer, 0, n);
        length += n;
        if (digest != null) {
          digest.update(buffer, 0, n);
        }
      }
    }
    if (length != entry.length) {
      throw new IOException(address + "/" + entry.path + " changed while it was copied: got " + length
          + " bytes, expected the " + entry.length + " that it was listed with; run the query again");
    }
    if (digest != null && !ModelFiles.fingerprint(digest).equals(entry.fingerprint)) {
      throw new IOException(
          address + "/" + entry.path + " arrived with other contents than it was sent with; run the query again");
    }
  }

  private boolean isFull(IOException e) {
    return String.valueOf(e.getMessage()).contains("No space left") || space.usableBytes() == 0;
  }

  private IOException full(String address, List<ModelSource.Entry> entries, IOException cause) {
    return new IOException("the disk of " + models + " is full: " + address + " takes " + ModelFiles.bytes(entries)
            + " bytes there, " + space.usableBytes()
            + " are free beside models in use; free some, or set spark.emberline.cacheDir to a folder"
            + " on a larger disk",
        cause);
  }

  /** Begins as the model is called, for whoever looks into the folder. */
  private static String nameOf(String address, List<ModelSource.Entry> entries) {
    String[] parts = address.split("/+");
    String called = parts[parts.length - 1].replaceAll("[^A-Za-z0-9._-]", "_").replace(CacheSpace.PARTIAL, "_");
    String begin = called.startsWith(".") ? "_" + called : called;
    return begin.substring(0, Math.min(begin.length(), LONGEST_NAME)) + "-" + ModelFiles.print(address, entries);
  }
}
