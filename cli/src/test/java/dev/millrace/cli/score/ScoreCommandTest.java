package dev.millrace.cli.score;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.Millrace;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ScoreCommandTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "score",
        "score delay_risk",
        "score delay_risk --from 2001-01-01",
        "score delay_risk --from yesterday --to now",
        "score delay_risk --from 2001-02-01 --to 2001-01-01",
        "score delay_risk --from 2001-01-01 --to 2001-02-01 --source file",
        "score delay_risk --from 2001-01-01 --to 2001-02-01 --version newest",
        "score delay_risk --from 2001-01-01 --to 2001-02-01 --parallelism 0",
        "score delay_risk --from 2001-01-01 --to 2001-02-01 --out ."
      })
  void mistakesAreTheUsers(String arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = Millrace.commandLine();
    line.setErr(new PrintWriter(err, true));
    assertThat(line.execute(arguments.split(" ", -1))).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).doesNotContain("not built").doesNotContain("Exception");
  }

  @Test
  void countsAreToldByVersionAndReason() {
    ScoreSummary summary =
        ScoreSummary.of(
            "delay_risk",
            "r1",
            "flights.scores_delay_risk",
            Map.of(
                "rows", "1200",
                "version.2", "1000",
                "version.10", "150",
                "fallbacks", "50",
                "letters.NULL_KEY", "3",
                "undecided", "7"),
            Duration.ofMillis(2500));
    assertThat(summary.json(new JsonMapper().createObjectNode()).toString())
        .isEqualTo(
            "{\"model\":\"delay_risk\",\"run\":\"r1\",\"out\":\"flights.scores_delay_risk\","
                + "\"rows\":1200,\"versions\":{\"2\":1000,\"10\":150},\"fallbacks\":50,"
                + "\"dead_letters\":{\"NULL_KEY\":3},\"undecided\":7,\"seconds\":2.5}");
    assertThat(summary.lines())
        .contains("delay_risk: 1,200 predictions in 2.5 s to flights.scores_delay_risk, run r1")
        .contains("  by version 10: 150")
        .contains("  not scored, NULL_KEY: 3");
  }
}
