// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.List;

/** Where model folders come from. Implementations must be usable from many threads. */
public interface ModelSource {
  /** One file below a model folder; path is relative, with '/' between its parts. Equal where all that is known is. */
  final class Entry implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Begins a fingerprint that a copy is checked against. */
    public static final String SHA256 = "sha256:";

    public final String path;
    /** In bytes. */
    public final long length;
    /** In milliseconds since 1970; 0 where it says nothing. */
    public final long modified;
    /** Of the contents: SHA256 and hexadecimal digits, or whatever the storage keeps, or empty. */
    public final String fingerprint;

    public Entry(String path, long length, long modified, String fingerprint) {
      this.path = path;
      this.length = length;
      this.modified = modified;
      this.fingerprint = fingerprint;
    }

    public Entry(String path, long length, long modified) {
      this(path, length, modified, "");
    }

    @Override
    public String toString() {
      return path + '\t' + length + '\t' + modified + '\t' + fingerprint;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Entry && toString().equals(other.toString());
    }

    @Override
    public int hashCode() {
      return toString().hashCode();
    }
  }

  /** The files of the model at address, sorted by path, or an empty list where there is no such folder. */
  List<Entry> list(String address) throws IOException;

  InputStream open(String address, String path) throws IOException;
}
