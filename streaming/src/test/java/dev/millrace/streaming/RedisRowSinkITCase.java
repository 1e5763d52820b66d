package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.RedisTarget;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisException;

/** The sink in a running job, whose Redis is restarted, filled, emptied and made to wait. */
class RedisRowSinkITCase {

  private static final int KEYS = 2_000;
  private static final int EVENTS_PER_KEY = 30;
  private static final int EVENTS_PER_SECOND = 6_000;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  @Test
  void everyRowIsThereAtTheEndWhateverBecameOfRedis() throws Exception {
    try (RealRedis redis = new RealRedis()) {
      JobClient job = start(redis.address());
      until(redis, jedis -> jedis.dbSize() > 100);
      redis.stop();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(700));
      redis.startAgain();
      until(redis, jedis -> jedis.dbSize() > 100);
      try (Jedis jedis = redis.client()) {
        jedis.configSet("maxmemory", "1");
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(700));
        jedis.configSet("maxmemory", "0");
        jedis.scriptFlush();
        jedis.flushAll();
      }
      job.getJobExecutionResult().get(120, TimeUnit.SECONDS);
      Map<String, String> wrong = new HashMap<>();
      try (Jedis jedis = redis.client()) {
        for (int key = 0; key < KEYS; key++) {
          List<String> row = jedis.hmget(RedisRows.key("c" + key), "count_1h", "_source", "_time");
          long last = (long) (EVENTS_PER_KEY - 1) * KEYS + key;
          List<String> expected = List.of("" + last, "0:" + last, "" + (1_000 + last));
          if (!row.equals(expected)) {
            wrong.put("c" + key, row + " instead of " + expected);
          }
        }
      }
      assertThat(wrong).isEmpty();
    }
  }

  private static JobClient start(String address) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2);
    env.enableCheckpointing(200);
    GeneratorFunction<Long, FeatureRow> rows = RedisRowSinkITCase::row;
    env.fromSource(
            new DataGeneratorSource<>(
                rows,
                (long) KEYS * EVENTS_PER_KEY,
                RateLimiterStrategy.perSecond(EVENTS_PER_SECOND),
                Serializers.FEATURE_ROW),
            WatermarkStrategy.noWatermarks(),
            "rows")
        .setParallelism(1)
        .keyBy(FeatureRow::entityKey, Types.STRING)
        .sinkTo(new RedisRowSink(RedisRows.guard(), RedisTarget.of(address), Unavailable.WAIT));
    return env.executeAsync("rows into Redis");
  }

  /** Every third row is one of a refresh, but none of the last round. */
  private static FeatureRow row(long number) {
    long key = number % KEYS;
    boolean refresh = number % 3 == 0 && number / KEYS < EVENTS_PER_KEY - 1;
    return new FeatureRow(
        "c" + key,
        1_000 + number,
        Positions.NONE.advance(0, number),
        0,
        refresh,
        true,
        true,
        new Object[] {number, null});
  }

  private interface Seen {
    boolean by(Jedis jedis);
  }

  private static void until(RealRedis redis, Seen seen) {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      try (Jedis jedis = redis.client()) {
        if (seen.by(jedis)) {
          return;
        }
      } catch (JedisException e) {
        // It is not there yet.
      }
      assertThat(System.nanoTime()).isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }
}
