package dev.millrace.cli.models;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.ProgressLines;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command has that asks the registry for a change by hand: why, and how it is told. */
final class RequestOptions {

  @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the journal.")
  private @Nullable String reason;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  /**
   * Why it is asked for.
   *
   * @param otherwise where nobody says
   */
  String reason(String otherwise) {
    return reason == null ? otherwise : reason;
  }

  boolean json() {
    return json;
  }

  /** In the name of whoever runs the command; {@code err} is told what happens meanwhile. */
  static RegistryRequest request(GlobalOptions global, PrintWriter err) throws IOException {
    Target target = global.target();
    return new RegistryRequest(
        target,
        new ConfluentSubjectRegistry(target.schemaRegistry()),
        Actor.name(),
        new ProgressLines(err));
  }
}
