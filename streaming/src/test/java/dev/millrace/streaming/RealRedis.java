package dev.millrace.streaming;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import redis.clients.jedis.Jedis;
import redis.embedded.RedisServer;
import redis.embedded.core.RedisServerBuilder;

/** A Redis process of a test's own, bound to this machine, saving nothing. */
final class RealRedis implements AutoCloseable {

  private static final String LOCAL = "127.0.0.1";

  private final int port;
  private final List<String> settings;
  private RedisServer server;

  /** Starts it; where it cannot run, the test is skipped with the reason. */
  RealRedis(String... settings) {
    this.port = freePort();
    this.settings = List.of(settings);
    this.server = started();
  }

  static int freePort() {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return port;
  }

  String address() {
    return LOCAL + ":" + port;
  }

  /** Of the caller, who closes it. */
  Jedis client() {
    return new Jedis(LOCAL, port, 20_000);
  }

  void stop() {
    try {
      server.stop();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void startAgain() {
    server = started();
  }

  @Override
  public void close() {
    stop();
  }

  private RedisServer started() {
    try {
      RedisServerBuilder builder =
          RedisServer.newRedisServer().port(port).bind(LOCAL).setting("save \"\"");
      settings.forEach(builder::setting);
      RedisServer started = builder.build();
      started.start();
      return started;
    } catch (IOException e) {
      assumeThat(e)
          .as("the bundled Redis runs here; it needs libssl3 (apt install libssl3)")
          .isNull();
      throw new UncheckedIOException(e);
    }
  }
}
