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

  /** So that a job that falls behind is not kept from catching up by who looks. */
  private static final int LOOKS_AT_ONCE = 8;

  /** A sender that sleeps for each event costs more than sending does. */
  private static final long SEND_NANOS = 500_000;

  private static final double PATIENCE_SECONDS = 10;

  private final Producer<byte[], byte[]> producer;
  private final Payments payments;
  private final Jedis redis;
  private final Queue<Probe> sent = new ConcurrentLinkedQueue<>();
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private volatile boolean tooLate;

  private record Probe(long number, long dueNanos) {}

  /** How a row in Redis shows which event it has seen last. */
  interface KeyOf {
    /** The key of the customer's row. */
    String key(int customer);
  }

  OpenLoop(Producer<byte[], byte[]> producer, Payments payments, Jedis redis) {
    this.producer = producer;
    this.payments = payments;
    this.redis = redis;
  }

  /**
   * What was seen.
   *
   * @param millis from due to seen, of each probe after the warm-up
   * @param keptUp whether all were seen; otherwise sending was stopped, and the times of those that
   *     were not seen are how long they had waited by then
   * @param next a number that no sent event has reached
   */
  record Seen(Samples millis, boolean keptUp, long next) {}

  /**
   * Sends and looks.
   *
   * @param firstNumber of the events to send; no earlier one has a larger number
   * @param warmUpSeconds at the same pace, before those that count
   */
  Seen run(
      long firstNumber, double eventsPerSecond, double warmUpSeconds, double seconds, KeyOf keyOf)
      throws Exception {
    long startNanos = System.nanoTime();
    long events = (long) (eventsPerSecond * (warmUpSeconds + seconds));
    Thread sender =
        new Thread(() -> send(firstNumber, eventsPerSecond, events, startNanos), "sender");
    sender.setDaemon(true);
    sender.start();
    List<Double> millis = look(sender, startNanos + (long) (warmUpSeconds * 1e9), keyOf);
    sender.join();
    Exception failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    return new Seen(
        new Samples(millis.stream().mapToDouble(Double::doubleValue).toArray()),
        !tooLate,
        firstNumber + events);
  }

  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void send(long first, double eventsPerSecond, long events, long startNanos) {
    long probeEach = Math.max(1, (long) (eventsPerSecond / PROBES_PER_SECOND));
    long startMillis = System.currentTimeMillis();
    for (long i = 0; i < events && failure.get() == null && !tooLate; i++) {
      long dueNanos = startNanos + (long) (i / eventsPerSecond * 1e9);
      long aheadNanos = dueNanos - System.nanoTime();
      while (aheadNanos > 0) {
        LockSupport.parkNanos(Math.max(SEND_NANOS, aheadNanos));
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

  private List<Double> look(Thread sender, long countedFromNanos, KeyOf keyOf) {
    List<Double> millis = new ArrayList<>();
    List<Probe> waiting = new ArrayList<>();
    while (failure.get() == null) {
      for (Probe probe = sent.poll(); probe != null; probe = sent.poll()) {
        waiting.add(probe);
      }
      if (waiting.isEmpty() && !sender.isAlive() && sent.isEmpty()) {
        break;
      }
      List<Probe> oldest = waiting.subList(0, Math.min(LOOKS_AT_ONCE, waiting.size()));
      List<Response<@Nullable String>> answers = new ArrayList<>();
      try (Pipeline pipeline = redis.pipelined()) {
        for (Probe probe : oldest) {
          answers.add(
              pipeline.hget(keyOf.key(Payments.customer(probe.number)), Payments.LAST_EVENT));
        }
      }
      long nowNanos = System.nanoTime();
      List<Probe> still = new ArrayList<>();
      for (int i = 0; i < oldest.size(); i++) {
        Probe probe = oldest.get(i);
        String last = answers.get(i).get();
        if (last != null && Long.parseLong(last) >= probe.number) {
          if (probe.dueNanos >= countedFromNanos) {
            millis.add((nowNanos - probe.dueNanos) / 1e6);
          }
        } else {
          still.add(probe);
          tooLate |= nowNanos - probe.dueNanos > PATIENCE_SECONDS * 1e9;
        }
      }
      still.addAll(waiting.subList(oldest.size(), waiting.size()));
      waiting = still;
      if (tooLate) {
        waiting.forEach(probe -> millis.add((nowNanos - probe.dueNanos) / 1e6));
        break;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return millis;
  }
}
