package dev.millrace.e2e;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisMonitor;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Listens to Redis' own MONITOR and checks of every write of a row that it does not step back:
 * epoch, every position and T at least those of the row before.
 */
final class RedisWatch implements AutoCloseable {

  private static final Pattern QUOTED = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"");

  private final Jedis connection;
  private final Thread thread;
  private final Map<String, String[]> rows = new HashMap<>();
  private final List<String> stepsBack = new ArrayList<>();
  private long writes;

  RedisWatch(int port) {
    connection = new Jedis("127.0.0.1", port, 0);
    thread = new Thread(this::listen, "redis-monitor");
    thread.setDaemon(true);
    thread.start();
  }

  private void listen() {
    try {
      connection.monitor(
          new JedisMonitor() {
            @Override
            public void onCommand(String command) {
              if (command.contains("lua] \"HSET\" \"features:")
                  || command.contains("lua] \"hset\" \"features:")) {
                take(command);
              }
            }
          });
    } catch (JedisException e) {
      System.out.println("MONITOR ended: " + e.getMessage());
    }
  }

  private synchronized void take(String command) {
    Matcher words = QUOTED.matcher(command);
    List<String> arguments = new ArrayList<>();
    while (words.find()) {
      arguments.add(words.group(1));
    }
    String key = arguments.get(1);
    String[] row = new String[3];
    for (int i = 2; i + 1 < arguments.size(); i += 2) {
      switch (arguments.get(i)) {
        case "_version" -> row[0] = arguments.get(i + 1);
        case "_source" -> row[1] = arguments.get(i + 1);
        case "_time" -> row[2] = arguments.get(i + 1);
        default -> {}
      }
    }
    writes++;
    String[] before = rows.put(key, row);
    if (before != null && !ahead(before, row)) {
      stepsBack.add(key + ": " + List.of(before) + " -> " + List.of(row));
    }
  }

  private static boolean ahead(String[] before, String[] after) {
    long epochBefore = Long.parseLong(before[0].substring(0, before[0].indexOf('-')));
    long epochAfter = Long.parseLong(after[0].substring(0, after[0].indexOf('-')));
    if (epochBefore != epochAfter) {
      return epochAfter > epochBefore;
    }
    Map<String, Long> reached = new HashMap<>();
    for (String place : after[1].split(",", -1)) {
      String[] parts = place.split(":", -1);
      reached.put(parts[0], Long.parseLong(parts[1]));
    }
    for (String place : before[1].split(",", -1)) {
      String[] parts = place.split(":", -1);
      if (reached.getOrDefault(parts[0], -1L) < Long.parseLong(parts[1])) {
        return false;
      }
    }
    return Long.parseLong(after[2]) >= Long.parseLong(before[2]);
  }

  synchronized long writes() {
    return writes;
  }

  synchronized List<String> stepsBack() {
    return List.copyOf(stepsBack);
  }

  @Override
  public void close() throws InterruptedException {
    connection.disconnect();
    thread.join(5_000);
  }
}
