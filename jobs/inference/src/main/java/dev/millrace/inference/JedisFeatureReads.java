package dev.millrace.inference;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisException;

/**
 * One pipelined {@code HMGET} a key over one connection. After a failure the connection is dropped:
 * answers that were still under way must never be taken for those of the next batch.
 */
final class JedisFeatureReads implements FeatureReads {

  private static final Logger LOG = LoggerFactory.getLogger(JedisFeatureReads.class);
  private static final int TIMEOUT_MILLIS = 500;

  private final String redis;
  private final HostAndPort address;
  private final JedisClientConfig config =
      DefaultJedisClientConfig.builder()
          .connectionTimeoutMillis(TIMEOUT_MILLIS)
          .socketTimeoutMillis(TIMEOUT_MILLIS)
          .build();
  private @Nullable Jedis connection;

  /**
   * A store that connects with its first read.
   *
   * @param redis host:port
   */
  JedisFeatureReads(String redis) {
    this.redis = redis;
    this.address = HostAndPort.from(redis);
  }

  @Override
  public List<List<@Nullable String>> read(List<Query> queries) throws IOException {
    boolean whole = false;
    try {
      Jedis open = connection;
      if (open == null) {
        open = new Jedis(address, config);
        connection = open;
      }
      List<Response<List<String>>> answers = new ArrayList<>(queries.size());
      try (Pipeline pipeline = open.pipelined()) {
        for (Query query : queries) {
          answers.add(pipeline.hmget(query.key(), query.fields().toArray(new String[0])));
        }
        pipeline.sync();
      }
      List<List<@Nullable String>> rows = new ArrayList<>(queries.size());
      for (Response<List<String>> answer : answers) {
        rows.add(new ArrayList<>(answer.get()));
      }
      whole = true;
      return rows;
    } catch (JedisException e) {
      throw new IOException(
          "Cannot read features from Redis at " + redis + ": " + e.getMessage(), e);
    } finally {
      if (!whole) {
        close();
      }
    }
  }

  @Override
  public void close() {
    Jedis open = connection;
    connection = null;
    if (open != null) {
      try {
        open.close();
      } catch (JedisException e) {
        LOG.debug("Closing a broken connection to Redis failed", e);
      }
    }
  }
}
