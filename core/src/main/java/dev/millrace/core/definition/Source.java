package dev.millrace.core.definition;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A stream of events: a Kafka topic, the schema of its values and the rules of its time.
 *
 * @param schema the Avro record schema that events are read with
 * @param eventId name of the field that is unique per event
 * @param eventTime name of the {@code timestamp-millis} field
 * @param samples glob, relative to the project's folder, of the files that play this source
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
    @Nullable String samples) {

  public Source {
    contract = List.copyOf(contract);
  }

  public enum Kind {
    KAFKA,
    ICEBERG,
    PARQUET
  }

  public enum Format {
    AVRO,
    JSON
  }

  /** A CEL check that each row must pass; the name is the reason code of its dead letters. */
  public record ContractRule(String name, String check) implements Serializable {}
}
