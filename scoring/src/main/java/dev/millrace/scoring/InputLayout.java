package dev.millrace.scoring;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which of a model's tensors takes which column of the signature.
 *
 * <p>A single tensor takes all of them. Of several, one that has the name of a column takes that
 * column; the others, in the model's order, take the columns that are left in theirs, each as many
 * as it is wide: tensors of texts those that are texts, the others the numbers.
 */
final class InputLayout {

  /**
   * A tensor that the model takes.
   *
   * @param width values a row
   * @param hasRank2 whether its shape is {@code [N, width]}, not {@code [N]}
   */
  record Node(String name, OnnxJavaType type, int width, boolean hasRank2) {
    boolean takesTexts() {
      return type == OnnxJavaType.STRING;
    }
  }

  /** What takes a column: a node by its index, and where in its row the column begins. */
  record Place(int node, int offset) {}

  private static final int FREE = -1;

  private final List<InputColumn> columns;
  private final List<Node> nodes = new ArrayList<>();
  private final Place[] places;

  private InputLayout(List<InputColumn> columns) {
    this.columns = columns;
    this.places = new Place[columns.size()];
  }

  /** How a session takes the columns of a signature; the exception says why it does not. */
  static InputLayout of(OrtSession session, List<InputColumn> columns, List<String> names)
      throws OrtException, UnreadableModelException {
    List<Node> taken = new ArrayList<>();
    for (NodeInfo info : session.getInputInfo().values()) {
      taken.add(node(info));
    }
    InputLayout layout = new InputLayout(settled(columns, taken));
    if (taken.size() == 1) {
      layout.takeAll(taken.get(0), names);
    } else {
      layout.takeNamed(taken);
      layout.takeRest();
    }
    return layout;
  }

  /**
   * The columns with the lengths of vectors that only the file knows: a vector's own tensor says
   * it, of one more what the tensors have left.
   */
  private static List<InputColumn> settled(List<InputColumn> columns, List<Node> nodes)
      throws UnreadableModelException {
    List<InputColumn> settled = new ArrayList<>(columns);
    List<Node> rest = new ArrayList<>(nodes);
    rest.removeIf(Node::takesTexts);
    int last = -1;
    int others = 0;
    for (int c = 0; c < columns.size(); c++) {
      InputColumn column = columns.get(c);
      Node own = nodes.size() == 1 ? null : named(nodes, column.name());
      if (own != null) {
        rest.remove(own);
      }
      if (column.isText()) {
        continue;
      }
      if (column.width() != InputColumn.AS_THE_FILE) {
        others += own == null ? column.width() : 0;
      } else if (own != null) {
        settled.set(c, new InputColumn(column.name(), fixed(own, column)));
      } else if (last >= 0) {
        throw new UnreadableModelException(
            "nothing says how long the vectors %s and %s are; give each an input of its name"
                .formatted(columns.get(last).name(), column.name()));
      } else {
        last = c;
      }
    }
    if (last >= 0) {
      InputColumn column = columns.get(last);
      int width = -others;
      for (Node node : rest) {
        width += fixed(node, column);
      }
      if (width < 1) {
        throw new UnreadableModelException(
            "its inputs take %d values a row, and the signature has %d beside the vector %s"
                .formatted(width + others, others, column.name()));
      }
      settled.set(last, new InputColumn(column.name(), width));
    }
    return List.copyOf(settled);
  }

  private static @Nullable Node named(List<Node> nodes, String name) {
    return nodes.stream().filter(n -> n.name().equals(name)).findFirst().orElse(null);
  }

  private static int fixed(Node node, InputColumn vector) throws UnreadableModelException {
    if (node.width() == FREE) {
      throw new UnreadableModelException(
          "its input %s has no fixed width, so nothing says how long the vector %s is"
              .formatted(node.name(), vector.name()));
    }
    return node.width();
  }

  List<InputColumn> columns() {
    return columns;
  }

  List<Node> nodes() {
    return nodes;
  }

  Place place(int column) {
    return places[column];
  }

  Node nodeOf(int column) {
    return nodes.get(places[column].node());
  }

  /** The tensors with the columns that each takes. */
  List<InputTensor> tensors() {
    List<InputTensor> tensors = new ArrayList<>();
    for (int n = 0; n < nodes.size(); n++) {
      Node node = nodes.get(n);
      int number = n;
      List<Integer> taken =
          IntStream.range(0, places.length)
              .filter(c -> places[c].node() == number)
              .boxed()
              .sorted(Comparator.comparingInt(c -> places[c].offset()))
              .toList();
      tensors.add(
          new InputTensor(
              node.name(),
              kind(node.type()),
              node.width(),
              node.hasRank2(),
              taken,
              taken.stream().map(c -> columns.get(c).width()).toList()));
    }
    return List.copyOf(tensors);
  }

  private static InputTensor.Kind kind(OnnxJavaType type) {
    return switch (type) {
      case FLOAT -> InputTensor.Kind.FLOAT;
      case DOUBLE -> InputTensor.Kind.DOUBLE;
      case INT64 -> InputTensor.Kind.INT64;
      case STRING -> InputTensor.Kind.TEXT;
      default -> throw new IllegalStateException("Cannot take values of " + type);
    };
  }

