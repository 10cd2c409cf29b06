// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The engines of this JVM: weights are loaded once a model and set of load-time options by the first task that needs
 * them, and shared by all; handles with other options are derived from them. Idle ones are closed after a while.
 */
public final class Engines {
  /** Models left loaded with nobody using them, and for how long. */
  private static final int MAX_IDLE = 4;

  private static final long MAX_IDLE_NANOS = TimeUnit.MINUTES.toNanos(10);

  private static final OnceCache<String, Weights> WEIGHTS = new OnceCache<>(MAX_IDLE, MAX_IDLE_NANOS);
  private static final OnceCache<String, Derived> HANDLES = new OnceCache<>(4 * MAX_IDLE, MAX_IDLE_NANOS);
  private static final String PACKED_FOLDER = "cache_dir"; // the engine's option, and the variable that is its default
  private static final String PACKED_VARIABLE = "EMBERLINE_CACHE_DIR";

  private Engines() {}

  /** An engine under load-time options alone, and the files on this host that stay as long as it does. */
  private static final class Weights implements AutoCloseable {
    final Engine engine;
    private final ModelLocation files;
    private final CacheUsers.Use packed; // null where packed weights go with a copy, or are not kept

    Weights(Engine engine, ModelLocation files, CacheUsers.Use packed) {
      this.engine = engine;
      this.files = files;
      this.packed = packed;
    }

    @Override
    public void close() {
      if (engine != null) {
        engine.close();
      }
      files.close();
      if (packed != null) {
        packed.close();
      }
    }
  }

  /** A handle and the weights it keeps loaded. */
  private static final class Derived implements AutoCloseable {
    final Engine engine;
    private final OnceCache.Loan<Weights> weights;

    Derived(Engine engine, OnceCache.Loan<Weights> weights) {
      this.engine = engine;
      this.weights = weights;
    }

    @Override
    public void close() {
      engine.close();
      weights.close();
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

  /** Where to read models that are not on this host, and where to keep them. */
  public static final class Storage {
    final ModelSource source;
    final ModelCache cache;
    final boolean keepsPacked;

    /** keepsPacked: the engine keeps packed weights in the cache unless its options or environment name a folder. */
    public Storage(ModelSource source, ModelCache cache, boolean keepsPacked) {
      this.source = source;
      this.cache = cache;
      this.keepsPacked = keepsPacked;
    }

    boolean keepsPacked(Map<String, String> options) {
      return keepsPacked && !options.containsKey(PACKED_FOLDER) && System.getenv(PACKED_VARIABLE) == null;
    }
  }

  /**
   * The engine for a model (a local path, a URI of shared storage, or a name the engine resolves) under these options;
   * version is the one that the job began with, or null for the one that is found. Throws {@link EmberlineException}
   * that names this host and the model, and InterruptedException while waiting.
   */
  public static Lease acquire(String model, ModelVersion version, Map<String, String> options, Storage storage)
      throws InterruptedException {
    try (ModelLocation files = ModelLocation.of(model, version, storage)) {
      boolean keepsPacked = storage.keepsPacked(options);
      Map<String, String> allOptions = new TreeMap<>(options);
      if (keepsPacked) {
        allOptions.put(PACKED_FOLDER, storage.cache.packedFolder().toString());
      }
      Map<String, String> loadOptions = new TreeMap<>();
      for (Map.Entry<String, String> option : allOptions.entrySet()) {
        OptionTable.Option known = OptionTable.options().get(option.getKey());
        if (known == null || known.loadTime) {
          loadOptions.put(option.getKey(), option.getValue());
        }
      }
      String weightsKey = files.path + '\0' + files.print + '\0' + loadOptions;
      String handleKey = weightsKey + '\0' + allOptions;
      return new Lease(HANDLES.borrow(handleKey, () -> {
        OnceCache.Loan<Weights> weights =
            WEIGHTS.borrow(weightsKey, () -> load(files, loadOptions, storage.cache, keepsPacked));
        try {
          return new Derived(weights.value().engine.derive(allOptions), weights);
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

  private static Weights load(ModelLocation found, Map<String, String> options, ModelCache cache, boolean keepsPacked)
      throws IOException, InterruptedException {
    ModelLocation files = found.again();
    Path folder = Paths.get(files.path);
    CacheUsers.Use packed = null;
    Engine engine = null;
    try {
      files.check();
      if (keepsPacked && files.isFolderOfItsOwn()) {
        packed = cache.useOf(folder);
      }
      engine = Engine.load(files.path, options);
      files.check(); // else some of its files may be of one version and some of another
    } catch (Throwable e) {
      new Weights(engine, files, packed).close();
      throw e;
    }
    if (keepsPacked) {
      cache.packedBy(folder);
    }
    return new Weights(engine, files, packed);
  }

  /** Closes every engine that no task uses. */
  public static void closeIdle() {
    HANDLES.evict(0, 0);
    WEIGHTS.evict(0, 0);
  }

  /** This host's name, for messages. */
  public static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      String name = System.getenv("HOSTNAME");
      return name == null ? "unknown" : name;
    }
  }
}
