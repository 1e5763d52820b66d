package dev.millrace.inference;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import redis.clients.jedis.Jedis;
import redis.embedded.RedisServer;

/** A Redis process of this test's own, bound to this machine, saving nothing. */
final class RealRedis implements AutoCloseable {

  private static final String LOCAL = "127.0.0.1";

  private final int port;
  private RedisServer server;

  RealRedis() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    server = start();
  }

  String address() {
    return LOCAL + ":" + port;
  }

  void row(String key, Map<String, String> hash) {
    try (Jedis jedis = new Jedis(LOCAL, port)) {
      jedis.hset(key, hash);
    }
  }

  void stop() throws IOException {
    server.stop();
  }

  void startAgain() throws IOException {
    server = start();
  }

  @Override
  public void close() {
    try {
      server.stop();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private RedisServer start() throws IOException {
    RedisServer started =
        RedisServer.newRedisServer().port(port).bind(LOCAL).setting("save \"\"").build();
    started.start();
    return started;
  }
}
