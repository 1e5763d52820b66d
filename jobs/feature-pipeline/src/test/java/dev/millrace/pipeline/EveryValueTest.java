package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import dev.millrace.core.row.ValueReader;
import dev.millrace.platform.RowSchemas;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.WireFormat;
import dev.millrace.streaming.RedisGuard;
import dev.millrace.streaming.Serializers;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.Files;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.data.FlinkParquetWriters;
import org.apache.iceberg.inmemory.InMemoryCatalog;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.TypeUtil;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every function over every type of column: what is computed comes whole out of each store. */
class EveryValueTest {

  private static final int ROWS = 40;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "shop", "type": "string"},
        {"name": "price", "type": "double"},
        {"name": "units", "type": "long"},
        {"name": "flag", "type": "boolean"},
        {"name": "Kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}}
      ]}
      """;

  private static final Project PROJECT = project();
  private static final FeatureView VIEW = PROJECT.featureViews().get(0);
  private static final List<FeatureRow> SAMPLE = rows();

  /** One view with every function over every column that it takes, alone and by groups. */
  private static Project project() {
    StringBuilder yaml =
        new StringBuilder(
            """
            project: shop
            sources:
              - {name: orders, schema: event.avsc, event-id: id, event-time: at}
            entities:
              - {name: shop, keys: [shop]}
            feature-views:
              - name: everything
                entity: shop
                source: orders
                aggregations:
            """);
    for (Function function : Function.values()) {
      for (String column : columns(function)) {
        for (String by : List.of("", ", by: Kind", ", by: flag")) {
          yaml.append("      - {function: ")
              .append(function.name().toLowerCase(Locale.ROOT))
              .append(column.isEmpty() ? "" : ", column: " + column)
              .append(options(function))
              .append(by)
              .append(", windows: [1h, 365d]}\n");
        }
      }
    }
    Project project =
        Definitions.read(Map.of("millrace.yaml", yaml.toString(), "event.avsc", SCHEMA));
    assertThat(project.unbuilt()).isEmpty();
    return project;
  }

  private static List<String> columns(Function function) {
    return switch (function) {
      // No jar is here to provide one.
      case PLUGIN -> List.of();
      case COUNT, COUNT_IF, RATE -> List.of("");
      case TIME_SINCE_LAST -> List.of("", "shop");
      default ->
          function.needsNumbers()
              ? List.of("price", "units")
              : List.of("shop", "at", "price", "units", "flag", "Kind");
    };
  }

  private static String options(Function function) {
    return switch (function) {
      case COUNT_IF -> ", when: flag";
      case RATIO -> ", denominator: price";
      case PERCENTILE -> ", p: 0.5";
      case FIRST_K, LAST_K, LAST_DISTINCT_K, TOP_K, BOTTOM_K -> ", k: 3";
      case DECAYED_SUM, DECAYED_MEAN -> ", half-life: 1h";
      default -> "";
    };
  }

  private static List<FeatureRow> rows() {
    Random random = new Random(7);
    List<FeatureRow> rows = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      List<@Nullable Object> values = new ArrayList<>();
      for (Feature feature : VIEW.features()) {
        values.add(random.nextInt(5) == 0 ? null : value(random, feature.type()));
      }
      rows.add(
          new FeatureRow(
              "İzmir~" + i,
              random.nextInt(),
              Positions.NONE.advance(0, i),
              random.nextInt(),
              false,
              true,
              true,
              values.toArray()));
    }
    return rows;
  }

  private static Object value(Random random, ValueType type) {
    return switch (type.kind()) {
      case LONG -> random.nextLong() >> random.nextInt(64);
      case DOUBLE -> random.nextBoolean() ? random.nextGaussian() * 1e-9 : random.nextInt(100);
      case STRING -> text(random);
      case BOOLEAN -> random.nextBoolean();
      case LIST -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(value(random, type.elementType()));
        }
        yield list;
      }
      case MAP -> {
        Map<String, Object> map = new TreeMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put(text(random), value(random, type.elementType()));
        }
        yield map;
      }
    };
  }

  private static String text(Random random) {
    List<String> texts =
        List.of("", "a", "\"q\" \\ \n\t\u0000", "İıŞğ", "日本語", "😀~{%}", "null", "[1,2]", " ");
    return texts.get(random.nextInt(texts.size()));
  }

  @Test
  void theViewHoldsEveryKindOfValue() {
    Set<String> types = new HashSet<>();
    VIEW.features().forEach(f -> types.add(f.type().toString()));

    assertThat(types)
        .contains(
            "LONG",
            "DOUBLE",
            "STRING",
            "BOOLEAN",
            "LIST<LONG>",
            "LIST<DOUBLE>",
            "LIST<STRING>",
            "LIST<BOOLEAN>",
            "MAP<LONG>",
            "MAP<DOUBLE>",
            "MAP<STRING>",
            "MAP<BOOLEAN>",
            "MAP<LIST<STRING>>",
            "MAP<MAP<LONG>>");
    assertThat(VIEW.features()).hasSizeGreaterThan(400);
  }

  @Test
  void betweenOperators() throws IOException {
    var serializer = Serializers.FeatureRowSerializer.INSTANCE;
    for (FeatureRow row : SAMPLE) {
      DataOutputSerializer out = new DataOutputSerializer(1024);
      serializer.serialize(row, out);
      FeatureRow read =
          serializer.deserialize(new DataInputDeserializer(out.getSharedBuffer(), 0, out.length()));

      assertThat(read.entityKey()).isEqualTo(row.entityKey());
      assertThat(read.values()).isEqualTo(row.values());
    }
  }

  @Test
  void equalMapsHaveEqualBytes() throws IOException {
    for (FeatureRow row : SAMPLE) {
      DataOutputSerializer sorted = new DataOutputSerializer(1024);
      Serializers.FeatureRowSerializer.INSTANCE.serialize(row, sorted);
      @Nullable Object[] otherOrder = row.values().clone();
      for (int i = 0; i < otherOrder.length; i++) {
        if (otherOrder[i] instanceof Map<?, ?> map) {
          otherOrder[i] = new HashMap<>(map);
        }
      }
      DataOutputSerializer hashed = new DataOutputSerializer(1024);
      Serializers.FeatureRowSerializer.INSTANCE.serialize(
          new FeatureRow(
              row.entityKey(),
              row.timeMillis(),
              row.positions(),
              row.knownAtMillis(),
              row.refresh(),
              row.logged(),
              row.online(),
              otherOrder),
          hashed);

      assertThat(hashed.getCopyOfBuffer()).isEqualTo(sorted.getCopyOfBuffer());
    }
  }

  @Test
  void onTheTopic() throws IOException {
    Schema schema = new Schema.Parser().parse(RowSchemas.of("shop", VIEW).toString());
    WireFormat.Writer writer = new WireFormat.Writer(1, schema);
    var record =
        new PipelineEnds.RowRecord(
            "1-" + VIEW.id(), VIEW.features().stream().map(Feature::name).toList());
    for (FeatureRow row : SAMPLE) {
      byte[] bytes = writer.write(record.of(row, schema));
      GenericRecord read =
          new GenericDatumReader<GenericRecord>(schema)
              .read(
                  null,
                  DecoderFactory.get()
                      .binaryDecoder(
                          bytes,
                          WireFormat.HEADER_BYTES,
                          bytes.length - WireFormat.HEADER_BYTES,
                          null));

      assertThat(String.valueOf(read.get("entity_key"))).isEqualTo(row.entityKey());
      assertThat(values(read::get)).isEqualTo(row.values());
    }
  }

  @Test
  void inRedis() {
    RedisGuard guard = new RedisGuard(VIEW, 1);
    Map<String, Integer> places = new HashMap<>();
    VIEW.features().forEach(f -> places.put(f.name(), places.size()));
    for (FeatureRow row : SAMPLE) {
      List<String> arguments = guard.arguments(row);
      int nulls = Integer.parseInt(arguments.get(5));
      @Nullable Object[] read = new Object[row.values().length];
      for (int i = 6 + nulls; i < arguments.size(); i += 2) {
        int feature = Objects.requireNonNull(places.get(arguments.get(i)));
        read[feature] = ValueReader.read(arguments.get(i + 1), VIEW.features().get(feature).type());
      }

      assertThat(read).isEqualTo(row.values());
      assertThat(nulls).isEqualTo((int) Arrays.stream(row.values()).filter(v -> v == null).count());
    }
  }

  @Test
  void inTheWarehouse(@TempDir Path folder) throws IOException {
    org.apache.iceberg.Schema schema = Warehouse.featuresSchema(VIEW);
    File file = folder.resolve("rows.parquet").toFile();
    var rowType = FlinkSchemaUtil.convert(schema);
    TableRows.OfFeatures toRow = new TableRows.OfFeatures("1-" + VIEW.id());
    FileAppender<RowData> appender =
        Parquet.write(Files.localOutput(file))
            .schema(schema)
            .createWriterFunc(type -> FlinkParquetWriters.buildWriter(rowType, type))
            .build();
    try (appender) {
      for (FeatureRow row : SAMPLE) {
        appender.add(toRow.map(row));
      }
    }
    int number = 0;
    try (CloseableIterable<Record> records =
        Parquet.read(Files.localInput(file))
            .project(schema)
            .createReaderFunc(found -> GenericParquetReaders.buildReader(schema, found))
            .build()) {
      for (Record record : records) {
        FeatureRow row = SAMPLE.get(number++);
        assertThat(record.getField("entity_key")).isEqualTo(row.entityKey());
        assertThat(values(record::getField)).isEqualTo(row.values());
      }
    }
    assertThat(number).isEqualTo(ROWS);
  }

  @Test
  void theTablesColumnsHaveIdsOfTheirOwn() throws IOException {
    org.apache.iceberg.Schema schema = Warehouse.featuresSchema(VIEW);
    int[] fields = {0};
    TypeUtil.visit(
        schema,
        new TypeUtil.SchemaVisitor<Void>() {
          @Override
          public void beforeField(org.apache.iceberg.types.Types.NestedField field) {
            fields[0]++;
          }
        });

    // An index by id would refuse or lose a field whose id stands twice.
    assertThat(TypeUtil.indexById(schema.asStruct())).hasSize(fields[0]);
    try (InMemoryCatalog catalog = new InMemoryCatalog()) {
      catalog.initialize("test", Map.of());
      TableIdentifier name = Warehouse.features("shop", VIEW.name());
      org.apache.iceberg.Schema made = Warehouse.ensure(catalog, name, schema).schema();
      assertThat(made.sameSchema(schema) || made.columns().size() == schema.columns().size())
          .isTrue();
      assertThat(Warehouse.ensure(catalog, name, schema).schema().asStruct())
          .isEqualTo(made.asStruct());
    }
  }

  /** The features of a record that was read back. */
  private static @Nullable Object[] values(
      java.util.function.Function<String, @Nullable Object> record) {
    return VIEW.features().stream().map(f -> plain(record.apply(f.name()))).toArray();
  }

  /** Avro's and Iceberg's values as those of a row. */
  private static @Nullable Object plain(@Nullable Object value) {
    if (value instanceof CharSequence) {
      return value.toString();
    }
    if (value instanceof List<?> list) {
      return list.stream().map(EveryValueTest::plain).toList();
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> plain = new TreeMap<>();
      map.forEach((key, one) -> plain.put(String.valueOf(key), plain(one)));
      return plain;
    }
    return value;
  }
}
