// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Which files of a folder make the model, and what tells one version of them from another. */
public final class ModelFiles {
  /**
   * What the engine reads (src/engine/packed_cache.cc has the same set). Other formats' weights stay where they are.
   */
  private static final Set<String> KINDS = new HashSet<>(Arrays.asList("json", "txt", "model", "safetensors"));

  private static final int MOST_FOLDERS_DEEP = 4;

  private ModelFiles() {}

  /** Whether the engine may read this file of a model; path is relative, with '/' between its parts. */
  public static boolean isPart(String path) {
    for (String part : path.split("/")) {
      if (part.startsWith(".")) {
        return false;
      }
    }
    return KINDS.contains(path.substring(path.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
  }

  /** Whether there are weights among the files that the engine can load. */
  public static boolean hasWeights(List<ModelSource.Entry> entries) {
    return entries.stream().anyMatch(entry -> entry.path.endsWith(".safetensors"));
  }

  /**
   * The model's files below a local folder, sorted by path; links are followed, and what cannot be read is left out.
   */
  public static List<ModelSource.Entry> list(Path folder) throws IOException {
    List<ModelSource.Entry> entries = new ArrayList<>();
    if (!Files.isDirectory(folder)) {
      return entries;
    }
    Files.walkFileTree(
        folder, EnumSet.of(FileVisitOption.FOLLOW_LINKS), MOST_FOLDERS_DEEP, new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String path = folder.relativize(file).toString().replace('\\', '/');
            if (attributes.isRegularFile() && isPart(path)) {
              entries.add(new ModelSource.Entry(path, attributes.size(), attributes.lastModifiedTime().toMillis()));
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE; // the engine names what it cannot read
          }
        });
    return sorted(entries);
  }

  /** Whether two listings show one version. Storage that could not give a fingerprint once is believed by the rest. */
  static boolean isSame(List<ModelSource.Entry> one, List<ModelSource.Entry> other) {
    if (one.size() != other.size()) {
      return false;
    }
    for (int i = 0; i < one.size(); i++) {
      ModelSource.Entry a = one.get(i);
      ModelSource.Entry b = other.get(i);
      boolean sameContents = a.fingerprint.isEmpty() || b.fingerprint.isEmpty() || a.fingerprint.equals(b.fingerprint);
      if (!a.path.equals(b.path) || a.length != b.length || a.modified != b.modified || !sameContents) {
        return false;
      }
    }
    return true;
  }

  public static List<ModelSource.Entry> sorted(List<ModelSource.Entry> entries) {
    List<ModelSource.Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparing((ModelSource.Entry entry) -> entry.path));
    return sorted;
  }

  static long bytes(List<ModelSource.Entry> entries) {
    return entries.stream().mapToLong(entry -> entry.length).sum();
  }

  /** Differs where an address or one of the files does: 32 hexadecimal digits. */
  static String print(String address, List<ModelSource.Entry> entries) {
    StringBuilder text = new StringBuilder(address);
    entries.forEach(entry -> text.append('\n').append(entry));
    return hex(sha256().digest(text.toString().getBytes(StandardCharsets.UTF_8))).substring(0, 32);
  }

  /** As {@link ModelSource.Entry#fingerprint} has it. */
  static String fingerprint(MessageDigest digest) {
    return ModelSource.Entry.SHA256 + hex(digest.digest());
  }

  static String fingerprint(Path file) throws IOException {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[1 << 16];
    try (InputStream input = Files.newInputStream(file)) {
      for (int n = input.read(buffer); n >= 0; n = input.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return fingerprint(digest);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String hex(byte[] bytes) {
    StringBuilder hex = new StringBuilder();
    for (byte each : bytes) {
      hex.append(Character.forDigit((each >> 4) & 15, 16)).append(Character.forDigit(each & 15, 16));
    }
    return hex.toString();
  }
}
