package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxModelTest {

  private final Path dir;

  OnnxModelTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void theAnnouncedBytesLoad() throws Exception {
    Path file = TinyModels.write(dir, TinyModels.named(TinyModels.column(1, 2), "delay,hour"));
    String sha256 =
        HexFormat.of()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    try (OnnxModel model = OnnxModel.load(file, sha256.toUpperCase(Locale.ROOT), 2)) {
      assertThat(model.sha256()).isEqualTo(sha256);
      assertThat(model.inputs()).isEqualTo(2);
      assertThat(model.inputNames()).containsExactly("delay", "hour");
    }
  }

  @Test
  void otherBytesAreRefused() throws IOException {
    Path file = TinyModels.write(dir, TinyModels.column(1));
    assertRefused(file, "0".repeat(64), 1, "its sha256 is");
  }

  @Test
  void anotherSignatureIsRefused() throws IOException {
    Path file = TinyModels.write(dir, TinyModels.named(TinyModels.column(1, 2), "delay,hour"));
    assertRefused(file, null, 3, "it takes 2 inputs (delay, hour), the signature has 3");
  }

  @Test
  void whatIsNoScorerIsRefused() throws IOException {
    assertRefused(write(TinyModels.echo(3)), null, 3, "not [N], [N, 1] or [N, 2]");
    ModelProto fixed =
        TinyModels.model(
                TinyModels.FLOAT,
                1,
                new float[] {1},
                List.of(TinyModels.node("Sigmoid", "z", "p")),
                "p",
                2)
            .build();
    assertRefused(write(fixed), null, 1, "free number of rows");
    ModelProto.Builder two = TinyModels.column(1).toBuilder();
    two.getGraphBuilder().addOutput(two.getGraph().getOutput(0).toBuilder().setName("z"));
    assertRefused(write(two.build()), null, 1, "hold 2 float tensors, not one");
    Path noise = Files.writeString(dir.resolve("noise.onnx"), "this is no model");
    assertRefused(noise, null, 1, "ONNX Runtime refuses it");
  }

  @Test
  void anInputThatIsNoFloatIsRefused() throws IOException {
    ModelProto.Builder model = TinyModels.column(1).toBuilder();
    model
        .getGraphBuilder()
        .getInputBuilder(0)
        .getTypeBuilder()
        .getTensorTypeBuilder()
        .setElemType(TinyModels.DOUBLE);
    model
        .getGraphBuilder()
        .getInitializerBuilder(0)
        .setDataType(TinyModels.DOUBLE)
        .clearFloatData()
        .addDoubleData(1);
    model
        .getGraphBuilder()
        .getOutputBuilder(0)
        .getTypeBuilder()
        .getTensorTypeBuilder()
        .setElemType(TinyModels.DOUBLE);
    assertRefused(write(model.build()), null, 1, "is no float tensor");
  }

  private Path write(ModelProto model) throws IOException {
    return TinyModels.write(dir, model);
  }

  private static void assertRefused(Path file, @Nullable String sha256, int inputs, String why) {
    assertThatThrownBy(
            () -> {
              OnnxModel.load(file, sha256, inputs).close();
            })
        .isInstanceOf(ModelRefusedException.class)
        .hasMessageContaining("Cannot load model " + file)
        .hasMessageContaining(why);
  }
}
