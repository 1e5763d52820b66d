package dev.millrace.platform;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.jdbc.UncheckedSQLException;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** The Iceberg tables of a project: their names, their columns, and the catalog that holds them. */
public final class Warehouse {

  public static final String CATALOG_NAME = "millrace";

  /** Of predictions, beside {@code inputs}, which has the numbers: those that are texts. */
  public static final String INPUT_TEXTS = "input_texts";

  /**
   * What each table says about itself; who sets one of them otherwise on a table keeps that.
   *
   * <p>A snapshot is a kilobyte in a file that is written anew with each commit, so at a commit
   * every five seconds an hour of them is what a table can afford. A hundred stay in any case: a
   * sink that starts again looks among them for what it has committed.
   */
  private static final Map<String, String> PROPERTIES =
      Map.of(
          "format-version", "2",
          "write.parquet.compression-codec", "zstd",
          // A column of measured values fills its dictionary in vain; this is when it gives up.
          "write.parquet.dict-size-bytes", "65536",
          "write.metadata.delete-after-commit.enabled", "true",
          "write.metadata.previous-versions-max", "20",
          "write.target-file-size-bytes", "134217728",
          "history.expire.max-snapshot-age-ms", "3600000",
          "history.expire.min-snapshots-to-keep", "100");

  /** Opens the catalog; the caller closes it. */
  public static JdbcCatalog open(Target target) {
    return open(target.catalog(), target.warehouse());
  }

  /** Opens the catalog at a JDBC URL, with its tables below a folder; the caller closes it. */
  public static JdbcCatalog open(String catalogUrl, String warehouse) {
    JdbcCatalog catalog = new JdbcCatalog();
    catalog.initialize(CATALOG_NAME, catalogProperties(catalogUrl, warehouse));
    return catalog;
  }

  /** What Iceberg opens the catalog by; its driver is there from now on. */
  public static Map<String, String> catalogProperties(String catalogUrl, String warehouse) {
    registerDriver(catalogUrl);
    return Map.of(
        CatalogProperties.CATALOG_IMPL,
        JdbcCatalog.class.getName(),
        CatalogProperties.URI,
        catalogUrl,
        CatalogProperties.WAREHOUSE_LOCATION,
        warehouse,
        CatalogProperties.FILE_IO_IMPL,
        LocalFileIO.class.getName(),
        "jdbc.schema-version",
        "V1");
  }

  /** The statements by which Flink SQL opens the catalog. */
  public static String flinkSql(Target target) {
    return FlinkSqlCatalog.statements(target);
  }

  /**
   * JDBC finds drivers by itself only for the class loader it was first used from, and a job has
   * its own; a driver that this class can see is registered for it.
   */
  private static void registerDriver(String url) {
    if (url.startsWith("jdbc:sqlite:")) {
      try {
        Class.forName("org.sqlite.JDBC");
      } catch (ClassNotFoundException e) {
        throw new IllegalStateException(
            "Cannot open the catalog at " + url + ": SQLite's driver is not on the class path", e);
      }
    }
  }

  public static TableIdentifier features(String project, String view) {
    return TableIdentifier.of(project, "features_" + view);
  }

  public static TableIdentifier events(String project, String source) {
    return TableIdentifier.of(project, "events_" + source);
  }

  public static TableIdentifier predictions(String project, String model) {
    return TableIdentifier.of(project, "predictions_" + model);
  }

  public static TableIdentifier shadows(String project, String model) {
    return TableIdentifier.of(project, "shadows_" + model);
  }

  /** What batch scoring writes where it is given no file. */
  public static TableIdentifier scores(String project, String model) {
    return TableIdentifier.of(project, "scores_" + model);
  }

  public static TableIdentifier drift(String project) {
    return TableIdentifier.of(project, "drift");
  }

  public static TableIdentifier performance(String project) {
    return TableIdentifier.of(project, "performance");
  }

