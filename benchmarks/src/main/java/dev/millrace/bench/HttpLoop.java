package dev.millrace.bench;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;

/**
 * Asks over HTTP, with connections that are kept. At a fixed pace an answer's time begins when its
 * question was due, not when it was sent: what was held up does not hide what those behind it would
 * have waited.
 */
final class HttpLoop {

  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final int OK = 200;

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  /**
   * One request.
   *
   * @param kind which of several it is
   */
  record Question(String kind, HttpRequest.Builder request) {}

  /** How long an answer took; {@code ok} where it was one. */
  private record Answered(String kind, double millis, boolean ok) {}

  /** What was answered, without the warm-up. */
  static final class Seen {
    private final List<Answered> all;

    private Seen(List<Answered> all) {
      this.all = all;
    }

    Samples millis() {
      return new Samples(all.stream().mapToDouble(Answered::millis).toArray());
    }

    Samples millis(String kind) {
      return new Samples(
          all.stream().filter(a -> a.kind.equals(kind)).mapToDouble(Answered::millis).toArray());
    }

    /** How many were no answer, or had another status than 200. */
    long failed() {
      return all.stream().filter(a -> !a.ok).count();
    }

    /** Both together. */
    Seen and(Seen other) {
      List<Answered> both = new ArrayList<>(all);
      both.addAll(other.all);
      return new Seen(both);
    }
  }

  HttpClient client() {
    return client;
  }

  /** Asks one question after the other. */
  Seen sequential(int questions, IntFunction<Question> asked) {
    List<Answered> answered = new ArrayList<>();
    for (int i = 0; i < questions; i++) {
      answered.add(ask(asked.apply(i), System.nanoTime()).join());
    }
    return new Seen(answered);
  }

  /**
   * Asks at a pace.
   *
   * @param warmUpSeconds at the same pace, before those that count
   */
  Seen paced(double perSecond, double warmUpSeconds, double seconds, IntFunction<Question> asked) {
    int warmUp = (int) (perSecond * warmUpSeconds);
    List<CompletableFuture<Answered>> pending = new ArrayList<>();
    long startNanos = System.nanoTime();
    for (int i = 0; i < warmUp + (int) (perSecond * seconds); i++) {
      Question question = asked.apply(i);
      long dueNanos = startNanos + (long) (i / perSecond * 1e9);
      long aheadNanos = dueNanos - System.nanoTime();
      while (aheadNanos > 0) {
        LockSupport.parkNanos(aheadNanos);
        aheadNanos = dueNanos - System.nanoTime();
      }
      pending.add(ask(question, dueNanos));
    }
    CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new)).join();
    return new Seen(pending.stream().skip(warmUp).map(CompletableFuture::join).toList());
  }

  private CompletableFuture<Answered> ask(Question question, long dueNanos) {
    return client
        .sendAsync(question.request.timeout(PATIENCE).build(), BodyHandlers.discarding())
        .handle(
            (response, failure) ->
                new Answered(
                    question.kind,
                    (System.nanoTime() - dueNanos) / 1e6,
                    failure == null && response.statusCode() == OK));
  }
}
