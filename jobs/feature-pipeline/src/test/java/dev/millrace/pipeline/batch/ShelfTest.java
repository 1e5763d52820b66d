package dev.millrace.pipeline.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.pipeline.batch.Orders.Order;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.SourcePlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found, and what is read of it: each row once, at one position, also after restarts. */
class ShelfTest {

  private static final long DAY = 86_400_000;

  @TempDir private Path folder = Path.of("");
  private final Random random = new Random(11);

  @Test
  void newFilesComeOnceByTimeAndPath() throws Exception {
    Path nested = Files.createDirectories(folder.resolve("day=1"));
    Orders.write(folder.resolve("b.parquet"), orders("b", 3), 2 * DAY);
    Orders.write(folder.resolve("a.parquet"), orders("a", 4), 2 * DAY);
    Orders.write(nested.resolve("c.parquet"), orders("c", 5), DAY);
    Orders.write(folder.resolve(".hidden.parquet"), orders("h", 1), DAY);
    Files.writeString(folder.resolve("_being-written.parquet"), "half");
    Files.writeString(folder.resolve("readme.txt"), "no rows");
    Shelf shelf = new ParquetShelf(folder.toString());

    Shelf.Found first = shelf.look(Seen.NOTHING);
    assertThat(names(first)).containsExactly("c.parquet", "a.parquet", "b.parquet");
    assertThat(first.files()).extracting(DeliveredFile::rows).containsExactly(5L, 4L, 3L);
    Seen seen = first.now().with(first.files());
    assertThat(seen.nextOffset()).isEqualTo(12);
    assertThat(shelf.look(seen).files()).isEmpty();

    Files.delete(nested.resolve("c.parquet"));
    Orders.write(folder.resolve("0.parquet"), orders("0", 1), 0);
    Shelf.Found second = shelf.look(seen);
    assertThat(names(second)).containsExactly("0.parquet");
    assertThat(second.now().files()).as("only what is there still").hasSize(3);
  }

  @Test
  void aGlobTakesWhatItMatches() throws Exception {
    Orders.write(folder.resolve("orders-1.parquet"), orders("a", 1), DAY);
    Orders.write(folder.resolve("other-1.parquet"), orders("b", 1), DAY);

    assertThat(names(new ParquetShelf(folder + "/orders-*.parquet").look(Seen.NOTHING)))
        .containsExactly("orders-1.parquet");
    assertThat(names(new ParquetShelf(folder + "/other-1.parquet").look(Seen.NOTHING)))
        .containsExactly("other-1.parquet");
    assertThatThrownBy(() -> new ParquetShelf(folder + "/none/*.parquet").look(Seen.NOTHING))
        .hasMessageContaining("there is no such file or folder");
  }

  @Test
  void whatIsWrongIsALetterAndTheRestIsRead() throws Exception {
    List<Order> orders = new ArrayList<>();
    orders.add(new Order("good", Orders.START, "s1", 5.0));
    orders.add(new Order("negative", Orders.START + 1, "s1", -5.0));
    orders.add(new Order("infinite", Orders.START + 2, "s1", Double.POSITIVE_INFINITY));
    orders.add(new Order("without", Orders.START + 3, "s1", null));
    orders.add(new Order("later", Orders.START + 40 * DAY, "s1", 5.0));
    orders.add(new Order("last", Orders.START + 4, null, 5.0));
    Orders.write(folder.resolve("a.parquet"), orders, Orders.START + DAY);
    Files.writeString(folder.resolve("b.parquet"), "no Parquet at all");
    Orders.write(folder.resolve("c.parquet"), orders("c", 2), Orders.START + 2 * DAY);

    List<String> read = written(read(delivery(new ParquetShelf(folder.toString())), 0));

    assertThat(read).hasSize(9);
    assertThat(read).filteredOn(r -> r.startsWith("event")).hasSize(4);
    assertThat(read).filteredOn(r -> r.contains(" good ")).hasSize(1);
    assertThat(read).filteredOn(r -> r.contains(" last ")).hasSize(1);
    assertThat(read)
        .filteredOn(r -> r.startsWith("letter"))
        .map(r -> r.replaceAll("letter 0:\\d ", "").replace(folder.toString(), ""))
        .anyMatch(r -> r.startsWith("amount_is_positive row 1 of /a.parquet"))
        .anyMatch(r -> r.startsWith("NON_FINITE row 2 of /a.parquet: amount is Infinity"))
        .anyMatch(r -> r.equals("MALFORMED row 3 of /a.parquet: amount is null"))
        .anyMatch(r -> r.startsWith("FUTURE row 4 of /a.parquet: at is 2026-04-10"))
        .anyMatch(r -> r.startsWith("MALFORMED cannot read /b.parquet: "))
        .hasSize(5);
  }

  @Test
  void aRestartAnywhereGoesOnAtTheNextRow() throws Exception {
    Orders.write(folder.resolve("a.parquet"), orders("a", 20), Orders.START + DAY);
    Files.writeString(folder.resolve("b.parquet"), "no Parquet at all");
    Orders.write(folder.resolve("c.parquet"), orders("c", 20), Orders.START + 2 * DAY);
    Delivery sorted = delivery(new ParquetShelf(folder.toString()));
    List<DeliveredFile> many =
        sorted.files().stream()
            .map(
                f ->
                    new DeliveredFile(
                        f.location(), f.timeMillis(), DeliveryRows.SORTED_MOST, f.problem()))
            .toList();
    for (Delivery delivery : List.of(sorted, new Delivery(7, many, null, 0))) {
      List<String> whole = written(read(delivery, 0));
      assertThat(whole).hasSize(41).doesNotHaveDuplicates();
      for (int k = 0; k <= whole.size(); k++) {
        Delivery restored =
            DeliverySerializers.DELIVERY.deserialize(
                1, DeliverySerializers.DELIVERY.serialize(delivery.after(k)));
        assertThat(written(read(restored, k))).isEqualTo(whole.subList(k, whole.size()));
      }
    }
  }

