// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** Shared storage that holds model folders. Implementations must be usable from many threads. */
public interface ModelSource {
  /** One file below a model folder; path is relative, with '/' between its parts. */
  final class Entry {
    public final String path;
    public final long length;
    public final long modified;

    public Entry(String path, long length, long modified) {
      this.path = path;
      this.length = length;
      this.modified = modified;
    }
  }

  /** Every file below uri, or an empty list where there is no such folder. */
  List<Entry> list(String uri) throws IOException;

  InputStream open(String uri, String path) throws IOException;
}
