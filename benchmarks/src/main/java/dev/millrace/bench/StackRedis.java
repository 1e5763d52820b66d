package dev.millrace.bench;

import dev.millrace.platform.Target;
import redis.clients.jedis.Jedis;

/** Redis of a stack of the benchmark's own. */
final class StackRedis {

  static Jedis open(Target target) {
    return new Jedis(host(target), port(target));
  }

  static String host(Target target) {
    String address = target.redis().address();
    return address.substring(0, address.lastIndexOf(':'));
  }

  static int port(Target target) {
    String address = target.redis().address();
    return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
  }

  private StackRedis() {}
}
