package dev.millrace.pipeline.training;

import dev.millrace.core.definition.Model.Label;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.streaming.ArchivedFields;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** What the events of the label's source say about scored events. */
final class Labels extends RichFlatMapFunction<RowData, Said> {

  private static final long serialVersionUID = 1L;

  private final String schemaText;
  private final String expression;
  private final ArchivedFields fields;
  private final int on;
  private final int time;
  private final int partition;
  private final int offset;

  private transient Expression value;

  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  Labels(Source source, Label label, Collection<String> wanted, RowType type) {
    Schema schema = source.schema();
    this.schemaText = schema.toString();
    this.expression = label.value();
    this.fields = new ArchivedFields(source.name(), schema, wanted, type);
    this.on = schema.getField(label.on()).pos();
    this.time = schema.getField(source.eventTime()).pos();
    this.partition = type.getFieldIndex(ModelEvents.PARTITION);
    this.offset = type.getFieldIndex(ModelEvents.OFFSET);
  }

  @Override
  public void open(OpenContext context) {
    value =
        Expression.compile(
            expression, new Schema.Parser().parse(schemaText), Expression.Type.DOUBLE, Map.of());
  }

  @Override
  public void flatMap(RowData row, Collector<Said> out) {
    @Nullable Object[] event = fields.of(row);
    Object id = event[on];
    if (id == null || !(event[time] instanceof Long millis)) {
      return;
    }
    double truth = truth(event);
    if (!Double.isNaN(truth)) {
      out.collect(
          new Said(String.valueOf(id), millis, row.getInt(partition), row.getLong(offset), truth));
    }
  }

  private double truth(@Nullable Object[] event) {
    try {
      return value.evaluate(event) instanceof Number number ? number.doubleValue() : Double.NaN;
    } catch (ExpressionException e) {
      // What cannot be computed says nothing about the event.
      return Double.NaN;
    }
  }
}
