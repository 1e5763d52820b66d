package dev.millrace.registry;

import dev.millrace.core.catalog.VersionPlace;
import dev.millrace.core.lifecycle.ImportedEvent;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.FollowedTopic;
import dev.millrace.registry.transfer.TransferredJournal;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/** The catalogue of a process: it follows the journal of models, and appends commands. */
final class FollowedCatalogue implements Catalogue, AutoCloseable {

  private final FoldedJournal journal;
  private final FollowedTopic<LifecycleEntry> topic;

  private FollowedCatalogue(FoldedJournal journal, FollowedTopic<LifecycleEntry> topic) {
    this.journal = journal;
    this.topic = topic;
  }

  /**
   * Begins to read; the topic has to be there.
   *
   * @param decided whether commands are decided already
   * @param ended told where it cannot read any further
   */
  static FollowedCatalogue open(
      Target target,
      JournalWire reading,
      JournalWire writing,
      BooleanSupplier decided,
      Runnable ended) {
    FoldedJournal journal = new FoldedJournal();
    return new FollowedCatalogue(
        journal,
        FollowedTopic.open(
            target,
            Topics.LIFECYCLE,
            reading,
            writing,
            journal.answers(),
            journal::take,
            decided,
            ended));
  }

  /** Whether all was read that was there at the start, and it still reads. */
  boolean isCaughtUp() {
    return topic.isCaughtUp();
  }

  /** See {@link FollowedTopic#catchUp}. */
  void catchUp() throws InterruptedException {
    topic.catchUp();
  }

  /** Why it reads no more; empty while it does. */
  Optional<RuntimeException> failure() {
    return topic.failure();
  }

  @Override
  public Optional<CataloguedModel> model(String name) {
    return journal.model(name);
  }

  @Override
  public Collection<CataloguedModel> models() {
    return journal.models();
  }

  @Override
  public Set<VersionPlace> versionsWithTag(String key, String value) {
    return journal.index().withTag(key, value);
  }

  @Override
  public Set<VersionPlace> versionsOfRun(String run) {
    return journal.index().ofRun(run);
  }

  @Override
  public LifecycleEntry submit(LifecycleEntry command) throws InterruptedException {
    return topic.submit(command);
  }

  /** Asks for an event of another registry; see {@link TransferredJournal.Bringing}. */
  CompletableFuture<LifecycleEntry> bring(LifecycleEntry event, String actor) {
    CompletableFuture<LifecycleEntry> answer =
        journal.numbered().answer(event.model(), ModelState.sequence(event));
    topic.append(ImportedEvent.command(event, actor, System.currentTimeMillis()), answer);
    return answer;
  }

  @Override
  public void close() {
    topic.close();
  }
}
