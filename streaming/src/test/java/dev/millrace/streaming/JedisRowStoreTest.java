package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RedisTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientPauseMode;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;

/** One try after another against a real Redis in all its moods. */
class JedisRowStoreTest {

  private static RealRedis redis;
  private JedisRowStore store;

  @BeforeAll
  static void start() {
    redis = new RealRedis();
  }

  @AfterAll
  static void stop() {
    redis.close();
  }

  @BeforeEach
  void open() {
    try (Jedis jedis = redis.client()) {
      jedis.flushAll();
    }
    store = store(RedisTarget.of(redis.address()));
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void writesManyRowsAndRefusesThemASecondTime() throws IOException {
    List<FeatureRow> rows = rows(0, 1_000, 7);
    assertThat(store.write(rows)).isEqualTo(RowStore.Attempt.WHOLE);
    assertThat(store.write(rows(0, 1_000, 6))).isEqualTo(RowStore.Attempt.WHOLE);
    try (Jedis jedis = redis.client()) {
      assertThat(jedis.dbSize()).isEqualTo(1_000);
      assertThat(jedis.hget(RedisRows.key("c999"), "count_1h")).isEqualTo("7");
      assertThat(jedis.pttl(RedisRows.key("c999"))).isPositive();
    }
  }

  @Test
  void sendsTheScriptAgainWhereItWasForgotten() throws IOException {
    assertThat(store.write(rows(0, 10, 1)).whole()).isTrue();
    try (Jedis jedis = redis.client()) {
      jedis.scriptFlush();
      assertThat(store.write(rows(0, 10, 2)).whole()).isTrue();
      assertThat(jedis.hget(RedisRows.key("c3"), "count_1h")).isEqualTo("2");
    }
  }

  @Test
  void writesOnAfterAllWasFlushed() throws IOException {
    assertThat(store.write(rows(0, 10, 5)).whole()).isTrue();
    try (Jedis jedis = redis.client()) {
      jedis.flushAll();
      // Nothing is there that could be ahead.
      assertThat(store.write(rows(0, 10, 4)).whole()).isTrue();
      assertThat(jedis.hget(RedisRows.key("c3"), "count_1h")).isEqualTo("4");
    }
  }

  @Test
  void leavesAllRowsWhileRedisIsAwayAndConnectsAnew() throws IOException {
    assertThat(store.write(rows(0, 10, 1)).whole()).isTrue();
    redis.stop();
    List<FeatureRow> rows = rows(0, 10, 2);
    RowStore.Attempt away = store.write(rows);
    assertThat(away.left()).isEqualTo(rows);
    assertThat(away.reason()).isNotNull();
    assertThat(store.write(rows).left()).isEqualTo(rows);
    redis.startAgain();
    assertThat(store.write(rows).whole()).isTrue();
  }

  @Test
  void losesNoRowOfAConnectionThatIsKilled() throws IOException {
    assertThat(store.write(rows(0, 10, 1)).whole()).isTrue();
    try (Jedis jedis = redis.client()) {
      assertThat(
              jedis.clientKill(
                  new ClientKillParams()
                      .type(ClientType.NORMAL)
                      .skipMe(ClientKillParams.SkipMe.YES)))
          .isPositive();
    }
    List<FeatureRow> rows = rows(0, 10, 2);
    RowStore.Attempt killed = store.write(rows);
    assertThat(killed.left()).isEqualTo(rows);
    assertThat(store.write(killed.left()).whole()).isTrue();
  }

  @Test
  void aFullRedisKeepsTheOldRowWhole() throws IOException {
    FeatureRow first = RedisRows.row("full", 1);
    assertThat(store.write(List.of(first)).whole()).isTrue();
    FeatureRow second =
        new FeatureRow(
            "full",
            2_000,
            first.positions().advance(0, 2),
            0,
            false,
            true,
            true,
            new Object[] {2L, null});
    try (Jedis jedis = redis.client()) {
      jedis.configSet("maxmemory", "1");
      try {
        RowStore.Attempt full = store.write(List.of(second));
        assertThat(full.left()).containsExactly(second);
        assertThat(full.reason()).contains("OOM");
        // The null of the refused row has removed nothing.
        assertThat(jedis.hgetAll(RedisRows.key("full")))
            .containsEntry("count_1h", "1")
            .containsEntry("x_mean_1h", "0.5")
            .containsEntry("_source", "0:1");
      } finally {
        jedis.configSet("maxmemory", "0");
      }
      assertThat(store.write(List.of(second)).whole()).isTrue();
      assertThat(jedis.hgetAll(RedisRows.key("full")))
          .containsEntry("count_1h", "2")
          .doesNotContainKey("x_mean_1h");
    }
  }

  @Test
  void waitsForARedisThatIsSlowAndGivesUpOneThatDoesNotAnswer() throws IOException {
    assertThat(store.write(rows(0, 10, 1)).whole()).isTrue();
    try (Jedis jedis = redis.client()) {
      assertThat(jedis.clientPause(500, ClientPauseMode.WRITE)).isEqualTo("OK");
      assertThat(store.write(rows(0, 10, 2)).whole()).isTrue();
      assertThat(jedis.clientPause(3_500, ClientPauseMode.WRITE)).isEqualTo("OK");
      RowStore.Attempt silent = store.write(rows(0, 10, 3));
      assertThat(silent.left()).hasSize(10);
      assertThat(silent.reason()).containsIgnoringCase("timed out");
      assertThat(store.write(rows(0, 10, 3)).whole()).isTrue();
    }
  }

  @Test
  void aReplicaIsWaitedFor() throws IOException {
    try (Jedis jedis = redis.client()) {
      assertThat(jedis.replicaof("127.0.0.1", 1)).isEqualTo("OK");
      try {
        RowStore.Attempt attempt = store.write(rows(0, 10, 2));
        assertThat(attempt.left()).hasSize(10);
        assertThat(attempt.reason()).contains("READONLY");
      } finally {
        assertThat(jedis.replicaofNoOne()).isEqualTo("OK");
      }
      assertThat(store.write(rows(0, 10, 2)).whole()).isTrue();
    }
  }

  @Test
  void aScriptThatRunsForTooLongIsWaitedFor() throws Exception {
    try (Jedis jedis = redis.client();
        Jedis other = redis.client()) {
      jedis.configSet("lua-time-limit", "10");
      Thread endless =
          new Thread(
              () -> {
                try {
                  Object unusedAnswer =
                      other.eval(
                          "local from = redis.call('TIME')[1] while redis.call('TIME')[1] - from < 20 do end");
                } catch (RuntimeException e) {
                  // It is killed below.
                }
              });
      endless.start();
      try {
        RowStore.Attempt busy = store.write(rows(0, 3, 1));
        while (busy.whole()) {
          busy = store.write(rows(0, 3, 1));
        }
        assertThat(busy.reason()).contains("BUSY");
      } finally {
        // Else the server could not be stopped either.
        assertThat(jedis.scriptKill()).isEqualTo("OK");
        endless.join();
      }
      assertThat(store.write(rows(0, 3, 2)).whole()).isTrue();
    }
  }

  @Test
  void aKeyOfSomebodyElseFailsTheTask() {
    try (Jedis jedis = redis.client()) {
      jedis.set(RedisRows.key("taken"), "text");
    }
    assertThatThrownBy(() -> store.write(List.of(RedisRows.row("taken", 1))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("WRONGTYPE")
        .hasMessageContaining(redis.address());
  }

  @Test
  void aPasswordIsAskedForAndNeverShown() throws IOException {
    try (RealRedis guarded = new RealRedis("requirepass s3cret")) {
      RowStore without = store(RedisTarget.of(guarded.address()));
      assertThat(without.write(rows(0, 2, 1)).reason()).contains("NOAUTH");
      without.close();
      RowStore wrong =
          store(new RedisTarget(guarded.address(), false, false, null, "wrong-one", null));
      RowStore.Attempt refused = wrong.write(rows(0, 2, 1));
      assertThat(refused.left()).hasSize(2);
      assertThat(refused.reason()).contains("WRONGPASS").doesNotContain("wrong-one");
      wrong.close();
      RowStore right =
          store(new RedisTarget(guarded.address(), false, false, null, "s3cret", null));
      assertThat(right.write(rows(0, 2, 1)).whole()).isTrue();
      right.close();
    }
  }

  @Test
  void aUserNeedsNoMoreThanTheDocumentationSays() throws IOException {
    try (Jedis jedis = redis.client()) {
      List<String> rules = new ArrayList<>(List.of("on", ">s3cret", "~features:*"));
      rules.addAll(
          List.of(
              ("+evalsha +eval +hmget +hget +hset +hdel +del +pexpire +pttl +hgetall +ping +client"
                      + " +cluster")
                  .split(" ")));
      assertThat(jedis.aclSetUser("millrace", rules.toArray(new String[0]))).isEqualTo("OK");
      RowStore own =
          store(new RedisTarget(redis.address(), false, false, "millrace", "s3cret", null));
      assertThat(own.write(rows(0, 3, 1))).isEqualTo(RowStore.Attempt.WHOLE);
      own.close();
      assertThat(jedis.aclSetUser("millrace", "-hset")).isEqualTo("OK");
      RowStore less =
          store(new RedisTarget(redis.address(), false, false, "millrace", "s3cret", null));
      RowStore.Attempt refused = less.write(rows(0, 3, 2));
      assertThat(refused.left()).hasSize(3);
      less.close();
    }
  }

  private static JedisRowStore store(RedisTarget target) {
    return new JedisRowStore(target, RedisRows.guard(), new UnregisteredMetricsGroup());
  }

  private static List<FeatureRow> rows(int from, int to, long offset) {
    List<FeatureRow> rows = new ArrayList<>();
    for (int i = from; i < to; i++) {
      rows.add(RedisRows.row("c" + i, offset));
    }
    return rows;
  }
}
