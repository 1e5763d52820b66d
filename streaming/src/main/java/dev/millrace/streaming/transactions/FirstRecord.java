package dev.millrace.streaming.transactions;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.jspecify.annotations.Nullable;

/**
 * Takes down the first acknowledged record of each transaction. The first, because what a reader of
 * committed records waits for before it are older transactions only.
 *
 * <p>The producer's thread tells of records, the task's thread takes the mark: between a flush,
 * which ends when every record was told of, and the next write.
 */
final class FirstRecord implements Consumer<RecordMetadata> {

  private final AtomicReference<@Nullable Mark> first = new AtomicReference<>();

  @Override
  public void accept(RecordMetadata metadata) {
    // A record that could not be written has no offset.
    if (first.get() == null && metadata.hasOffset()) {
      first.set(
          new Mark(
              metadata.topic(), metadata.partition(), metadata.offset(), metadata.timestamp()));
    }
  }

  /** The mark of the transaction that ends here; the next record begins another one. */
  @Nullable Mark take() {
    return first.getAndSet(null);
  }
}
