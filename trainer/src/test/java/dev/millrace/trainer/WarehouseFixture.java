package dev.millrace.trainer;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionData;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.parquet.Parquet;
import org.jspecify.annotations.Nullable;

/** A small project and its warehouse in a folder. */
final class WarehouseFixture implements AutoCloseable {

  static final Schema DEPARTURE =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Departure", "fields": [
                {"name": "flight_id", "type": "long"},
                {"name": "departed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "origin", "type": ["null", "string"], "default": null},
                {"name": "destination", "type": "string"},
                {"name": "distance", "type": ["null", "int"], "default": null}]}
              """);
  static final Schema ARRIVAL =
      SchemaBuilder.record("Arrival")
          .fields()
          .requiredLong("flight_id")
          .name("arrived_at")
          .type(DEPARTURE.getField("departed_at").schema())
          .noDefault()
          .requiredString("origin")
          .requiredString("destination")
          .optionalInt("delay")
          .endRecord();

  static final Source DEPARTURES = source("departures", DEPARTURE, "departed_at");
  static final Source ARRIVALS = source("arrivals", ARRIVAL, "arrived_at");

  static final FeatureView ORIGIN =
      view(
          "origin_delays",
          new Entity("origin", List.of("origin")),
          List.of(
              feature("count_1h", Feature.Function.COUNT, Feature.ValueType.LONG),
              feature("delay_mean_1h", Feature.Function.MEAN, Feature.ValueType.DOUBLE)),
          "0123456789ab");
  static final FeatureView ROUTE =
      view(
          "route_delays",
          new Entity("route", List.of("origin", "destination")),
          List.of(feature("delay_last", Feature.Function.LAST, Feature.ValueType.DOUBLE)),
          "ba9876543210");

  static final List<Input> INPUTS =
      List.of(
          new Input.OfView(
              "origin_delays:count_1h", "origin_delays", "count_1h", List.of("origin")),
          new Input.OnDemand("distance", "double(distance)"),
          new Input.OfView(
              "route_delays:delay_last",
              "route_delays",
              "delay_last",
              List.of("origin", "destination")),
          new Input.OfView(
              "origin_delays:delay_mean_1h", "origin_delays", "delay_mean_1h", List.of("origin")),
          new Input.OnDemand("hour", "double(departed_at.getHours('UTC'))"));

  final Target target;
  final Catalog catalog;
  private final AutoCloseable open;

  WarehouseFixture(Path dir) {
    this.target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            null,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db"),
            dir.resolve("artifacts").toUri().toString());
    var jdbc = Warehouse.open(target);
    this.catalog = jdbc;
    this.open = jdbc;
  }

  static Project project() {
    return project(ORIGIN);
  }

  static Project project(FeatureView origin) {
    return new Project(
        "flights",
        null,
        List.of(DEPARTURES, ARRIVALS),
        List.of(ORIGIN.entity(), ROUTE.entity()),
        List.of(origin, ROUTE),
        List.of(),
        List.of());
  }

  static Model model(
      Model.Label.@Nullable Repeat repeat,
      @Nullable Double absent,
      double missingDefault,
      Map<String, Double> missing,
      Duration window) {
    return new Model(
        "delay_risk",
        "departures",
        Model.FeatureReads.ONLINE,
        INPUTS,
        missingDefault,
        missing,
        Duration.ofMillis(50),
        new Model.Execution(Model.Provider.AUTO, 256, Duration.ofMillis(2), null),
        List.of(),
        null,
        Model.Delivery.AT_LEAST_ONCE,
        repeat == null
            ? null
            : new Model.Label(
                "arrivals",
                "flight_id",
                "delay > 15 ? 1.0 : 0.0",
                Duration.ofHours(2),
                absent,
                repeat),
        new Model.Training(
            "xgboost", window, Duration.ofHours(4), Duration.ofHours(6), Map.of(), 7));
  }

  void departures(List<@Nullable Object[]> rows) throws IOException {
    append(
        Warehouse.events("flights", "departures"),
        Warehouse.eventsSchema(DEPARTURES),
        DEPARTURES.eventTime(),
        rows);
  }

  void arrivals(List<@Nullable Object[]> rows) throws IOException {
    append(
        Warehouse.events("flights", "arrivals"),
        Warehouse.eventsSchema(ARRIVALS),
        ARRIVALS.eventTime(),
        rows);
  }

  void predictions(List<@Nullable Object[]> rows) throws IOException {
    append(
        Warehouse.predictions("flights", "delay_risk"),
        Warehouse.predictionsSchema(),
        "event_time",
        rows);
  }

  void rows(FeatureView view, List<@Nullable Object[]> rows) throws IOException {
    append(
        Warehouse.features("flights", view.name()), Warehouse.featuresSchema(view), "_time", rows);
  }

  /** One file a day, as a sink writes them. */
  private void append(
      TableIdentifier name,
      org.apache.iceberg.Schema schema,
      String dayOf,
      List<@Nullable Object[]> rows)
      throws IOException {
    Table table = Warehouse.ensure(catalog, name, schema, dayOf);
    int time = schema.columns().indexOf(schema.findField(dayOf));
    Map<LocalDate, List<@Nullable Object[]>> days = new TreeMap<>();
    for (@Nullable Object[] row : rows) {
      OffsetDateTime at = (OffsetDateTime) Objects.requireNonNull(row[time]);
      days.computeIfAbsent(at.toLocalDate(), day -> new ArrayList<>()).add(row);
    }
    AppendFiles append = table.newAppend();
    for (Map.Entry<LocalDate, List<@Nullable Object[]>> day : days.entrySet()) {
      append.appendFile(file(table, (int) day.getKey().toEpochDay(), day.getValue()));
    }
    append.commit();
  }

  private static DataFile file(Table table, int day, List<@Nullable Object[]> rows)
      throws IOException {
    PartitionData partition = new PartitionData(table.spec().partitionType());
    partition.set(0, day);
    OutputFile file =
        table
            .io()
            .newOutputFile(
                table
                    .locationProvider()
                    .newDataLocation(table.spec(), partition, UUID.randomUUID() + ".parquet"));
    DataWriter<Record> writer =
        Parquet.writeData(file)
            .schema(table.schema())
            .withSpec(table.spec())
            .withPartition(partition)
            .createWriterFunc(GenericParquetWriter::create)
            .overwrite()
            .build();
    try (writer) {
      GenericRecord record = GenericRecord.create(table.schema());
      for (@Nullable Object[] row : rows) {
        for (int i = 0; i < row.length; i++) {
          record.set(i, row[i]);
        }
        writer.write(record);
      }
    }
    return writer.toDataFile();
  }

  static OffsetDateTime time(long millis) {
    return Instant.ofEpochMilli(millis).atOffset(ZoneOffset.UTC);
  }

  @Override
  public void close() throws Exception {
    open.close();
  }

  private static Source source(String name, Schema schema, String time) {
    return new Source(
        name,
        name,
        Source.Kind.KAFKA,
        Source.Format.AVRO,
        schema,
        "flight_id",
        time,
        Duration.ofMinutes(10),
        Duration.ofHours(1),
        Duration.ZERO,
        true,
        List.of(),
        null);
  }

  private static Feature feature(String name, Feature.Function function, Feature.ValueType type) {
    return new Feature(name, function, "delay", Duration.ofHours(1), type);
  }

  static FeatureView withId(FeatureView view, String id) {
    return view(view.name(), view.entity(), view.features(), id);
  }

  private static FeatureView view(String name, Entity entity, List<Feature> features, String id) {
    return new FeatureView(
        name,
        entity,
        "arrivals",
        entity.keys(),
        null,
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(1),
        Duration.ZERO,
        Duration.ofHours(12),
        features,
        id);
  }
}
