package dev.millrace.bench;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.streaming.RedisGuard;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.Response;

/**
 * The ceiling of writing rows: the guarded commands that the job has sent, sent again to other keys
 * by nothing but a loop, over as many connections and in batches of the same size.
 */
final class RedisCommands {

  private static final int CONNECTIONS = 2;
  private static final int BATCH = 256;

  private final List<byte[][]> commands;
  private final String host;
  private final int port;
  private final byte[] sha;

  private RedisCommands(List<byte[][]> commands, String host, int port, byte[] sha) {
    this.commands = commands;
    this.host = host;
    this.port = port;
    this.sha = sha;
  }

  /** From the rows that the job has written. */
  static RedisCommands of(Jedis redis, String host, int port, FeatureView view) {
    List<byte[][]> commands = new ArrayList<>(Payments.CUSTOMERS);
    for (int from = 0; from < Payments.CUSTOMERS; from += BATCH) {
      int to = Math.min(from + BATCH, Payments.CUSTOMERS);
      List<Response<Map<String, String>>> rows = new ArrayList<>();
      try (Pipeline pipeline = redis.pipelined()) {
        for (int customer = from; customer < to; customer++) {
          rows.add(pipeline.hgetAll(Payments.redisKey(customer)));
        }
      }
      for (int i = 0; i < rows.size(); i++) {
        Map<String, String> row = rows.get(i).get();
        if (!row.isEmpty()) {
          commands.add(command(from + i, row, view));
        }
      }
    }
    String sha = redis.scriptLoad(new RedisGuard(view, 1).script());
    return new RedisCommands(commands, host, port, sha.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[][] command(int customer, Map<String, String> row, FeatureView view) {
    List<String> nulls = new ArrayList<>();
    List<String> fields = new ArrayList<>();
    view.features()
        .forEach(
            feature -> {
              String value = row.get(feature.name());
              if (value == null) {
                nulls.add(feature.name());
              } else {
                fields.addAll(List.of(feature.name(), value));
              }
            });
    List<String> words = new ArrayList<>();
    words.add("");
    words.add("1");
    words.add(Payments.redisKey(customer).replace(":c", ":x"));
    String version = text(row, "_version");
    words.add(version.substring(0, version.indexOf('-')));
    words.add(text(row, "_time"));
    words.add(text(row, "_source"));
    words.add(version);
    words.add(String.valueOf(view.ttl().toMillis()));
    words.add(String.valueOf(nulls.size()));
    words.addAll(nulls);
    words.addAll(fields);
    return words.stream().map(w -> w.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
  }

  private static String text(Map<String, String> row, String field) {
    String value = row.get(field);
    if (value == null) {
      throw new IllegalStateException("Cannot send a row again: it has no field " + field);
    }
    return value;
  }

  /** Commands a second, in each repeat; the first rounds are not counted. */
  Samples run(int repeats, double seconds) throws InterruptedException {
    AtomicLong sent = new AtomicLong();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      int connection = i;
      Thread thread = new Thread(() -> send(connection, sent), "commands-" + i);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    double[] rates = new double[repeats];
    Thread.sleep((long) (seconds * 1000));
    for (int i = 0; i < repeats; i++) {
      long from = sent.get();
      long fromNanos = System.nanoTime();
      Thread.sleep((long) (seconds * 1000));
      rates[i] = (sent.get() - from) / ((System.nanoTime() - fromNanos) / 1e9);
    }
    threads.forEach(Thread::interrupt);
    for (Thread thread : threads) {
      thread.join();
    }
    return new Samples(rates);
  }

  private void send(int connection, AtomicLong sent) {
    try (Jedis redis = new Jedis(host, port)) {
      for (long round = 1; ; round++) {
        for (int from = connection; from < commands.size(); from += BATCH * CONNECTIONS) {
          if (Thread.currentThread().isInterrupted()) {
            return;
          }
          sent.addAndGet(sendBatch(redis, from, round));
        }
      }
    }
  }

  private int sendBatch(Jedis redis, int from, long round) {
    List<Response<Object>> answers = new ArrayList<>(BATCH);
    try (Pipeline pipeline = redis.pipelined()) {
      for (int i = from; i < commands.size() && answers.size() < BATCH; i += CONNECTIONS) {
        byte[][] words = commands.get(i).clone();
        words[0] = sha;
        words[5] = ahead(words[5], round);
        answers.add(pipeline.sendCommand(Protocol.Command.EVALSHA, words));
      }
    }
    for (Response<Object> answer : answers) {
      if (!Long.valueOf(1).equals(answer.get())) {
        throw new IllegalStateException("Cannot write a row: the guard refuses what is ahead");
      }
    }
    return answers.size();
  }

  /** {@code 3:1000} moved on by a round: of the same length or one longer. */
  private static byte[] ahead(byte[] positions, long round) {
    String text = new String(positions, StandardCharsets.US_ASCII);
    int colon = text.indexOf(':');
    return (text.substring(0, colon + 1) + (Long.parseLong(text.substring(colon + 1)) + round))
        .getBytes(StandardCharsets.US_ASCII);
  }
}
