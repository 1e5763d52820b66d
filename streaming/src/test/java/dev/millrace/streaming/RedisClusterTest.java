package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RedisClients;
import dev.millrace.platform.RedisTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.util.JedisClusterCRC16;

/** Rows in a real cluster of three servers. */
class RedisClusterTest {

  private static final int SLOTS = 16_384;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  @TempDir private Path folder = Path.of("");

  @Test
  void writesRowsWhereTheirSlotsAreEvenAfterTheyMoved() throws IOException {
    List<RealRedis> nodes = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        nodes.add(
            new RealRedis(
                "cluster-enabled yes",
                "cluster-config-file " + folder.resolve("node" + i + ".conf"),
                "cluster-node-timeout 5000"));
      }
      form(nodes);
      RedisTarget target = new RedisTarget(nodes.get(0).address(), true, false, null, null, null);
      try (JedisRowStore store =
          new JedisRowStore(target, RedisRows.guard(), new UnregisteredMetricsGroup())) {
        assertThat(store.write(rows(1)).whole()).isTrue();
        for (RealRedis node : nodes) {
          try (Jedis jedis = node.client()) {
            assertThat(jedis.dbSize()).isPositive();
          }
        }
        readAll(target, "1");

        move(nodes, "c0");
        assertThat(store.write(rows(2)).whole()).isTrue();
        readAll(target, "2");
        forgetScripts(nodes);
        assertThat(store.write(rows(3)).whole()).isTrue();
        readAll(target, "3");

        nodes.get(2).stop();
        RowStore.Attempt attempt = store.write(rows(4));
        assertThat(attempt.left()).isNotEmpty();
        assertThat(attempt.reason()).isNotNull();
      }
    } finally {
      nodes.forEach(RealRedis::close);
    }
  }

  private static List<FeatureRow> rows(long offset) {
    return IntStream.range(0, 200).mapToObj(i -> RedisRows.row("c" + i, offset)).toList();
  }

  private static void readAll(RedisTarget target, String count) throws IOException {
    try (UnifiedJedis client = RedisClients.open(target, Duration.ofSeconds(5))) {
      for (int i = 0; i < 200; i++) {
        assertThat(client.hget(RedisRows.key("c" + i), "count_1h")).isEqualTo(count);
      }
    }
  }

  private static void form(List<RealRedis> nodes) {
    for (int i = 0; i < nodes.size(); i++) {
      try (Jedis jedis = nodes.get(i).client()) {
        int from = i * SLOTS / nodes.size();
        int to = (i + 1) * SLOTS / nodes.size();
        assertThat(jedis.clusterAddSlots(IntStream.range(from, to).toArray())).isEqualTo("OK");
        assertThat(jedis.clusterMeet("127.0.0.1", nodes.get(0).port())).isEqualTo("OK");
      }
    }
    for (RealRedis node : nodes) {
      try (Jedis jedis = node.client()) {
        await(
            () ->
                jedis.clusterInfo().contains("cluster_state:ok")
                    && jedis.clusterInfo().contains("cluster_known_nodes:" + nodes.size()));
      }
    }
  }

  /** Gives the slot of a key to another server, the key with it. */
  private static void move(List<RealRedis> nodes, String entity) {
    int slot = JedisClusterCRC16.getSlot(RedisRows.key(entity));
    int owner = slot * nodes.size() / SLOTS;
    RealRedis to = nodes.get((owner + 1) % nodes.size());
    String id;
    try (Jedis jedis = to.client()) {
      id = jedis.clusterMyId();
    }
    try (Jedis jedis = nodes.get(owner).client()) {
      // The row goes: what is asked here is where the next one lands.
      assertThat(jedis.del(RedisRows.key(entity))).isEqualTo(1);
    }
    for (RealRedis node : nodes) {
      try (Jedis jedis = node.client()) {
        assertThat(jedis.clusterSetSlotNode(slot, id)).isEqualTo("OK");
      }
    }
    try (Jedis jedis = to.client()) {
      Map<String, String> none = jedis.hgetAll(RedisRows.key(entity));
      assertThat(none).isEmpty();
    }
  }

  private static void forgetScripts(List<RealRedis> nodes) {
    for (RealRedis node : nodes) {
      try (Jedis jedis = node.client()) {
        assertThat(jedis.scriptFlush()).isEqualTo("OK");
      }
    }
  }

  private interface Condition {
    boolean holds();
  }

  private static void await(Condition condition) {
    long until = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.holds()) {
      assertThat(System.nanoTime()).isLessThan(until);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }
}
