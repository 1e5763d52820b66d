package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.ComputeDevice;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.LatencyTable;
import dev.millrace.scoring.OnnxModel;
import dev.millrace.scoring.RunLimits;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One session for the same bytes, inputs and device, however many tasks of the process score. */
final class SharedModel {

  /** What the tasks of this process hold; guarded by itself. */
  private static final Map<Key, SharedModel> LOADED = new HashMap<>();

  /** Two measurements at once would measure each other. */
  private static final Object MEASURING = new Object();

  private static final Duration MEASURING_TIME = Duration.ofMillis(300);

  private final Key key;

  /** By the largest batch; guarded by {@link #MEASURING}. */
  private final Map<Integer, LatencyTable> latencies = new HashMap<>();

  /** Guarded by {@link #LOADED}. */
  private int holders;

  // Guarded by this: who loads one version holds up nobody who wants another one.
  private @Nullable OnnxModel onnx;
  private @Nullable IOException refused;

  private record Key(String sha256, List<String> inputs, ComputeDevice device) {}

  private SharedModel(Key key) {
    this.key = key;
  }

  /** Loads it, or joins those who have it; whoever asks releases it. */
  static SharedModel acquire(
      DeployedVersion version, List<String> inputs, ComputeDevice device, RunLimits limits)
      throws IOException {
    Key key = new Key(version.sha256().toLowerCase(Locale.ROOT), List.copyOf(inputs), device);
    SharedModel shared;
    synchronized (LOADED) {
      shared = LOADED.computeIfAbsent(key, SharedModel::new);
      shared.holders++;
    }
    boolean loaded = false;
    try {
      shared.load(version, limits);
      loaded = true;
      return shared;
    } finally {
      if (!loaded) {
        shared.release();
      }
    }
  }

  /** Tasks that wait for one that is refused are told the same, without trying. */
  private synchronized void load(DeployedVersion version, RunLimits limits) throws IOException {
    if (refused != null) {
      throw refused;
    }
    if (onnx == null) {
      try {
        onnx =
            OnnxModel.load(
                file(version.uri()),
                version.sha256(),
                InputColumn.single(key.inputs),
                key.device,
                limits);
      } catch (IOException e) {
        refused = e;
        throw e;
      }
    }
  }

  synchronized OnnxModel onnx() {
    OnnxModel loaded = onnx;
    if (loaded == null) {
      throw new IllegalStateException("Cannot score with model " + key.sha256 + ": not loaded");
    }
    return loaded;
  }

  ComputeDevice device() {
    return key.device;
  }

  /** How long batches take on its device, measured once. */
  LatencyTable latency(int maxRows) {
    synchronized (MEASURING) {
      return latencies.computeIfAbsent(
          maxRows, rows -> LatencyTable.measure(onnx(), rows, MEASURING_TIME, System::nanoTime));
    }
  }

  void release() {
    synchronized (LOADED) {
      if (--holders > 0) {
        return;
      }
      LOADED.remove(key);
    }
    synchronized (this) {
      if (onnx != null) {
        onnx.close();
        onnx = null;
      }
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
