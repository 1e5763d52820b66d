package dev.millrace.e2e;

import dev.millrace.platform.RegistryTarget;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One more process of the registry beside a stack's own, with stores and an address of its own. */
final class RegistryProcess implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Path root;
  private final Path stack;
  private final Path state;
  private final RegistryTarget at;
  private final String listen;
  private final List<String> more;
  private final Path output;
  private Process process;

  /**
   * Starts it.
   *
   * @param root the checkout
   * @param stack the stack's folder
   * @param state the folder of its stores
   * @param at where it answers, and what a client needs
   * @param more arguments
   */
  RegistryProcess(Path root, Path stack, Path state, RegistryTarget at, String... more)
      throws IOException {
    URI address = URI.create(at.url());
    this.root = root;
    this.stack = stack;
    this.state = state;
    this.at = at;
    this.listen = address.getHost() + ":" + address.getPort();
    this.more = List.of(more);
    this.output = stack.resolveSibling("registry-" + address.getPort() + ".out");
    this.process = begin();
  }

  private Process begin() throws IOException {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(
        List.of(
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dlog.file=" + output + ".log",
            "-Dlog4j2.configurationFile=" + stack.resolve("conf/log4j2.properties").toUri(),
            "-cp",
            classPath(),
            "dev.millrace.registry.RegistryService"));
    words.addAll(
        List.of("--target", stack.resolve("target.yaml").toString(), "--state", state.toString()));
    words.addAll(List.of("--listen", listen));
    words.addAll(more);
    return new ProcessBuilder(words)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
        .start();
  }

  /** That of the commands, as {@code ./millrace} takes it. */
  private String classPath() throws IOException {
    Path target = root.resolve("cli/target");
    List<String> jars = new ArrayList<>(List.of(target.resolve("millrace-cli.jar").toString()));
    for (String jar :
        Files.readString(target.resolve("classpath"), StandardCharsets.UTF_8)
            .strip()
            .split(":", -1)) {
      jars.add(target.resolve(jar).toString());
    }
    return String.join(":", jars);
  }

  URI address() {
    return URI.create(at.url());
  }

  void awaitUp() {
    Stack.await("the registry at " + listen + " answers", PATIENCE, this::isUp);
  }

  private boolean isUp() {
    try {
      return at.get("/v1/health", Duration.ofSeconds(5)).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** As an out-of-memory killer would. */
  void kill() throws InterruptedException {
    int unusedStatus = process.destroyForcibly().waitFor();
  }

  /** Comes back with what it had. */
  void startAgain() throws IOException {
    process = begin();
  }

  /** Its exit status, and what it said, once it has ended by itself. */
  String ended() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("the registry at " + listen + " did not end");
    }
    return process.exitValue() + " " + Files.readString(output);
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        Process unusedSame = process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
