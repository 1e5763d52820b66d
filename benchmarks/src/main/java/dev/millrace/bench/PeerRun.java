package dev.millrace.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.bench.peers.RecordByRecord;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The peer's job in a JVM of its own, with a heap as large as the stack's TaskManager has. */
final class PeerRun implements AutoCloseable {

  private static final JsonMapper JSON = new JsonMapper();

  private final Process process;
  private final Thread end;
  private final Path log;

  /** Reads the task from a file; runs until it is killed. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    RecordByRecord.run(
        JSON.readValue(folder.resolve("task.json").toFile(), RecordByRecord.Task.class), folder);
  }

  PeerRun(RecordByRecord.Task task, Path folder) throws IOException {
    Files.createDirectories(folder.resolve("tmp"));
    JSON.writeValue(folder.resolve("task.json").toFile(), task);
    log = folder.resolve("log");
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(List.of("-Xms1900m", "-Xmx1900m", "-XX:-UsePerfData"));
    words.addAll(BenchMain.OPENS);
    words.add("-Djava.io.tmpdir=" + folder.resolve("tmp"));
    words.addAll(List.of("-cp", System.getProperty("java.class.path")));
    words.add(PeerRun.class.getName());
    words.add(folder.toString());
    process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(log.toFile())
            .start();
    end = new Thread(process::destroyForcibly, "end of peer");
    Runtime.getRuntime().addShutdownHook(end);
  }

  /** Refuses to wait for a process that is no more. */
  void refuseEnded() throws IOException {
    if (!process.isAlive()) {
      throw new IOException("Cannot measure the peer: it has ended; it says\n" + Fork.faults(log));
    }
  }

  @Override
  public void close() throws InterruptedException {
    process.destroyForcibly();
    int unusedStatus = process.waitFor();
    Runtime.getRuntime().removeShutdownHook(end);
  }
}
