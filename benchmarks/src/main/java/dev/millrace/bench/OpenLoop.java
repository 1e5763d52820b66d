package dev.millrace.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.Producer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;

/**
 * Sends events at a fixed pace whatever becomes of them, and looks in Redis until the row of every
 * so-manieth has seen it. The time of an event begins when it was due, not when it was sent: a
 * sender that was held up does not hide what the events behind it would have waited.
 */
final class OpenLoop {

  private static final long PROBES_PER_SECOND = 200;
  private static final long LOOK_NANOS = 1_000_000;
  private static final double WARM_UP_SECONDS = 5;
  private static final double PATIENCE_SECONDS = 10;

  private final Producer<byte[], byte[]> producer;
  private final Payments payments;
  private final Jedis redis;
  private final Queue<Probe> sent = new ConcurrentLinkedQueue<>();
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

  private record Probe(long number, long dueNanos) {}

  /** How a row in Redis shows which event it has seen last. */
  interface Seen {
    /** The key of the customer's row. */
    String key(int customer);
  }

  OpenLoop(Producer<byte[], byte[]> producer, Payments payments, Jedis redis) {
    this.producer = producer;
    this.payments = payments;
    this.redis = redis;
  }

  /**
   * Milliseconds from due to seen, of each probe after the warm-up.
   *
   * @param firstNumber of the events to send; no earlier one has a larger number
   */
  Samples run(long firstNumber, double eventsPerSecond, double seconds, Seen seen)
      throws Exception {
    long startNanos = System.nanoTime();
    Thread sender =
        new Thread(
            () -> send(firstNumber, eventsPerSecond, WARM_UP_SECONDS + seconds, startNanos),
            "sender");
    sender.setDaemon(true);
    sender.start();
    List<Double> millis = look(sender, startNanos, seen);
    sender.join();
    Exception failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    return new Samples(millis.stream().mapToDouble(Double::doubleValue).toArray());
  }

  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void send(long first, double eventsPerSecond, double seconds, long startNanos) {
    long events = (long) (eventsPerSecond * seconds);
    long probeEach = Math.max(1, (long) (eventsPerSecond / PROBES_PER_SECOND));
    long startMillis = System.currentTimeMillis();
    for (long i = 0; i < events && failure.get() == null; i++) {
      long dueNanos = startNanos + (long) (i / eventsPerSecond * 1e9);
      long aheadNanos = dueNanos - System.nanoTime();
      while (aheadNanos > 0) {
        LockSupport.parkNanos(aheadNanos);
        aheadNanos = dueNanos - System.nanoTime();
      }
      producer.send(
          payments.record(first + i, startMillis + (dueNanos - startNanos) / 1_000_000),
          (unusedMetadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
      if (i % probeEach == 0) {
        sent.add(new Probe(first + i, dueNanos));
      }
    }
  }

  private List<Double> look(Thread sender, long startNanos, Seen seen) {
    List<Double> millis = new ArrayList<>();
    List<Probe> waiting = new ArrayList<>();
    long countedFromNanos = startNanos + (long) (WARM_UP_SECONDS * 1e9);
    while (failure.get() == null) {
      for (Probe probe = sent.poll(); probe != null; probe = sent.poll()) {
        waiting.add(probe);
      }
      if (waiting.isEmpty() && !sender.isAlive() && sent.isEmpty()) {
        break;
      }
      List<Response<@Nullable String>> answers = new ArrayList<>();
      try (Pipeline pipeline = redis.pipelined()) {
        for (Probe probe : waiting) {
          answers.add(
              pipeline.hget(seen.key(Payments.customer(probe.number)), Payments.LAST_EVENT));
        }
      }
      long nowNanos = System.nanoTime();
      List<Probe> still = new ArrayList<>();
      for (int i = 0; i < waiting.size(); i++) {
        Probe probe = waiting.get(i);
        String last = answers.get(i).get();
        if (last != null && Long.parseLong(last) >= probe.number) {
          if (probe.dueNanos >= countedFromNanos) {
            millis.add((nowNanos - probe.dueNanos) / 1e6);
          }
        } else {
          still.add(probe);
          refuseLost(probe, nowNanos);
        }
      }
      waiting = still;
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return millis;
  }

  private void refuseLost(Probe probe, long nowNanos) {
    if (nowNanos - probe.dueNanos > PATIENCE_SECONDS * 1e9) {
      failure.compareAndSet(
          null,
          new IllegalStateException(
              "Cannot measure latency: event "
                  + probe.number
                  + " is not in Redis "
                  + PATIENCE_SECONDS
                  + " s after it was due; the pace is too high for this machine now"));
    }
  }
}
