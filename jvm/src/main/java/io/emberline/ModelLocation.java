// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Where the files of a model lie on this host, as one version of it; closed when its files are no longer needed. */
public final class ModelLocation implements AutoCloseable {
  /** How long a listing of shared storage is believed where no job has made one: tasks start by the thousand. */
  private static final long LISTING_NANOS = TimeUnit.MINUTES.toNanos(1);

  private static final Map<String, Listing> LISTINGS = new ConcurrentHashMap<>();
  /** Answers of {@link ModelVersion#equalsFilesOf}, which reads whole files. */
  private static final Map<String, Boolean> SAME = new ConcurrentHashMap<>();
  private static final int MOST_ANSWERS = 1000;

  private static final class Listing {
    final List<ModelSource.Entry> entries;
    final long at;

    Listing(List<ModelSource.Entry> entries, long at) {
      this.entries = entries;
      this.at = at;
    }
  }

  /** For the engine: a folder, or a name that the engine resolves. */
  final String path;
  /** Equal for equal versions at one path; empty for a name. */
  final String print;
  private final List<ModelSource.Entry> expected; // of a folder that others may change; null for a copy and for a name
  private final ModelCache.Copy copy; // null for what is not in the cache

  private ModelLocation(String path, String print, List<ModelSource.Entry> expected, ModelCache.Copy copy) {
    this.path = path;
    this.print = print;
    this.expected = expected;
    this.copy = copy;
  }

  /** The local path that a model's name or URI means, or null for a URI of shared storage. */
  public static String localPath(String model) {
    int colon = model.indexOf(":/");
    if (colon <= 0) {
      return model;
    }
    return model.startsWith("file:") ? model.substring(colon + 1).replaceFirst("^/+", "/") : null;
  }

  /** version: null where no job said which one. */
  static ModelLocation of(String model, ModelVersion version, Engines.Storage storage)
      throws IOException, InterruptedException {
    String local = localPath(model);
    if (local == null) {
      List<ModelSource.Entry> entries = version != null ? version.entries() : listing(model, storage.source);
      try {
        return copied(storage.cache.fetch(model, entries, storage.source));
      } catch (IOException e) {
        LISTINGS.remove(model); // it may be why
        throw e;
      }
    }
    if (version != null && version.isSent()) {
      List<ModelSource.Entry> here = ModelFiles.list(Paths.get(local));
      if (isSame(local, here, version)) {
        return new ModelLocation(local, ModelFiles.print(local, here), here, null);
      }
      return copied(storage.cache.fetch(local, version.entries(), version));
    }
    if (version != null) {
      return new ModelLocation(local, ModelFiles.print(local, version.entries()), version.entries(), null);
    }
    Path folder = Paths.get(local);
    boolean isPath = local.startsWith("/") || local.startsWith(".");
    if (isPath && !Files.exists(folder)) {
      throw new EmberlineException(EmberlineException.IO,
          "there is no " + local + " on this host. A folder that the driver has is sent to the others unless"
              + " spark.emberline.sendModel is false or embed runs row by row, as inside a lambda. Else put the model"
              + " at the same path on every executor, or on shared storage (hdfs://, s3a://, ...)");
    }
    if (!Files.isDirectory(folder)) {
      return new ModelLocation(local, "", null, null);
    }
    List<ModelSource.Entry> here = ModelFiles.list(folder);
    return new ModelLocation(local, ModelFiles.print(local, here), here, null);
  }

  private static ModelLocation copied(ModelCache.Copy copy) {
    return new ModelLocation(copy.folder.toString(), "", null, copy); // a copy's name tells its version
  }

  private static List<ModelSource.Entry> listing(String model, ModelSource source) throws IOException {
    Listing known = LISTINGS.get(model);
    long now = System.nanoTime();
    if (known == null || now - known.at > LISTING_NANOS) {
      known = new Listing(source.list(model), now);
      LISTINGS.put(model, known);
    }
    return known.entries;
  }

  private static boolean isSame(String path, List<ModelSource.Entry> here, ModelVersion version) throws IOException {
    if (here.isEmpty()) {
      return false;
    }
    String question = ModelFiles.print(path, here) + ModelFiles.print(path, version.entries());
    Boolean known = SAME.get(question);
    if (known != null) {
      return known;
    }
    synchronized (SAME) { // the tasks that start together read the files once
      known = SAME.get(question);
      if (known == null) {
        known = version.equalsFilesOf(Paths.get(path), here);
        if (SAME.size() >= MOST_ANSWERS) {
          SAME.clear();
        }
        SAME.put(question, known);
      }
      return known;
    }
  }

  /** Throws EmberlineException where the folder is no longer the version that it was. */
  void check() throws IOException {
    if (expected != null && !ModelFiles.list(Paths.get(path)).equals(expected)) {
      throw new EmberlineException(
          EmberlineException.IO, path + " was changed or removed after the query began; run the query again");
    }
  }

  /** The same on its own account. */
  ModelLocation again() {
    return new ModelLocation(path, print, expected, copy == null ? null : copy.again());
  }

  /** Whether it is a folder, and not in the cache. */
  boolean isFolderOfItsOwn() {
    return expected != null;
  }

  @Override
  public void close() {
    if (copy != null) {
      copy.close();
    }
  }
}
