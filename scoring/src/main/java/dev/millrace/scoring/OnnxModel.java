package dev.millrace.scoring;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A scorer in ONNX: tensors with one row an event in, one score a row out. {@link InputLayout} says
 * which tensor takes what, {@link ScoreOutput} where the score is read.
 *
 * <p>One model may be shared by several threads, each with its own {@link BatchScorer}. What is
 * native is freed when the model and all its scorers are closed, in any order.
 */
public final class OnnxModel implements AutoCloseable {

  /** Key of the model's metadata that names its inputs in order, joined by commas. */
  public static final String INPUT_NAMES = "millrace.inputs";

  /** Key of the model's metadata that names the output with the scores, where it has several. */
  public static final String OUTPUT = "millrace.output";

  /** Of two batches: an output whose width follows the number of rows is none. */
  private static final int[] PROBE_ROWS = {2, 3};

  private static final int FLAW_ROWS = 32;
  private static final long FLAW_SEED = 7;

  private final String sha256;
  private final String format;
  private final ComputeDevice device;
  private final List<String> inputNames;
  private final OnnxSession session;
  private final InputLayout layout;
  private final ScoreOutput output;
  private final @Nullable RunLimits limits;
  private final @Nullable GoldenRows golden;

  private final Object invariance = new Object();

  /** Found for the first scorer; 0 before. Guarded by {@link #invariance}. */
  private int leastRows;

  private int scorers;
  private boolean closed;
  private boolean freed;

  private OnnxModel(
      String sha256,
      String format,
      ComputeDevice device,
      List<String> inputNames,
      OnnxSession session,
      InputLayout layout,
      ScoreOutput output,
      @Nullable RunLimits limits,
      @Nullable GoldenRows golden) {
    this.sha256 = sha256;
    this.format = format;
    this.device = device;
    this.inputNames = inputNames;
    this.session = session;
    this.layout = layout;
    this.output = output;
    this.limits = limits;
    this.golden = golden;
  }

  /** The version of ONNX Runtime that scores here. */
  public static String runtimeVersion() {
    return OrtEnvironment.getEnvironment().getVersion();
  }

  /**
   * Loads a model for the CPU, whose inputs are single values.
   *
   * @param expectedSha256 in hex; null where any bytes will do
   * @param expectedInputs F, the length of the model's signature
   * @throws ModelRefusedException where the bytes or the signature are not as expected
   * @throws IOException where the file cannot be read
   */
  public static OnnxModel load(Path file, @Nullable String expectedSha256, int expectedInputs)
      throws IOException {
    return load(file, expectedSha256, InputColumn.unnamed(expectedInputs), ComputeDevice.CPU);
  }

  /**
   * Loads a model and proves on a few rows that it scores.
   *
   * @param expectedSha256 in hex; null where any bytes will do
   * @param signature what the model is given for each row, in order
   * @throws ModelRefusedException where the bytes or the signature are not as expected
   * @throws ProviderUnavailableException where the device is not to be had or does not take it
   * @throws IOException where the file cannot be read
   */
  public static OnnxModel load(
      Path file, @Nullable String expectedSha256, List<InputColumn> signature, ComputeDevice device)
      throws IOException {
    return load(file, expectedSha256, signature, device, null);
  }

