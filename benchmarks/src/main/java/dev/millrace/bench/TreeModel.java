package dev.millrace.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.trainer.XgboostToOnnx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A model of 100 whole trees of depth 6, whose splits and leaves come from a seed. It says nothing,
 * and costs what a trained one costs: each row takes its own way through every tree.
 */
final class TreeModel {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int TREES = 100;
  private static final int DEPTH = 6;
  private static final int SPLITS = (1 << DEPTH) - 1;
  private static final int NODES = (1 << (DEPTH + 1)) - 1;

  /** Half of what an input may be, so that its split parts the rows. */
  private static final double LARGEST = 500;

  static byte[] onnx(List<String> inputs, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    ObjectNode root = JSON.createObjectNode();
    ObjectNode learner = root.putObject("learner");
    learner.putObject("objective").put("name", "binary:logistic");
    learner
        .putObject("learner_model_param")
        .put("num_class", "0")
        .put("num_target", "1")
        .put("num_feature", String.valueOf(inputs.size()))
        .put("base_score", "5E-1");
    ObjectNode booster = learner.putObject("gradient_booster").put("name", "gbtree");
    ArrayNode trees = booster.putObject("model").putArray("trees");
    for (int tree = 0; tree < TREES; tree++) {
      add(trees.addObject(), inputs.size(), random);
    }
    return XgboostToOnnx.convert(root.toString().getBytes(StandardCharsets.UTF_8), inputs, TREES);
  }

  private static void add(ObjectNode tree, int inputs, SplittableRandom random) {
    tree.putObject("tree_param").put("size_leaf_vector", "1");
    ArrayNode left = tree.putArray("left_children");
    ArrayNode right = tree.putArray("right_children");
    ArrayNode conditions = tree.putArray("split_conditions");
    ArrayNode splits = tree.putArray("split_indices");
    ArrayNode defaultLeft = tree.putArray("default_left");
    for (int node = 0; node < NODES; node++) {
      boolean split = node < SPLITS;
      left.add(split ? 2 * node + 1 : -1);
      right.add(split ? 2 * node + 2 : -1);
      conditions.add(split ? random.nextDouble(LARGEST) : random.nextDouble(-0.1, 0.1));
      splits.add(split ? random.nextInt(inputs) : 0);
      defaultLeft.add(split && random.nextBoolean() ? 1 : 0);
    }
  }

  private TreeModel() {}
}
