package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.RedisTarget;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.embedded.RedisServer;

/** The script, in a real Redis. */
class RedisGuardTest {

  private static final String KEY = "features:{route:JFK~LAX}:v";
  private static @Nullable RedisServer server;
  private static int port;

  @BeforeAll
  static void start() throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try {
      RedisServer started =
          RedisServer.newRedisServer().port(port).bind("127.0.0.1").setting("save \"\"").build();
      started.start();
      server = started;
    } catch (IOException e) {
      assumeThat(e)
          .as("the bundled Redis runs here; it needs libssl3 (apt install libssl3)")
          .isNull();
    }
  }

  @AfterAll
  static void stop() throws IOException {
    if (server != null) {
      server.stop();
    }
  }

  @BeforeEach
  void empty() {
    try (Jedis jedis = new Jedis("127.0.0.1", port)) {
      jedis.flushAll();
    }
  }

  @Test
  void writesARowAsTextAndLeavesNullsOut() throws IOException {
    write(1, row(1_000, "0:7,2:1", 42L, 3.5));
    assertThat(read())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "count_1h", "42",
                "x_mean_1h", "3.5",
                "_time", "1000",
                "_source", "0:7,2:1",
                "_version", "1-0123456789ab"));
    write(1, row(2_000, "0:8,2:1", 0L, null));
    assertThat(read()).doesNotContainKey("x_mean_1h").containsEntry("count_1h", "0");
    try (Jedis jedis = new Jedis("127.0.0.1", port)) {
      assertThat(jedis.pttl(KEY)).isBetween(1L, Duration.ofDays(7).toMillis());
    }
  }

  @Test
  void aRowReplacesAnotherExactlyWhereTheContractSaysSo() throws IOException {
    Random random = new Random(17);
    long[] epochs = {1, 1, 1, 2};
    Object[] there = null;
    int last = -1;
    int written = 0;
    int refused = 0;
    for (int i = 0; i < 4_000; i++) {
      if (there == null || i % 40 == 0) {
        empty();
        there = null;
      }
      long epoch = epochs[random.nextInt(epochs.length)];
      long time = random.nextInt(4);
      Positions positions = Positions.NONE;
      for (int p = 0; p < 3; p++) {
        if (random.nextInt(4) > 0) {
          positions = positions.advance(p, random.nextInt(12));
        }
      }
      write(epoch, row(time, positions.toString(), (long) i, 0.5));
      boolean expected = there == null || replaces(epoch, positions, time, there);
      if (expected) {
        there = new Object[] {epoch, positions, time};
        last = i;
        written++;
      } else {
        refused++;
      }
      assertThat(read()).containsEntry("count_1h", String.valueOf(last));
    }
    assertThat(written).isGreaterThan(200);
    assertThat(refused).isGreaterThan(300);
  }

  /** The rule in the words of the contract, over maps instead of text. */
  private static boolean replaces(long epoch, Positions positions, long time, Object[] there) {
    if (epoch != (Long) there[0]) {
      return epoch > (Long) there[0];
    }
    Positions before = (Positions) there[1];
    for (int p = 0; p < 3; p++) {
      if (offset(positions, p) < offset(before, p)) {
        return false;
      }
    }
    if (time < (Long) there[2]) {
      return false;
    }
    return time != (Long) there[2] || !positions.equals(before);
  }

  private static long offset(Positions positions, int partition) {
    for (int i = 0; i < positions.size(); i++) {
      if (positions.partition(i) == partition) {
        return positions.offset(i);
      }
    }
    return -1;
  }

  private static void write(long epoch, FeatureRow row) throws IOException {
    try (JedisRowStore store =
        new JedisRowStore(
            RedisTarget.of("127.0.0.1:" + port),
            new RedisGuard(view(), epoch),
            new UnregisteredMetricsGroup())) {
      assertThat(store.write(List.of(row)).whole()).isTrue();
    }
  }

  private static Map<String, String> read() {
    try (Jedis jedis = new Jedis("127.0.0.1", port)) {
      return jedis.hgetAll(KEY);
    }
  }

  private static FeatureRow row(long time, String positions, Long count, @Nullable Double mean) {
    return new FeatureRow(
        "JFK~LAX",
        time,
        Positions.parse(positions),
        0,
        false,
        true,
        true,
        new Object[] {count, mean});
  }

  private static FeatureView view() {
    Duration hour = Duration.ofHours(1);
    return new FeatureView(
        "v",
        new Entity("route", List.of("origin", "destination")),
        "s",
        List.of("origin", "destination"),
        null,
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(5),
        Duration.ZERO,
        Duration.ofDays(7),
        List.of(
            new Feature("count_1h", Function.COUNT, null, hour, ValueType.LONG),
            new Feature("x_mean_1h", Function.MEAN, "x", hour, ValueType.DOUBLE)),
        "0123456789ab");
  }
}