  /** {@code entity_key, _time, _source, _version, known_at} and one column a feature. */
  public static Schema featuresSchema(FeatureView view) {
    Columns columns = new Columns();
    columns.required("entity_key", Types.StringType.get());
    columns.required("_time", Types.TimestampType.withZone());
    columns.required("_source", Types.StringType.get());
    columns.required("_version", Types.StringType.get());
    columns.required("known_at", Types.TimestampType.withZone());
    for (Feature feature : view.features()) {
      columns.optional(feature.name(), columns.of(feature.type()));
    }
    return columns.schema();
  }

  /** The event's fields, then {@code _partition, _offset, _verdict}. */
  public static Schema eventsSchema(Source source) {
    Columns columns = new Columns();
    for (org.apache.avro.Schema.Field field : source.schema().getFields()) {
      columns.optional(field.name(), icebergType(field.schema()));
    }
    columns.required("_partition", Types.IntegerType.get());
    columns.required("_offset", Types.LongType.get());
    columns.required("_verdict", Types.StringType.get());
    return columns.schema();
  }

  /** The prediction as on its topic; maps are Iceberg maps, of which inputs need two. */
  public static Schema predictionsSchema() {
    return withTexts(predictionColumns());
  }

  /** The prediction, and the run of batch scoring that made it. */
  public static Schema scoresSchema() {
    Columns columns = predictionColumns();
    columns.required("run", Types.StringType.get());
    return withTexts(columns);
  }

  /** Last, where a table that was there before gets it too. */
  private static Schema withTexts(Columns columns) {
    columns.optional(INPUT_TEXTS, columns.map(Types.StringType.get()));
    return columns.schema();
  }

  private static Columns predictionColumns() {
    Columns columns = new Columns();
    columns.required("prediction_id", Types.StringType.get());
    columns.required("event_id", Types.StringType.get());
    columns.required("entity_keys", columns.map(Types.StringType.get()));
    columns.required("event_time", Types.TimestampType.withZone());
    columns.required("scored_at", Types.TimestampType.withZone());
    columns.required("model", Types.StringType.get());
    columns.required("version", Types.IntegerType.get());
    columns.optional("sha256", Types.StringType.get());
    columns.required("role", Types.StringType.get());
    columns.optional("experiment", Types.StringType.get());
    columns.optional("arm", Types.StringType.get());
    columns.optional("propensity", Types.DoubleType.get());
    columns.required("score", Types.DoubleType.get());
    columns.optional("decision", Types.StringType.get());
    columns.required("inputs", columns.map(Types.DoubleType.get()));
    columns.required("freshness", columns.map(Types.StringType.get()));
    columns.optional("deployment_id", Types.StringType.get());
    return columns;
  }

  /** The statistic of a window as on the drift topic. */
  public static Schema driftSchema() {
    Columns columns = new Columns();
    columns.required("drift_id", Types.StringType.get());
    columns.required("model", Types.StringType.get());
    columns.required("version", Types.IntegerType.get());
    columns.required("feature", Types.StringType.get());
    columns.optional("segment", Types.StringType.get());
    columns.required("window_start", Types.TimestampType.withZone());
    columns.required("window_end", Types.TimestampType.withZone());
    columns.required("slot", Types.StringType.get());
    columns.required("statistic", Types.StringType.get());
    columns.required("definition", Types.StringType.get());
    columns.optional("value", Types.DoubleType.get());
    columns.optional("threshold", Types.DoubleType.get());
    columns.required("drifted", Types.BooleanType.get());
    columns.required("status", Types.StringType.get());
    columns.required("reference_count", Types.LongType.get());
    columns.required("count", Types.LongType.get());
    columns.required("counts", columns.map(Types.LongType.get()));
    columns.required("contributions", columns.binValues());
    return columns.schema();
  }

