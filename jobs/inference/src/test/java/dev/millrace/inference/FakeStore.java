package dev.millrace.inference;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An online store in memory that tells what it was asked, fails on demand and changes by round. */
final class FakeStore implements FeatureReads, FeatureReads.Factory {

  private static final long serialVersionUID = 1L;

  final transient List<List<Query>> rounds = new ArrayList<>();
  final transient Map<Integer, Runnable> beforeRound = new HashMap<>();
  private final transient Map<String, Map<String, String>> hashes = new HashMap<>();
  transient boolean down;

  /** Writes a row; {@code features} are names and values in turn. */
  void row(String key, long timeMillis, String positions, String version, String... features) {
    Map<String, String> hash = new LinkedHashMap<>();
    hash.put("_time", String.valueOf(timeMillis));
    hash.put("_source", positions);
    hash.put("_version", version);
    for (int i = 0; i < features.length; i += 2) {
      hash.put(features[i], features[i + 1]);
    }
    hashes.put(key, hash);
  }

  @Override
  public FeatureReads open() {
    return this;
  }

  @Override
  public List<List<byte @Nullable []>> read(List<Query> queries) throws IOException {
    Runnable before = beforeRound.remove(rounds.size());
    if (before != null) {
      before.run();
    }
    rounds.add(List.copyOf(queries));
    if (down) {
      throw new IOException("Cannot read features from Redis at nowhere: it is down");
    }
    List<List<byte @Nullable []>> answers = new ArrayList<>();
    for (Query query : queries) {
      Map<String, String> hash = hashes.getOrDefault(query.key(), Map.of());
      List<byte @Nullable []> values = new ArrayList<>();
      for (String field : query.fields()) {
        String value = hash.get(field);
        values.add(value == null ? null : value.getBytes(StandardCharsets.UTF_8));
      }
      answers.add(values);
    }
    return answers;
  }

  @Override
  public void close() {}
}
