package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.row.Numbers;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.ComputeDevice;
import dev.millrace.scoring.ExecutionProvider;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.InputTensor;
import dev.millrace.scoring.LatencyTable;
import dev.millrace.scoring.ModelTrial;
import dev.millrace.scoring.ProviderUnavailableException;
import dev.millrace.scoring.RunLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ONNX models from their artifacts, each on the device that suits its model's objective: the tasks
 * of a process share a session, each has its own buffers.
 *
 * @param gpu the number of the task's GPU
 * @param limits when a run is ended that does not come back
 * @param trial what a new version may take in a JVM of its own, in which it scores first; null
 *     where it is loaded here at once
 * @param memory what the loaded models of the process may take together
 */
record OnnxModels(int gpu, RunLimits limits, ModelTrial.@Nullable Limits trial, ModelMemory memory)
    implements ModelLoader {

  /** Whether versions are tried in a JVM of their own first: {@code true} or nothing. */
  static final String ISOLATE = "MILLRACE_ISOLATE_MODELS";

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(OnnxModels.class);
  private static final long NANOS_PER_MILLI = 1_000_000;

  /** For tasks that have no GPU of their own: the first that the process sees. */
  OnnxModels() {
    this(0, RunLimits.SERVING, null, ModelMemory.USUAL);
  }

  /** As an installation wants it. */
  static OnnxModels of(Map<String, String> environment) {
    boolean isolated = Boolean.parseBoolean(environment.get(ISOLATE));
    return new OnnxModels(
        0,
        RunLimits.SERVING,
        isolated ? ModelTrial.Limits.SERVING : null,
        ModelMemory.of(environment));
  }

  @Override
  public ModelLoader on(int number) {
    return new OnnxModels(number, limits, trial, memory);
  }

  @Override
  public Scorer load(
      String model, DeployedVersion version, List<InputColumn> inputs, Execution execution)
      throws IOException {
    String what = "Cannot score with model " + model + " version " + version.version() + ": ";
    List<SharedModel> held = new ArrayList<>();
    boolean made = false;
    try {
      if (trial != null && execution.isFirst()) {
        ModelTrials.pass(version, inputs, execution.maxRows(), trial);
      }
      String fellBack = acquire(version, inputs, execution.provider(), held);
      checkInputs(what, held.get(held.size() - 1), inputs.stream().map(InputColumn::name).toList());
      LatencyTable.Choice choice = choose(what, held, execution);
      for (SharedModel each : List.copyOf(held)) {
        if (each.device().provider() != choice.provider()) {
          held.remove(each);
          each.leave();
          each.release();
        }
      }
      SharedModel chosen = held.get(0);
      String flaw = chosen.onnx().flaw();
      if (flaw != null) {
        throw new IOException(what + flaw + "; export it again");
      }
      List<InputTensor> tensors = chosen.onnx().inputTensors();
      List<InputColumn> columns = chosen.onnx().columns();
      SharedModel.Use use =
          new SharedModel.Use(chosen, version.uri(), execution.maxRows(), limits, memory);
      chosen.leave();
      made = true;
      return new Held(chosen.device().provider(), use, choice.rows(), fellBack, tensors, columns);
    } catch (IllegalStateException e) {
      throw new IOException(what + "it does not run: " + e.getMessage(), e);
    } finally {
      if (!made) {
        held.forEach(SharedModel::leave);
        held.forEach(SharedModel::release);
      }
    }
  }

  /**
   * Loads the version on each device that may be chosen, the CPU last.
   *
   * @return why it is not on the device that was asked for, or null
   */
  private @Nullable String acquire(
      DeployedVersion version,
      List<InputColumn> inputs,
      Model.Provider wanted,
      List<SharedModel> held)
      throws IOException {
    String fellBack = null;
    // TensorRT takes minutes to build its engines, so it is for those who ask for it.
    ExecutionProvider accelerator =
        switch (wanted) {
          case CPU -> null;
          case AUTO, CUDA -> ExecutionProvider.CUDA;
          case TENSORRT -> ExecutionProvider.TENSORRT;
        };
    if (accelerator != null) {
      try {
        held.add(
            SharedModel.acquire(
                version, inputs, new ComputeDevice(accelerator, gpu), limits, memory));
      } catch (ProviderUnavailableException e) {
        if (wanted == Model.Provider.AUTO) {
          LOG.info("The CPU computes version {}: {}", version.version(), e.getMessage());
        } else {
          fellBack = e.getMessage();
        }
      }
    }
    if (held.isEmpty() || wanted == Model.Provider.AUTO) {
      held.add(SharedModel.acquire(version, inputs, ComputeDevice.CPU, limits, memory));
    }
    return fellBack;
  }

  /** A version whose inputs are others is found before it serves. */
  private static void checkInputs(String what, SharedModel model, List<String> inputs)
      throws IOException {
    List<String> names = model.onnx().inputNames();
    if (!names.isEmpty() && !names.equals(inputs)) {
      throw new IOException(
          what
              + "it was trained on inputs "
              + names
              + ", the signature is "
              + inputs
              + "; train it again");
    }
  }

  /** Measures where something depends on it. */
  private static LatencyTable.Choice choose(
      String what, List<SharedModel> held, Execution execution) throws IOException {
    Long latencyMillis = execution.latencyMillis();
    if (held.size() == 1 && latencyMillis == null) {
      return new LatencyTable.Choice(held.get(0).device().provider(), execution.maxRows());
    }
    LatencyTable table = new LatencyTable(List.of());
    for (SharedModel each : held) {
      table = table.with(each.latency(execution.maxRows()));
    }
    long allowedNanos =
        latencyMillis == null
            ? Long.MAX_VALUE
            : (latencyMillis - execution.maxDelayMillis()) * NANOS_PER_MILLI;
    LatencyTable.Choice choice = table.choose(allowedNanos, execution.maxRows());
    if (choice != null) {
      LOG.info("Batches of at most {} rows on {}: {}", choice.rows(), choice.provider(), table);
      return choice;
    }
    String why =
        "its objective of %d ms leaves %d ms for scoring beside max-delay, and not even one row is scored in that: %s; raise execution.latency, or train a smaller model"
            .formatted(latencyMillis, allowedNanos / NANOS_PER_MILLI, table);
    if (execution.refusesSlow()) {
      throw new IOException(what + why);
    }
    LOG.warn("{}{}; it served before and goes on", what, why);
    return table.fastestRow();
  }

  /** One task's hold on a model. */
  private static final class Held implements Scorer {
    private final ExecutionProvider provider;
    private final SharedModel.Use use;
    private final int batchRows;
    private final @Nullable String fellBack;
    private final List<InputTensor> tensors;
    private final List<InputColumn> columns;

    /** Null between batches. */
    private @Nullable BatchScorer scorer;

    private boolean closed;

    Held(
        ExecutionProvider provider,
        SharedModel.Use use,
        int batchRows,
        @Nullable String fellBack,
        List<InputTensor> tensors,
        List<InputColumn> columns) {
      this.provider = provider;
      this.use = use;
      this.batchRows = batchRows;
      this.fellBack = fellBack;
      this.tensors = tensors;
      this.columns = columns;
    }

    @Override
    public void put(int row, int column, double value) {
      BatchScorer begun = scorer;
      (begun == null ? begin() : begun).put(row, column, value);
    }

    @Override
    public void put(int row, int column, Numbers vector) {
      BatchScorer begun = scorer;
      (begun == null ? begin() : begun).put(row, column, vector);
    }

    @Override
    public void put(int row, int column, String text) {
      BatchScorer begun = scorer;
      (begun == null ? begin() : begun).put(row, column, text);
    }

    @Override
    public int width(int column) {
      return columns.get(column).width();
    }

    @Override
    public void score(int rows) {
      BatchScorer begun = scorer;
      (begun == null ? begin() : begun).score(rows);
    }

    @Override
    public double scored(int row) {
      BatchScorer begun = scorer;
      return (begun == null ? begin() : begun).probability(row);
    }

    private BatchScorer begin() {
      if (closed) {
        throw new IllegalStateException("Cannot score: the scorer is closed");
      }
      BatchScorer begun = use.begin();
      scorer = begun;
      return begun;
    }

    @Override
    public void end() {
      if (scorer != null) {
        scorer = null;
        use.end();
      }
    }

    @Override
    public ExecutionProvider provider() {
      return provider;
    }

    @Override
    public @Nullable String fellBack() {
      return fellBack;
    }

    @Override
    public List<InputTensor> tensors() {
      return tensors;
    }

    @Override
    public int batchRows() {
      return batchRows;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        end();
        use.close();
      }
    }
  }
}
