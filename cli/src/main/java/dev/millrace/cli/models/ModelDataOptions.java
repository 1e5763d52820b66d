package dev.millrace.cli.models;

import dev.millrace.cli.PointInTime;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command has that reads the events of a model: until when, and of which project. */
final class ModelDataOptions {

  @Option(
      names = "--as-of",
      paramLabel = "T",
      description =
          "Ends the window at this event time, and nothing later is seen; where labels are"
              + " complete if left out.")
  private @Nullable String asOf;

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project's folder or name, where the model is not to be looked for.")
  private @Nullable String project;

  boolean hasAsOf() {
    return asOf != null;
  }

  /** What {@code --as-of} says; null where it is left out. */
  @Nullable Instant asOf() {
    return PointInTime.parse("--as-of", asOf);
  }

  @Nullable String project() {
    return project;
  }
}
