// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Copies of remote model folders on this host, shared by all its processes. A copy is named after the address and the
 * listing of its source, so a changed model gets a new one; it appears under its name only when it is whole.
 */
public final class ModelCache {
  private final Path folder;
  // A FileLock excludes other processes only: threads of this one meet here first.
  private final Map<String, Object> threadLocks = new ConcurrentHashMap<>();

  public ModelCache(Path folder) {
    this.folder = folder;
  }

  /** The local folder with the files of uri; copied now where this host has none. */
  public Path fetch(String uri, ModelSource source) throws IOException {
    List<ModelSource.Entry> entries = new ArrayList<>(source.list(uri));
    if (entries.isEmpty()) {
      throw new NoSuchFileException(uri, null, "no such folder, or it is empty");
    }
    entries.sort(Comparator.comparing((ModelSource.Entry entry) -> entry.path));
    String name = nameOf(uri, entries);
    Path target = folder.resolve(name);
    if (Files.isDirectory(target)) {
      return target;
    }
    Files.createDirectories(folder);
    synchronized (threadLocks.computeIfAbsent(name, key -> new Object())) {
      try (FileChannel channel =
               FileChannel.open(folder.resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = lock(channel)) {
        if (lock.isValid() && !Files.isDirectory(target)) {
          deletePartial(name);
          copy(uri, entries, source, target);
        }
      }
    }
    return target;
  }

  /** Waits also for this JVM's other class loaders, which the plain lock refuses to wait for. */
  private static FileLock lock(FileChannel channel) throws IOException {
    while (true) {
      try {
        return channel.lock();
      } catch (OverlappingFileLockException e) {
        try {
          Thread.sleep(20);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted while another thread copied the model");
        }
      }
    }
  }

  private void copy(String uri, List<ModelSource.Entry> entries, ModelSource source, Path target) throws IOException {
    Path partial = folder.resolve(target.getFileName() + ".partial-" + UUID.randomUUID());
    try {
      for (ModelSource.Entry entry : entries) {
        Path file = partial.resolve(entry.path).normalize();
        if (!file.startsWith(partial)) {
          throw new IOException(uri + " lists a file outside of itself: " + entry.path);
        }
        Files.createDirectories(file.getParent());
        try (InputStream input = source.open(uri, entry.path)) {
          Files.copy(input, file);
        }
        if (Files.size(file) != entry.length) {
          throw new IOException(uri + "/" + entry.path + " changed while it was copied: " + Files.size(file)
              + " bytes, listed with " + entry.length);
        }
      }
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      deleteTree(partial);
    }
  }

  /** What a killed process left; the caller holds the lock, so nobody is writing it. */
  private void deletePartial(String name) throws IOException {
    List<Path> leftovers = new ArrayList<>();
    try (java.nio.file.DirectoryStream<Path> found = Files.newDirectoryStream(folder, name + ".partial-*")) {
      found.forEach(leftovers::add);
    }
    for (Path leftover : leftovers) {
      deleteTree(leftover);
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    Files.walkFileTree(root, new SimpleFileVisitor<Path>() {
      @Override
      public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
        Files.delete(file);
        return FileVisitResult.CONTINUE;
      }

      @Override
      public FileVisitResult postVisitDirectory(Path visited, IOException failure) throws IOException {
        Files.delete(visited);
        return FileVisitResult.CONTINUE;
      }
    });
  }

  private static String nameOf(String uri, List<ModelSource.Entry> entries) {
    StringBuilder listing = new StringBuilder(uri);
    for (ModelSource.Entry entry : entries) {
      listing.append('\n').append(entry.path).append('\t').append(entry.length).append('\t').append(entry.modified);
    }
    return hash(listing.toString());
  }

  /** Changes when a file below folder is replaced: a long-lived process must not go on with the old weights. */
  static String fingerprint(Path folder) {
    List<String> lines = new ArrayList<>();
    try {
      Files.walkFileTree(
          folder, java.util.EnumSet.of(java.nio.file.FileVisitOption.FOLLOW_LINKS), 2, new SimpleFileVisitor<Path>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              lines.add(
                  folder.relativize(file) + "\t" + attributes.size() + "\t" + attributes.lastModifiedTime().toMillis());
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) {
              return FileVisitResult.CONTINUE; // the engine names what it cannot read
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    lines.sort(null);
    return hash(String.join("\n", lines));
  }

  private static String hash(String text) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      StringBuilder hex = new StringBuilder();
      for (int i = 0; i < 16; i++) {
        hex.append(String.format("%02x", digest[i]));
      }
      return hex.toString();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
