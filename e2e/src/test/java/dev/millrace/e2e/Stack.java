package dev.millrace.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/** A real local stack, driven by {@code ./millrace} as a user does. */
final class Stack {

  static final JsonMapper JSON = new JsonMapper();
  private static final Duration COMMAND_PATIENCE = Duration.ofMinutes(6);

  private final Path root;
  private final Path dir;
  private final int portOffset;
  private final Map<String, String> environment;

  Stack(Path root, Path dir, int portOffset) {
    this(root, dir, portOffset, Map.of());
  }

  /** A stack whose processes and commands get more variables. */
  Stack(Path root, Path dir, int portOffset, Map<String, String> environment) {
    this.root = root;
    this.dir = dir;
    this.portOffset = portOffset;
    this.environment = environment;
  }

  /** What a command gave. */
  record Outcome(int status, String out, String err) {
    JsonNode json() throws IOException {
      return JSON.readTree(out);
    }
  }

  Path dir() {
    return dir;
  }

  /** Where the services are, once the stack is up. */
  Target target() throws IOException {
    return Target.read(dir.resolve("target.yaml"));
  }

  int port(int base) {
    return base + portOffset;
  }

  /** Starts a command and lets it run. */
  Process start(String... words) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(root.resolve("millrace").toString());
    line.addAll(List.of(words));
    line.addAll(List.of("--dir", dir.toString(), "--port-offset", String.valueOf(portOffset)));
    ProcessBuilder builder = new ProcessBuilder(line).directory(root.toFile());
    builder.environment().put("MILLRACE_NO_BUILD", "1");
    builder.environment().putAll(environment);
    Files.createDirectories(dir.getParent());
    builder.redirectError(Files.createTempFile(dir.getParent(), words[0] + "-", ".err").toFile());
    return builder.start();
  }

  /** Runs a command to its end. */
  Outcome run(String... words) throws IOException, InterruptedException {
    List<String> line = new ArrayList<>();
    line.add(root.resolve("millrace").toString());
    line.addAll(List.of(words));
    line.addAll(List.of("--dir", dir.toString(), "--port-offset", String.valueOf(portOffset)));
    Files.createDirectories(dir.getParent());
    Path err = Files.createTempFile(dir.getParent(), words[0] + "-", ".err");
    ProcessBuilder builder = new ProcessBuilder(line).directory(root.toFile());
    builder.environment().put("MILLRACE_NO_BUILD", "1");
    builder.environment().putAll(environment);
    builder.redirectError(err.toFile());
    Process process = builder.start();
    String out;
    try (InputStream in = process.getInputStream()) {
      out = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    if (!process.waitFor(COMMAND_PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.destroy();
      throw new IOException("Cannot finish " + line + " within " + COMMAND_PATIENCE);
    }
    Outcome outcome = new Outcome(process.exitValue(), out, Files.readString(err));
    System.out.println("$ millrace " + String.join(" ", words) + " -> " + outcome.status());
    return outcome;
  }

  /** Runs a command that must succeed. */
  Outcome done(String... words) throws IOException, InterruptedException {
    Outcome outcome = run(words);
    if (outcome.status() != 0) {
      throw new AssertionError(
          String.join(" ", words)
              + " gave "
              + outcome.status()
              + "\n"
              + outcome.out()
              + outcome.err());
    }
    return outcome;
  }

  /** The process id of a service, as {@code status} knows it. */
  long pid(String service) throws IOException, InterruptedException {
    for (JsonNode entry : run("status", "--json").json().path("services")) {
      if (entry.path("name").asText().equals(service)) {
        return entry.path("pid").asLong(-1);
      }
    }
    throw new IOException("no service " + service);
  }

  /** Ends a service's process as an out-of-memory killer would. */
  void kill(String service) throws IOException, InterruptedException {
    long pid = pid(service);
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    System.out.println("killed " + service + ", process " + pid);
  }

  JsonNode flink(String path) throws IOException, InterruptedException {
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port(8081) + path))
                    .timeout(Duration.ofSeconds(20))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    return JSON.readTree(answer.body());
  }

  /** Whether a job of this name runs with all its tasks. */
  boolean running(String job) {
    try {
      for (JsonNode entry : flink("/jobs/overview").path("jobs")) {
        if (entry.path("name").asText().equals(job)
            && entry.path("state").asText().equals("RUNNING")
            && entry.path("tasks").path("running").asInt()
                == entry.path("tasks").path("total").asInt()) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Waits until a log has not grown for some checkpoints. */
  static void awaitStill(LongSupplier rows) {
    long[] last = {-1, 0};
    await(
        "the log stands still",
        Duration.ofMinutes(3),
        () -> {
          long now = rows.getAsLong();
          if (now != last[0]) {
            last[0] = now;
            last[1] = System.nanoTime();
          }
          return System.nanoTime() - last[1] > Duration.ofSeconds(20).toNanos();
        });
  }

  /** Waits until something holds, by asking. */
  static void await(String what, Duration patience, BooleanSupplier holds) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("waited " + patience + " in vain: " + what);
      }
      LockSupport.parkNanos(500_000_000);
    }
  }
}