  @Test
  void rowsThatFitComeByTime() throws Exception {
    Orders.write(folder.resolve("a.parquet"), orders("a", 50), Orders.START + DAY);
    Orders.write(folder.resolve("b.parquet"), orders("b", 50), Orders.START + DAY);

    List<Inbound> read = read(delivery(new ParquetShelf(folder.toString())), 0);

    assertThat(read)
        .extracting(i -> Objects.requireNonNull(i.event()).eventTimeMillis())
        .isSorted()
        .hasSize(100);
    assertThat(read)
        .extracting(i -> Objects.requireNonNull(i.event()).offset())
        .isSortedAccordingTo(Comparator.naturalOrder())
        .doesNotHaveDuplicates();
  }

  @Test
  void aTableBringsWhatItsSnapshotsAppend() throws Exception {
    Target target = Orders.target(folder);
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Shelf shelf = new IcebergShelf(target.catalog(), target.warehouse(), "lake.orders");
      assertThatThrownBy(() -> shelf.look(Seen.NOTHING))
          .hasMessage("Cannot read table lake.orders: the catalog does not have it");
      catalog.createNamespace(Namespace.of("lake"));
      Table table = catalog.createTable(TableIdentifier.of("lake", "orders"), Orders.TABLE);
      assertThat(shelf.look(Seen.NOTHING).files()).isEmpty();
      Orders.append(table, "a", orders("a", 3));
      Orders.append(table, "b", orders("b", 4));

      Shelf.Found first = shelf.look(Seen.NOTHING);
      assertThat(names(first)).containsExactly("a.parquet", "b.parquet");
      Seen seen = first.now().with(first.files());
      assertThat(
              written(read(new Delivery(0, first.files(), first.tableSchema(), 0), 0)).stream()
                  .filter(r -> r.startsWith("event")))
          .hasSize(7);

      join(table, "joined");
      assertThat(shelf.look(seen).files()).as("joined files are no new rows").isEmpty();
      Orders.append(table, "c", orders("c", 5));
      table.newDelete().deleteFile(table.location() + "/data/joined.parquet").commit();
      Shelf.Found second = shelf.look(seen);
      assertThat(names(second)).containsExactly("c.parquet");
      assertThat(second.now().with(second.files()).nextOffset()).isEqualTo(12);

      table.expireSnapshots().expireOlderThan(Long.MAX_VALUE).retainLast(1).commit();
      assertThatThrownBy(() -> shelf.look(seen)).hasMessageContaining("has expired");
      assertThat(shelf.look(second.now()).files()).isEmpty();
    }
  }

  /** As maintenance does: the same rows in one file. */
  private void join(Table table, String name) throws Exception {
    List<DataFile> before = new ArrayList<>();
    try (var tasks = table.newScan().planFiles()) {
      tasks.forEach(t -> before.add(t.file()));
    }
    RewriteFiles joined = table.newRewrite();
    before.forEach(joined::deleteFile);
    joined.addFile(Orders.dataFile(table, name, orders("j", 7))).commit();
  }

  @Test
  void theStateOfTheSourceComesBack() throws Exception {
    Seen seen = new Seen(17, Set.of("/a", "/b"), 99);
    Delivery waiting = new Delivery(5, List.of(new DeliveredFile("/a", 3, 4, "broken")), "{}", 2);
    DeliveryEnumerator.State state = new DeliveryEnumerator.State(seen, List.of(waiting));

    assertThat(DeliverySerializers.STATE.deserialize(1, DeliverySerializers.STATE.serialize(state)))
        .isEqualTo(state);
  }

  private List<Order> orders(String prefix, int count) {
    return Orders.random(random, prefix, 0, count);
  }

  private static Delivery delivery(Shelf shelf) throws Exception {
    Shelf.Found found = shelf.look(Seen.NOTHING);
    return new Delivery(0, found.files(), found.tableSchema(), 0);
  }

  private static List<Inbound> read(Delivery delivery, int handedOn) throws Exception {
    Project project = Orders.project("kind: parquet\n    path: /data\n    every: 1d");
    Source source = project.source("orders").orElseThrow();
    List<Inbound> all = new ArrayList<>();
    try (DeliveryRows rows =
        DeliveryRows.open(SourcePlan.of(project, source, "test"), delivery, () -> {})) {
      assertThat(rows.handedOn()).isEqualTo(handedOn);
      for (Inbound inbound = rows.next(); inbound != null; inbound = rows.next()) {
        all.add(inbound);
      }
    }
    return all;
  }

  private static List<String> written(List<Inbound> read) {
    return read.stream()
        .map(
            i -> {
              var event = i.event();
              var letter = i.letter();
              return event != null
                  ? "event 0:"
                      + event.offset()
                      + " "
                      + event.id()
                      + " "
                      + event.eventTimeMillis()
                      + " "
                      + List.of(event.values()[3], event.values()[4])
                  : letter == null
                      ? ""
                      : "letter 0:"
                          + letter.offset()
                          + " "
                          + letter.reason()
                          + " "
                          + letter.message();
            })
        .toList();
  }

  private static List<String> names(Shelf.Found found) {
    return found.files().stream()
        .map(f -> f.location().substring(f.location().lastIndexOf('/') + 1))
        .toList();
  }
}
