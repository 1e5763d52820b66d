package dev.millrace.pipeline.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.shaded.org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.iceberg.shaded.org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.iceberg.shaded.org.apache.parquet.schema.Type;

/**
 * The graph that joins one training set. Each join sorts by its key and streams through; what is
 * held in memory is the log of one entity at a time.
 *
 * <pre>
 * events or spine ─► once an id, with labels ─► view 1 ─► view 2 ─► … ─► by time ─► one file
 * </pre>
 */
public final class SetGraph implements AutoCloseable {

  private static final List<String> LOG_COLUMNS =
      List.of("entity_key", "_time", "_source", "_version", "known_at");

  private final StreamExecutionEnvironment env;
  private final Project project;
  private final SetRequest request;
  private final WarehouseTables tables;
  private final CorrectedLog corrected;
  private final Map<String, String> definitions = new TreeMap<>();

  private SetGraph(
      StreamExecutionEnvironment env,
      Target target,
      Project project,
      SetRequest request,
      CorrectedLog corrected) {
    this.corrected = corrected;
    this.env = env;
    this.project = project;
    this.request = request;
    this.tables = new WarehouseTables(target, request.snapshots(), true);
  }

  /**
   * Declares the whole graph and puts the environment into batch mode.
   *
   * @param corrected where rows as corrected come from
   */
  public static void define(
      StreamExecutionEnvironment env,
      Target target,
      Project project,
      SetRequest request,
      CorrectedLog corrected)
      throws IOException {
    StrictEnvironment.batch(env);
    try (SetGraph graph = new SetGraph(env, target, project, request, corrected)) {
      if (request.model() == null) {
        graph.ofSpine();
      } else {
        graph.ofModel();
      }
    }
  }

  private void ofModel() {
    ModelSet set = ModelSet.of(project, String.valueOf(request.model()), tables, request);
    DataStream<SetRow> rows = set.rows(env);
    for (int join = 0; join < set.joins().size(); join++) {
      ViewJoin.Plan plan = set.joins().get(join);
      rows = joined(rows, join, plan, set.bounds().afterMillis(), set.bounds().untilMillis());
    }
    Map<Integer, Double> missing = new HashMap<>();
    org.apache.iceberg.shaded.org.apache.parquet.schema.Types.MessageTypeBuilder schema =
        org.apache.iceberg.shaded.org.apache.parquet.schema.Types.buildMessage();
    schema
        .required(PrimitiveTypeName.BINARY)
        .as(LogicalTypeAnnotation.stringType())
        .named("event_id");
    schema
        .required(PrimitiveTypeName.INT64)
        .as(LogicalTypeAnnotation.timestampType(true, LogicalTypeAnnotation.TimeUnit.MICROS))
        .named("event_time");
    Model model = set.model();
    for (int i = 0; i < model.inputs().size(); i++) {
      String name = model.inputs().get(i).name();
      schema.required(PrimitiveTypeName.DOUBLE).named(name);
      missing.put(i, model.missing().getOrDefault(name, model.missingDefault()));
    }
    schema.required(PrimitiveTypeName.DOUBLE).named("label");
    missing.put(model.inputs().size(), Double.NaN);
    Map<String, String> extra =
        Map.of(
            "millrace.model",
            model.name(),
            "millrace.window_until",
            String.valueOf(set.bounds().untilMillis()),
            "millrace.known_until",
            String.valueOf(set.bounds().knownMillis()));
    write(rows, schema.named("training_set"), 2, missing, extra);
  }

  private void ofSpine() throws IOException {
    SpineFile spine = SpineFile.open(String.valueOf(request.spine()));
    List<Type> columns = new ArrayList<>(spine.schema().getFields());
    List<ViewJoin.Plan> plans = new ArrayList<>();
    for (Map.Entry<FeatureView, List<Feature>> wanted :
        SpineFeatures.of(project, request.features()).entrySet()) {
      FeatureView view = wanted.getKey();
      List<Integer> places = new ArrayList<>();
      for (Feature feature : wanted.getValue()) {
        places.add(columns.size());
        columns.add(SpineFeatures.column(view, feature));
      }
      plans.add(
          plan(
              view,
              view.entity().keys(),
              false,
              wanted.getValue().stream().map(Feature::name).toList(),
              places));
    }
    List<List<Integer>> keys = new ArrayList<>();
    for (ViewJoin.Plan plan : plans) {
      keys.add(spine.keys(plan.view(), plan.source()));
    }
    DataStream<SetRow> rows =
        env.fromSource(
                new NumberSequenceSource(0, spine.groupRows().size() - 1L),
                WatermarkStrategy.noWatermarks(),
                "row groups")
            .uid("row-groups")
            .flatMap(
                new SpineFile.Rows(
                    spine, keys, columns.size(), request.knowledge() == Knowledge.SERVED))
            .returns(SetRow.TYPE)
            .name("spine")
            .uid("spine");
    for (int join = 0; join < plans.size(); join++) {
      rows = joined(rows, join, plans.get(join), Long.MIN_VALUE, Long.MAX_VALUE);
    }
    write(
        rows,
        new MessageType("training_set", columns),
        0,
        Map.of(),
        Map.of("millrace.features", String.join(",", request.features())));
  }

