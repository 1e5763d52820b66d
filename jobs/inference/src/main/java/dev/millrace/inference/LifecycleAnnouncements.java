package dev.millrace.inference;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Announcements to {@code models.lifecycle} in Kafka. */
record LifecycleAnnouncements(Target target) implements Announcements.Factory {

  private static final long serialVersionUID = 1L;

  @Override
  public Announcements open() {
    LifecycleLog log =
        new LifecycleLog(target, new ConfluentSubjectRegistry(target.schemaRegistry()));
    return new Announcements() {
      @Override
      public void announce(LifecycleEntry entry) {
        try {
          log.append(entry);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("Cannot announce: the task is being cancelled", e);
        }
      }

      @Override
      public void close() {
        // The log holds nothing open.
      }
    };
  }
}
