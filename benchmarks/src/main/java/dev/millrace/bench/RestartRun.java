package dev.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.bench.HttpLoop.Question;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A registry that was killed, and came back.
 *
 * @param deadSeconds until its next process was started
 * @param readSeconds from that start until a read was answered with what was said last before
 * @param writeSeconds from that start until a change was answered
 */
record RestartRun(double deadSeconds, double readSeconds, double writeSeconds) {

  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final long ASK_MILLIS = 20;

  static RestartRun measure(RegistryStage stage, int number) throws Exception {
    String model = RegistryStage.model(number);
    String last = "last" + number;
    Question tag =
        stage.post(
            "tag",
            "registered-models/set-tag",
            "{\"name\": \"%s\", \"key\": \"last\", \"value\": \"%s\"}".formatted(model, last));
    if (stage.tried(tag) == null) {
      throw new IOException("Cannot tag model " + model);
    }
    ProcessHandle process =
        ProcessHandle.of(stage.pid())
            .orElseThrow(() -> new IOException("Cannot find the registry's process"));
    Instant killed = Instant.now();
    if (!process.destroyForcibly()) {
      throw new IOException("Cannot kill the registry, process " + process.pid());
    }
    ProcessHandle unusedDead = process.onExit().get(10, TimeUnit.SECONDS);
    CompletableFuture<Instant> read =
        answered(
            stage,
            () -> stage.mlflow("get", "registered-models/get?name=" + model),
            answer -> answer.toString().contains("\"" + last + "\""));
    CompletableFuture<Instant> write =
        answered(
            stage,
            () ->
                stage.post(
                    "tag",
                    "registered-models/set-tag",
                    "{\"name\": \"%s\", \"key\": \"next\", \"value\": \"%s\"}"
                        .formatted(model, last)),
            answer -> true);
    Instant started = started(stage, process.pid());
    Instant readAt = read.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    Instant writtenAt = write.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    return new RestartRun(
        seconds(killed, started), seconds(started, readAt), seconds(started, writtenAt));
  }

  /** When the supervisor says that there is another process; that of the system is coarser. */
  private static Instant started(RegistryStage stage, long before)
      throws IOException, InterruptedException {
    Instant deadline = Instant.now().plus(PATIENCE);
    while (stage.pid() == before || stage.pid() < 0) {
      if (Instant.now().isAfter(deadline)) {
        throw new IOException("Cannot measure: the registry is not started again");
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
    return Instant.now();
  }

  /** Makes the question anew each time that it is asked. */
  private interface Asking {
    Question question();
  }

  private static CompletableFuture<Instant> answered(
      RegistryStage stage, Asking asking, Predicate<JsonNode> right) {
    CompletableFuture<Instant> answered = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                while (!answered.isDone()) {
                  JsonNode answer = stage.tried(asking.question());
                  if (answer != null && right.test(answer)) {
                    boolean unusedFirst = answered.complete(Instant.now());
                  } else {
                    TimeUnit.MILLISECONDS.sleep(ASK_MILLIS);
                  }
                }
              } catch (InterruptedException | RuntimeException e) {
                boolean unusedFirst = answered.completeExceptionally(e);
              }
            },
            "asking");
    thread.setDaemon(true);
    thread.start();
    return answered;
  }

  private static double seconds(Instant from, Instant to) {
    return Duration.between(from, to).toNanos() / 1e9;
  }
}
