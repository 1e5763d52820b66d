package dev.millrace.cli.demo;

import dev.millrace.cli.UserMistake;
import dev.millrace.cli.events.EventReplay;
import dev.millrace.cli.local.LocalStack;
import dev.millrace.cli.local.StackLayout;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** A demo's stay in a stack: it brings it up where there is none, and takes down only its own. */
final class StackVisit {

  private final LocalStack stack;
  private final StackLayout layout;
  private final Narration narration;
  private final StackOptions options;

  StackVisit(Path dir, int portOffset, Narration narration, StackOptions options) {
    this.stack = new LocalStack(dir, portOffset);
    this.layout = new StackLayout(dir);
    this.narration = narration;
    this.options = options;
  }

  /** What is done in the stack. */
  interface Stay {
    void tell() throws Exception;
  }

  /**
   * Does it, and leaves the stack as the user expects it.
   *
   * @param exit takes the stack down afterwards if it was not up before
   */
  void during(boolean exit, Stay stay) throws Exception {
    boolean ownStack = !stack.isReady();
    boolean done = false;
    Thread farewell =
        new Thread(
            () ->
                narration.say(
                    "The stack in "
                        + layout.dir()
                        + " stays up; "
                        + options.command("down")
                        + " stops it."),
            "farewell");
    Runtime.getRuntime().addShutdownHook(farewell);
    try {
      stay.tell();
      done = true;
    } finally {
      Runtime.getRuntime().removeShutdownHook(farewell);
      if (exit && ownStack) {
        narration.say("");
        narration.say(
            "Stopped "
                + stack.down()
                + " processes; data and logs stay in "
                + layout.dir()
                + ", "
                + options.command("down --wipe")
                + " deletes them.");
      } else if (!done) {
        narration.say("The stack in " + layout.dir() + " stays as it is, to look at it.");
      }
    }
  }

  Target up() throws Exception {
    return stack.up(narration::detail);
  }

  StackLayout layout() {
    return layout;
  }

  /** A demo begins with no events of its own: what it measures would be of two runs. */
  void refuseOldEvents(String demo, Target target, Project project) {
    try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(TopicLog.consumer(target))) {
      for (Source source : EventReplay.playable(project)) {
        List<TopicPartition> partitions =
            consumer.listTopics().getOrDefault(source.topic(), List.of()).stream()
                .map(p -> new TopicPartition(source.topic(), p.partition()))
                .toList();
        long events =
            consumer.endOffsets(partitions).values().stream().mapToLong(Long::longValue).sum();
        if (events > 0) {
          throw new UserMistake(
              "Cannot run demo "
                  + demo
                  + ": topic "
                  + source.topic()
                  + " of the stack in "
                  + layout.dir()
                  + " already holds "
                  + events
                  + " events, and the demo starts with none; "
                  + options.command("down --wipe")
                  + " deletes that stack's data, or choose another with --dir and --port-offset");
        }
      }
    }
  }
}
