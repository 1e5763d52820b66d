package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.REVOKED;
import static dev.millrace.inference.ChangedFlights.id;
import static dev.millrace.inference.ChangedFlights.pinned;
import static dev.millrace.inference.ChangedFlights.plan;
import static dev.millrace.inference.ChangedFlights.record;
import static dev.millrace.inference.ChangedFlights.trained;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.streaming.Inbound;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Versions of three revisions, of one that is not computed, and of none; deployments and
 * revocations of them, events in any order of time, rows that come, change and belong to another
 * definition. The oracle keeps everything in lists and maps and looks each value up by hand.
 */
class ChangedViewOracleTest {

  private static final int STEPS = 250;
  private static final String[] ORIGINS = {"JFK", "LAX"};

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void everyScoreIsOfTheRowsItsVersionWasTrainedOn(long seed) throws Exception {
    Random random = new Random(seed);
    Set<Integer> served = new HashSet<>();
    try (Scoring scoring = new Scoring(plan(3, 1, 2))) {
      scoring.models.score(ChangedViewOracleTest::score);
      Oracle oracle = new Oracle(random, scoring);
      long offset = 0;
      int predictions = 0;
      int shadows = 0;
      for (int step = 0; step < STEPS; step++) {
        if (random.nextInt(4) == 0) {
          oracle.deploy();
        }
        oracle.changeRows();
        List<Expected> expected = new ArrayList<>();
        List<Expected> expectedShadows = new ArrayList<>();
        // At most a batch.
        for (int i = random.nextInt(3); i >= 0; i--) {
          String origin = ORIGINS[random.nextInt(2)];
          Double distance = random.nextInt(4) == 0 ? null : (Double) (double) random.nextInt(900);
          Inbound event = departure(++offset, origin, distance);
          oracle.expect(event, origin, distance, expected, expectedShadows);
          scoring.event(event);
        }
        scoring.barrier(step);
        List<Prediction> made = scoring.predictions();
        assertThat(made.subList(predictions, made.size()).stream().map(Expected::of))
            .containsExactlyElementsOf(expected);
        predictions = made.size();
        List<Prediction> beside = scoring.shadows();
        assertThat(beside.subList(shadows, beside.size()).stream().map(Expected::of))
            .containsExactlyInAnyOrderElementsOf(expectedShadows);
        shadows = beside.size();
        expected.forEach(e -> served.add(e.version));
      }
      assertThat(shadows).isPositive();
    }
    assertThat(served).contains(0, 1, 2, 3, 5).doesNotContain(4);
  }

  /** What a prediction must say. */
  private record Expected(
      String eventId,
      int version,
      @Nullable Double score,
      Map<String, @Nullable Object> inputs,
      Map<String, String> rows) {

    static Expected of(Prediction made) {
      Map<String, String> rows = new HashMap<>();
      made.rows().forEach((view, row) -> rows.put(view, row.version()));
      return new Expected(
          made.eventId(), made.version(), made.score(), new HashMap<>(made.inputs()), rows);
    }
  }

  /** A weighted sum, so that no two inputs can be taken for each other. */
  private static double score(double[] row) {
    double sum = row.length;
    for (int i = 0; i < row.length; i++) {
      sum += (i + 1) * (Double.isNaN(row[i]) ? 0.25 : row[i]);
    }
    return sum;
  }

  private static final class Oracle {
    private final Random random;
    private final Scoring scoring;

    /** By key: the version and the values of a row. */
    private final Map<String, Map<String, String>> rows = new HashMap<>();

    /** Those that stand. */
    private final List<DeploymentRecord> deployments = new ArrayList<>();

    private int written;

    Oracle(Random random, Scoring scoring) {
      this.random = random;
      this.scoring = scoring;
    }

    /** Version 1 to 3 of the revision of that number, 4 of a lost definition, 5 of none. */
    private static DeployedVersion version(int number) {
      return switch (number) {
        case 4 -> pinned(4, Map.of("origin_delays", "eeeeeeeeeeee"));
        case 5 -> pinned(5, Map.of());
        default -> trained(number, number);
      };
    }

    void deploy() throws Exception {
      if (random.nextInt(3) == 0 && !deployments.isEmpty()) {
        DeploymentRecord last = deployments.remove(deployments.size() - 1);
        scoring.deploy(
            record(
                written++,
                last.deployment().deploymentId(),
                REVOKED,
                last.deployment().effectiveTimeMillis(),
                version(1),
                null,
                0));
        return;
      }
      List<DeployedVersion> shadows = new ArrayList<>();
      int champion = 1 + random.nextInt(5);
      for (int v = 1; v <= 5; v++) {
        if (v != champion && random.nextInt(3) == 0) {
          shadows.add(version(v));
        }
      }
      DeploymentRecord record =
          record(
              written,
              "d" + written,
              EFFECTIVE,
              timeMillis(random.nextInt(2 * STEPS)),
              version(champion),
              null,
              0,
              shadows.toArray(new DeployedVersion[0]));
      written++;
      deployments.add(record);
      scoring.deploy(record);
    }

