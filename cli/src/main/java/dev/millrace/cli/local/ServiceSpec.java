package dev.millrace.cli.local;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How one process of the stack is started, and how to tell that it works.
 *
 * @param name as in {@code status} and in the names of its logs
 * @param address what it listens on
 * @param log what {@code status} points at
 * @param output what the process prints itself
 * @param environment added to the supervisor's own
 * @param prepare runs before every start
 * @param command gives the command line; called after {@code prepare}
 * @param ready whether it answers; tried until it does
 */
record ServiceSpec(
    String name,
    String address,
    Path log,
    Path output,
    Map<String, String> environment,
    Step prepare,
    CommandLineOf command,
    Probe ready) {

  /** Something that has to be done and may fail. */
  @FunctionalInterface
  interface Step {
    void run() throws IOException, InterruptedException;
  }

  /** Gives a command line. */
  @FunctionalInterface
  interface CommandLineOf {
    List<String> words() throws IOException, InterruptedException;
  }

  /** A question to a process that may not answer yet. */
  @FunctionalInterface
  interface Probe {
    boolean answers() throws InterruptedException;
  }
}
