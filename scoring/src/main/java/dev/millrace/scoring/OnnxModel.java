package dev.millrace.scoring;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A binary scorer in ONNX: one float tensor {@code [N, F]} in, one probability a row out.
 *
 * <p>The output is {@code [N]} or {@code [N, 1]}, the probability itself, or {@code [N, 2]}, whose
 * second column is the probability. Other outputs (such as a class label) are ignored as long as
 * only one float tensor is among them.
 *
 * <p>One model may be shared by several threads, each with its own {@link BatchScorer}. It runs on
 * the calling thread alone: in a task slot more threads make it slower. What is native is freed
 * when the model and all its scorers are closed, in any order.
 */
public final class OnnxModel implements AutoCloseable {

  /** Key of the model's metadata that names its inputs in order, joined by commas. */
  public static final String INPUT_NAMES = "millrace.inputs";

  private static final int PROBE_ROWS = 2;

  private final String sha256;
  private final int inputs;
  private final List<String> inputNames;
  private final OrtSession.SessionOptions options;
  private final OrtSession session;
  private final String input;
  private final String output;
  private final int outputColumns;
  private final long[] outputRowShape;

  private int scorers;
  private boolean closed;
  private boolean freed;

  private OnnxModel(
      String sha256,
      int inputs,
      List<String> inputNames,
      OrtSession.SessionOptions options,
      OrtSession session,
      String input,
      String output,
      long[] probedShape) {
    this.sha256 = sha256;
    this.inputs = inputs;
    this.inputNames = inputNames;
    this.options = options;
    this.session = session;
    this.input = input;
    this.output = output;
    this.outputColumns = probedShape.length == 1 ? 1 : (int) probedShape[1];
    this.outputRowShape = probedShape.clone();
  }

  /** The version of ONNX Runtime that scores here. */
  public static String runtimeVersion() {
    return OrtEnvironment.getEnvironment().getVersion();
  }