    void changeRows() {
      for (int i = random.nextInt(4); i > 0; i--) {
        String origin = ORIGINS[random.nextInt(2)];
        int revision = random.nextInt(4);
        String version =
            revision == 0
                ? "1-bbbbbbbbbbbb"
                : revision + "-" + id(random.nextInt(8) == 0 ? 1 : revision);
        Map<String, String> row = new HashMap<>();
        row.put("_version", version);
        List<String> fields = new ArrayList<>();
        for (String field : List.of("delay_mean_1h", "delay_max_1h", "delay_min_1h", "count_1h")) {
          if (random.nextInt(5) > 0) {
            String value = String.valueOf(random.nextInt(100) / 4.0);
            row.put(field, value);
            fields.add(field);
            fields.add(value);
          }
        }
        rows.put(key(origin, revision), row);
        scoring.store.row(
            key(origin, revision), timeMillis(0), "0:9999", version, fields.toArray(new String[0]));
      }
    }

    /** Revision 0 is the view that never changed. */
    private static String key(String origin, int revision) {
      return "features:{origin:"
          + origin
          + "}:"
          + switch (revision) {
            case 0 -> "origin_departures";
            case 1 -> "origin_delays";
            case 2 -> "origin_delays@cccccccccccc";
            default -> "origin_delays@dddddddddddd";
          };
    }

    void expect(
        Inbound event,
        String origin,
        @Nullable Double distance,
        List<Expected> served,
        List<Expected> shadows) {
      String id = String.valueOf(event.event() == null ? null : event.event().id());
      long time = event.event() == null ? 0 : event.event().eventTimeMillis();
      DeploymentRecord serving = null;
      for (DeploymentRecord record : deployments) {
        Long from = record.deployment().effectiveTimeMillis();
        DeployedVersion champion = record.deployment().champion();
        if (from != null && from <= time && champion != null && champion.version() != 4) {
          serving = record;
        }
      }
      if (serving == null || serving.deployment().champion() == null) {
        served.add(expected(id, 0, 3, origin, distance, 0.2));
        return;
      }
      int champion = serving.deployment().champion().version();
      served.add(expected(id, champion, champion, origin, distance, null));
      for (DeployedVersion shadow : serving.deployment().shadows()) {
        if (shadow.version() != 4) {
          shadows.add(expected(id, shadow.version(), shadow.version(), origin, distance, null));
        }
      }
    }

    private Expected expected(
        String event,
        int version,
        int trainedOn,
        String origin,
        @Nullable Double distance,
        @Nullable Double fallback) {
      List<String> names = new ArrayList<>();
      List<@Nullable Double> values = new ArrayList<>();
      Map<String, String> from = new HashMap<>();
      switch (trainedOn) {
        case 1 -> {
          names.addAll(List.of("delay_mean_1h", "count_1h_in"));
          values.add(value(origin, 1, "delay_mean_1h", from));
          values.add(value(origin, 1, "count_1h", from));
        }
        case 2 -> {
          names.addAll(List.of("delay_mean_1h", "delay_max_1h_in", "count_1h"));
          values.add(value(origin, 2, "delay_mean_1h", from));
          values.add(value(origin, 2, "delay_max_1h", from));
          values.add(value(origin, 0, "count_1h", from));
        }
        default -> {
          names.add("delay_min_1h_in");
          values.add(value(origin, 3, "delay_min_1h", from));
        }
      }
      names.add("distance");
      values.add(distance);
      Map<String, @Nullable Object> inputs = new HashMap<>();
      double[] row = new double[names.size()];
      for (int i = 0; i < row.length; i++) {
        Double value = values.get(i);
        inputs.put(names.get(i), value);
        row[i] = value != null ? value : names.get(i).equals("distance") ? -1 : Double.NaN;
      }
      return new Expected(event, version, fallback == null ? score(row) : fallback, inputs, from);
    }

    private @Nullable Double value(
        String origin, int revision, String field, Map<String, String> from) {
      Map<String, String> row = rows.get(key(origin, revision));
      String version = revision == 0 ? "1-bbbbbbbbbbbb" : revision + "-" + id(revision);
      if (row == null || !version.equals(row.get("_version"))) {
        return null;
      }
      from.put(revision == 0 ? "origin_departures" : "origin_delays", version);
      String value = row.get(field);
      return value == null ? null : Double.valueOf(value);
    }
  }
}
