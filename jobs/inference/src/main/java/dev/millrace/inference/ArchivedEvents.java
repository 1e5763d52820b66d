package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.model.Decisions;
import dev.millrace.streaming.ArchivedFields;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Events out of the archive of a model's source, as they came to be scored. */
final class ArchivedEvents implements FlatMapFunction<RowData, Inbound> {

  private static final long serialVersionUID = 1L;
  private static final String PARTITION = "_partition";
  private static final String OFFSET = "_offset";

  private final ArchivedFields fields;
  private final int id;
  private final int time;
  private final int partition;
  private final int offset;

  /**
   * Events of an archive.
   *
   * @param type of {@link #columns}
   */
  ArchivedEvents(ScoringPlan plan, RowType type) {
    Schema schema = plan.source().schema();
    this.fields = new ArchivedFields(plan.source().name(), schema, fields(plan), type);
    this.id = plan.source().idField();
    this.time = plan.source().timeField();
    this.partition = type.getFieldIndex(PARTITION);
    this.offset = type.getFieldIndex(OFFSET);
  }

  /** What is read of the archive. */
  static Set<String> columns(ScoringPlan plan) {
    Set<String> columns = fields(plan);
    columns.addAll(List.of(PARTITION, OFFSET));
    return columns;
  }

  /** The fields that scoring looks at. */
  static Set<String> fields(ScoringPlan plan) {
    List<Schema.Field> all = plan.source().schema().getFields();
    Set<String> fields = new LinkedHashSet<>();
    fields.add(all.get(plan.source().idField()).name());
    fields.add(all.get(plan.source().timeField()).name());
    plan.views().forEach(v -> v.keyFields().forEach(f -> fields.add(all.get(f).name())));
    plan.unitFields().forEach(f -> fields.add(all.get(f).name()));
    ScoringPlan.Experiment experiment = plan.experiment();
    if (experiment != null) {
      experiment.unitFields().forEach(f -> fields.add(all.get(f).name()));
    }
    plan.segmentFields().forEach(f -> fields.add(all.get(f).name()));
    for (InputPlan inputs : plan.plans()) {
      for (InputPlan.Input input : inputs.inputs()) {
        if (input instanceof InputPlan.Input.OnDemand of) {
          fields.addAll(read(plan, of.expression(), Expression.Type.INPUT, Map.of()));
        }
      }
    }
    for (Model.Decision decision : plan.decisions()) {
      fields.addAll(
          read(
              plan,
              decision.when(),
              Expression.Type.BOOLEAN,
              Map.of(Decisions.SCORE, Expression.Type.DOUBLE)));
    }
    String fallback = plan.fallback();
    if (fallback != null) {
      fields.addAll(read(plan, fallback, Expression.Type.DOUBLE, Map.of()));
    }
    return fields;
  }

  private static Set<String> read(
      ScoringPlan plan, String text, Expression.Type type, Map<String, Expression.Type> extras) {
    Set<String> fields =
        new LinkedHashSet<>(
            Expression.compile(text, plan.source().schema(), type, extras).fields());
    fields.removeAll(extras.keySet());
    return fields;
  }

  /** Refuses a source that keeps no events. */
  static void require(Source source, String model) {
    if (!source.archive()) {
      throw new IllegalArgumentException(
          ("Cannot score model %s from the archive: its source %s has none; set archive: true, or"
                  + " say --source topic for what the topic still keeps")
              .formatted(model, source.name()));
    }
  }

  @Override
  public void flatMap(RowData row, Collector<Inbound> out) {
    @Nullable Object[] values = fields.of(row);
    if (values[time] instanceof Long millis) {
      out.collect(
          new Inbound(
              new Event(
                  row.getInt(partition),
                  row.getLong(offset),
                  millis,
                  millis,
                  String.valueOf(values[id]),
                  values,
                  null,
                  null),
              null));
    }
  }
}
