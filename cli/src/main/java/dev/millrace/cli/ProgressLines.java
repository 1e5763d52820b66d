package dev.millrace.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.Consumer;

/** Says what happens now, with the seconds since the start, beside what a command prints. */
public final class ProgressLines implements Consumer<String> {

  private static final double NANOS_PER_SECOND = 1e9;

  private final PrintWriter err;
  private final long startNanos = System.nanoTime();

  public ProgressLines(PrintWriter err) {
    this.err = err;
  }

  @Override
  public void accept(String line) {
    err.println(
        String.format(
            Locale.ROOT, "%6.1f s  %s", (System.nanoTime() - startNanos) / NANOS_PER_SECOND, line));
    err.flush();
  }
}
