package dev.millrace.platform;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/** The one place where connections to Redis are made: a server, a cluster, TLS, passwords. */
public final class RedisClients {

  /** Each client belongs to one thread; a second connection is for a redirected command. */
  private static final int CONNECTIONS = 2;

  private static final int ATTEMPTS = 3;
  private static final long IDLE_SECONDS = 10;

  /**
   * Reads the answers of a cluster's servers side by side; Jedis would make new threads for each
   * pipeline. Threads end when idle, so that none outlives a job for long.
   */
  private static final ExecutorService ANSWERS =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          work -> {
            Thread thread = new Thread(work, "redis-answers");
            thread.setDaemon(true);
            return thread;
          });

  /** The store is in memory alone and holds no secret; its format wants a password. */
  private static final String STORE_TYPE = "PKCS12";

  private static final String STORE_PASSWORD = "certificates";

  /**
   * A client of one thread. A pipeline over it holds one connection to each server; what it is told
   * by a connection that failed is never taken for an answer to a later command, because such a
   * connection is not used again.
   *
   * @param timeout of a connection's making and of each answer
   * @throws IOException where Redis does not let one in, or a secret or certificate is not there
   */
  public static UnifiedJedis open(RedisTarget target, Duration timeout) throws IOException {
    return open(target, timeout, System.getenv());
  }

  static UnifiedJedis open(RedisTarget target, Duration timeout, Map<String, String> environment)
      throws IOException {
    RedisTarget resolved = target.resolved(environment);
    JedisClientConfig config = config(resolved, timeout);
    try {
      return resolved.cluster()
          ? cluster(resolved, config, timeout)
          : server(resolved, config, timeout);
    } catch (JedisException | IllegalArgumentException e) {
      throw new IOException("Cannot connect to Redis at " + target + ": " + reason(e), e);
    }
  }

  /**
   * Commands that go together. One that failed is told by its answer; in a cluster an answer may be
   * missing, which is an {@link IllegalStateException} of its reading.
   */
  public static AbstractPipeline pipelined(UnifiedJedis client) {
    return client instanceof RedisClusterClient cluster
        ? cluster.pipelined(ANSWERS)
        : client.pipelined();
  }

  /** What a failure comes from, in Redis' own words where it said something. */
  public static String reason(Throwable failure) {
    Throwable deepest = failure;
    for (Throwable t = failure.getCause(); t != null; t = t.getCause()) {
      if (t.getMessage() != null) {
        deepest = t;
      }
    }
    return String.valueOf(deepest.getMessage());
  }

  private static UnifiedJedis server(
      RedisTarget target, JedisClientConfig config, Duration timeout) {
    UnifiedJedis client =
        RedisClient.builder()
            .hostAndPort(HostAndPort.from(target.address()))
            .clientConfig(config)
            .poolConfig(pool(timeout))
            .build();
    try {
      // Somebody who is not let in is told so here; in a pipeline the connection would just end.
      String unusedPong = client.ping();
      return client;
    } catch (JedisException e) {
      client.close();
      throw e;
    }
  }

  private static UnifiedJedis cluster(
      RedisTarget target, JedisClientConfig config, Duration timeout) {
    Set<HostAndPort> nodes = new LinkedHashSet<>();
    for (String server : target.servers()) {
      nodes.add(HostAndPort.from(server));
    }
    return RedisClusterClient.builder()
        .nodes(nodes)
        .clientConfig(config)
        .maxAttempts(ATTEMPTS)
        .maxTotalRetriesDuration(timeout)
        .poolConfig(pool(timeout))
        .build();
  }

  /** No evictor and no JMX: their threads and names would outlive a job that is cancelled. */
  private static GenericObjectPoolConfig<Connection> pool(Duration timeout) {
    GenericObjectPoolConfig<Connection> pool = new GenericObjectPoolConfig<>();
    pool.setMaxTotal(CONNECTIONS);
    pool.setMaxIdle(CONNECTIONS);
    pool.setMaxWait(timeout);
    pool.setJmxEnabled(false);
    return pool;
  }

  private static JedisClientConfig config(RedisTarget target, Duration timeout) throws IOException {
    int millis = Math.toIntExact(timeout.toMillis());
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder()
            .connectionTimeoutMillis(millis)
            .socketTimeoutMillis(millis)
            .clientName("millrace");
    if (target.user() != null) {
      config.user(target.user());
    }
    if (target.password() != null) {
      config.password(target.password());
    }
    if (target.tls()) {
      SslOptions.Builder tls = SslOptions.builder().sslVerifyMode(SslVerifyMode.FULL);
      if (target.ca() != null) {
        byte[] trusted = trusted(target, target.ca());
        tls.trustStoreType(STORE_TYPE)
            .truststore(() -> new ByteArrayInputStream(trusted), STORE_PASSWORD.toCharArray());
      }
      config.sslOptions(tls.build());
    }
    return config.build();
  }

  /** The certificates of a PEM file as the key store that the client reads. */
  private static byte[] trusted(RedisTarget target, String ca) throws IOException {
    try {
      ByteArrayOutputStream store = new ByteArrayOutputStream();
      TrustedCertificates.read(Path.of(ca), "redis.ca").store(store, STORE_PASSWORD.toCharArray());
      return store.toByteArray();
    } catch (IOException | GeneralSecurityException e) {
      throw new IOException("Cannot connect to Redis at " + target + ": " + e.getMessage(), e);
    }
  }

  private RedisClients() {}
}
