package dev.millrace.cli.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Millrace;
import dev.millrace.registry.access.AccessToken;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.access.TokenFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class TokensCommandTest {

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int execute(String... arguments) {
    CommandLine line = Millrace.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(arguments);
  }

  @Test
  void aTokenIsShownOnceAndKeptAsItsDigest(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("tokens.yaml");
    assertThat(
            execute(
                "tokens",
                "add",
                "trainer",
                "--role",
                "contributor",
                "--project",
                "flights",
                "--project",
                "fraud",
                "--expires",
                "2031-01-01",
                "--file",
                file.toString()))
        .as(err.toString())
        .isZero();
    String secret = out.toString().strip();
    assertThat(TokenFile.read(file))
        .containsExactly(
            new AccessToken(
                "trainer",
                AccessToken.sha256(secret),
                Role.CONTRIBUTOR,
                Projects.of(List.of("flights", "fraud")),
                Instant.parse("2031-01-01T00:00:00Z")));
    assertThat(Files.readString(file)).doesNotContain(secret);
    assertThat(
            execute(
                "tokens",
                "add",
                "trainer",
                "--role",
                "admin",
                "--project",
                "*",
                "--file",
                file.toString()))
        .isEqualTo(Millrace.FAILED);
    assertThat(err.toString()).contains("name trainer: is there twice");
  }

  @Test
  void withoutAFileItsLinesAreShown() {
    assertThat(execute("tokens", "add", "a", "--role", "admin", "--project", "*")).isZero();
    assertThat(out.toString()).matches("mrt_[A-Za-z0-9_-]{43}\\s+");
    assertThat(err.toString())
        .contains("sha256: \"" + AccessToken.sha256(out.toString().strip()), "projects: [\"*\"]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tokens",
        "tokens add",
        "tokens add a --role admin",
        "tokens add a --project p",
        "tokens add a --role god --project p",
        "tokens add a --role admin --project P",
        "tokens add a:b --role admin --project p",
        "tokens add a --role admin --project p --expires soon"
      })
  void mistakesAreTheUsers(String arguments) {
    assertThat(execute(arguments.split(" ", -1))).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(out.toString()).isEmpty();
    assertThat(err.toString()).doesNotContain("Exception");
  }
}
