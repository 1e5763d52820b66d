package dev.millrace.cli.demo;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything that was predicted, by the number of the transaction: who answered it, and what every
 * version made of it. A few bytes for each, and nothing of the records themselves.
 */
final class PredictionLedger {

  private static final int ID_BYTES = 16;

  private final String project;
  private final String model;
  private final MessageDigest sha256;
  private final short[] versions;
  private final short[] deployments;
  private final String[] roles;
  private final List<@Nullable String> deploymentIds = new ArrayList<>();
  private final Map<@Nullable String, Short> byDeploymentId = new HashMap<>();
  private final Map<Integer, float[]> scoresByVersion = new TreeMap<>();
  private int seen;
  private int frontier;
  private long repeats;
  private long shadows;
  private long wrongIds;

  PredictionLedger(String project, String model, int transactions) {
    this.project = project;
    this.model = model;
    this.versions = new short[transactions];
    this.deployments = new short[transactions];
    this.roles = new String[transactions];
    try {
      this.sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot check prediction ids: every Java has SHA-256", e);
    }
  }

  /** Who answered one transaction first. */
  record Served(int number, int version, String role, @Nullable String deploymentId) {}

  /** Takes a record of the predictions topic. */
  synchronized void served(
      String predictionId,
      String eventId,
      int version,
      String role,
      @Nullable String deploymentId,
      double score) {
    int number = number(eventId);
    if (!predictionId.equals(expectedId(eventId))) {
      wrongIds++;
    }
    if (roles[number] != null) {
      repeats++;
      return;
    }
    seen++;
    roles[number] = role.intern();
    versions[number] = (short) version;
    deployments[number] =
        byDeploymentId.computeIfAbsent(
            deploymentId,
            id -> {
              deploymentIds.add(id);
              return (short) (deploymentIds.size() - 1);
            });
    if (!role.equals("FALLBACK")) {
      score(version, number, score);
    }
    while (frontier < roles.length && roles[frontier] != null) {
      frontier++;
    }
  }

  /** Takes a record of the shadows topic. */
  synchronized void shadow(String eventId, int version, double score) {
    shadows++;
    score(version, number(eventId), score);
  }

  private void score(int version, int number, double score) {
    float[] scores =
        scoresByVersion.computeIfAbsent(
            version,
            v -> {
              float[] none = new float[roles.length];
              Arrays.fill(none, Float.NaN);
              return none;
            });
    if (Float.isNaN(scores[number])) {
      scores[number] = (float) score;
    }
  }

  static int number(String eventId) {
    return Integer.parseInt(eventId, 1, eventId.length(), 10);
  }

  /** As the contract says it, not as the platform computes it. */
  private String expectedId(String eventId) {
    byte[] digest =
        sha256.digest(
            (project + '\u001f' + model + '\u001f' + eventId).getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest, 0, ID_BYTES);
  }

  /** Transactions with a prediction. */
  synchronized int seen() {
    return seen;
  }

  /** The first transaction without a prediction; all before it have one. */
  synchronized int frontier() {
    return frontier;
  }

  synchronized long repeats() {
    return repeats;
  }

  /** Records of the shadows topic. */
  synchronized long shadows() {
    return shadows;
  }

  /** Records whose prediction id is not that of their event. */
  synchronized long wrongIds() {
    return wrongIds;
  }

  /** Who answered a transaction; null where nobody has. */
  synchronized @Nullable Served served(int number) {
    String role = roles[number];
    return role == null
        ? null
        : new Served(number, versions[number], role, deploymentIds.get(deployments[number]));
  }

  /** Transactions by the version that answered; 0 is the fallback. */
  synchronized Map<Integer, Long> byVersion() {
    Map<Integer, Long> counts = new TreeMap<>();
    for (int number = 0; number < roles.length; number++) {
      if (roles[number] != null) {
        counts.merge((int) versions[number], 1L, Long::sum);
      }
    }
    return counts;
  }

  /** What a version made of a transaction, served or not; NaN where it was not asked. */
  synchronized float score(int version, int number) {
    float[] scores = scoresByVersion.get(version);
    return scores == null ? Float.NaN : scores[number];
  }
}
