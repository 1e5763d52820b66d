package dev.millrace.scoring;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import ai.onnxruntime.providers.OrtTensorRTProviderOptions;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A session of ONNX Runtime on one device.
 *
 * <p>On the CPU it runs on the calling thread alone, and any number of threads may run it at once:
 * in a task slot more threads make it slower. On a GPU one batch runs at a time, because each
 * further thread would take memory of the device for good.
 */
final class OnnxSession implements AutoCloseable {

  /** What one session may take of a GPU's memory. */
  static final long GPU_MEMORY_BYTES = 2L << 30;

  /** Why devices cannot be had in this process; trying costs seconds and never ends otherwise. */
  private static final Map<ComputeDevice, String> UNAVAILABLE = new ConcurrentHashMap<>();

  private static final Map<Integer, Lock> GPUS = new ConcurrentHashMap<>();

  private final OrtSession session;
  private final OrtSession.SessionOptions options;
  private final @Nullable Lock gpu;

  private OnnxSession(OrtSession session, OrtSession.SessionOptions options, @Nullable Lock gpu) {
    this.session = session;
    this.options = options;
    this.gpu = gpu;
  }

  /**
   * Opens a session.
   *
   * @throws ProviderUnavailableException where a GPU is not to be had, or does not take this model
   * @throws OrtException where the CPU does not take it
   */
  static OnnxSession open(byte[] model, ComputeDevice device)
      throws OrtException, ProviderUnavailableException {
    OrtEnvironment environment = environment();
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    boolean opened = false;
    try {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      options.addConfigEntry("session.inter_op.allow_spinning", "0");
      if (device.provider() != ExecutionProvider.CPU) {
        add(device, options);
      }
      OrtSession session = create(environment, model, options, device);
      opened = true;
      return new OnnxSession(session, options, lock(device));
    } finally {
      if (!opened) {
        options.close();
      }
    }
  }

  static OrtEnvironment environment() {
    // Shared by the whole JVM and never closed: ONNX Runtime keeps it until the JVM ends.
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING, "millrace");
  }

  OrtSession onnx() {
    return session;
  }

  /**
   * Runs a batch whose scores go where {@code outputs} say.
   *
   * @param watch what ends the run; null where it may take any time
   */
  void run(
      Map<String, OnnxTensor> inputs,
      Map<String, ? extends OnnxValue> outputs,
      @Nullable RunWatch watch,
      long limitNanos)
      throws OrtException {
    lock();
    try {
      if (watch == null) {
        session.run(inputs, Set.of(), outputs).close();
        return;
      }
      watch.begin(limitNanos);
      try {
        session.run(inputs, Set.of(), outputs, watch.options()).close();
      } finally {
        watch.end();
      }
    } finally {
      unlock();
    }
  }

  /** Runs a batch whose scores come in a new value. */
  OrtSession.Result run(
      Map<String, OnnxTensor> inputs, String output, @Nullable RunWatch watch, long limitNanos)
      throws OrtException {
    lock();
    try {
      if (watch == null) {
        return session.run(inputs, Set.of(output));
      }
      watch.begin(limitNanos);
      try {
        return session.run(inputs, Set.of(output), watch.options());
      } finally {
        watch.end();
      }
    } finally {
      unlock();
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("Cannot close an ONNX session: " + e.getMessage(), e);
    } finally {
      options.close();
    }
  }

  private void lock() {
    if (gpu != null) {
      gpu.lock();
    }
  }

  private void unlock() {
    if (gpu != null) {
      gpu.unlock();
    }
  }

  private static @Nullable Lock lock(ComputeDevice device) {
    return device.provider() == ExecutionProvider.CPU
        ? null
        : GPUS.computeIfAbsent(device.number(), n -> new ReentrantLock());
  }

  private static OrtSession create(
      OrtEnvironment environment,
      byte[] model,
      OrtSession.SessionOptions options,
      ComputeDevice device)
      throws OrtException, ProviderUnavailableException {
    try {
      return environment.createSession(model, options);
    } catch (OrtException e) {
      if (device.provider() == ExecutionProvider.CPU) {
        throw e;
      }
      throw new ProviderUnavailableException(
          "Cannot compute a model on " + device + ": " + e.getMessage(), e);
    }
  }

  private static void add(ComputeDevice device, OrtSession.SessionOptions options)
      throws ProviderUnavailableException {
    String why = UNAVAILABLE.get(device);
    if (why == null) {
      why = obstacle(device, options);
      if (why == null) {
        return;
      }
      UNAVAILABLE.put(device, why);
    }
    throw new ProviderUnavailableException("Cannot compute models on " + device + ": " + why);
  }

  /** Adds the device; why it cannot be added, or null where it was. */
  private static @Nullable String obstacle(
      ComputeDevice device, OrtSession.SessionOptions options) {
    OrtProvider wanted =
        device.provider() == ExecutionProvider.CUDA ? OrtProvider.CUDA : OrtProvider.TENSOR_RT;
    if (!OrtEnvironment.getAvailableProviders().contains(wanted)) {
      return "this build computes on the CPU alone; build it with ./mvnw -Pgpu";
    }
    try {
      if (wanted == OrtProvider.TENSOR_RT) {
        try (OrtTensorRTProviderOptions tensorRt =
            new OrtTensorRTProviderOptions(device.number())) {
          options.addTensorrt(tensorRt);
        }
      }
      // What TensorRT does not take, CUDA does.
      try (OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions(device.number())) {
        cuda.add("gpu_mem_limit", String.valueOf(GPU_MEMORY_BYTES));
        cuda.add("arena_extend_strategy", "kSameAsRequested");
        // Its 10 bits of mantissa would give other scores than the CPU.
        cuda.add("use_tf32", "0");
        options.addCUDA(cuda);
      }
      return null;
    } catch (OrtException | LinkageError e) {
      return e.getMessage()
          + "; install the NVIDIA driver and CUDA 12 (TensorRT 10), or say provider: cpu";
    }
  }
}
