package dev.millrace.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import redis.clients.jedis.Jedis;
import redis.embedded.RedisServer;

/** A Redis process of this test's own, bound to this machine, saving nothing. */
final class RealRedis implements AutoCloseable {

  private static final String LOCAL = "127.0.0.1";

  private final int port;
  private final RedisServer server;

  RealRedis() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    server = RedisServer.newRedisServer().port(port).bind(LOCAL).setting("save \"\"").build();
    server.start();
  }

  String address() {
    return LOCAL + ":" + port;
  }

  Jedis client() {
    return new Jedis(LOCAL, port);
  }

  @Override
  public void close() {
    try {
      server.stop();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
