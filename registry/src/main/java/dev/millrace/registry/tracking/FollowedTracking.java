package dev.millrace.registry.tracking;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.ImportedTracking;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.FollowedTopic;
import dev.millrace.registry.transfer.TransferredJournal;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** Tracking of a process: it follows the journal, and appends commands. */
public final class FollowedTracking implements Tracking, AutoCloseable {

  private final FoldedTracking folded;
  private final FollowedTopic<TrackingEntry> topic;

  private FollowedTracking(FoldedTracking folded, FollowedTopic<TrackingEntry> topic) {
    this.folded = folded;
    this.topic = topic;
  }

  /**
   * Begins to read; the topic has to be there.
   *
   * @param decided whether commands are decided already
   * @param ended told where it cannot read any further
   */
  public static FollowedTracking open(
      Target target,
      TrackingWire reading,
      TrackingWire writing,
      BooleanSupplier decided,
      Runnable ended) {
    FoldedTracking folded = new FoldedTracking();
    return new FollowedTracking(
        folded,
        FollowedTopic.open(
            target,
            Topics.TRACKING,
            reading,
            writing,
            folded.answers(),
            folded::take,
            decided,
            ended));
  }

  /** Whether all was read that was there at the start, and it still reads. */
  public boolean isCaughtUp() {
    return topic.isCaughtUp();
  }

  /** See {@link FollowedTopic#catchUp}. */
  public void catchUp() throws InterruptedException {
    topic.catchUp();
  }

  /** Why it reads no more; empty while it does. */
  public Optional<RuntimeException> failure() {
    return topic.failure();
  }

  @Override
  public ExperimentsState experiments() {
    return folded.experiments();
  }

  @Override
  public Optional<TrackedRun> run(String id) {
    return folded.run(id);
  }

  @Override
  public Stream<TrackedRun> runs(String experimentId) {
    return folded.runs(experimentId);
  }

  @Override
  public Optional<LoggedModel> model(String id) {
    return folded.model(id);
  }

  @Override
  public Stream<LoggedModel> models(String experimentId) {
    return folded.models(experimentId);
  }

  @Override
  public long bytes() {
    return folded.bytes();
  }

  @Override
  public TrackingEntry submit(TrackingEntry command) throws InterruptedException {
    return topic.submit(command);
  }

  /** Asks for an event of another registry; see {@link TransferredJournal.Bringing}. */
  public CompletableFuture<TrackingEntry> bring(TrackingEntry event, String actor) {
    CompletableFuture<TrackingEntry> answer =
        folded.numbered().answer(event.subject(), LifecycleJson.sequence(event.details()));
    topic.append(ImportedTracking.command(event, actor, System.currentTimeMillis()), answer);
    return answer;
  }

  @Override
  public void close() {
    topic.close();
  }
}
