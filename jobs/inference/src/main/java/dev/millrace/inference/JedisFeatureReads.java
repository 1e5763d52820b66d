package dev.millrace.inference;

import dev.millrace.platform.RedisClients;
import dev.millrace.platform.RedisTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/**
 * One pipelined {@code HMGET} a key over one connection to each server. After a failure the
 * connections are dropped: answers that were still under way must never be taken for those of the
 * next batch.
 */
final class JedisFeatureReads implements FeatureReads {

  private static final Logger LOG = LoggerFactory.getLogger(JedisFeatureReads.class);
  private static final Duration TIMEOUT = Duration.ofMillis(500);

  private final RedisTarget redis;

  /** By the list itself, because to compare lists of names takes longer than to encode them. */
  private final IdentityHashMap<List<String>, byte[][]> encoded = new IdentityHashMap<>();

  private @Nullable UnifiedJedis client;

  /**
   * A store that connects with its first read.
   *
   * @param redis host:port
   */
  JedisFeatureReads(String redis) {
    this(RedisTarget.of(redis));
  }

  JedisFeatureReads(RedisTarget redis) {
    this.redis = redis;
  }

  @Override
  public List<List<byte @Nullable []>> read(List<Query> queries) throws IOException {
    boolean whole = false;
    try {
      UnifiedJedis open = client;
      if (open == null) {
        open = RedisClients.open(redis, TIMEOUT);
        client = open;
      }
      List<Response<List<byte[]>>> answers = new ArrayList<>(queries.size());
      try (AbstractPipeline pipeline = RedisClients.pipelined(open)) {
        for (Query query : queries) {
          answers.add(
              pipeline.hmget(query.key().getBytes(StandardCharsets.UTF_8), fields(query.fields())));
        }
        pipeline.sync();
      }
      List<List<byte @Nullable []>> rows = new ArrayList<>(queries.size());
      for (Response<List<byte[]>> answer : answers) {
        rows.add(new ArrayList<>(answer.get()));
      }
      whole = true;
      return rows;
    } catch (JedisException | IllegalStateException e) {
      // An answer that a lost server of a cluster owes is an illegal state.
      throw new IOException(
          "Cannot read features from Redis at " + redis + ": " + RedisClients.reason(e), e);
    } finally {
      if (!whole) {
        close();
      }
    }
  }

  /** The names as they are sent: there are few lists of them, and each is sent very often. */
  private byte[][] fields(List<String> names) {
    byte[][] known = encoded.get(names);
    if (known == null) {
      known = names.stream().map(n -> n.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
      encoded.put(names, known);
    }
    return known;
  }

  @Override
  public void close() {
    UnifiedJedis open = client;
    client = null;
    if (open != null) {
      try {
        open.close();
      } catch (JedisException e) {
        LOG.debug("Closing a broken connection to Redis failed", e);
      }
    }
  }
}
