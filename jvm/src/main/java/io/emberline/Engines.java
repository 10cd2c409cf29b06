// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The engines of this JVM: weights are loaded once a model and set of load-time options by the first task that needs
 * them, and shared by all; handles with other options are derived from them. Idle ones are closed after a while.
 */
public final class Engines {
  /** Models left loaded with nobody using them, and for how long. */
  private static final int MAX_IDLE = 4;

  private static final long MAX_IDLE_NANOS = TimeUnit.MINUTES.toNanos(10);
  /** How long a listing of shared storage is believed: tasks start by the thousand. */
  private static final long LISTING_NANOS = TimeUnit.MINUTES.toNanos(1);

  private static final OnceCache<String, Engine> WEIGHTS = new OnceCache<>(MAX_IDLE, MAX_IDLE_NANOS);
  private static final OnceCache<String, Derived> HANDLES = new OnceCache<>(4 * MAX_IDLE, MAX_IDLE_NANOS);
  private static final Map<String, Fetched> FETCHED = new ConcurrentHashMap<>();

  private Engines() {}

  /** A handle and the weights it keeps loaded. */
  private static final class Derived implements AutoCloseable {
    final Engine engine;
    private final OnceCache.Loan<Engine> weights;

    Derived(Engine engine, OnceCache.Loan<Engine> weights) {
      this.engine = engine;
      this.weights = weights;
    }

    @Override
    public void close() {
      engine.close();
      weights.close();
    }
  }

  private static final class Fetched {
    final Path folder;
    final long at;

    Fetched(Path folder, long at) {
      this.folder = folder;
      this.at = at;
    }
  }

  /** An engine on loan to a task. close() gives it back, once. */
  public static final class Lease implements AutoCloseable {
    private final OnceCache.Loan<Derived> loan;

    private Lease(OnceCache.Loan<Derived> loan) {
      this.loan = loan;
    }

    public Engine engine() {
      return loan.value().engine;
    }

    /** Time this caller spent loading; 0 where the engine was there. */
    public long loadNanos() {
      return loan.makeNanos;
    }

    /** Time this caller waited for another to load. */
    public long waitNanos() {
      return loan.waitNanos;
    }

    @Override
    public void close() {
      loan.close();
    }
  }

  /** What remote models need: where to read them and where to keep them. */
  public static final class Storage {
    final ModelSource source;
    final ModelCache cache;

    public Storage(ModelSource source, ModelCache cache) {
      this.source = source;
      this.cache = cache;
    }
  }

  /**
   * The engine for a model (a local path, a URI of shared storage, or a name the engine resolves) under these options.
   * Throws {@link EmberlineException} that names this host and the model, and InterruptedException while waiting.
   */
  public static Lease acquire(String model, Map<String, String> options, Storage storage) throws InterruptedException {
    try {
      String path = locate(model, storage);
      Path folder = Paths.get(path);
      String print = Files.isDirectory(folder) ? ModelCache.fingerprint(folder) : "";
      Map<String, String> loadOptions = new TreeMap<>();
      for (Map.Entry<String, String> option : options.entrySet()) {
        OptionTable.Option known = OptionTable.options().get(option.getKey());
        if (known == null || known.loadTime) {
          loadOptions.put(option.getKey(), option.getValue());
        }
      }
      String weightsKey = path + '\0' + print + '\0' + loadOptions;
      String handleKey = weightsKey + '\0' + new TreeMap<>(options);
      return new Lease(HANDLES.borrow(handleKey, () -> {
        OnceCache.Loan<Engine> weights = WEIGHTS.borrow(weightsKey, () -> Engine.load(path, loadOptions));
        try {
          return new Derived(weights.value().derive(options), weights);
        } catch (Throwable e) {
          weights.close();
          throw e;
        }
      }));
    } catch (InterruptedException e) {
      throw e;
    } catch (EmberlineException e) {
      throw new EmberlineException(e.code(), "model " + model + " on host " + host() + ": " + e.getMessage(), e);
    } catch (Exception e) {
      throw new EmberlineException(EmberlineException.IO, "model " + model + " on host " + host() + ": " + e, e);
    }
  }

  /** Closes every engine that no task uses. */
  public static void closeIdle() {
    HANDLES.evict(0, 0);
    WEIGHTS.evict(0, 0);
  }

  private static String locate(String model, Storage storage) throws IOException {
    int colon = model.indexOf(":/");
    String scheme = colon > 0 ? model.substring(0, colon) : "";
    if (scheme.equals("file")) {
      String path = model.substring(colon + 1).replaceFirst("^/+", "/");
      return local(path);
    }
    if (scheme.isEmpty()) {
      return local(model);
    }
    Fetched fetched = FETCHED.get(model);
    long now = System.nanoTime();
    if (fetched == null || now - fetched.at > LISTING_NANOS || !Files.isDirectory(fetched.folder)) {
      fetched = new Fetched(storage.cache.fetch(model, storage.source), now);
      FETCHED.put(model, fetched);
    }
    return fetched.folder.toString();
  }

  private static String local(String path) {
    boolean isPath = path.startsWith("/") || path.startsWith(".");
    if (isPath && !Files.exists(Paths.get(path))) {
      throw new EmberlineException(EmberlineException.IO,
          "there is no " + path + " on this host; a model must lie at the same path on every executor, or on shared"
              + " storage (hdfs://, s3a://, ...)");
    }
    return path;
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      String name = System.getenv("HOSTNAME");
      return name == null ? "unknown" : name;
    }
  }
}
