package dev.millrace.client;

import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/**
 * What is told of a version when it is registered, all of it optional. Each method gives a new one
 * with one more thing told.
 *
 * @param key says which registration it is: with the same key, and for the same model, there is one
 *     version for ever, however often it is asked for. At most 200 characters
 */
public record NewVersion(
    String runId, String runLink, String description, Map<String, String> tags, String key) {

  private static final int KEY_MAX = 200;

  public NewVersion {
    tags = Map.copyOf(tags);
    if (key.isEmpty() || key.length() > KEY_MAX || key.chars().anyMatch(c -> c < ' ' || c > '~')) {
      throw new IllegalArgumentException(
          "Cannot register under key "
              + key
              + ": it has "
              + key.length()
              + " characters; write 1 to "
              + KEY_MAX
              + " of ASCII");
    }
  }

  /** Nothing is told; its key is a random one. */
  public static NewVersion plain() {
    return new NewVersion("", "", "", Map.of(), UUID.randomUUID().toString());
  }

  /** The run that made it. */
  public NewVersion run(String next) {
    return new NewVersion(next, runLink, description, tags, key);
  }

  /** Where a person can look at that run. */
  public NewVersion link(String next) {
    return new NewVersion(runId, next, description, tags, key);
  }

  public NewVersion describedAs(String next) {
    return new NewVersion(runId, runLink, next, tags, key);
  }

  public NewVersion tag(String name, String value) {
    Map<String, String> more = new TreeMap<>(tags);
    more.put(name, value);
    return new NewVersion(runId, runLink, description, more, key);
  }

  /** Such as the id of a build: who runs that again gets the version that there is. */
  public NewVersion key(String next) {
    return new NewVersion(runId, runLink, description, tags, next);
  }
}
