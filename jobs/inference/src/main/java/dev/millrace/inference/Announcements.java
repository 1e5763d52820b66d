package dev.millrace.inference;

import dev.millrace.core.model.LifecycleEntry;
import java.io.Serializable;

/** Where a task says how far it is with a deployment: commands on {@code models.lifecycle}. */
interface Announcements extends AutoCloseable {

  /** Returns when the broker has it. */
  void announce(LifecycleEntry entry);

  @Override
  void close();

  /** Opens them in the task. */
  interface Factory extends Serializable {
    Announcements open();
  }
}
