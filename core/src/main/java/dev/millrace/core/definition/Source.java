package dev.millrace.core.definition;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A stream of events: a Kafka topic, or rows that come in batches, the schema of its values and the
 * rules of its time.
 *
 * @param topic of Kafka; the name where there is none
 * @param schema the Avro record schema that events are read with
 * @param eventId name of the field that is unique per event
 * @param eventTime name of the {@code timestamp-millis} field
 * @param samples glob, relative to the project's folder, of the files that play this source
 * @param batch where rows come from in batches; null where they come one by one
 */
public record Source(
    String name,
    String topic,
    Kind kind,
    Format format,
    Schema schema,
    String eventId,
    String eventTime,
    Duration maxOutOfOrderness,
    Duration maxAhead,
    Duration dedupWindow,
    boolean archive,
    List<ContractRule> contract,
    @Nullable String samples,
    @Nullable Batch batch) {

  public Source {
    contract = List.copyOf(contract);
  }

  /** Of events that come one by one. */
  public Source(
      String name,
      String topic,
      Kind kind,
      Format format,
      Schema schema,
      String eventId,
      String eventTime,
      Duration maxOutOfOrderness,
      Duration maxAhead,
      Duration dedupWindow,
      boolean archive,
      List<ContractRule> contract,
      @Nullable String samples) {
    this(
        name,
        topic,
        kind,
        format,
        schema,
        eventId,
        eventTime,
        maxOutOfOrderness,
        maxAhead,
        dedupWindow,
        archive,
        contract,
        samples,
        null);
  }

  public enum Kind {
    KAFKA,
    ICEBERG,
    PARQUET,
    /** The rows of a view of the project, as {@link ViewSource} says; no kind to write. */
    VIEW
  }

  public enum Format {
    AVRO,
    JSON
  }

  /**
   * Rows that come in batches.
   *
   * @param place the table, as {@code namespace.table}, or the files: one, a folder or a glob
   * @param every how often to look for new ones
   */
  public record Batch(String place, Duration every) implements Serializable {}

  /** A CEL check that each row must pass; the name is the reason code of its dead letters. */
  public record ContractRule(String name, String check) implements Serializable {}
}
