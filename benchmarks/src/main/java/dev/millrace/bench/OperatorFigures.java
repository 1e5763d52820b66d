package dev.millrace.bench;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import dev.millrace.inference.MeasuredScoring;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.OnnxModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Scoring without topics and stores: the whole operator, and the scorer inside of it, beside a bare
 * loop over ONNX Runtime that fills the same buffers. On one thread, in batches of the same size.
 */
final class OperatorFigures {

  private static final double GOAL = 0.8;
  private static final int BATCH = 256;
  private static final int ROWS = 4096;
  static final int FEATURES = 20;
  private static final int[] HIDDEN = {64, 32};

  /** Something that scores so many rows. */
  private interface Side {
    void score(int rows) throws Exception;
  }

  private final Path work;

  OperatorFigures(Path work) {
    this.work = work;
  }

  void measure(Bench bench) throws Exception {
    List<String> names = names();
    SplittableRandom random = new SplittableRandom(5);
    double[][] rows = rows(random);
    Files.createDirectories(work);
    measure(bench, "operator-logistic", network(random, FEATURES), names, rows);
    measure(bench, "operator-trees", TreeModel.onnx(names, 7), names, rows);
    measure(bench, "operator-mlp", network(random, FEATURES, HIDDEN), names, rows);
  }

  private void measure(Bench bench, String name, byte[] onnx, List<String> names, double[][] rows)
      throws Exception {
    Path file = work.resolve(name + ".onnx");
    Files.write(file, onnx);
    String sha256 = ScoringStage.sha256(onnx);
    try (OnnxModel model = OnnxModel.load(file, sha256, FEATURES);
        BareLoop bare = new BareLoop(onnx, rows, BATCH);
        BatchScorer scorer = model.scorer(BATCH);
        MeasuredScoring operator = new MeasuredScoring(file, sha256, names, rows, BATCH)) {
      Side alone = bare::score;
      Side own = batches -> score(scorer, rows, batches);
      Side whole = operator::score;
      double[][] paces = new double[3][bench.repeats()];
      for (Side side : List.of(alone, own, whole)) {
        double unusedWarmUp = pace(side, 2 * bench.seconds());
      }
      for (int repeat = 0; repeat < bench.repeats(); repeat++) {
        paces[0][repeat] = pace(alone, bench.seconds());
        paces[1][repeat] = pace(own, bench.seconds());
        paces[2][repeat] = pace(whole, bench.seconds());
      }
      Samples ceiling = new Samples(paces[0]);
      Samples inner = new Samples(paces[1]);
      Samples outer = new Samples(paces[2]);
      bench
          .say()
          .accept(
              String.format(
                  Locale.ROOT,
                  "  %s: bare loop %,.0f rows/s, scorer %,.0f, operator %,.0f",
                  name,
                  ceiling.median(),
                  inner.median(),
                  outer.median()));
      bench
          .report()
          .add(
              Figure.atLeast(
                  name,
                  outer,
                  "events/s",
                  ceiling.median(),
                  null,
                  outer.median() / ceiling.median(),
                  GOAL,
                  "events to prediction records on one thread, batches of "
                      + BATCH
                      + ", 20 inputs; ceiling: a bare loop over ONNX Runtime"));
      bench.report().add(new Detail(name + "-scorer", inner.median(), "rows/s"));
      bench
          .report()
          .add(
              new Detail(name + "-scorer-share", inner.median() / ceiling.median(), "of the loop"));
      bench
          .report()
          .add(
              new Detail(
                  name + "-beside-onnx",
                  1e6 / outer.median() - 1e6 / ceiling.median(),
                  "us/event"));
    }
  }

  private static void score(BatchScorer scorer, double[][] rows, int count) {
    int at = 0;
    for (int done = 0; done < count; done += BATCH) {
      for (int row = 0; row < BATCH; row++) {
        double[] values = rows[at++ % rows.length];
        for (int column = 0; column < values.length; column++) {
          scorer.put(row, column, values[column]);
        }
      }
      scorer.score(BATCH);
    }
  }

