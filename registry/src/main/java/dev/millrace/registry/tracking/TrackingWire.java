package dev.millrace.registry.tracking;

import dev.millrace.core.tracking.Subject;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.Answers;
import dev.millrace.registry.journal.FollowedTopic;
import dev.millrace.registry.journal.InsistentSubjects;
import dev.millrace.registry.journal.UnreachableException;
import dev.millrace.registry.journal.UnreadableException;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** {@code models.tracking} as bytes; not for several threads at once. */
public final class TrackingWire implements FollowedTopic.Entries<TrackingEntry> {

  private static final int KEY_MAX = 500;

  private final WireFormat.Reader entries;
  private final WireFormat.Writer events;

  /** Registers the subject, or finds it. */
  public TrackingWire(SubjectRegistry registry) throws IOException {
    this.entries = new WireFormat.Reader(new InsistentSubjects(registry), Wire.TRACKING);
    this.events =
        new WireFormat.Writer(
            registry.register(Topics.subject(Topics.TRACKING), Wire.TRACKING.toString()),
            Wire.TRACKING);
  }

  @Override
  public TrackingEntry entry(@Nullable String key, byte @Nullable [] value)
      throws UnreadableException {
    TrackingEntry entry;
    try {
      entry = TrackingEntry.of(entries.read(value));
    } catch (UnreachableException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new UnreadableException(String.valueOf(e.getMessage()), e);
    }
    if (!entry.subject().equals(key)) {
      // In another partition it would be decided by another state.
      throw new UnreadableException(
          "its key is " + key + ", but it is about " + entry.subject(), null);
    }
    if (Subject.of(entry.subject()).isEmpty()) {
      throw new UnreadableException(
          "its key is neither "
              + Subject.EXPERIMENTS
              + " nor the id of a run or of a logged model: "
              + shortened(entry.subject()),
          null);
    }
    if (entry.idempotencyKey().length() > KEY_MAX) {
      throw new UnreadableException(
          "its idempotency key has more than " + KEY_MAX + " characters", null);
    }
    return entry;
  }

  private static String shortened(String text) {
    return text.length() > KEY_MAX ? text.substring(0, KEY_MAX) + "…" : text;
  }

  @Override
  public byte[] bytes(TrackingEntry entry) {
    return events.write(entry.record(Wire.TRACKING));
  }

  @Override
  public Answers.Asked asked(TrackingEntry entry) {
    return new Answers.Asked(entry.subject(), entry.idempotencyKey());
  }

  @Override
  public String told(TrackingEntry entry) {
    return entry.type() + " of " + entry.subject();
  }
}
