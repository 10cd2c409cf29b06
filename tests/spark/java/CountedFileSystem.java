// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * Storage for tests: counted:///path is the local file. Each opening is a line, process id and path, in the file that
 * fs.counted.log names, and takes fs.counted.delay milliseconds.
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

  /** Without owner and permissions, which the local file system asks for by URIs of its own scheme. */
  private static FileStatus plain(FileStatus status) {
    return new FileStatus(status.getLen(), status.isDirectory(), 1, status.getBlockSize(), status.getModificationTime(),
        status.getPath());
  }

  @Override
  public FileStatus getFileStatus(org.apache.hadoop.fs.Path file) throws IOException {
    return plain(super.getFileStatus(file));
  }

  @Override
  public FileStatus[] listStatus(org.apache.hadoop.fs.Path folder) throws IOException {
    return Arrays.stream(super.listStatus(folder)).map(CountedFileSystem::plain).toArray(FileStatus[] ::new);
  }

  @Override
  public FSDataInputStream open(org.apache.hadoop.fs.Path file, int bufferSize) throws IOException {
    Path log = Paths.get(getConf().get("fs.counted.log"));
    String process = ManagementFactory.getRuntimeMXBean().getName().split("@")[0];
    byte[] line = (process + " " + file.toUri().getPath() + "\n").getBytes(StandardCharsets.UTF_8);
    Files.write(log, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    try {
      Thread.sleep(getConf().getLong("fs.counted.delay", 0));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return super.open(file, bufferSize);
  }
}
