// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Loads libemberline_jni once: the file that EMBERLINE_JNI_LIBRARY (system property or environment) names, else the
 * copy in the native jar, through a temporary file that is deleted as soon as it is loaded. A failure is kept and
 * thrown again.
 */
public final class NativeLoader {
  public static final String OVERRIDE = "EMBERLINE_JNI_LIBRARY";
  static final String LIBRARY = "libemberline_jni.so";

  private static boolean loaded;
  private static EmberlineException failure;

  private NativeLoader() {}

  public static synchronized void load() {
    if (loaded) {
      return;
    }
    if (failure != null) {
      throw new EmberlineException(failure.code(), failure.getMessage(), failure);
    }
    try {
      String override = setting(OVERRIDE);
      if (override != null) {
        loadFile(Paths.get(override));
      } else {
        loadResource();
      }
      loaded = true;
    } catch (EmberlineException e) {
      failure = e;
      throw e;
    }
  }

  private static String setting(String name) {
    String value = System.getProperty(name, System.getenv(name));
    return value == null || value.isEmpty() ? null : value;
  }

  static void loadFile(Path file) {
    try {
      System.load(file.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      throw new EmberlineException(
          EmberlineException.IO, "cannot load " + file + " (named by " + OVERRIDE + "): " + e.getMessage(), e);
    }
  }

  /** Where the native jar keeps the library of this machine, e.g. linux-x86_64/libemberline_jni.so. */
  static String resourceName(String os, String arch) {
    String name = arch.toLowerCase(Locale.ROOT);
    if (name.equals("amd64") || name.equals("x64")) {
      name = "x86_64";
    } else if (name.equals("arm64")) {
      name = "aarch64";
    }
    return os.toLowerCase(Locale.ROOT).split(" ")[0] + "-" + name + "/" + LIBRARY;
  }

  private static void loadResource() {
    String resource = resourceName(System.getProperty("os.name"), System.getProperty("os.arch"));
    if (NativeLoader.class.getResource(resource) == null) {
      throw new EmberlineException(EmberlineException.UNSUPPORTED,
          "no native library for this machine: the emberline-native jar has no " + resource + "; set " + OVERRIDE
              + " to the path of a " + LIBRARY + " built for it");
    }
    loadFirst(resource, temporaryFolders());
  }

  /** Tries each folder in turn: the usual one may be full, read-only or mounted noexec. */
  static void loadFirst(String resource, Iterable<Path> folders) {
    List<String> reasons = new ArrayList<>();
    for (Path folder : folders) {
      try {
        loadThrough(resource, folder);
        return;
      } catch (IOException | UnsatisfiedLinkError e) {
        reasons.add(folder + ": " + e);
      }
    }
    throw new EmberlineException(EmberlineException.IO,
        "cannot load " + LIBRARY
            + " through a temporary file (a folder mounted noexec?); set -Djava.io.tmpdir to a folder"
            + " that allows execution, or " + OVERRIDE + " to a copy of the library. Tried "
            + String.join("; ", reasons));
  }

  private static Set<Path> temporaryFolders() {
    Set<Path> folders = new LinkedHashSet<>();
    folders.add(Paths.get(System.getProperty("java.io.tmpdir")).toAbsolutePath());
    folders.add(Paths.get(System.getProperty("user.dir")).toAbsolutePath()); // an executor's own work folder
    return folders;
  }

  private static void loadThrough(String resource, Path folder) throws IOException {
    Path file = Files.createTempFile(folder, "emberline-", ".so");
    try (InputStream library = NativeLoader.class.getResourceAsStream(resource)) {
      if (library == null) {
        throw new IOException("resource " + resource + " cannot be read");
      }
      Files.copy(library, file, StandardCopyOption.REPLACE_EXISTING);
      System.load(file.toString());
    } finally {
      Files.deleteIfExists(file); // the mapping stays; nothing is left behind, also after a SIGKILL
    }
  }
}
