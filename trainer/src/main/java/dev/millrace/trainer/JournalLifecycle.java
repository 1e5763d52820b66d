package dev.millrace.trainer;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.LifecycleLog;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** The registry's journal in Kafka. */
final class JournalLifecycle implements Lifecycle {

  private final LifecycleLog log;

  JournalLifecycle(LifecycleLog log) {
    this.log = log;
  }

  @Override
  public void ask(LifecycleEntry command) throws IOException, InterruptedException {
    log.append(command);
  }

  @Override
  public Optional<LifecycleEntry> answer(String model, String idempotencyKey) {
    return log.read().stream().filter(LifecycleLog.answerTo(model, idempotencyKey)).findFirst();
  }

  @Override
  public Optional<LifecycleEntry> await(String model, String idempotencyKey, Duration patience)
      throws InterruptedException {
    return log.await(model, idempotencyKey, patience);
  }
}
