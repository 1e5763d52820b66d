package dev.millrace.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.Millrace;
import dev.millrace.cli.PointInTime;
import dev.millrace.cli.UserMistake;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ModelCommandsTest {

  private final StringWriter err = new StringWriter();

  private int execute(String arguments) {
    CommandLine line = Millrace.commandLine();
    line.setErr(new PrintWriter(err, true));
    return line.execute(arguments.split(" ", -1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "training-set",
        "training-set delay_risk",
        "training-set delay_risk --out x.parquet --as-of yesterday",
        "training-set delay_risk --out x.parquet --as-served --as-corrected",
        "training-set delay_risk --out x.parquet --features a:b",
        "training-set delay_risk --spine s.parquet --features a:b --out x.parquet",
        "training-set --spine nowhere.parquet --features a:b --out x.parquet",
        "training-set --spine pom.xml --out x.parquet",
        "training-set --spine pom.xml --features a --out x.parquet",
        "training-set delay_risk --out x.parquet --snapshot nowhere.json",
        "train",
        "train delay_risk --as-of 2001-13-01",
        "models",
        "models promote delay_risk latest",
        "models promote delay_risk 2 --force",
        "models rollback",
        "models archive delay_risk",
        "models pause",
        "models resume",
        "models export",
        "models import",
        "models evaluate delay_risk",
        "models evaluate delay_risk newest",
        "models evaluate delay_risk 2 --as-of yesterday"
      })
  void mistakesAreTheUsers(String arguments) {
    assertThat(execute(arguments)).isEqualTo(Millrace.USER_MISTAKE);
  }

  @Test
  void aSetDoesNotTakeThePlaceOfItsSpine(@TempDir Path folder) throws IOException {
    Path spine = Files.createFile(folder.resolve("spine.parquet"));
    Path link = Files.createSymbolicLink(folder.resolve("link.parquet"), spine);
    Path linkedFolder = Files.createSymbolicLink(folder.resolve("linked"), folder);
    Path relative = Path.of("").toAbsolutePath().relativize(spine);
    Path besides = Files.createFile(folder.resolve("set.parquet.json"));
    assertSame(spine, spine);
    assertSame(spine, relative);
    assertSame(relative, spine);
    assertSame(spine, link);
    assertSame(link, spine);
    assertSame(spine, linkedFolder.resolve(".").resolve("spine.parquet"));
    assertSame(besides, folder.resolve("set.parquet"));
  }

  private void assertSame(Path spine, Path out) {
    err.getBuffer().setLength(0);
    assertThat(execute("training-set --spine " + spine + " --features a:b --out " + out))
        .isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).contains("is the same file as the spine " + spine);
  }

  @Test
  void pointsInTime() {
    Instant day = Instant.parse("2001-01-15T00:00:00Z");
    assertThat(PointInTime.parse("--as-of", null)).isNull();
    assertThat(PointInTime.parse("--as-of", "2001-01-15T00:00:00Z")).isEqualTo(day);
    assertThat(PointInTime.parse("--as-of", "2001-01-15T01:00:00+01:00")).isEqualTo(day);
    assertThat(PointInTime.parse("--as-of", "2001-01-15")).isEqualTo(day);
    assertThat(PointInTime.parse("--as-of", "979516800000")).isEqualTo(day);
    assertThatThrownBy(() -> PointInTime.parse("--as-of", "2001-01-15 00:00"))
        .isInstanceOf(UserMistake.class)
        .hasMessageContaining("--as-of 2001-01-15 00:00");
  }
}