  static double[][] rows(SplittableRandom random) {
    double[][] rows = new double[ROWS][FEATURES];
    for (double[] row : rows) {
      for (int f = 0; f < FEATURES; f++) {
        row[f] = random.nextDouble(500);
      }
    }
    return rows;
  }

  static List<String> names() {
    return IntStream.range(0, FEATURES).mapToObj(f -> "f" + f).toList();
  }

  private static double pace(Side side, double seconds) throws Exception {
    long began = System.nanoTime();
    long scored = 0;
    do {
      side.score(ROWS);
      scored += ROWS;
    } while (System.nanoTime() - began < seconds * 1e9);
    return scored * 1e9 / (System.nanoTime() - began);
  }

  /** Layers of random weights with ReLU between them and a sigmoid at the end. */
  static byte[] network(SplittableRandom random, int inputs, int... hidden) {
    GraphProto.Builder graph = GraphProto.newBuilder().setName("network");
    graph.addInput(value("x", inputs));
    String from = "x";
    int width = inputs;
    for (int layer = 0; layer <= hidden.length; layer++) {
      int to = layer < hidden.length ? hidden[layer] : 1;
      graph.addInitializer(tensor("w" + layer, random, width, to));
      graph.addInitializer(tensor("b" + layer, random, to));
      graph.addNode(node("MatMul", "m" + layer, from, "w" + layer));
      graph.addNode(node("Add", "a" + layer, "m" + layer, "b" + layer));
      String out = layer < hidden.length ? "h" + layer : "p";
      graph.addNode(node(layer < hidden.length ? "Relu" : "Sigmoid", out, "a" + layer));
      from = out;
      width = to;
    }
    graph.addOutput(value("p", 1));
    return model(graph);
  }

  /** Layers of 32 and 32 with ReLU, then a softmax over classes, of which the largest is given. */
  static byte[] classifier(SplittableRandom random, int inputs, int classes) {
    GraphProto.Builder graph = GraphProto.newBuilder().setName("classifier");
    graph.addInput(value("x", inputs));
    String from = "x";
    int[] widths = {inputs, 32, 32, classes};
    for (int layer = 0; layer + 1 < widths.length; layer++) {
      graph.addInitializer(tensor("w" + layer, random, widths[layer], widths[layer + 1]));
      graph.addInitializer(tensor("b" + layer, random, widths[layer + 1]));
      graph.addNode(node("MatMul", "m" + layer, from, "w" + layer));
      graph.addNode(node("Add", "a" + layer, "m" + layer, "b" + layer));
      boolean last = layer + 2 == widths.length;
      graph.addNode(node(last ? "Softmax" : "Relu", "h" + layer, "a" + layer));
      from = "h" + layer;
    }
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("ReduceMax")
            .addInput(from)
            .addOutput("p")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("axes")
                    .setType(AttributeProto.AttributeType.INTS)
                    .addInts(1)));
    graph.addOutput(value("p", 1));
    return model(graph);
  }

  private static byte[] model(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(15))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static ValueInfoProto value(String name, int width) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT_VALUE)
                        .setShape(
                            TensorShapeProto.newBuilder()
                                .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("n"))
                                .addDim(
                                    TensorShapeProto.Dimension.newBuilder().setDimValue(width)))))
        .build();
  }

  private static TensorProto tensor(String name, SplittableRandom random, int... dims) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT_VALUE);
    int size = 1;
    for (int dim : dims) {
      tensor.addDims(dim);
      size *= dim;
    }
    for (int i = 0; i < size; i++) {
      // Small, so that sums of inputs up to 500 do not all end where a sigmoid is 0 or 1.
      tensor.addFloatData((float) random.nextDouble(-0.001, 0.001));
    }
    return tensor.build();
  }
}
