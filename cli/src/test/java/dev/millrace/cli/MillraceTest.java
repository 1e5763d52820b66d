package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MillraceTest {
  private final StringWriter err = new StringWriter();

  private int execute(String... args) {
    CommandLine line = Millrace.commandLine();
    line.setErr(new PrintWriter(err, true));
    return line.execute(args);
  }

  @Test
  void everyCommandOfTheContractIsThereByName() {
    for (String path : NotBuilt.CONTRACT) {
      String[] names = path.split(" ", -1);
      CommandLine at = Millrace.commandLine();
      for (int i = 0; i < names.length; i++) {
        assertThat(at.getSubcommands()).as(path).containsKey(names[i]);
        at = Objects.requireNonNull(at.getSubcommands().get(names[i]));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"chaos", "forget", "drill inject", "--dir /tmp/x chaos --anything 1"})
  void whatIsNotBuiltSaysSo(String command) {
    assertThat(execute(command.split(" ", -1))).isEqualTo(2);
    assertThat(err.toString()).contains("is not built yet").doesNotContain("Exception");
  }

  @Test
  void anUnknownCommandIsTheUsersMistake() {
    assertThat(execute("bogus")).isEqualTo(2);
    assertThat(err.toString()).contains("'bogus'");
  }

  @Test
  void noCommandIsTheUsersMistake() {
    assertThat(execute()).isEqualTo(2);
    assertThat(err.toString()).contains("no command is named");
  }
}
