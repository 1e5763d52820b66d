package dev.millrace.e2e;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;

/** Records of topics, read as the platform writes them. */
final class TopicRecords {

  /** Every record that is there now. */
  static void each(Target target, String topic, Schema schema, Consumer<GenericRecord> each) {
    WireFormat.Reader reader =
        new WireFormat.Reader(new ConfluentSubjectRegistry(target.schemaRegistry()), schema);
    TopicLog.read(
        target,
        topic,
        record -> {
          try {
            each.accept(reader.read(record.value()));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private TopicRecords() {}
}
