package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.ComputeDevice;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.LatencyTable;
import dev.millrace.scoring.OnnxModel;
import dev.millrace.scoring.RunLimits;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One session for the same bytes, inputs and device, however many tasks of the process score.
 *
 * <p>It may be unloaded while nobody uses it, see {@link ModelMemory}: then the session and the
 * buffers of all tasks are freed, and whoever uses it next loads it again.
 */
final class SharedModel {

  /** What the tasks of this process hold; guarded by itself. */
  private static final Map<Key, SharedModel> HELD = new HashMap<>();

  /** Two measurements at once would measure each other. */
  private static final Object MEASURING = new Object();

  private static final Duration MEASURING_TIME = Duration.ofMillis(300);

  private final Key key;

  /** By the largest batch; guarded by {@link #MEASURING}. */
  private final Map<Integer, LatencyTable> latencies = new HashMap<>();

  /** Guarded by {@link #HELD}. */
  private int holders;

  /** Who loads one version holds up nobody who wants another one. */
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private final Map<Use, BatchScorer> scorers = new HashMap<>();
  private int users;
  private @Nullable IOException refused;

  /** Written under the lock. */
  private volatile @Nullable OnnxModel onnx;

  private volatile long bytes;
  private volatile long usedNanos;

  private record Key(String sha256, List<InputColumn> inputs, ComputeDevice device) {}

  private SharedModel(Key key) {
    this.key = key;
  }

  /** Loads it, or joins those who have it; whoever asks uses it, and releases it. */
  static SharedModel acquire(
      DeployedVersion version,
      List<InputColumn> inputs,
      ComputeDevice device,
      RunLimits limits,
      ModelMemory memory)
      throws IOException {
    Key key = new Key(version.sha256().toLowerCase(Locale.ROOT), List.copyOf(inputs), device);
    SharedModel shared;
    synchronized (HELD) {
      shared = HELD.computeIfAbsent(key, SharedModel::new);
      shared.holders++;
    }
    boolean loaded = false;
    try {
      shared.enter(version.uri(), limits, memory);
      loaded = true;
      return shared;
    } finally {
      if (!loaded) {
        shared.release();
      }
    }
  }

  /** Those that are held, loaded or not. */
  static List<SharedModel> all() {
    synchronized (HELD) {
      return List.copyOf(HELD.values());
    }
  }

  /** Keeps it loaded until it is left; loads it where it is not. */
  private void enter(String uri, RunLimits limits, ModelMemory memory) throws IOException {
    lock.lock();
    try {
      users++;
    } finally {
      lock.unlock();
    }
    boolean entered = false;
    try {
      if (onnx == null) {
        Path file = file(uri);
        memory.makeRoom(this, ModelMemory.estimate(Files.size(file)));
        load(file, limits);
      }
      entered = true;
    } finally {
      if (!entered) {
        leave();
      }
    }
  }

  /** Nobody may unload it for this user any more. */
  void leave() {
    lock.lock();
    try {
      users--;
      usedNanos = System.nanoTime();
    } finally {
      lock.unlock();
    }
  }

  /** Tasks that wait for one that is refused are told the same, without trying. */
  private void load(Path file, RunLimits limits) throws IOException {
    lock.lock();
    try {
      if (refused != null) {
        throw refused;
      }
      if (onnx == null) {
        bytes = ModelMemory.estimate(Files.size(file));
        onnx = OnnxModel.load(file, key.sha256, key.inputs, key.device, limits);
        ModelMemory.loaded(this);
      }
    } catch (IOException e) {
      if (usedNanos == 0) {
        refused = e;
      }
      throw e;
    } finally {
      lock.unlock();
    }
  }

  /** Frees it unless somebody uses it; whether it was freed. */
  boolean unload() {
    if (!lock.tryLock()) {
      return false;
    }
    try {
      OnnxModel loaded = onnx;
      if (users > 0 || loaded == null) {
        return false;
      }
      scorers.values().forEach(BatchScorer::close);
      scorers.clear();
      loaded.close();
      onnx = null;
      return true;
    } finally {
      lock.unlock();
    }
  }

  OnnxModel onnx() {
    OnnxModel loaded = onnx;
    if (loaded == null) {
      throw new IllegalStateException("Cannot score with model " + key.sha256 + ": not loaded");
    }
    return loaded;
  }

  boolean isLoaded() {
    return onnx != null;
  }

  /** About how much memory it takes while it is loaded. */
  long bytes() {
    return bytes;
  }

  /** When it was used last. */
  long usedNanos() {
    return usedNanos;
  }

  ComputeDevice device() {
    return key.device;
  }

  /** How long batches take on its device, measured once; the caller uses it. */
  LatencyTable latency(int maxRows) {
    synchronized (MEASURING) {
      return latencies.computeIfAbsent(
          maxRows, rows -> LatencyTable.measure(onnx(), rows, MEASURING_TIME, System::nanoTime));
    }
  }

  /** Whoever acquired it does not hold it any more, having left it. */
  void release() {
    synchronized (HELD) {
      if (--holders > 0) {
        return;
      }
      HELD.remove(key);
    }
    lock.lock();
    try {
      OnnxModel loaded = onnx;
      if (loaded != null) {
        loaded.close();
        onnx = null;
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return key.sha256 + " on " + key.device;
  }

  /** One task's buffers. For one thread, between whose batches another one may free them. */
  static final class Use {
    private final SharedModel model;
    private final String uri;
    private final int maxRows;
    private final RunLimits limits;
    private final ModelMemory memory;

    /** By somebody who uses the model. */
    Use(SharedModel model, String uri, int maxRows, RunLimits limits, ModelMemory memory) {
      this.model = model;
      this.uri = uri;
      this.maxRows = maxRows;
      this.limits = limits;
      this.memory = memory;
      BatchScorer unusedScorer = scorer();
    }

    /** The buffers, which stay until {@link #end}. */
    BatchScorer begin() {
      try {
        model.enter(uri, limits, memory);
      } catch (IOException e) {
        throw new IllegalStateException(
            "Cannot score with model " + model + ": it cannot be loaded again", e);
      }
      boolean begun = false;
      try {
        BatchScorer scorer = scorer();
        begun = true;
        return scorer;
      } finally {
        if (!begun) {
          model.leave();
        }
      }
    }

    /** Made by the user alone, who keeps the model loaded meanwhile. */
    private BatchScorer scorer() {
      model.lock.lock();
      try {
        BatchScorer known = model.scorers.get(this);
        if (known != null) {
          return known;
        }
      } finally {
        model.lock.unlock();
      }
      BatchScorer made = model.onnx().scorer(maxRows);
      model.lock.lock();
      try {
        BatchScorer unusedNone = model.scorers.put(this, made);
      } finally {
        model.lock.unlock();
      }
      return made;
    }

    void end() {
      model.leave();
    }

    /** Frees the buffers; the user has ended. */
    void close() {
      model.lock.lock();
      try {
        BatchScorer scorer = model.scorers.remove(this);
        if (scorer != null) {
          scorer.close();
        }
      } finally {
        model.lock.unlock();
      }
      model.release();
    }
  }

  /** Where an artifact is. */
  static Path file(String uri) throws IOException {
    try {
      return Path.of(URI.create(uri));
    } catch (IllegalArgumentException | FileSystemNotFoundException e) {
      throw new IOException(
          "Cannot load artifact "
              + uri
              + ": it is no file: URI; deploy a version whose artifact"
              + " is a file",
          e);
    }
  }
}
