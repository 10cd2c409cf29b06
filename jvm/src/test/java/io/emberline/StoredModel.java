// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Storage in memory that counts what is read from it. */
final class StoredModel implements ModelSource {
  static final long NO_LIMIT = Long.MAX_VALUE;

  final Map<String, String> files = new TreeMap<>();
  final AtomicInteger opened = new AtomicInteger();
  long modified = 1;
  long lie;

  StoredModel() {
    files.put("1_Pooling/config.json", "{\"pooling\": 1}");
    files.put("config.json", "{}");
  }

  /** With one file of this many bytes. */
  StoredModel(int bytes) {
    files.put("model.safetensors", new String(new char[bytes]).replace('\0', 'w'));
  }

  @Override
  public List<Entry> list(String address) {
    return files.entrySet()
        .stream()
        .map(file -> new Entry(file.getKey(), file.getValue().length() + lie, modified))
        .collect(Collectors.toList());
  }

  @Override
  public InputStream open(String address, String path) throws IOException {
    opened.incrementAndGet();
    return new ByteArrayInputStream(files.get(path).getBytes(StandardCharsets.UTF_8));
  }

  ModelCache.Copy in(ModelCache cache, String address) throws IOException, InterruptedException {
    return cache.fetch(address, list(address), this);
  }
}
