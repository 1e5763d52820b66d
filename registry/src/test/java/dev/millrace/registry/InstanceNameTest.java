package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceNameTest {

  private final Path folder;

  InstanceNameTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void staysWithTheFolder() throws Exception {
    String first = InstanceName.in(folder.resolve("one"));
    assertThat(InstanceName.in(folder.resolve("one"))).isEqualTo(first);
    assertThat(InstanceName.in(folder.resolve("two"))).isNotEqualTo(first);
  }

  @Test
  void aFileThatWasCutOffIsMadeAnew() throws Exception {
    Path file = Files.writeString(folder.resolve("instance"), "");
    String name = InstanceName.in(folder);
    assertThat(name).isNotEmpty().isEqualTo(Files.readString(file));
  }
}
