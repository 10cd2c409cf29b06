// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;

/** A process that holds something of a cache until it is killed: what an executor of the same host would. */
final class OtherProcess {
  private static final String READY = "ready";

  private OtherProcess() {}

  /** what: "use" (folder: users) or "lock" (folder: locks). Returns when it holds name. */
  static Process start(String what, String folder, String name) throws IOException {
    String java = Paths.get(System.getProperty("java.home"), "bin", "java").toString();
    Process process = new ProcessBuilder(
        java, "-cp", System.getProperty("java.class.path"), OtherProcess.class.getName(), what, folder, name)
                          .redirectError(ProcessBuilder.Redirect.INHERIT)
                          .start();
    BufferedReader said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = said.readLine();
    if (!READY.equals(line)) {
      process.destroyForcibly();
      throw new IOException("the other process said " + line);
    }
    return process;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Paths.get(arguments[1]);
    Object held = arguments[0].equals("use") ? CacheUsers.of(folder).begin(arguments[2])
                                             : new NameLocks(folder).lock(arguments[2]);
    System.out.println(READY);
    Thread.sleep(600_000);
    System.out.println(held);
  }
}
