package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.platform.Warehouse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.Table;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real catalog and real files. */
class TableUpkeepTest {

  private static final UpkeepOptions OPTIONS =
      new UpkeepOptions(Duration.ofMinutes(10), 20, 1L << 30);

  private final JdbcCatalog catalog;

  TableUpkeepTest(@TempDir Path dir) {
    catalog = Warehouse.open(SmallTable.target(dir));
  }

  @AfterEach
  void close() {
    catalog.close();
  }

  @Test
  void manySmallFilesOfADayBecomeOneAndNoRowIsLost() throws Exception {
    Table table = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    Random random = new Random(5);
    long n = 0;
    for (int commit = 0; commit < 30; commit++) {
      List<RowData> rows = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        rows.add(SmallTable.row(n++, random.nextLong(2 * SmallTable.DAY_MILLIS)));
      }
      SmallTable.append(table, rows);
    }
    int before = SmallTable.files(table);
    assertThat(before).isGreaterThan(50);

    TableUpkeep.Round round = new TableUpkeep(OPTIONS).tidy(table);

    table.refresh();
    assertThat(SmallTable.files(table)).isEqualTo(2);
    assertThat(round.filesJoined()).isEqualTo(before);
    assertThat(round.filesWritten()).isEqualTo(2);
    assertThat(SmallTable.numbers(table, null)).isEqualTo(LongStream.range(0, n).boxed().toList());
    assertThat(new TableUpkeep(OPTIONS).tidy(table).didNothing()).isTrue();
  }

  @Test
  void fewFilesStayAsTheyAre() throws Exception {
    Table table = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    for (int commit = 0; commit < 19; commit++) {
      SmallTable.append(table, List.of(SmallTable.row(commit, commit)));
    }
    assertThat(new TableUpkeep(OPTIONS).tidy(table).didNothing()).isTrue();
    assertThat(SmallTable.files(table)).isEqualTo(19);
  }

  @Test
  void aRoundTakesNoMoreThanItMay() throws Exception {
    Table table = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    for (int commit = 0; commit < 20; commit++) {
      SmallTable.append(table, List.of(SmallTable.row(commit, commit)));
    }
    UpkeepOptions little = new UpkeepOptions(Duration.ofMinutes(10), 20, 1000);
    assertThat(new TableUpkeep(little).tidy(table).didNothing()).isTrue();
  }

  @Test
  void aTableThatWasMadeWithoutPartitionsGetsThem() throws Exception {
    Table old = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA);
    for (int i = 0; i < 20; i++) {
      SmallTable.append(old, List.of(SmallTable.row(i, i * SmallTable.DAY_MILLIS / 10)));
    }
    Table table = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    assertThat(table.spec().isPartitioned()).isTrue();
    SmallTable.append(table, List.of(SmallTable.row(20, 0), SmallTable.row(21, 0)));
    int specs = table.specs().size();
    assertThat(Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at").specs())
        .hasSize(specs);

    TableUpkeep.Round round = new TableUpkeep(OPTIONS).tidy(table);

    assertThat(round.filesJoined()).isEqualTo(20);
    table.refresh();
    assertThat(SmallTable.numbers(table, null)).isEqualTo(LongStream.range(0, 22).boxed().toList());
    // Two days of the old rows, and the file that was written with partitions.
    assertThat(SmallTable.files(table)).isEqualTo(3);
  }

  @Test
  void oldSnapshotsGoButTheLastOnesAndTaggedOnesStay() throws Exception {
    Table table = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    table
        .updateProperties()
        .set("history.expire.max-snapshot-age-ms", "1")
        .set("history.expire.min-snapshots-to-keep", "5")
        .commit();
    long tagged = 0;
    for (int commit = 0; commit < 25; commit++) {
      SmallTable.append(table, List.of(SmallTable.row(commit, commit)));
      if (commit == 3) {
        tagged = table.currentSnapshot().snapshotId();
        table.manageSnapshots().createTag("kept", tagged).commit();
      }
    }
    TableUpkeep.Round round = new TableUpkeep(OPTIONS).tidy(table);

    table.refresh();
    // 25 and the one that joins; of these the last five and the tagged one stay.
    assertThat(round.snapshotsExpired()).isEqualTo(20);
    assertThat(table.snapshots()).hasSize(6);
    assertThat(SmallTable.numbers(table, null)).hasSize(25);
    assertThat(SmallTable.numbers(table, tagged)).containsExactly(0L, 1L, 2L, 3L);
    // Who set a property keeps it.
    Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    table.refresh();
    assertThat(table.properties()).containsEntry("history.expire.max-snapshot-age-ms", "1");
  }

  @Test
  void aRoundLooksAtEachTableOfTheProjectAndPassesByWhatDidNotChange() throws Exception {
    Table table = Warehouse.ensure(catalog, SmallTable.NAME, SmallTable.SCHEMA, "at");
    for (int commit = 0; commit < 20; commit++) {
      SmallTable.append(table, List.of(SmallTable.row(commit, commit)));
    }
    CountedMetrics metrics = new CountedMetrics();
    UpkeepRounds rounds =
        new UpkeepRounds(catalog, SmallTable.NAME.namespace(), new TableUpkeep(OPTIONS), metrics);
    rounds.round();
    rounds.round();

    assertThat(metrics.count("rounds")).isEqualTo(2);
    assertThat(metrics.count("filesJoined")).isEqualTo(20);
    assertThat(metrics.count("tablesUnchanged")).isEqualTo(1);
    assertThat(metrics.count("failures")).isZero();
  }

  /** Keeps the counters that are made. */
  private static final class CountedMetrics extends UnregisteredMetricsGroup {
    private final Map<String, Counter> counters = new HashMap<>();

    @Override
    public Counter counter(String name) {
      return counters.computeIfAbsent(name, n -> new SimpleCounter());
    }

    long count(String name) {
      return counter(name).getCount();
    }
  }
}