  /**
   * Loads a model and proves on two rows that it scores.
   *
   * @param expectedSha256 in hex; null where any bytes will do
   * @param expectedInputs F, the length of the model's signature
   * @throws ModelRefusedException where the bytes or the signature are not as expected
   * @throws IOException where the file cannot be read
   */
  public static OnnxModel load(Path file, @Nullable String expectedSha256, int expectedInputs)
      throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    String sha256 = sha256(bytes);
    if (expectedSha256 != null && !expectedSha256.equalsIgnoreCase(sha256)) {
      throw new ModelRefusedException(
          "Cannot load model %s: its sha256 is %s, announced was %s; fetch the artifact again"
              .formatted(file, sha256, expectedSha256));
    }
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    @Nullable OrtSession session = null;
    boolean loaded = false;
    try {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      options.addConfigEntry("session.inter_op.allow_spinning", "0");
      session = environment().createSession(bytes, options);
      String input = input(file, session, expectedInputs);
      String output = output(file, session);
      long[] shape = probe(file, session, input, output, expectedInputs);
      OnnxModel model =
          new OnnxModel(
              sha256, expectedInputs, names(session), options, session, input, output, shape);
      loaded = true;
      return model;
    } catch (OrtException e) {
      throw new ModelRefusedException(
          "Cannot load model %s: ONNX Runtime refuses it (%s); export it again"
              .formatted(file, e.getMessage()),
          e);
    } finally {
      if (!loaded) {
        free(session, options);
      }
    }
  }

  /** Sha256 of the file that was loaded, in hex. */
  public String sha256() {
    return sha256;
  }

  /** F, the number of inputs. */
  public int inputs() {
    return inputs;
  }

  /** The inputs' names in order, where the file says them; empty where it does not. */
  public List<String> inputNames() {
    return inputNames;
  }

  /** Buffers of one thread; every batch size is warm when this returns. */
  public BatchScorer scorer(int maxRows) {
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException(
            "Cannot score with model " + sha256 + ": it is closed; load it again");
      }
      scorers++;
    }
    boolean made = false;
    try {
      BatchScorer scorer = new BatchScorer(this, maxRows);
      made = true;
      return scorer;
    } finally {
      if (!made) {
        scorerClosed();
      }
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    freeIfUnused();
  }

  synchronized void scorerClosed() {
    scorers--;
    freeIfUnused();
  }

  static OrtEnvironment environment() {
    // Shared by the whole JVM and never closed: ONNX Runtime keeps it until the JVM ends.
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING, "millrace");
  }

  String input() {
    return input;
  }

  String output() {
    return output;
  }

  /** Values a row has in the output. */
  int outputColumns() {
    return outputColumns;
  }

  /** The output's shape for a batch. */
  long[] outputShape(int rows) {
    long[] shape = outputRowShape.clone();
    shape[0] = rows;
    return shape;
  }

  void run(
      Map<String, OnnxTensor> inputTensors,
      Set<String> requested,
      Map<String, OnnxTensor> outputTensors)
      throws OrtException {
    session.run(inputTensors, requested, outputTensors).close();
  }

  private void freeIfUnused() {
    if (closed && scorers == 0 && !freed) {
      freed = true;
      free(session, options);
    }
  }

  private static void free(@Nullable OrtSession session, OrtSession.SessionOptions sessionOptions) {
    try {
      if (session != null) {
        session.close();
      }
    } catch (OrtException e) {
      throw new IllegalStateException("Cannot close an ONNX session: " + e.getMessage(), e);
    } finally {
      sessionOptions.close();
    }
  }

  private static String input(Path file, OrtSession session, int expectedInputs)
      throws OrtException, ModelRefusedException {
    Map<String, NodeInfo> infos = session.getInputInfo();
    if (infos.size() != 1) {
      throw refused(file, "it has inputs " + infos.keySet() + ", not one");
    }
    NodeInfo only = infos.values().iterator().next();
    if (!(only.getInfo() instanceof TensorInfo tensor) || tensor.type != OnnxJavaType.FLOAT) {
      throw refused(file, "input " + only + " is no float tensor");
    }
    long[] shape = tensor.getShape();
    if (shape.length != 2 || shape[0] != -1) {
      throw refused(
          file,
          "input %s has shape %s, not [N, F] with a free number of rows"
              .formatted(only.getName(), Arrays.toString(shape)));
    }
    if (shape[1] != -1 && shape[1] != expectedInputs) {
      List<String> names = names(session);
      throw refused(
          file,
          "it takes %d inputs%s, the signature has %d"
              .formatted(
                  shape[1],
                  names.isEmpty() ? "" : " (" + String.join(", ", names) + ")",
                  expectedInputs));
    }
    return only.getName();
  }

  private static String output(Path file, OrtSession session)
      throws OrtException, ModelRefusedException {
    List<String> floats = new ArrayList<>();
    for (NodeInfo node : session.getOutputInfo().values()) {
      if (node.getInfo() instanceof TensorInfo tensor && tensor.type == OnnxJavaType.FLOAT) {
        floats.add(node.getName());
      }
    }
    if (floats.size() != 1) {
      throw refused(
          file,
          "its outputs %s hold %s float tensors, not one (a map of probabilities is not read:"
                  .formatted(session.getOutputInfo().values(), floats.size())
              + " export without ZipMap)");
    }
    return floats.get(0);
  }

  /** Scores rows of zeros, because not every exporter writes the output's shape. */
  private static long[] probe(
      Path file, OrtSession session, String input, String output, int inputs)
      throws OrtException, ModelRefusedException {
    ByteBuffer zeros =
        ByteBuffer.allocateDirect(PROBE_ROWS * inputs * Float.BYTES).order(ByteOrder.nativeOrder());
    try (OnnxTensor rows =
            OnnxTensor.createTensor(
                environment(), zeros.asFloatBuffer(), new long[] {PROBE_ROWS, inputs});
        OrtSession.Result result = session.run(Map.of(input, rows), Set.of(output))) {
      long[] shape = ((TensorInfo) result.get(0).getInfo()).getShape();
      boolean vector = shape.length == 1 && shape[0] == PROBE_ROWS;
      boolean matrix =
          shape.length == 2 && shape[0] == PROBE_ROWS && (shape[1] == 1 || shape[1] == 2);
      if (!vector && !matrix) {
        throw refused(
            file,
            "output %s has shape %s for %d rows, not [N], [N, 1] or [N, 2]"
                .formatted(output, Arrays.toString(shape), PROBE_ROWS));
      }
      return shape;
    }
  }

  private static List<String> names(OrtSession session) throws OrtException {
    return session
        .getMetadata()
        .getCustomMetadataValue(INPUT_NAMES)
        .map(names -> List.of(names.split(",", -1)))
        .orElse(List.of());
  }

  private static ModelRefusedException refused(Path file, String why) {
    return new ModelRefusedException(
        "Cannot load model %s: %s; export it as one float tensor [N, F] to one probability a row"
            .formatted(file, why));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash a model: every Java has SHA-256", e);
    }
  }
}