  private static void requireFit(Node node, InputColumn column) throws UnreadableModelException {
    if (node.takesTexts() != column.isText()) {
      throw new UnreadableModelException(
          "its input %s takes %s, and %s of the signature is %s"
              .formatted(
                  node.name(),
                  node.takesTexts() ? "texts" : "numbers",
                  column.name(),
                  column.isText() ? "a text" : "a number"));
    }
  }

  private void takeAll(Node only, List<String> names) throws UnreadableModelException {
    for (InputColumn column : columns) {
      requireFit(only, column);
    }
    int width = columns.stream().mapToInt(InputColumn::width).sum();
    if (only.width() != FREE && only.width() != width) {
      throw new UnreadableModelException(
          "it takes %d inputs%s, the signature has %d"
              .formatted(
                  only.width(),
                  names.isEmpty() ? "" : " (" + String.join(", ", names) + ")",
                  width));
    }
    nodes.add(new Node(only.name(), only.type(), width, only.hasRank2()));
    int offset = 0;
    for (int c = 0; c < columns.size(); c++) {
      places[c] = new Place(0, offset);
      offset += columns.get(c).width();
    }
  }

  private void takeNamed(List<Node> taken) throws UnreadableModelException {
    for (Node node : taken) {
      int width = node.width();
      for (int c = 0; c < columns.size(); c++) {
        InputColumn column = columns.get(c);
        if (column.name().equals(node.name())) {
          requireFit(node, column);
          if (width != FREE && width != column.width()) {
            throw new UnreadableModelException(
                "its input %s takes %d values a row, the signature has %d"
                    .formatted(node.name(), width, column.width()));
          }
          width = column.width();
          places[c] = new Place(nodes.size(), 0);
        }
      }
      nodes.add(new Node(node.name(), node.type(), width, node.hasRank2()));
    }
  }

  private void takeRest() throws UnreadableModelException {
    takeRest(false);
    takeRest(true);
    for (int c = 0; c < places.length; c++) {
      if (!placed(c)) {
        throw new UnreadableModelException(
            "no input of it takes %s; it has %s".formatted(columns.get(c).name(), nodes));
      }
    }
  }

  /** Gives each node of a kind that has no column's name the next columns that no other has. */
  private void takeRest(boolean texts) throws UnreadableModelException {
    List<Node> mine = nodes.stream().filter(n -> n.takesTexts() == texts && !isNamed(n)).toList();
    List<String> free = mine.stream().filter(n -> n.width() == FREE).map(Node::name).toList();
    if (free.size() > 1) {
      throw new UnreadableModelException(
          "its inputs %s have no fixed width, so the signature can be dealt out in many ways"
              .formatted(free));
    }
    ArrayDeque<Integer> open = new ArrayDeque<>();
    int left = 0;
    for (int c = 0; c < places.length; c++) {
      if (!placed(c) && columns.get(c).isText() == texts) {
        open.add(c);
        left += columns.get(c).width();
      }
    }
    for (Node node : mine) {
      left -= node.width() == FREE ? 0 : node.width();
    }
    for (Node node : mine) {
      int width = node.width() == FREE ? left : node.width();
      int n = nodes.indexOf(node);
      nodes.set(n, new Node(node.name(), node.type(), width, node.hasRank2()));
      int offset = 0;
      while (!open.isEmpty() && offset + columns.get(open.peek()).width() <= width) {
        int column = open.remove();
        places[column] = new Place(n, offset);
        offset += columns.get(column).width();
      }
      if (offset != width || width == 0) {
        throw new UnreadableModelException(
            "its input %s takes %d %s a row, of the signature %d are left for it"
                .formatted(node.name(), width, texts ? "texts" : "values", offset));
      }
    }
  }

  // The array has nulls until every column has its place.
  @SuppressWarnings("NullAway")
  private boolean placed(int column) {
    return places[column] != null;
  }

  private boolean isNamed(Node node) {
    return columns.stream().anyMatch(c -> c.name().equals(node.name()));
  }

  private static Node node(NodeInfo info) throws UnreadableModelException {
    if (!(info.getInfo() instanceof TensorInfo tensor)) {
      throw new UnreadableModelException("its input " + info.getName() + " is no tensor");
    }
    switch (tensor.type) {
      case FLOAT, DOUBLE, INT64, STRING -> {}
      default ->
          throw new UnreadableModelException(
              "its input %s is of %s; float, double, int64 and string are read"
                  .formatted(info.getName(), tensor.type));
    }
    long[] shape = tensor.getShape();
    boolean vector = shape.length == 1;
    if (!(vector || shape.length == 2) || shape[0] != FREE) {
      throw new UnreadableModelException(
          "input %s has shape %s, not [N, F] with a free number of rows"
              .formatted(info.getName(), Arrays.toString(shape)));
    }
    return new Node(info.getName(), tensor.type, vector ? 1 : Math.toIntExact(shape[1]), !vector);
  }
}
