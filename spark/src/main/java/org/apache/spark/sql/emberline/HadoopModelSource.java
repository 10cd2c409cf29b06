// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline;

import io.emberline.ModelFiles;
import io.emberline.ModelSource;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileChecksum;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** Models on whatever storage Hadoop reads: hdfs://, s3a://, abfss://, gs://. */
final class HadoopModelSource implements ModelSource {
  private final Configuration configuration;

  HadoopModelSource(Configuration configuration) {
    this.configuration = configuration;
  }

  @Override
  public List<Entry> list(String uri) throws IOException {
    Path root = new Path(uri);
    FileSystem fileSystem = root.getFileSystem(configuration);
    String prefix = fileSystem.makeQualified(root).toUri().getPath();
    List<Entry> entries = new ArrayList<>();
    try {
      RemoteIterator<LocatedFileStatus> files = fileSystem.listFiles(root, true);
      while (files.hasNext()) {
        LocatedFileStatus file = files.next();
        String path = file.getPath().toUri().getPath().substring(prefix.length()).replaceFirst("^/+", "");
        if (ModelFiles.isPart(path)) {
          entries.add(new Entry(path, file.getLen(), file.getModificationTime(), fingerprint(fileSystem, file)));
        }
      }
    } catch (FileNotFoundException e) {
      return new ArrayList<>();
    }
    return ModelFiles.sorted(entries);
  }

  /** What the storage knows of the contents without reading them; empty where that is nothing. */
  private static String fingerprint(FileSystem fileSystem, LocatedFileStatus file) {
    try {
      FileChecksum checksum = fileSystem.getFileChecksum(file.getPath());
      return checksum == null ? "" : checksum.getAlgorithmName() + ":" + new BigInteger(1, checksum.getBytes());
    } catch (IOException | UnsupportedOperationException e) {
      return "";
    }
  }

  @Override
  public InputStream open(String uri, String path) throws IOException {
    Path file = new Path(new Path(uri), path);
    return file.getFileSystem(configuration).open(file);
  }
}
