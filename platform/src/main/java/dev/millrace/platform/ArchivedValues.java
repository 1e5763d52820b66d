package dev.millrace.platform;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Values of the event archive as they were when the event was decoded. */
public final class ArchivedValues {

  /** The type of a field that may be null; any other as it is. */
  public static Schema withoutNull(Schema schema) {
    return schema.isUnion()
        ? schema.getTypes().stream()
            .filter(t -> t.getType() != Schema.Type.NULL)
            .findFirst()
            .orElse(schema)
        : schema;
  }

  /**
   * From Iceberg's own value to the decoder's: logical times are epoch numbers there.
   *
   * @param schema of the field, without null
   */
  public static @Nullable Object decoded(@Nullable Object value, Schema schema) {
    if (value instanceof OffsetDateTime time) {
      Instant instant = time.toInstant();
      return schema.getLogicalType() instanceof LogicalTypes.TimestampMicros
          ? instant.getEpochSecond() * 1_000_000 + instant.getNano() / 1_000
          : instant.toEpochMilli();
    }
    if (value instanceof LocalDate date) {
      return (int) date.toEpochDay();
    }
    if (value instanceof ByteBuffer bytes) {
      byte[] copy = new byte[bytes.remaining()];
      bytes.duplicate().get(copy);
      return copy;
    }
    return value;
  }

  private ArchivedValues() {}
}
