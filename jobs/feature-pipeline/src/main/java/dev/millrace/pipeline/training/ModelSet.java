package dev.millrace.pipeline.training;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Model.Label;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.WarehouseTables;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The events of a model's set, with their labels and the inputs that the events themselves bring.
 * The window is that of {@code docs/training.md}.
 */
final class ModelSet {

  /** The window, (after, until], and until when anything is seen. */
  record Bounds(long afterMillis, long untilMillis, long knownMillis) {}

  private record Place(String view, List<String> keyFields) {}

  private final Project project;
  private final Model model;
  private final Label label;
  private final Source source;
  private final Source labelSource;
  private final WarehouseTables tables;
  private final SetRequest request;
  private final WarehouseTables.Reading events;
  private final WarehouseTables.Reading labels;
  private final Bounds bounds;

  private ModelSet(
      Project project, Model model, Label label, WarehouseTables tables, SetRequest request) {
    this.project = project;
    this.model = model;
    this.label = label;
    this.tables = tables;
    this.request = request;
    this.source = archived(model.source());
    this.labelSource = archived(label.source());
    this.events = tables.open(Warehouse.events(project.name(), source.name()));
    this.labels = tables.open(Warehouse.events(project.name(), labelSource.name()));
    this.bounds = window();
  }

  static ModelSet of(Project project, String name, WarehouseTables tables, SetRequest request) {
    Model model =
        project
            .model(name)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot join the training set of %s: project %s has no model of that name"
                            .formatted(name, project.name())));
    Label label = model.label();
    if (label == null) {
      throw new IllegalArgumentException(
          "Cannot join the training set of %s: it has no label; add label: to the model"
              .formatted(name));
    }
    for (Input input : model.inputs()) {
      if (input.kind() != Input.Kind.NUMBER) {
        throw new IllegalArgumentException(
            "Cannot join the training set of %s: input %s is a %s, and a set has one number a column; name %s"
                .formatted(
                    name,
                    input.name(),
                    input.isVector() ? "vector" : "text",
                    input.isVector()
                        ? "single values, such as x[0]"
                        : "numbers, such as x == 'a' ? 1.0 : 0.0"));
      }
    }
    return new ModelSet(project, model, label, tables, request);
  }

  Model model() {
    return model;
  }

  Bounds bounds() {
    return bounds;
  }

  private Source archived(String name) {
    Source found = project.source(name).orElseThrow();
    if (!found.archive()) {
      throw new IllegalArgumentException(
          "Cannot read source %s: it is not archived; set archive: true and apply again"
              .formatted(name));
    }
    return found;
  }

  private Bounds window() {
    Long asOf = request.asOfMillis();
    long until;
    long known;
    if (asOf != null) {
      until = asOf;
      known = asOf;
    } else {
      OptionalLong newestEvent = WarehouseTables.newestMillis(events, source.eventTime());
      OptionalLong newestLabel = WarehouseTables.newestMillis(labels, labelSource.eventTime());
      if (newestEvent.isEmpty() || newestLabel.isEmpty()) {
        throw new IllegalStateException(
            "Cannot join the training set of %s: %s has no events yet; produce some first"
                .formatted(model.name(), (newestEvent.isEmpty() ? events : labels).name()));
      }
      known = Math.max(newestEvent.getAsLong(), newestLabel.getAsLong());
      until =
          Math.min(newestEvent.getAsLong(), newestLabel.getAsLong() - label.labelWait().toMillis());
    }
    Model.Training training = model.training();
    Duration window = training == null ? null : training.window();
    return new Bounds(window == null ? Long.MIN_VALUE : until - window.toMillis(), until, known);
  }

  /** One for each view and the fields that name its entity, in the order of the inputs. */
  List<ViewJoin.Plan> joins() {
    Map<Place, List<Integer>> columns = new LinkedHashMap<>();
    Map<Place, List<String>> features = new LinkedHashMap<>();
    for (int i = 0; i < model.inputs().size(); i++) {
      if (model.inputs().get(i) instanceof Input.OfView of) {
        Place place = new Place(of.view(), of.keyFields());
        columns.computeIfAbsent(place, p -> new ArrayList<>()).add(i);
        features.computeIfAbsent(place, p -> new ArrayList<>()).add(of.feature());
      }
    }
    List<ViewJoin.Plan> joins = new ArrayList<>();
    for (Map.Entry<Place, List<Integer>> entry : columns.entrySet()) {
      Place place = entry.getKey();
      FeatureView view = view(place.view());
      for (String name : features.getOrDefault(place, List.of())) {
        requireInput(view, name);
      }
      joins.add(
          SetGraph.plan(
              view,
              place.keyFields(),
              view.source().equals(model.source()),
              features.getOrDefault(place, List.of()),
              entry.getValue()));
    }
    return joins;
  }

  private FeatureView view(String name) {
    return project
        .featureView(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Cannot join view %s: project %s has none of that name; views of other projects are not built yet"
                        .formatted(name, project.name())));
  }

  private static void requireInput(FeatureView view, String name) {
    Feature feature = view.feature(name).orElseThrow();
    switch (feature.type().kind()) {
      case LONG, DOUBLE, BOOLEAN -> {}
      case STRING, LIST, MAP ->
          throw new IllegalArgumentException(
              "Cannot use feature %s of view %s as an input: it is no number"
                  .formatted(name, view.name()));
    }
  }

  /** The labelled events; the inputs of views are null. */
  DataStream<SetRow> rows(StreamExecutionEnvironment env) {
    DataStream<SetRow> spine = spine(env);
    DataStream<Said> said = said(env);
    if (request.knowledge() == Knowledge.SERVED) {
      said = said.union(scored(env));
    }
    return spine
        .keyBy(SetRow::id, Types.STRING)
        .connect(said.keyBy(Said::id, Types.STRING))
        .process(
            new LabelJoin(
                new LabelJoin.Plan(
                    label.labelWait().toMillis(),
                    label.absentValue(),
                    label.repeat(),
                    bounds.knownMillis(),
                    model.inputs().size()),
                request.knowledge()))
        .returns(SetRow.TYPE)
        .name("labels")
        .uid("labels");
  }

  private DataStream<SetRow> spine(StreamExecutionEnvironment env) {
    Set<String> fields = new LinkedHashSet<>(List.of(source.eventId(), source.eventTime()));
    for (Input input : model.inputs()) {
      if (input instanceof Input.OfView of) {
        fields.addAll(of.keyFields());
      } else if (input instanceof Input.OnDemand onDemand) {
        fields.addAll(
            Expression.compile(onDemand.value(), source.schema(), Expression.Type.INPUT, Map.of())
                .fields());
      }
    }
    Set<String> wanted = withPlace(fields);
    return tables
        .rows(
            env,
            events,
            wanted,
            source.eventTime(),
            bounds.afterMillis(),
            bounds.untilMillis(),
            "events")
        .flatMap(
            new ModelEvents(
                source,
                model.inputs(),
                joins().stream().map(ViewJoin.Plan::source).toList(),
                fields,
                events.rowType(wanted)))
        .returns(SetRow.TYPE)
        .name("events of " + source.name())
        .uid("spine");
  }

  private DataStream<Said> said(StreamExecutionEnvironment env) {
    Set<String> fields = new LinkedHashSet<>(List.of(label.on(), labelSource.eventTime()));
    fields.addAll(
        Expression.compile(label.value(), labelSource.schema(), Expression.Type.DOUBLE, Map.of())
            .fields());
    Set<String> wanted = withPlace(fields);
    return tables
        .rows(
            env,
            labels,
            wanted,
            labelSource.eventTime(),
            bounds.afterMillis(),
            bounds.knownMillis(),
            "label-events")
        .flatMap(new Labels(labelSource, label, fields, labels.rowType(wanted)))
        .returns(Said.TYPE)
        .name("labels of " + labelSource.name())
        .uid("said");
  }

  private DataStream<Said> scored(StreamExecutionEnvironment env) {
    WarehouseTables.Reading predictions =
        tables.open(Warehouse.predictions(project.name(), model.name()));
    List<String> wanted = List.of("event_id", "event_time", "scored_at");
    var type = predictions.rowType(wanted);
    int id = type.getFieldIndex("event_id");
    int scoredAt = type.getFieldIndex("scored_at");
    return tables
        .rows(
            env,
            predictions,
            wanted,
            "event_time",
            bounds.afterMillis(),
            bounds.untilMillis(),
            "predictions")
        .map(
            row ->
                Said.scored(
                    row.getString(id).toString(), row.getTimestamp(scoredAt, 6).getMillisecond()))
        .returns(Said.TYPE)
        .name("scored")
        .uid("scored");
  }

  private static Set<String> withPlace(Set<String> fields) {
    Set<String> wanted = new LinkedHashSet<>(fields);
    wanted.add(ModelEvents.PARTITION);
    wanted.add(ModelEvents.OFFSET);
    return wanted;
  }
}
