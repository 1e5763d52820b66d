package dev.millrace.core.definition;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads a source's {@code kind} and what only some kinds have. */
final class BatchReader {

  private static final Pattern TABLE = Pattern.compile("[A-Za-z0-9_]+(\\.[A-Za-z0-9_]+)+");

  /** The kinds that can be written. */
  private enum Written {
    KAFKA,
    ICEBERG,
    PARQUET
  }

  private final Source.Kind kind;
  private final Source.@Nullable Batch batch;

  private BatchReader(Source.Kind kind, Source.@Nullable Batch batch) {
    this.kind = kind;
    this.batch = batch;
  }

  static BatchReader of(Section section) {
    Written written = section.choice(Written.class, "kind", Written.KAFKA);
    Source.Kind kind = Source.Kind.valueOf(written.name());
    Value every = kind == Source.Kind.KAFKA ? section.take("every") : section.required("every");
    Value table = kind == Source.Kind.ICEBERG ? section.required("table") : section.take("table");
    Value path = kind == Source.Kind.PARQUET ? section.required("path") : section.take("path");
    Duration period = every == null ? null : every.positiveDuration();
    if (kind == Source.Kind.KAFKA && every != null) {
      every.mistake("a source of kind kafka is not read at intervals", "remove the key");
    }
    String place =
        switch (written) {
          case KAFKA -> {
            refuse(table, kind);
            refuse(path, kind);
            yield null;
          }
          case ICEBERG -> {
            refuse(path, kind);
            yield table == null
                ? null
                : table.matching(
                    TABLE,
                    "name of a table",
                    "write its namespace and its name, as in lake.orders");
          }
          case PARQUET -> {
            refuse(table, kind);
            yield path == null ? null : path(path);
          }
        };
    return new BatchReader(
        kind, place == null || period == null ? null : new Source.Batch(place, period));
  }

  Source.Kind kind() {
    return kind;
  }

  boolean isBatch() {
    return kind != Source.Kind.KAFKA;
  }

  boolean isSound() {
    return !isBatch() || batch != null;
  }

  Source.@Nullable Batch batch() {
    return batch;
  }

  /** What a source of rows cannot have. */
  void check(Section section, @Nullable Schema schema) {
    if (!isBatch()) {
      return;
    }
    refuse(section.take("topic"), kind);
    refuse(section.take("format"), kind);
    Value place = section.take("schema");
    if (schema == null || place == null) {
      return;
    }
    for (Schema.Field field : schema.getFields()) {
      if (nested(field.schema())) {
        place.mistake(
            "field "
                + field.name()
                + " is "
                + Schemas.shown(field.schema())
                + ", and a source of kind "
                + written(kind)
                + " has plain columns",
            "leave the field out of the schema");
      }
    }
  }

  private static boolean nested(Schema schema) {
    return switch (schema.getType()) {
      case ARRAY, MAP, RECORD -> true;
      case UNION ->
          schema.getTypes().stream().filter(s -> s.getType() != Schema.Type.NULL).count() > 1
              || schema.getTypes().stream().anyMatch(BatchReader::nested);
      default -> false;
    };
  }

  private static void refuse(@Nullable Value value, Source.Kind kind) {
    if (value != null) {
      value.mistake("a source of kind " + written(kind) + " has no such key", "remove the key");
    }
  }

  private static String written(Source.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** Tasks of the cluster know no folder of the project, so it begins at the root. */
  private static @Nullable String path(Value value) {
    String path = value.text();
    if (path == null) {
      return null;
    }
    boolean leadsUp = Arrays.asList(path.split("/")).contains("..");
    if (!path.startsWith("/") || leadsUp || path.indexOf(0) >= 0 || path.matches("/*")) {
      value.mistake(
          "'" + value.plain(path) + "' is no path that every task of the cluster can follow",
          "write one from the root, without .., as in /data/orders/*.parquet");
      return null;
    }
    return path;
  }
}
