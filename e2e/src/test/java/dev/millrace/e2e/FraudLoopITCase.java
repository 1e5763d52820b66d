package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The whole loop of the fraud example: 600,000 payments each. What it must show is checked by the
 * demo itself, from topics, tables, Redis and the registry; its exit status is the answer. Run with
 * {@code ./mvnw verify -Pfull}.
 */
@Tag("full")
class FraudLoopITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Stack STACK = new Stack(ROOT, ROOT.resolve("e2e/target/fraud/stack"), 3300);

  @BeforeEach
  void wipe() throws Exception {
    STACK.run("down", "--wipe");
  }

  @AfterEach
  void down() throws Exception {
    STACK.run("down", "--wipe");
  }

  @Test
  void theLoopClosesThoughEveryPartOfItIsKilledTwice() throws Exception {
    // After each of these lines something dies, in turn.
    Deque<Kill> kills =
        new ArrayDeque<>(
            List.of(
                new Kill("days 1 to", "flink-taskmanager"),
                new Kill("EFFECTIVE", "registry"),
                new Kill("ALARM", "trainer"),
                new Kill("REQUESTED", "trainer"),
                new Kill("VERSION_VALIDATED", "registry"),
                new Kill("CANARY", "flink-taskmanager")));
    List<String> told = tell(kills, "demo", "fraud", "--exit");
    assertThat(kills)
        .as("what was still to be killed, after\n" + String.join("\n", told))
        .isEmpty();
  }

  @Test
  void withoutAChangeNothingIsTrainedAgain() throws Exception {
    List<String> told = tell(new ArrayDeque<>(), "demo", "fraud", "--no-change", "--exit");
    assertThat(told).anyMatch(line -> line.contains("no retraining"));
  }

  @Test
  void aBadSuccessorIsRolledBackByItself() throws Exception {
    List<String> told = tell(new ArrayDeque<>(), "demo", "fraud", "--bad-successor", "--exit");
    assertThat(told).anyMatch(line -> line.contains("ROLLED_BACK"));
  }

  private record Kill(String after, String service) {}

  /** Runs a demo to its end and kills what is to be killed when its line comes. */
  private static List<String> tell(Deque<Kill> kills, String... words) throws Exception {
    List<String> told = new ArrayList<>();
    Process demo = STACK.start(words);
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(demo.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        System.out.println(line);
        told.add(line);
        Kill next = kills.peek();
        if (next != null && line.contains(next.after)) {
          kills.remove();
          kill(next.service);
        }
      }
    }
    assertThat(demo.waitFor()).as(String.join("\n", told)).isZero();
    return told;
  }

  private static void kill(String service) throws IOException, InterruptedException {
    STACK.kill(service);
  }
}
