package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VersionFolderTest {

  private final Path dir;

  VersionFolderTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void aNumberIsGivenOnce() throws IOException {
    VersionFolder folder = new VersionFolder(dir.toUri().toString(), "delay_risk");
    VersionFolder.Written first = folder.write(1, VersionFolderTest::contents);
    // Announced or not, 1 is taken.
    VersionFolder.Written second = folder.write(1, VersionFolderTest::contents);
    assertThat(first.version()).isEqualTo(1);
    assertThat(second.version()).isEqualTo(2);
    assertThat(second.folder()).isEqualTo(dir.resolve("delay_risk").resolve("2"));
    assertThat(second.uri(VersionFolder.MODEL)).startsWith("file:///").endsWith("2/model.onnx");
    assertThat(Files.readAllBytes(second.folder().resolve(VersionFolder.MODEL)))
        .isEqualTo(new byte[] {2});
    try (var left = Files.list(dir.resolve("delay_risk"))) {
      assertThat(left.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("1", "2");
    }
  }

  @Test
  void aNumberTakenWhileWritingIsLeftToItsOwner() throws IOException {
    VersionFolder folder = new VersionFolder(dir.toUri().toString(), "delay_risk");
    VersionFolder.Written mine =
        folder.write(
            1,
            number -> {
              if (number == 1) {
                takeFirst();
              }
              return contents(number);
            });
    assertThat(mine.version()).isEqualTo(2);
    assertThat(dir.resolve("delay_risk/1/theirs")).exists();
  }

  @Test
  void otherStoresAreRefused() {
    assertThatThrownBy(() -> new VersionFolder("s3://bucket/models", "delay_risk"))
        .hasMessageContaining("Cannot write artifacts to s3://bucket/models");
  }

  private void takeFirst() {
    try {
      Path theirs = Files.createDirectories(dir.resolve("delay_risk/1"));
      Files.writeString(theirs.resolve("theirs"), "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, byte[]> contents(int number) {
    return Map.of(
        VersionFolder.MODEL, new byte[] {(byte) number}, VersionFolder.LINEAGE, new byte[0]);
  }
}
