package dev.millrace.trainer;

import dev.millrace.core.model.LifecycleEntry;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** The journal {@code models.lifecycle} as the trainer needs it: it asks, the registry answers. */
public interface Lifecycle {

  /** Writes a command and waits until the journal has it. */
  void ask(LifecycleEntry command) throws IOException, InterruptedException;

  /** The event that a command with this key became; empty while there is none. */
  Optional<LifecycleEntry> answer(String model, String idempotencyKey)
      throws IOException, InterruptedException;

  /** The same, once it is there; empty where it is not there in time. */
  Optional<LifecycleEntry> await(String model, String idempotencyKey, Duration patience)
      throws IOException, InterruptedException;
}
