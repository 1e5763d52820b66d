package dev.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobRecoveryTest {
  private static final String ID = "575944618798ae38b5fe0bf93ae0121a";

  @TempDir private Path dir = Path.of("");

  private static AppliedJob job(@Nullable String restoredFrom) {
    return new AppliedJob(
        "flights", "flights-features", "/j.jar", "Main", List.of("--x"), 2, ID, restoredFrom);
  }

  private Path checkpoint(int number, boolean completed) throws IOException {
    Path folder = Files.createDirectories(dir.resolve(ID).resolve("chk-" + number));
    if (completed) {
      Files.createFile(folder.resolve("_metadata"));
    }
    return folder;
  }

  @Test
  void theHighestCompletedCheckpointIsTheLatest() throws IOException {
    checkpoint(9, true);
    Path latest = checkpoint(10, true);
    checkpoint(11, false);
    Files.createDirectories(dir.resolve(ID).resolve("shared"));
    assertThat(Checkpoints.latest(dir, ID)).contains(latest);
    assertThat(JobRecovery.startingPoint(dir, job("file:///old"))).isEqualTo("file://" + latest);
  }

  @Test
  void withoutOneOfItsOwnAJobGoesBackToWhatItWasStartedFrom() throws IOException {
    Path savepoint = Files.createDirectory(dir.resolve("savepoint-1"));
    assertThat(JobRecovery.startingPoint(dir, job("file://" + savepoint)))
        .isEqualTo("file://" + savepoint);
    assertThat(JobRecovery.startingPoint(dir, job(null))).isNull();
  }

  @Test
  void aJobWhoseStateIsGoneIsNotStartedEmpty() {
    assertThatThrownBy(() -> JobRecovery.startingPoint(dir, job("file://" + dir + "/gone")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("gone; apply the project again");
  }

  @Test
  void recordsReadBack() throws IOException {
    AppliedJobs jobs = new AppliedJobs(dir.resolve("applied"));
    assertThat(jobs.list()).isEmpty();
    jobs.write(job(null));
    jobs.write(job("file:///s"));
    assertThat(jobs.list()).containsExactly(job("file:///s"));
    assertThat(jobs.find("flights-features")).contains(job("file:///s"));
    jobs.remove("flights-features");
    assertThat(jobs.find("flights-features")).isEmpty();
  }

  @Test
  void theInnermostCauseIsTheReason() {
    assertThat(
            FlinkRest.innermost(
                "a.B: outer\n\tat x\nCaused by: c.D: middle\n\tat y\nCaused by: e.F: inner\n\tat z"))
        .isEqualTo("e.F: inner");
    assertThat(FlinkRest.innermost("a.B: only\n\tat x")).isEqualTo("a.B: only");
  }
}
