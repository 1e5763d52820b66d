package dev.millrace.scoring;

import ai.onnxruntime.OrtEnvironment;
import com.google.protobuf.CodedInputStream;
import dev.millrace.core.row.Numbers;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A model's first rows, scored in a JVM of their own, on the CPU: whatever the model does there,
 * this process does not get to feel it.
 */
public final class ModelTrial {

  private static final long LOOK_MILLIS = 10;
  private static final long KIBI = 1024;
  private static final int REFUSED = 3;
  private static final int TOLD_CHARS = 200;
  private static final String TEXT = "text";
  private static final int FILE_BYTES_TIMES = 4;
  private static final Pattern RESIDENT = Pattern.compile("Vm(?:RSS|Swap):\\s+(\\d+) kB");

  /**
   * What the JVM may take.
   *
   * @param memoryBytes of resident memory, beside four times what the file has; kept on Linux alone
   */
  public record Limits(Duration time, long memoryBytes) implements Serializable {
    public static final Limits SERVING = new Limits(Duration.ofSeconds(60), 2L << 30);
  }

  /**
   * Runs it.
   *
   * @param maxRows the largest batch that will be scored
   * @throws ModelRefusedException where the model is refused there, or took more than it may
   * @throws IOException where no JVM can be started
   */
  public static void run(
      Path file, String sha256, List<InputColumn> signature, int maxRows, Limits limits)
      throws IOException {
    Path said = Files.createTempFile("millrace-trial", ".txt");
    try {
      Process process = start(file, sha256, signature, maxRows, said);
      try {
        long memoryBytes = limits.memoryBytes() + FILE_BYTES_TIMES * Files.size(file);
        await(file, process, limits.time(), memoryBytes);
      } finally {
        process.destroyForcibly();
      }
      if (process.exitValue() != 0) {
        throw new ModelRefusedException(why(file, process.exitValue(), said));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot try model " + file + ": the task is being cancelled", e);
    } finally {
      Files.deleteIfExists(said);
    }
  }

  /** What the JVM runs. */
  public static void main(String[] args) {
    List<InputColumn> signature = Stream.of(args).skip(3).map(ModelTrial::column).toList();
    try (OnnxModel model =
        OnnxModel.load(Path.of(args[0]), args[1], signature, ComputeDevice.CPU)) {
      model.scorer(Integer.parseInt(args[2])).close();
    } catch (IOException | IllegalStateException e) {
      // One line, the last: ONNX Runtime's own messages have several.
      System.err.println(String.valueOf(e.getMessage()).replaceAll("\\s+", " "));
      System.exit(REFUSED);
    }
  }

  private static String argument(InputColumn column) {
    return (column.isText() ? TEXT : String.valueOf(column.width())) + ":" + column.name();
  }

  private static InputColumn column(String argument) {
    String[] parts = argument.split(":", 2);
    return parts[0].equals(TEXT)
        ? InputColumn.text(parts[1])
        : new InputColumn(parts[1], Integer.parseInt(parts[0]));
  }

  private static Process start(
      Path file, String sha256, List<InputColumn> signature, int maxRows, Path said)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
                "-cp",
                Stream.of(
                        ModelTrial.class,
                        Numbers.class,
                        OrtEnvironment.class,
                        CodedInputStream.class)
                    .map(ModelTrial::place)
                    .distinct()
                    .collect(Collectors.joining(File.pathSeparator)),
                ModelTrial.class.getName(),
                file.toAbsolutePath().toString(),
                sha256,
                String.valueOf(maxRows)));
    signature.forEach(column -> command.add(argument(column)));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
    // Options for this JVM are not meant for that one.
    builder.environment().clear();
    Process process = builder.start();
    preferForKilling(process);
    return process;
  }

  private static String place(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException("Cannot tell where " + type + " was loaded from", e);
    }
  }

  /** Where memory is short, the system is to kill that JVM and not this one. */
  private static void preferForKilling(Process process) {
    try {
      Files.writeString(Path.of("/proc/" + process.pid() + "/oom_score_adj"), "1000");
    } catch (IOException e) {
      // Not Linux, or over already.
      return;
    }
  }

  private static void await(Path file, Process process, Duration time, long memoryBytes)
      throws InterruptedException, ModelRefusedException {
    long end = System.nanoTime() + time.toNanos();
    while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
      long bytes = residentBytes(process);
      if (bytes > memoryBytes) {
        kill(process);
        throw new ModelRefusedException(
            "Cannot load model %s: scoring its first rows in a JVM of its own took %d MiB, of %d MiB; export it again"
                .formatted(file, bytes >> 20, memoryBytes >> 20));
      }
      if (System.nanoTime() - end > 0) {
        kill(process);
        throw new ModelRefusedException(
            "Cannot load model %s: in a JVM of its own it had not scored its first rows after %d ms; export it again"
                .formatted(file, time.toMillis()));
      }
    }
  }

  private static void kill(Process process) throws InterruptedException {
    int unusedCode = process.destroyForcibly().waitFor();
  }

  private static long residentBytes(Process process) {
    try {
      Matcher matcher =
          RESIDENT.matcher(Files.readString(Path.of("/proc/" + process.pid() + "/status")));
      long kibis = 0;
      while (matcher.find()) {
        kibis += Long.parseLong(matcher.group(1));
      }
      return kibis * KIBI;
    } catch (IOException e) {
      return 0;
    }
  }

  private static String why(Path file, int code, Path said) throws IOException {
    String text = new String(Files.readAllBytes(said), StandardCharsets.UTF_8).strip();
    if (code == REFUSED) {
      // ONNX Runtime may have written lines of its own before.
      return text.substring(text.lastIndexOf('\n') + 1);
    }
    return String.format(
        Locale.ROOT,
        "Cannot load model %s: scoring its first rows, a JVM of its own ended with status %d (%s); export it again",
        file,
        code,
        text.substring(0, Math.min(text.length(), TOLD_CHARS)));
  }

  private ModelTrial() {}
}
