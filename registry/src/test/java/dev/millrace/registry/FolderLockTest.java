package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {

  private final Path folder;

  FolderLockTest(@TempDir Path folder) {
    this.folder = folder.resolve("state");
  }

  @Test
  void twoOfOneProcessDoNotShareAFolder() throws Exception {
    try (FolderLock unusedFirst = FolderLock.of(folder);
        FolderLock unusedOther = FolderLock.of(folder.resolveSibling("other"))) {
      assertThatThrownBy(() -> FolderLock.of(folder))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "Cannot use the folder %s: another registry (pid %d) keeps its stores there; end it, or give each its own --state",
              folder, ProcessHandle.current().pid());
    }
    FolderLock.of(folder).close();
  }

  /** Takes the folder, says so, and keeps it until it is killed. */
  static final class Holder {
    public static void main(String[] args) throws IOException {
      try (FolderLock unusedLock = FolderLock.of(Path.of(args[0]))) {
        System.out.println("taken");
        int unusedEnd = System.in.read();
      }
    }
  }

  @Test
  void aProcessThatWasKilledLeavesItFree() throws Exception {
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said = holder.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).isEqualTo("taken");
      assertThatThrownBy(() -> FolderLock.of(folder))
          .hasMessageContaining("(pid " + holder.pid() + ")");
    } finally {
      holder.destroyForcibly();
      assertThat(holder.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    FolderLock.of(folder).close();
    // The longer number of a process before is not left behind.
    Files.writeString(folder.resolve("lock"), "1234567890123");
    try (FolderLock unusedAgain = FolderLock.of(folder)) {
      assertThat(folder.resolve("lock")).hasContent(Long.toString(ProcessHandle.current().pid()));
    }
  }
}