  /**
   * The same for a model whose runs are ended when they take too long.
   *
   * @param limits null where they may take any time
   */
  public static OnnxModel load(
      Path file,
      @Nullable String expectedSha256,
      List<InputColumn> signature,
      ComputeDevice device,
      @Nullable RunLimits limits)
      throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    String sha256 = sha256(bytes);
    if (expectedSha256 != null && !expectedSha256.equalsIgnoreCase(sha256)) {
      throw new ModelRefusedException(
          "Cannot load model %s: its sha256 is %s, announced was %s; fetch the artifact again"
              .formatted(file, sha256, expectedSha256));
    }
    try {
      return open(file, bytes, sha256, signature, device, limits);
    } catch (UnreadableModelException e) {
      throw new ModelRefusedException(
          ("Cannot load model %s: %s; export it with tensors [N, F] of float, double, int64 or"
                  + " text in and one score a row out")
              .formatted(file, e.why()),
          e);
    }
  }

  private static OnnxModel open(
      Path file,
      byte[] bytes,
      String sha256,
      List<InputColumn> signature,
      ComputeDevice device,
      @Nullable RunLimits limits)
      throws IOException, UnreadableModelException {
    ModelHeader header = ModelHeader.read(bytes);
    OnnxSession session = null;
    boolean loaded = false;
    try {
      session = OnnxSession.open(bytes, device);
      Map<String, String> metadata = session.onnx().getMetadata().getCustomMetadata();
      String joined = metadata.get(INPUT_NAMES);
      List<String> names = joined == null ? List.of() : List.of(joined.split(",", -1));
      InputLayout layout = InputLayout.of(session.onnx(), signature, names);
      ScoreOutput output =
          probe(
              session,
              layout,
              ScoreOutput.named(session.onnx(), metadata.get(OUTPUT)),
              limits,
              device.provider());
      GoldenRows golden = GoldenRows.of(metadata, layout.columns());
      OnnxModel model =
          new OnnxModel(
              sha256, header.toString(), device, names, session, layout, output, limits, golden);
      loaded = true;
      return model;
    } catch (OrtException e) {
      throw new ModelRefusedException(
          "Cannot load model %s (%s): ONNX Runtime %s refuses it (%s); export it again"
              .formatted(file, header, runtimeVersion(), e.getMessage()),
          e);
    } finally {
      if (!loaded && session != null) {
        session.close();
      }
    }
  }

  /** Scores a few rows, because not every exporter writes the output's shape. */
  private static ScoreOutput probe(
      OnnxSession session,
      InputLayout layout,
      String output,
      @Nullable RunLimits limits,
      ExecutionProvider provider)
      throws OrtException, UnreadableModelException {
    if (limits == null) {
      return probe(session, layout, output, null, 0);
    }
    try (RunWatch watch = RunWatch.open()) {
      try {
        return probe(session, layout, output, watch, limits.firstNanos(provider));
      } catch (OrtException e) {
        if (watch.ended()) {
          throw new UnreadableModelException(
              "a run of a few rows had not come back after "
                  + watch.limitMillis()
                  + " ms and was ended");
        }
        throw e;
      }
    }
  }

  private static ScoreOutput probe(
      OnnxSession session,
      InputLayout layout,
      String output,
      @Nullable RunWatch watch,
      long limitNanos)
      throws OrtException, UnreadableModelException {
    ScoreOutput found = null;
    for (int rows : PROBE_ROWS) {
      InputBuffers buffers = new InputBuffers(layout, rows);
      Map<String, OnnxTensor> tensors = buffers.tensors(rows);
      try (OrtSession.Result result = session.run(tensors, output, watch, limitNanos)) {
        ScoreOutput now = ScoreOutput.of(output, result.get(0), rows);
        if (found != null && !found.equals(now)) {
          throw new UnreadableModelException(
              "output %s is %s for %d rows and %s for %d"
                  .formatted(output, found, PROBE_ROWS[0], now, rows));
        }
        found = now;
      } finally {
        tensors.values().forEach(OnnxTensor::close);
      }
    }
    if (found == null) {
      throw new IllegalStateException("Cannot probe a model with no rows");
    }
    return found;
  }

  /** Sha256 of the file that was loaded, in hex. */
  public String sha256() {
    return sha256;
  }

  /** What the file says of its format, such as {@code IR 8, opset ai.onnx 15}. */
  public String format() {
    return format;
  }

  /** Where it is computed. */
  public ComputeDevice device() {
    return device;
  }

  /** The length of the signature. */
  public int inputs() {
    return layout.columns().size();
  }

  /** The inputs' names in order, where the file says them; empty where it does not. */
  public List<String> inputNames() {
    return inputNames;
  }

  /** The tensors that it takes, each with its columns of the signature. */
  public List<InputTensor> inputTensors() {
    return layout.tensors();
  }

  /** What it is given for each row, in order, with the lengths of vectors. */
  public List<InputColumn> columns() {
    return layout.columns();
  }

  /**
   * What is wrong with the scores of rows that are stored with it, or of made-up ones; null where
   * nothing is. One row of nothing but zeros has to have a score, and half of the others.
   */
  public @Nullable String flaw() {
    if (golden != null) {
      try (BatchScorer scorer = cold(golden.size())) {
        String flaw = golden.flaw(scorer);
        if (flaw != null) {
          return flaw;
        }
      }
    }
    try (BatchScorer scorer = cold(FLAW_ROWS)) {
      ProbeRows.normal(layout, FLAW_ROWS - 1, FLAW_SEED).fill(scorer.buffers(), FLAW_ROWS - 1, 0);
      scorer.score(FLAW_ROWS);
      double ofZeros = scorer.probability(FLAW_ROWS - 1);
      if (!Double.isFinite(ofZeros)) {
        return "where every input is 0 its score is " + ofZeros;
      }
      int flawed = 0;
      for (int row = 0; row < FLAW_ROWS - 1; row++) {
        flawed += Double.isFinite(scorer.probability(row)) ? 0 : 1;
      }
      return flawed > FLAW_ROWS / 2
          ? "of %d made-up rows %d have no finite score".formatted(FLAW_ROWS - 1, flawed)
          : null;
    }
  }

  /** Buffers of one thread; every batch size is warm when this returns. */
  public BatchScorer scorer(int maxRows) {
    return scorer(maxRows, leastRows(), true);
  }

  /** The same for batches of any size, without a run before it returns. */
  BatchScorer cold(int maxRows) {
    return scorer(maxRows, 1, false);
  }

  private int leastRows() {
    synchronized (invariance) {
      if (leastRows == 0) {
        leastRows = BatchInvariance.leastRows(this);
      }
      return leastRows;
    }
  }

  private BatchScorer scorer(int maxRows, int least, boolean warm) {
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException(
            "Cannot score with model " + sha256 + ": it is closed; load it again");
      }
      scorers++;
    }
    boolean made = false;
    try {
      BatchScorer scorer = new BatchScorer(this, maxRows, least, warm);
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

  InputLayout layout() {
    return layout;
  }

  ScoreOutput output() {
    return output;
  }

  /** Null where runs may take any time. */
  @Nullable RunLimits limits() {
    return limits;
  }

  OnnxSession session() {
    return session;
  }

  private void freeIfUnused() {
    if (closed && scorers == 0 && !freed) {
      freed = true;
      session.close();
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash a model: every Java has SHA-256", e);
    }
  }
}
