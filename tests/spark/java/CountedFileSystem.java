// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * Storage for tests: counted:///path is the local file, and each opening is a line in the file that fs.counted.log names.
 * fs.counted.delay: milliseconds that an opening takes.
 */
public final class CountedFileSystem extends RawLocalFileSystem {
  @Override
  public URI getUri() {
    return URI.create("counted:///");
  }

  @Override
  public String getScheme() {
    return "counted";
  }

  @Override
  public FSDataInputStream open(org.apache.hadoop.fs.Path file, int bufferSize) throws IOException {
    Path log = Paths.get(getConf().get("fs.counted.log"));
    byte[] line = (file.toUri().getPath() + "\n").getBytes(StandardCharsets.UTF_8);
    Files.write(log, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    try {
      Thread.sleep(getConf().getLong("fs.counted.delay", 0));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return super.open(file, bufferSize);
  }
}
