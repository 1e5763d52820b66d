package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serializable;

/**
 * A row on its way to Redis.
 *
 * <p>Flink's async sink asks for a {@link Serializable} but writes requests with {@link
 * RowRequestSerializer} alone; Java's own serialization is refused.
 */
final class RowRequest implements Serializable {

  private static final long serialVersionUID = 1L;

  private final transient FeatureRow row;
  private final transient boolean nudge;

  RowRequest(FeatureRow row) {
    this(row, false);
  }

  /**
   * A row with its occasion.
   *
   * @param nudge whether the row has waited already and comes again to make the sink send
   */
  RowRequest(FeatureRow row, boolean nudge) {
    this.row = row;
    this.nudge = nudge;
  }

  boolean isNudge() {
    return nudge;
  }

  FeatureRow row() {
    return row;
  }

  String entityKey() {
    return row.entityKey();
  }

  /** About what it takes on the wire. */
  long sizeBytes() {
    return row.entityKey().length() + 16L * row.values().length;
  }

  @SuppressWarnings("UnusedMethod") // called by Java's serialization
  private void writeObject(ObjectOutputStream unusedOut) throws NotSerializableException {
    throw new NotSerializableException(RowRequest.class.getName());
  }
}
