package dev.millrace.inference;

import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.operators.MailboxExecutor;

/**
 * Tells when the task's input has nothing more to give. Flink says that to nobody, so while events
 * wait one mail of ours lies in the task's mailbox. A task runs its mails between two reads of its
 * input, and reads one record at most while there is mail: where no event has come between two runs
 * of the mail, the read before the second had none.
 *
 * <p>A read may also have given a watermark or a deployment; then the events go on sooner than they
 * had to. The mail is posted only while events wait, so an idle task does not run.
 */
final class IdleInput {

  private final MailboxExecutor mailbox;
  private final BooleanSupplier anyWait;
  private final Runnable idle;
  private long cameCount;
  private long seenCount;
  private boolean posted;

  /**
   * Nothing has come.
   *
   * @param anyWait whether an event waits for others
   * @param idle lets them go
   */
  IdleInput(MailboxExecutor mailbox, BooleanSupplier anyWait, Runnable idle) {
    this.mailbox = mailbox;
    this.anyWait = anyWait;
    this.idle = idle;
  }

  /** An event has come and waits. */
  void came() {
    cameCount++;
    if (!posted) {
      posted = true;
      post();
    }
  }

  private void post() {
    mailbox.execute(this::look, "score what waits while the input is idle");
  }

  private void look() {
    if (!anyWait.getAsBoolean()) {
      posted = false;
    } else if (cameCount == seenCount) {
      posted = false;
      idle.run();
    } else {
      seenCount = cameCount;
      post();
    }
  }
}
