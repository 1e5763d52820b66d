package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
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
    assertRefused(noise, null, 1, "are no ONNX model, or are cut off");
    byte[] whole = TinyModels.column(1, 2, 3).toByteArray();
    Path cut = Files.write(dir.resolve("cut.onnx"), Arrays.copyOf(whole, whole.length / 2));
    assertRefused(cut, null, 3, "are no ONNX model, or are cut off");
    Path empty = Files.write(dir.resolve("empty.onnx"), new byte[0]);
    assertRefused(empty, null, 3, "it has no graph");
  }

  @Test
  void aFormatThatIsTooNewIsRefused() throws IOException {
    ModelProto.Builder opset = TinyModels.column(1).toBuilder();
    opset.getOpsetImportBuilder(0).setVersion(99);
    assertRefused(write(opset.build()), null, 1, "IR 8, opset ai.onnx 99");
    ModelProto ir = TinyModels.column(1).toBuilder().setIrVersion(99).build();
    assertRefused(write(ir), null, 1, "IR 99, opset ai.onnx 15");
    ModelProto.Builder operator = TinyModels.column(1).toBuilder();
    operator.getGraphBuilder().getNodeBuilder(1).setOpType("Nonsense");
    assertRefused(write(operator.build()), null, 1, "Nonsense");
  }

  @Test
  void anOutputAsWideAsTheBatchIsRefused() throws IOException {
    assertRefused(write(TinyModels.asWideAsTheBatch()), null, 1, "shape [3, 3] for 3 rows");
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
