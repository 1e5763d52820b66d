package dev.millrace.platform;

import dev.millrace.core.definition.Substitution;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where Redis is and how it lets one in.
 *
 * <p>Every text may hold {@code ${env:X}} and {@code ${file:PATH}}. It is kept as it was written
 * and looked up with each connection, so that a secret is in no job graph and a changed one needs
 * no restart.
 *
 * @param address {@code host:port}; of a cluster one or several, joined by commas
 * @param cluster whether it is a Redis Cluster
 * @param tls whether connections are encrypted, and the server's certificate and name checked
 * @param user of the access control list; null for the default user
 * @param password null where none is asked for
 * @param ca PEM file of the authority that signed the server's certificate; null for those that
 *     Java trusts
 */
public record RedisTarget(
    String address,
    boolean cluster,
    boolean tls,
    @Nullable String user,
    @Nullable String password,
    @Nullable String ca)
    implements Serializable {

  private static final Pattern ADDRESS =
      Pattern.compile("[^\\s:,]+:\\d{1,5}|\\[[^]\\s]+]:\\d{1,5}");

  /** One server without TLS and without a password. */
  public static RedisTarget of(String address) {
    return new RedisTarget(address, false, false, null, null, null);
  }

  /**
   * Reads the value of {@code redis} in a target file.
   *
   * @param problems gets a line for each mistake; no line holds a value of {@code password}
   */
  static RedisTarget read(@Nullable Object value, List<String> problems) {
    if (!(value instanceof Map<?, ?> given)) {
      String address = value == null ? "" : String.valueOf(value);
      checkAddress(address, false, "redis", problems);
      return of(address);
    }
    Map<String, @Nullable String> left = new LinkedHashMap<>();
    given.forEach((k, v) -> left.put(String.valueOf(k), v == null ? null : String.valueOf(v)));
    boolean cluster = flag(left, "cluster", problems);
    boolean tls = flag(left, "tls", problems);
    String address = left.remove("address");
    RedisTarget target =
        new RedisTarget(
            address == null ? "" : address,
            cluster,
            tls,
            left.remove("user"),
            left.remove("password"),
            left.remove("ca"));
    left.keySet().forEach(k -> problems.add("redis." + k + ": unknown key"));
    checkAddress(target.address, cluster, "redis.address", problems);
    if (target.user != null && target.password == null) {
      problems.add("redis.user: has no password; give redis.password too");
    }
    if (target.ca != null && !tls) {
      problems.add("redis.ca: is of use with TLS alone; set redis.tls: true or remove it");
    }
    return target;
  }

  /** What {@link #read} reads: the address alone where there is nothing else to say. */
  Object written() {
    if (equals(of(address))) {
      return address;
    }
    Map<String, Object> keys = new LinkedHashMap<>();
    keys.put("address", address);
    if (cluster) {
      keys.put("cluster", true);
    }
    if (tls) {
      keys.put("tls", true);
    }
    if (user != null) {
      keys.put("user", user);
    }
    if (password != null) {
      keys.put("password", password);
    }
    if (ca != null) {
      keys.put("ca", ca);
    }
    return keys;
  }

  /**
   * The same with every reference looked up.
   *
   * @throws IOException naming the variable or the file that is not there
   */
  RedisTarget resolved(Map<String, String> environment) throws IOException {
    try {
      return new RedisTarget(
          Substitution.resolved(address, environment),
          cluster,
          tls,
          resolved(user, environment),
          resolved(password, environment),
          resolved(ca, environment));
    } catch (IOException e) {
      throw new IOException("Cannot connect to Redis at " + address + ": " + e.getMessage(), e);
    }
  }

  private static @Nullable String resolved(@Nullable String text, Map<String, String> environment)
      throws IOException {
    return text == null ? null : Substitution.resolved(text, environment);
  }

  /** The servers, after {@link #resolved}. */
  List<String> servers() {
    List<String> servers = new ArrayList<>();
    for (String server : address.split(",", -1)) {
      servers.add(server.strip());
    }
    return servers;
  }

  private static boolean flag(
      Map<String, @Nullable String> left, String key, List<String> problems) {
    String text = left.remove(key);
    if (text != null && !text.equals("true") && !text.equals("false")) {
      problems.add("redis." + key + ": is '" + text + "'; write true or false");
    }
    return "true".equals(text);
  }

  private static void checkAddress(
      String address, boolean cluster, String path, List<String> problems) {
    if (address.isEmpty()) {
      problems.add(path + ": required, not set");
      return;
    }
    if (Substitution.applies(address)) {
      return;
    }
    String[] servers = address.split(",", -1);
    for (String server : servers) {
      if (!ADDRESS.matcher(server.strip()).matches()) {
        problems.add(path + ": '" + server.strip() + "' is no address; write host:port");
      }
    }
    if (servers.length > 1 && !cluster) {
      problems.add(path + ": several servers are a cluster's; set redis.cluster: true");
    }
  }

  /** The address alone: a password must be in no log and in no message. */
  @Override
  public String toString() {
    return address;
  }
}
