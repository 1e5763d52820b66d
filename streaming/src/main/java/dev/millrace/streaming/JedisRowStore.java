package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/** Rows over one pipelined connection; a lost connection is made anew with growing pauses. */
final class JedisRowStore implements RowStore {

  private static final Logger LOG = LoggerFactory.getLogger(JedisRowStore.class);
  private static final int TIMEOUT_MILLIS = 5_000;
  private static final long PAUSE_LEAST_MILLIS = 50;
  private static final long PAUSE_MOST_MILLIS = 5_000;

  private final URI redis;
  private final Counter refused;
  private final Counter retries;
  private @Nullable Jedis connection;
  private @Nullable String scriptSha;

  JedisRowStore(URI redis, MetricGroup metrics) {
    this.redis = redis;
    this.refused = metrics.counter("redisRowsBehind");
    this.retries = metrics.counter("redisRetries");
  }

  @Override
  public void write(RedisGuard guard, Map<String, FeatureRow> rows) throws IOException {
    long pauseMillis = PAUSE_LEAST_MILLIS;
    while (true) {
      try {
        send(guard, rows);
        return;
      } catch (JedisConnectionException | JedisNoScriptException e) {
        retry(e, pauseMillis);
      } catch (JedisDataException e) {
        // LOADING, OOM, READONLY, BUSY: the store is there and will take rows again.
        retry(e, pauseMillis);
      } catch (JedisException e) {
        throw new IOException(
            "Cannot write rows to Redis at " + address() + ": " + e.getMessage(), e);
      }
      pauseMillis = Math.min(PAUSE_MOST_MILLIS, pauseMillis * 2);
    }
  }

  private void send(RedisGuard guard, Map<String, FeatureRow> rows) {
    Jedis open = open();
    String sha = scriptSha;
    if (sha == null) {
      sha = open.scriptLoad(RedisGuard.SCRIPT);
      scriptSha = sha;
    }
    List<Response<Object>> answers = new ArrayList<>(rows.size());
    try (Pipeline pipeline = open.pipelined()) {
      for (Map.Entry<String, FeatureRow> row : rows.entrySet()) {
        answers.add(pipeline.evalsha(sha, List.of(row.getKey()), guard.arguments(row.getValue())));
      }
      pipeline.sync();
    }
    for (Response<Object> answer : answers) {
      if (Long.valueOf(0).equals(answer.get())) {
        refused.inc();
      }
    }
  }

  private void retry(JedisException e, long pauseMillis) throws IOException {
    retries.inc();
    LOG.warn("Redis at {} did not take rows ({}), trying again", address(), e.getMessage());
    close();
    LockSupport.parkNanos(pauseMillis * 1_000_000);
    if (Thread.interrupted()) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot write rows to Redis at " + address() + ": interrupted", e);
    }
  }

  private Jedis open() {
    Jedis open = connection;
    if (open == null) {
      open = new Jedis(redis, TIMEOUT_MILLIS);
      connection = open;
    }
    return open;
  }

  /** Host and port without what a URI may carry besides. */
  private String address() {
    return redis.getHost() + ":" + redis.getPort();
  }

  @Override
  public void close() {
    Jedis open = connection;
    connection = null;
    scriptSha = null;
    if (open != null) {
      try {
        open.close();
      } catch (JedisException e) {
        LOG.debug("Closing a broken connection to Redis failed", e);
      }
    }
  }
}