  /** The metric of a window as on the performance topic. */
  public static Schema performanceSchema() {
    Columns columns = new Columns();
    columns.required("performance_id", Types.StringType.get());
    columns.required("model", Types.StringType.get());
    columns.required("version", Types.IntegerType.get());
    columns.optional("baseline", Types.IntegerType.get());
    columns.required("role", Types.StringType.get());
    columns.optional("segment", Types.StringType.get());
    columns.required("window_start", Types.TimestampType.withZone());
    columns.required("window_end", Types.TimestampType.withZone());
    columns.required("slot", Types.StringType.get());
    columns.required("metric", Types.StringType.get());
    columns.required("definition", Types.StringType.get());
    columns.optional("value", Types.DoubleType.get());
    columns.optional("variance", Types.DoubleType.get());
    columns.optional("threshold", Types.DoubleType.get());
    columns.required("alarm", Types.BooleanType.get());
    columns.required("status", Types.StringType.get());
    columns.optional("since", Types.TimestampType.withZone());
    columns.required("estimated", Types.BooleanType.get());
    columns.required("count", Types.LongType.get());
    columns.required("labelled", Types.LongType.get());
    columns.required("coverage", Types.DoubleType.get());
    return columns.schema();
  }

  /** Makes an unpartitioned table where it is not there, and brings one that is up to date. */
  public static Table ensure(Catalog catalog, TableIdentifier name, Schema schema) {
    return ensure(catalog, name, schema, null);
  }

  /**
   * Makes the table where it is not there, with columns added where the definition grew.
   *
   * <p>A table that was made without partitions gets them for what is written from now on; its old
   * files stay as they are until they are joined into larger ones.
   *
   * @param dayOf the timestamp by whose day (UTC) the table is partitioned; null for none
   */
  public static Table ensure(
      Catalog catalog, TableIdentifier name, Schema schema, @Nullable String dayOf) {
    ensure((SupportsNamespaces) catalog, name.namespace());
    if (!catalog.tableExists(name)) {
      try {
        return catalog.createTable(
            name,
            schema,
            dayOf == null
                ? PartitionSpec.unpartitioned()
                : PartitionSpec.builderFor(schema).day(dayOf).build(),
            properties(schema));
      } catch (AlreadyExistsException e) {
        return catalog.loadTable(name);
      }
    }
    Table table = catalog.loadTable(name);
    List<Types.NestedField> added =
        schema.columns().stream().filter(c -> table.schema().findField(c.name()) == null).toList();
    if (!added.isEmpty()) {
      var update = table.updateSchema();
      added.forEach(c -> update.addColumn(c.name(), c.type()));
      update.commit();
    }
    if (dayOf != null && table.spec().isUnpartitioned()) {
      table.updateSpec().addField(Expressions.day(dayOf)).commit();
    }
    Map<String, String> missing = properties(table.schema());
    missing.keySet().removeAll(table.properties().keySet());
    if (!missing.isEmpty()) {
      var update = table.updateProperties();
      missing.forEach(update::set);
      update.commit();
    }
    table.refresh();
    return table;
  }

  /** What a table with these columns says about itself. */
  private static Map<String, String> properties(Schema schema) {
    Map<String, String> properties = new TreeMap<>(PROPERTIES);
    for (Types.NestedField column : schema.columns()) {
      if (column.type().isMapType()) {
        // Nobody asks for rows by the least key of a map, and to know it costs a fifth of writing.
        properties.put("write.parquet.stats-enabled.column." + column.name() + ".key", "false");
        properties.put("write.parquet.stats-enabled.column." + column.name() + ".value", "false");
      }
    }
    return properties;
  }

  /** Columns of a table that have another type there than in a schema. */
  static List<String> otherTypes(Catalog catalog, TableIdentifier name, Schema schema) {
    List<String> differences = new ArrayList<>();
    if (catalog.tableExists(name)) {
      Schema there = catalog.loadTable(name).schema();
      for (Types.NestedField column : schema.columns()) {
        Types.NestedField same = there.findField(column.name());
        if (same != null && !typeText(same.type()).equals(typeText(column.type()))) {
          differences.add(
              "feature %s is %s, and column %s of its table %s"
                  .formatted(column.name(), column.type(), column.name(), same.type()));
        }
      }
    }
    return differences;
  }

