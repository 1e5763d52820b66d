package dev.millrace.cli.demo;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The demo's steps as they are told: numbered, with the seconds since its start. */
final class Narration {

  private static final double NANOS_PER_SECOND = 1e9;

  private final PrintWriter out;
  private final long startNanos = System.nanoTime();
  private int steps;

  Narration(PrintWriter out) {
    this.out = out;
  }

  /** One step's work. */
  interface Step<T extends @Nullable Object> {
    T run() throws Exception;
  }

  /** Announces a step and does it; a failure names the step and the log to read. */
  <T extends @Nullable Object> T step(int of, String what, Path log, Step<T> step) {
    steps++;
    say("");
    say("Step " + steps + " of " + of + ": " + what);
    try {
      return step.run();
    } catch (UserMistake e) {
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(what, log, "interrupted", e);
    } catch (Exception e) {
      String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw failed(what, log, message, e);
    }
  }

  private CommandFailed failed(String what, Path log, String message, Exception e) {
    return new CommandFailed(
        "Cannot finish step " + steps + " (" + what + "): " + message + "; look into " + log, e);
  }

  /** One line of the story. */
  synchronized void say(String line) {
    out.println(line.isEmpty() ? "" : String.format(Locale.ROOT, "[%6.1f s] %s", seconds(), line));
    out.flush();
  }

  /** A line that belongs to the step before. */
  void detail(String line) {
    say("  " + line);
  }

  double seconds() {
    return (System.nanoTime() - startNanos) / NANOS_PER_SECOND;
  }
}
