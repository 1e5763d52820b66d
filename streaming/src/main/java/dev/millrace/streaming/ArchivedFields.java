package dev.millrace.streaming;

import dev.millrace.core.row.Numbers;
import dev.millrace.platform.ArchivedValues;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.RowType;
import org.jspecify.annotations.Nullable;

/** Events out of the rows of their archive, with values as they were when they were decoded. */
public final class ArchivedFields implements Serializable {

  private static final long serialVersionUID = 1L;

  /**
   * A field.
   *
   * @param elements of a vector; null for any other field
   */
  private record Field(
      RowData.FieldGetter getter, int position, boolean micros, Schema.@Nullable Type elements)
      implements Serializable {}

  private final List<Field> fields = new ArrayList<>();
  private final int size;

  /**
   * Some fields of an archive.
   *
   * @param rowType of the rows that are read
   */
  public ArchivedFields(String source, Schema schema, Collection<String> wanted, RowType rowType) {
    this.size = schema.getFields().size();
    for (Schema.Field field : schema.getFields()) {
      if (!wanted.contains(field.name())) {
        continue;
      }
      Schema plain = ArchivedValues.withoutNull(field.schema());
      Schema.Type elements =
          plain.getType() == Schema.Type.ARRAY ? VectorFields.elements(plain) : null;
      int at = rowType.getFieldIndex(field.name());
      if (elements != null) {
        fields.add(
            new Field(
                RowData.createFieldGetter(rowType.getTypeAt(at), at),
                field.pos(),
                false,
                elements));
        continue;
      }
      switch (plain.getType()) {
        case ARRAY, MAP, RECORD ->
            throw new IllegalArgumentException(
                ("Cannot read field %s of source %s from its archive: %s values are kept there as"
                        + " text; use fields of plain types in inputs and labels")
                    .formatted(field.name(), source, plain.getType()));
        default ->
            fields.add(
                new Field(
                    RowData.createFieldGetter(rowType.getTypeAt(at), at),
                    field.pos(),
                    plain.getLogicalType() instanceof LogicalTypes.TimestampMicros,
                    null));
      }
    }
  }

  /** Values by the position of the schema's fields; null too for a field that is not wanted. */
  public @Nullable Object[] of(RowData row) {
    @Nullable Object[] values = new Object[size];
    for (Field field : fields) {
      Object value = field.getter.getFieldOrNull(row);
      Schema.Type elements = field.elements;
      if (value instanceof StringData text) {
        // Its own decoder asks two thread locals for buffers, which costs more than the text.
        String read = new String(text.toBytes(), StandardCharsets.UTF_8);
        values[field.position] = elements == null ? read : numbers(read, elements);
      } else if (value instanceof TimestampData time) {
        values[field.position] =
            field.micros
                ? time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000
                : time.getMillisecond();
      } else {
        values[field.position] = value;
      }
    }
    return values;
  }

  /** Out of the text that the archive keeps: {@code [1.5, 2.0]}. */
  private static Numbers numbers(String text, Schema.Type elements) {
    NumbersBuilder numbers = new NumbersBuilder(elements);
    int end = text.length() - 1;
    int from = 1;
    while (from < end) {
      int comma = text.indexOf(',', from);
      int to = comma < 0 ? end : comma;
      String one = text.substring(from, to).strip();
      switch (elements) {
        case FLOAT -> numbers.add(Float.parseFloat(one));
        case DOUBLE -> numbers.add(Double.parseDouble(one));
        default -> numbers.add(Long.parseLong(one));
      }
      from = to + 1;
    }
    return numbers.build();
  }
}
