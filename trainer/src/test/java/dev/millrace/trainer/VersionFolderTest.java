package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VersionFolderTest {

  private static final String KEY = "0123456789abcdef0123456789abcdef";

  private final Path dir;

  VersionFolderTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void theFilesOfAKeyAreWrittenOnce() throws IOException {
    VersionFolder folder = new VersionFolder(dir.toUri().toString(), "delay_risk");
    assertThat(folder.find(KEY)).isEmpty();
    Path first = folder.write(KEY, contents(1));
    // The registry may know the first one's hash.
    assertThat(folder.write(KEY, contents(2))).isEqualTo(first);
    assertThat(first).isEqualTo(dir.resolve("delay_risk").resolve("0123456789abcdef"));
    assertThat(folder.find(KEY)).contains(first);
    assertThat(VersionFolder.uri(first, VersionFolder.MODEL))
        .startsWith("file:///")
        .endsWith("0123456789abcdef/model.onnx");
    assertThat(Files.readAllBytes(first.resolve(VersionFolder.MODEL))).isEqualTo(new byte[] {1});
    try (var left = Files.list(dir.resolve("delay_risk"))) {
      assertThat(left).containsExactly(first);
    }
  }

  @Test
  void whatWasCutOffIsNotThere() throws IOException {
    VersionFolder folder = new VersionFolder(dir.toUri().toString(), "delay_risk");
    Path cutOff = Files.createDirectories(dir.resolve("delay_risk/.0123456789abcdef-17"));
    Files.writeString(cutOff.resolve(VersionFolder.MODEL), "half");
    assertThat(folder.find(KEY)).isEmpty();
    assertThat(folder.write(KEY, contents(1)).resolve(VersionFolder.MODEL)).exists();
    assertThat(cutOff).doesNotExist();
  }

  @Test
  void keysThatAreNoNamesAreRefused() {
    VersionFolder folder = new VersionFolder(dir.toUri().toString(), "delay_risk");
    assertThatThrownBy(() -> folder.find("../../etc"))
        .hasMessageContaining("Cannot write artifacts under key ../../etc");
  }

  @Test
  void otherStoresAreRefused() {
    assertThatThrownBy(() -> new VersionFolder("s3://bucket/models", "delay_risk"))
        .hasMessageContaining("Cannot write artifacts to s3://bucket/models");
  }

  private static Map<String, byte[]> contents(int content) {
    return Map.of(
        VersionFolder.MODEL, new byte[] {(byte) content}, VersionFolder.LINEAGE, new byte[0]);
  }
}
