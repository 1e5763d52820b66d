package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.StrictEnvironment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The statements of {@code examples/sql}, in Flink SQL, against tables that the job's sinks wrote.
 */
class OfflineSqlITCase {

  private static final Path EXAMPLES = Path.of("../../examples");
  private static final long T = Instant.parse("2001-01-15T12:00:00Z").toEpochMilli();
  private static final long K = Instant.parse("2030-01-01T00:00:00Z").toEpochMilli();
  private static final Pattern SET = Pattern.compile("SET '([^']+)' = '([^']+)'");

  private final Target target;
  private final Project project;
  private final Random random = new Random(23);
  private final List<FeatureRow> rows = new ArrayList<>();
  private final List<Integer> epochs = new ArrayList<>();
  private final List<ArchivedEvent> events = new ArrayList<>();

  OfflineSqlITCase(@TempDir Path dir) throws Exception {
    target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            null,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db") + "?busy_timeout=30000",
            dir.resolve("artifacts").toUri().toString());
    project = Definitions.read(Definitions.files(EXAMPLES.resolve("flights")));
  }

  @Test
  void theQueriesGiveWhatANaiveReadingGives() throws Exception {
    simulate();
    write();
    TableEnvironment tables =
        TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().build());
    execute(tables, Warehouse.flinkSql(target));

    assertThat(byKey(query(tables, "latest.sql")))
        .isEqualTo(newest(Long.MAX_VALUE, Long.MAX_VALUE, false));
    assertThat(byKey(query(tables, "as-of.sql"))).isEqualTo(newest(T, K, true));
    Map<Object, List<@Nullable Object>> rates = byKey(query(tables, "hourly-rates.sql"));
    assertThat(rates).isEqualTo(naiveRates());
  }

  /** Some rows of equal T, some of a second epoch, some known only after K. */
  private void simulate() {
    for (int airport = 0; airport < 20; airport++) {
      long time = T - 40 * 3_600_000L;
      Positions positions = Positions.NONE;
      long known = K - 60;
      for (int i = 0; i < 60; i++) {
        time += random.nextInt(3) * 3_600_000L;
        positions = positions.advance(random.nextInt(3), 6L * i + random.nextInt(5));
        known += random.nextInt(3);
        Object[] values = new Object[5];
        values[0] = (long) random.nextInt(50);
        for (int v = 1; v < 4; v++) {
          values[v] = random.nextInt(4) == 0 ? null : random.nextDouble();
        }
        values[4] = random.nextInt(4) == 0 ? null : random.nextLong(100);
        rows.add(new FeatureRow("A" + airport, time, positions, known, false, true, true, values));
        epochs.add(i < 30 ? 9 : 10);
      }
    }
    for (int i = 0; i < 500; i++) {
      long time = T + random.nextInt(50_000_000);
      Object[] values = {(long) i, time, "A1", "A2", 100, random.nextInt(40)};
      events.add(new ArchivedEvent(new Event(0, i, time, time, "" + i, values, null, null), "OK"));
    }
  }

  private void write() throws Exception {
    FeatureView view = project.featureView("origin_delays").orElseThrow();
    Source source = project.source("arrivals").orElseThrow();
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env =
        StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(1, conf));
    for (int epoch = 9; epoch <= 10; epoch++) {
      List<FeatureRow> ofEpoch = new ArrayList<>();
      for (int i = 0; i < rows.size(); i++) {
        if (epochs.get(i) == epoch) {
          ofEpoch.add(rows.get(i));
        }
      }
      IcebergEnds.append(
          env.fromData(Serializers.FEATURE_ROW, ofEpoch.toArray(new FeatureRow[0]))
              .uid("rows-" + epoch),
          target,
          Warehouse.features(project.name(), view.name()),
          Warehouse.featuresSchema(view),
          "_time",
          new TableRows.OfFeatures(epoch + "-" + view.id()),
          "rows-table-" + epoch);
    }
    IcebergEnds.append(
        env.fromData(ArchivedEvent.TYPE, events.toArray(new ArchivedEvent[0])).uid("events"),
        target,
        Warehouse.events(project.name(), source.name()),
        Warehouse.eventsSchema(source),
        source.eventTime(),
        new TableRows.OfEvents(source.schema()),
        "events-table");
    env.execute("write");
  }

  private static void execute(TableEnvironment tables, String script) {
    for (String statement : script.split(";\\s*\\n", -1)) {
      Matcher set = SET.matcher(statement);
      if (set.find()) {
        tables.getConfig().set(set.group(1), set.group(2));
      } else if (!statement.isBlank()) {
        var unusedResult = tables.executeSql(statement);
      }
    }
  }

  private static List<Row> query(TableEnvironment tables, String file) throws Exception {
    String text = Files.readString(EXAMPLES.resolve("sql").resolve(file));
    List<Row> read = new ArrayList<>();
    try (CloseableIterator<Row> rows =
        tables.executeSql(text.substring(0, text.lastIndexOf(';'))).collect()) {
      rows.forEachRemaining(read::add);
    }
    return read;
  }

  private static Map<Object, List<@Nullable Object>> byKey(List<Row> rows) {
    Map<Object, List<@Nullable Object>> byKey = new HashMap<>();
    for (Row row : rows) {
      List<@Nullable Object> values = new ArrayList<>();
      for (int i = 1; i < row.getArity(); i++) {
        values.add(row.getField(i));
      }
      assertThat(byKey.put(Objects.requireNonNull(row.getField(0)), values)).isNull();
    }
    return byKey;
  }

  /** The rows of an airport stand in the order in which they were written. */
  private Map<Object, List<@Nullable Object>> newest(long time, long known, boolean withKnown) {
    Map<Object, List<@Nullable Object>> newest = new TreeMap<>();
    for (FeatureRow row : rows) {
      if (row.timeMillis() <= time && row.knownAtMillis() <= known) {
        List<@Nullable Object> values = new ArrayList<>();
        values.add(Instant.ofEpochMilli(row.timeMillis()));
        if (withKnown) {
          values.add(Instant.ofEpochMilli(row.knownAtMillis()));
        }
        values.add(row.values()[0]);
        values.add(row.values()[1]);
        values.add(row.values()[4]);
        newest.put(row.entityKey(), values);
      }
    }
    return newest;
  }

  private Map<Object, List<@Nullable Object>> naiveRates() {
    Map<Object, long[]> counts = new HashMap<>();
    for (ArchivedEvent archived : events) {
      long hour = archived.event().eventTimeMillis() / 3_600_000 * 3_600_000;
      long[] count = counts.computeIfAbsent(Instant.ofEpochMilli(hour), h -> new long[2]);
      count[0]++;
      count[1] += (Integer) Objects.requireNonNull(archived.event().values()[5]) > 15 ? 1 : 0;
    }
    Map<Object, List<@Nullable Object>> rates = new HashMap<>();
    counts.forEach(
        (hour, count) -> rates.put(hour, List.of(count[0], (double) count[1] / count[0])));
    return rates;
  }
}
