package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.ComputeDevice;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.LatencyTable;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One session for the same bytes, inputs and device, however many tasks of the process score. */
final class SharedModel {

  /** What the tasks of this process hold; guarded by itself. */
  private static final Map<Key, SharedModel> LOADED = new HashMap<>();

  /** Two measurements at once would measure each other. */
  private static final Object MEASURING = new Object();

  private static final Duration MEASURING_TIME = Duration.ofMillis(300);

  private final Key key;
  private final OnnxModel onnx;

  /** By the largest batch; guarded by {@link #MEASURING}. */
  private final Map<Integer, LatencyTable> latencies = new HashMap<>();

  private int holders;

  private record Key(String sha256, List<String> inputs, ComputeDevice device) {}

  private SharedModel(Key key, OnnxModel onnx) {
    this.key = key;
    this.onnx = onnx;
  }

  /** Loads it, or joins those who have it; whoever asks releases it. */
  static SharedModel acquire(DeployedVersion version, List<String> inputs, ComputeDevice device)
      throws IOException {
    Key key = new Key(version.sha256().toLowerCase(Locale.ROOT), List.copyOf(inputs), device);
    synchronized (LOADED) {
      SharedModel shared = LOADED.get(key);
      if (shared == null) {
        shared =
            new SharedModel(
                key,
                OnnxModel.load(
                    file(version.uri()), version.sha256(), InputColumn.single(inputs), device));
        LOADED.put(key, shared);
      }
      shared.holders++;
      return shared;
    }
  }

  OnnxModel onnx() {
    return onnx;
  }

  ComputeDevice device() {
    return key.device;
  }

  /** How long batches take on its device, measured once. */
  LatencyTable latency(int maxRows) {
    synchronized (MEASURING) {
      return latencies.computeIfAbsent(
          maxRows, rows -> LatencyTable.measure(onnx, rows, MEASURING_TIME, System::nanoTime));
    }
  }

  void release() {
    synchronized (LOADED) {
      if (--holders == 0) {
        LOADED.remove(key);
        onnx.close();
      }
    }
  }

  private static Path file(String uri) throws IOException {
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
