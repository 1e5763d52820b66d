package dev.millrace.bench;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A local stack of the benchmark's own, driven by the commands that a user types.
 *
 * @param millrace the program
 * @param dir the stack's folder
 */
record StackCommands(Path millrace, Path dir, int portOffset) {

  private static final long PATIENCE_MINUTES = 5;

  Target up() throws IOException, InterruptedException {
    run("up");
    return Target.read(dir.resolve("target.yaml"));
  }

  void apply(Path project) throws IOException, InterruptedException {
    run("apply", project.toString());
  }

  void down() throws IOException, InterruptedException {
    run("down", "--wipe");
  }

  private void run(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(millrace.toString()));
    command.addAll(List.of(words));
    command.addAll(List.of("--dir", dir.toString(), "--port-offset", String.valueOf(portOffset)));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    // Who started the benchmark has built it.
    builder.environment().put("MILLRACE_NO_BUILD", "1");
    Process process = builder.start();
    process.getOutputStream().close();
    String said;
    try (InputStream out = process.getInputStream()) {
      said = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    }
    if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException("Cannot run " + String.join(" ", command) + ": it says\n" + said);
    }
  }
}