  /** A type without the ids of its parts, which are those of the table it is in. */
  private static String typeText(Type type) {
    if (type instanceof Types.ListType list) {
      return "list<" + typeText(list.elementType()) + ">";
    }
    if (type instanceof Types.MapType map) {
      return "map<" + typeText(map.keyType()) + "," + typeText(map.valueType()) + ">";
    }
    return type.toString();
  }

  private static void ensure(SupportsNamespaces catalog, Namespace namespace) {
    if (catalog.namespaceExists(namespace)) {
      return;
    }
    try {
      catalog.createNamespace(namespace);
    } catch (AlreadyExistsException | UncheckedSQLException e) {
      // Another job of the project may have made it in the meantime, which the database says by a
      // broken constraint: then what was wanted is there.
      if (!catalog.namespaceExists(namespace)) {
        throw e;
      }
    }
  }

  static Type icebergType(org.apache.avro.Schema schema) {
    LogicalType logical = schema.getLogicalType();
    return switch (schema.getType()) {
      case BOOLEAN -> Types.BooleanType.get();
      case INT ->
          logical instanceof LogicalTypes.Date ? Types.DateType.get() : Types.IntegerType.get();
      case LONG ->
          logical instanceof LogicalTypes.TimestampMillis
                  || logical instanceof LogicalTypes.TimestampMicros
              ? Types.TimestampType.withZone()
              : Types.LongType.get();
      case FLOAT -> Types.FloatType.get();
      case DOUBLE -> Types.DoubleType.get();
      case STRING, ENUM -> Types.StringType.get();
      case BYTES, FIXED -> Types.BinaryType.get();
      case UNION ->
          icebergType(
              schema.getTypes().stream()
                  .filter(t -> t.getType() != org.apache.avro.Schema.Type.NULL)
                  .findFirst()
                  .orElseThrow());
      // Archived as JSON text: an array or a nested record has no column type that every reader
      // has.
      case ARRAY, MAP, RECORD -> Types.StringType.get();
      case NULL -> Types.StringType.get();
    };
  }

  /** Columns with ids in the order they are added. */
  private static final class Columns {
    private final List<Types.NestedField> fields = new ArrayList<>();
    private int lastId;

    void required(String name, Type type) {
      fields.add(Types.NestedField.required(++lastId, name, type));
    }

    void optional(String name, Type type) {
      fields.add(Types.NestedField.optional(++lastId, name, type));
    }

    Types.MapType map(Type value) {
      lastId += 2;
      return Types.MapType.ofOptional(lastId - 1, lastId, Types.StringType.get(), value);
    }

    Type of(Feature.ValueType value) {
      return switch (value.kind()) {
        case LONG -> Types.LongType.get();
        case DOUBLE -> Types.DoubleType.get();
        case STRING -> Types.StringType.get();
        case BOOLEAN -> Types.BooleanType.get();
        case LIST -> {
          int id = ++lastId;
          yield Types.ListType.ofRequired(id, of(value.elementType()));
        }
        case MAP -> {
          lastId += 2;
          int id = lastId;
          yield Types.MapType.ofRequired(
              id - 1, id, Types.StringType.get(), of(value.elementType()));
        }
      };
    }

    /** A list of what each bin adds. */
    Types.ListType binValues() {
      lastId += 3;
      return Types.ListType.ofRequired(
          lastId - 2,
          Types.StructType.of(
              Types.NestedField.required(lastId - 1, "bin", Types.StringType.get()),
              Types.NestedField.required(lastId, "value", Types.DoubleType.get())));
    }

    Schema schema() {
      return new Schema(fields);
    }
  }

  private Warehouse() {}
}