  static ViewJoin.Plan plan(
      FeatureView view,
      List<String> source,
      boolean own,
      List<String> features,
      List<Integer> columns) {
    return new ViewJoin.Plan(
        view.name(),
        view.id(),
        List.copyOf(source),
        own,
        Math.max(view.ttl().toMillis(), view.longestWindow().toMillis()),
        List.copyOf(features),
        List.copyOf(columns));
  }

  private DataStream<SetRow> joined(
      DataStream<SetRow> rows, int join, ViewJoin.Plan plan, long afterMillis, long untilMillis) {
    definitions.put(plan.view(), plan.id());
    long from = afterMillis == Long.MIN_VALUE ? afterMillis : afterMillis - plan.lifeMillis();
    FeatureView view = project.featureView(plan.view()).orElseThrow();
    DataStream<LogRow> log =
        request.knowledge() == Knowledge.CORRECTED
            ? corrected.rows(
                env, tables, project, view, plan.features(), from, untilMillis, "log-" + join)
            : log(
                env,
                tables,
                Warehouse.features(project.name(), view.name()),
                plan.id(),
                plan.features(),
                from,
                untilMillis,
                "log-" + join);
    return timed(rows, join)
        .keyBy(row -> row.key(join), Types.STRING)
        .connect(log.keyBy(LogRow::entityKey, Types.STRING))
        .process(new ViewJoin(plan, request.knowledge()))
        .returns(SetRow.TYPE)
        .name("join " + plan.view())
        .uid("join-" + join);
  }

  /**
   * A view's log, those rows of one definition whose T is in (after, until]; they have no
   * timestamps, so that within a key they come before whatever has.
   */
  public static DataStream<LogRow> log(
      StreamExecutionEnvironment env,
      WarehouseTables tables,
      TableIdentifier table,
      String definitionId,
      List<String> features,
      long afterMillis,
      long untilMillis,
      String uid) {
    Set<String> wanted = new LinkedHashSet<>(LOG_COLUMNS);
    wanted.addAll(features);
    WarehouseTables.Reading reading = tables.open(table);
    return tables
        .rows(env, reading, wanted, "_time", afterMillis, untilMillis, uid)
        .flatMap(LogRows.of(definitionId, features, reading.rowType(wanted)))
        .returns(LogRow.TYPE)
        .name("rows of " + table.name())
        .uid(uid + "-rows");
  }

  /** Within a key batch mode sorts by timestamp. */
  private static DataStream<SetRow> timed(DataStream<SetRow> rows, int step) {
    return rows.assignTimestampsAndWatermarks(
            WatermarkStrategy.<SetRow>noWatermarks()
                .withTimestampAssigner((row, before) -> row.timeMillis()))
        .name("time")
        .uid("time-" + step);
  }

  private void write(
      DataStream<SetRow> rows,
      MessageType schema,
      int leading,
      Map<Integer, Double> missing,
      Map<String, String> extra) {
    Map<String, String> metadata = new TreeMap<>(extra);
    metadata.put("millrace.project", project.name());
    metadata.put("millrace.knowledge", request.knowledge().name().toLowerCase(Locale.ROOT));
    metadata.put("millrace.snapshots", json(tables.snapshots()));
    metadata.put("millrace.definitions", json(definitions));
    timed(rows, -1)
        .keyBy(row -> (byte) 0, Types.BYTE)
        .transform(
            "write",
            Types.VOID,
            new SetWriter(
                new SetFile(request.out(), schema.toString(), leading, missing, metadata)))
        .uid("write")
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  private static String json(Map<String, ?> map) {
    ObjectNode object = new JsonMapper().createObjectNode();
    new LinkedHashMap<>(map).forEach(object::putPOJO);
    try {
      return new JsonMapper().writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Cannot write " + map + " as JSON", e);
    }
  }

  @Override
  public void close() {
    tables.close();
  }
}
