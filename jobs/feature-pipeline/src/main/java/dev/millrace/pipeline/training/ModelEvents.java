package dev.millrace.pipeline.training;

import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.streaming.ArchivedFields;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** The scored events of an archive, with the entities of the joins and the inputs they bring. */
final class ModelEvents extends RichFlatMapFunction<RowData, SetRow> {

  private static final long serialVersionUID = 1L;
  static final String PARTITION = "_partition";
  static final String OFFSET = "_offset";

  private final String schemaText;
  private final ArchivedFields fields;
  private final List<@Nullable String> onDemand;
  private final List<List<Integer>> keys;
  private final int id;
  private final int time;
  private final int partition;
  private final int offset;

  private transient List<@Nullable Expression> expressions;

  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  ModelEvents(
      Source source,
      List<Input> inputs,
      List<List<String>> keyFields,
      Collection<String> wanted,
      RowType type) {
    Schema schema = source.schema();
    this.schemaText = schema.toString();
    this.fields = new ArchivedFields(source.name(), schema, wanted, type);
    this.onDemand = new ArrayList<>();
    for (Input input : inputs) {
      onDemand.add(input instanceof Input.OnDemand of ? of.value() : null);
    }
    this.keys =
        keyFields.stream()
            .map(names -> names.stream().map(n -> schema.getField(n).pos()).toList())
            .toList();
    this.id = schema.getField(source.eventId()).pos();
    this.time = schema.getField(source.eventTime()).pos();
    this.partition = type.getFieldIndex(PARTITION);
    this.offset = type.getFieldIndex(OFFSET);
  }

  @Override
  public void open(OpenContext context) {
    Schema schema = new Schema.Parser().parse(schemaText);
    expressions = new ArrayList<>();
    for (String text : onDemand) {
      expressions.add(
          text == null ? null : Expression.compile(text, schema, Expression.Type.INPUT, Map.of()));
    }
  }

  @Override
  public void flatMap(RowData row, Collector<SetRow> out) {
    @Nullable Object[] event = fields.of(row);
    if (!(event[time] instanceof Long millis)) {
      return;
    }
    @Nullable Object[] entities = new Object[keys.size()];
    for (int join = 0; join < entities.length; join++) {
      List<@Nullable Object> parts = new ArrayList<>();
      for (int place : keys.get(join)) {
        parts.add(event[place]);
      }
      entities[join] = EntityKeys.join(parts);
    }
    // The inputs and the label.
    @Nullable Object[] values = new Object[expressions.size() + 1];
    for (int i = 0; i < expressions.size(); i++) {
      Expression expression = expressions.get(i);
      values[i] = expression == null ? null : computed(expression, event);
    }
    out.collect(
        new SetRow(
            String.valueOf(event[id]),
            millis,
            row.getInt(partition),
            row.getLong(offset),
            Long.MAX_VALUE,
            entities,
            values));
  }

  private static @Nullable Double computed(Expression expression, @Nullable Object[] event) {
    try {
      return expression.evaluate(event) instanceof Double number && Double.isFinite(number)
          ? number
          : null;
    } catch (ExpressionException e) {
      // Scoring takes what cannot be computed as missing too.
      return null;
    }
  }
}
