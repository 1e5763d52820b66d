package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParityCheckTest {

  private final Path dir;

  ParityCheckTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void everyFormOfAModelGivesWhatAPlainRunGives() throws Exception {
    List<ModelProto> forms =
        List.of(
            TinyModels.column(1, -2),
            TinyModels.vector(1, -2),
            TinyModels.pair(1, -2),
            TypedModels.doubles(1, -2),
            TypedModels.wholes(TypedModels.INT64, 1, -2),
            TypedModels.maps(List.of("bad", "good"), 1, -2));
    for (ModelProto form : forms) {
      assertThat(flaw(form, List.of("a", "b"))).as("%s", form).isNull();
    }
    assertThat(flaw(TypedModels.several(2), List.of("a", "b", "hour", "c", "d"))).isNull();
    List<InputColumn> texts = List.of(InputColumn.text("c"), new InputColumn("n", 2));
    Path file = TinyModels.write(dir, TypedModels.categories(List.of("a", "b"), List.of("c"), 2));
    try (OnnxModel model = OnnxModel.load(file, null, texts, ComputeDevice.CPU)) {
      assertThat(ParityCheck.flaw(file, model, ParityCheck.madeUp(model, 300, 1))).isNull();
    }
  }

  @Test
  void rowsWithWhatATensorCannotHoldHaveNoScoreHereNorThere() throws Exception {
    double[][] rows = {{1, 0}, {Double.NaN, 1}, {0.5, 1}};
    assertThat(flaw(TypedModels.wholes(TypedModels.INT64, 1, -2), List.of("a", "b"), rows))
        .isNull();
    assertThat(flaw(TinyModels.column(1, -2), List.of("a", "b"), rows)).isNull();
  }

  /** As a network that was exported while it still trained. */
  @Test
  void aScoreThatDependsOnTheOtherRowsIsFound() throws Exception {
    NodeProto mean =
        TinyModels.node("ReduceMean", "z", "m").toBuilder()
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("axes")
                    .setType(AttributeProto.AttributeType.INTS)
                    .addInts(0))
            .build();
    NodeProto centred = TinyModels.node("Sub", "z", "c").toBuilder().addInput("m").build();
    ModelProto model =
        TinyModels.model(
                TinyModels.FLOAT,
                TinyModels.FREE,
                new float[] {1, -2},
                List.of(mean, centred, TinyModels.node("Sigmoid", "c", "p")),
                "p",
                2)
            .build();
    assertThat(flaw(model, List.of("a", "b")))
        .startsWith("row 0 has score ")
        .contains("among others");
  }

  private @Nullable String flaw(ModelProto form, List<String> names) throws IOException {
    Path file = TinyModels.write(dir, form);
    try (OnnxModel model =
        OnnxModel.load(file, null, InputColumn.single(names), ComputeDevice.CPU)) {
      double[][] rows = ParityCheck.madeUp(model, 300, 1);
      assertThat(ParityCheck.madeUp(model, 300, 1)).isDeepEqualTo(rows);
      return ParityCheck.flaw(file, model, rows);
    }
  }

  private @Nullable String flaw(ModelProto form, List<String> names, double[][] rows)
      throws IOException {
    Path file = TinyModels.write(dir, form);
    try (OnnxModel model =
        OnnxModel.load(file, null, InputColumn.single(names), ComputeDevice.CPU)) {
      return ParityCheck.flaw(file, model, rows);
    }
  }
}
