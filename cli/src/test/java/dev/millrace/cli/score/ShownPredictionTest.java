package dev.millrace.cli.score;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import dev.millrace.cli.Checkout;
import dev.millrace.cli.Millrace;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.schemas.Wire;
import dev.millrace.trainer.EventEvidence;
import dev.millrace.trainer.XgboostToOnnx;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.util.Utf8;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ShownPredictionTest {

  private static final Model MODEL =
      Definitions.read(Checkout.root().resolve("examples/flights")).models().get(0);
  private static final List<String> INPUTS =
      MODEL.inputs().stream().map(Model.Input::name).toList();

  private static final ScoringModel NOW = new ScoringModel(MODEL, List.of());

  /** Two trees of depth 1 on the first and the last input, as XGBoost writes them. */
  private static final String XGBOOST =
      """
      {"learner": {
        "objective": {"name": "binary:logistic"},
        "learner_model_param": {"base_score": "0.5", "num_class": "0", "num_target": "1",
          "num_feature": "%d"},
        "gradient_booster": {"name": "gbtree", "model": {"trees": [
          {"tree_param": {"size_leaf_vector": "1"}, "categories_nodes": [],
           "left_children": [1, -1, -1], "right_children": [2, -1, -1],
           "split_indices": [0, 0, 0], "split_conditions": [10.0, -0.5, 0.75],
           "default_left": [1, 0, 0]},
          {"tree_param": {"size_leaf_vector": "1"}, "categories_nodes": [],
           "left_children": [1, -1, -1], "right_children": [2, -1, -1],
           "split_indices": [%d, 0, 0], "split_conditions": [-1.0, 0.25, -0.125],
           "default_left": [0, 0, 0]}]}}}}
      """;

  private final Path folder;

  ShownPredictionTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void inputsAreScoredAgainAndExplained() throws Exception {
    Map<String, @Nullable Object> served = served();
    Rescored rescored = Rescored.of(NOW, version(3), INPUTS, served);
    double score = 1 / (1 + Math.exp(-(0.75 - 0.125)));
    assertThat(rescored.score()).isCloseTo(score, within(1e-6));
    assertThat(rescored.is(rescored.score())).isTrue();
    assertThat(rescored.is(Math.nextUp(rescored.score()))).isFalse();
    assertThat(rescored.contributions().errors()).isNull();
    // Against a row of zeros: the first tree is on its other side, the second is not.
    assertThat(rescored.contributions().base()).isCloseTo(-0.5 - 0.125, within(1e-6));
    assertThat(rescored.contributions().values().get(0)).isCloseTo(1.25, within(1e-6));
    assertThat(rescored.contributions().values().get(INPUTS.size() - 1)).isZero();
    assertThat(rescored.byWeight().get(0)).isZero();
  }

  @Test
  void whatStoodForAMissingInputIsThatOfTheDefinitionThen() throws Exception {
    NavigableMap<Integer, DefinitionsLog.Applied> revisions = new TreeMap<>();
    revisions.put(1, applied(1, 1_000, -7));
    revisions.put(2, applied(2, 2_000, 9));
    Model today = Definitions.read(files(9)).models().get(0);
    assertThat(ScoringModel.at(1_999, version(3), today, revisions).model().missingDefault())
        .isEqualTo(-7);
    assertThat(ScoringModel.at(2_000, version(3), today, revisions).model().missingDefault())
        .isEqualTo(9);
    ScoringModel before = ScoringModel.at(999, version(3), today, revisions);
    assertThat(before.model()).isEqualTo(today);
    assertThat(before.notes()).singleElement().asString().contains("no revision is known");
    // Of the two trees the first one asks for the input whose value was missing.
    Map<String, @Nullable Object> served = new LinkedHashMap<>();
    served.put("a", null);
    served.put("b", 0.5);
    double then = 1 / (1 + Math.exp(-(-0.5 - 0.125)));
    double now = 1 / (1 + Math.exp(-(0.75 - 0.125)));
    RegisteredVersion version = version(3, List.of("a", "b"), 8);
    Rescored again =
        Rescored.of(ScoringModel.at(1_500, version, today, revisions), version, null, served);
    assertThat(again.score()).isCloseTo(then, within(1e-6));
    assertThat(again.notes()).isEmpty();
    Rescored todays = Rescored.of(before, version, null, served);
    assertThat(todays.score()).isCloseTo(now, within(1e-6));
    assertThat(todays.notes()).hasSize(1);
  }

  private static DefinitionsLog.Applied applied(int revision, long atMillis, int missing) {
    return new DefinitionsLog.Applied(
        "shop", revision, atMillis, Map.of(), List.of(), Map.of(), files(missing));
  }

  private static Map<String, String> files(int missing) {
    return project("{default: " + missing + "}", "a", "double", "b");
  }

  /** A project of one model with two inputs of the event's own, of which one may be missing. */
  private static Map<String, String> project(
      String missing, String optional, String type, String number) {
    return Map.of(
        "millrace.yaml",
        """
        project: shop
        sources:
          - {name: orders, schema: order.avsc, event-id: id, event-time: at}
        models:
          - name: risk
            source: orders
            missing: %s
            inputs:
              - {name: %s, value: %s}
              - {name: %s, value: %s}
        """
            .formatted(missing, optional, optional, number, number),
        "order.avsc",
        """
        {"type": "record", "name": "Order", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "%s", "type": ["null", "%s"]},
          {"name": "%s", "type": "double"}]}
        """
            .formatted(optional, type, number));
  }

  @Test
  void anInputThatTheProfileLacksIsComparedWithZeroes() throws Exception {
    byte[] profile =
        "{\"format\": 1, \"inputs\": [], \"features\": [], \"performance\": []}"
            .getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("profile.json");
    Files.write(file, profile);
    RegisteredVersion of = version(3);
    RegisteredVersion version =
        registered(
            3, of.uri(), of.sha256(), file.toUri().toString(), ReferenceProfile.sha256(profile));
    Rescored rescored = Rescored.of(NOW, version, INPUTS, served());
    assertThat(rescored.against()).startsWith("a row of zeros");
    assertThat(rescored.notes()).singleElement().asString().contains(INPUTS.get(0));
    assertThat(rescored.contributions().base()).isCloseTo(-0.5 - 0.125, within(1e-6));
  }

  @Test
  void textsAreScoredAgainAndTriedOut() throws Exception {
    Model model =
        Definitions.read(project("{shop: shoes}", "shop", "string", "amount")).models().get(0);
    ScoringModel scoring = new ScoringModel(model, List.of());
    RegisteredVersion version = version(3, categories());
    GenericRecord prediction = new GenericData.Record(Wire.PREDICTION);
    for (String shop : Arrays.asList("hats", "nobody's", null)) {
      Map<CharSequence, @Nullable Object> told = new LinkedHashMap<>();
      told.put(new Utf8("shop"), shop == null ? null : new Utf8(shop));
      told.put(new Utf8("amount"), 0.5);
      prediction.put("inputs", told);
      Map<String, @Nullable Object> served = ShownPrediction.inputs(prediction);
      assertThat(served).containsEntry("shop", shop).containsEntry("amount", 0.5);
      Rescored rescored = Rescored.of(scoring, version, null, served);
      // What is missing is what the definition says: shoes.
      double place = shop == null ? 1 : shop.equals("hats") ? 2 : 0;
      double score = 1 / (1 + Math.exp(-(place + 0.5)));
      assertThat(rescored.score()).isCloseTo(score, within(1e-6));
      assertThat(rescored.against()).startsWith("a row of zeros and empty texts, because");
      double base = rescored.contributions().base();
      assertThat(base).isCloseTo(0.5, within(1e-6));
      assertThat(base + rescored.contributions().values().stream().mapToDouble(v -> v).sum())
          .isCloseTo(score, within(1e-6));
      assertThat(Math.abs(rescored.contributions().values().get(0)) > 1e-3).isEqualTo(place > 0);
    }
  }

  /** One text and one number; the text's place, from 1 on, among two, and the number are added. */
  private static byte[] categories() {
    AttributeProto.Builder keys = attribute("keys_strings", AttributeType.STRINGS);
    AttributeProto.Builder values = attribute("values_floats", AttributeType.FLOATS);
    for (String known : List.of("shoes", "hats")) {
      keys.addStrings(ByteString.copyFromUtf8(known));
      values.addFloats(values.getFloatsCount() + 1);
    }
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("texts")
            .addInput(value("shop", TensorProto.DataType.STRING_VALUE))
            .addInput(value("amount", TensorProto.DataType.FLOAT_VALUE))
            .addOutput(value("p", TensorProto.DataType.FLOAT_VALUE))
            .addNode(
                node("LabelEncoder", List.of("shop"), "code")
                    .setDomain("ai.onnx.ml")
                    .addAttribute(keys)
                    .addAttribute(values)
                    .addAttribute(attribute("default_float", AttributeType.FLOAT).setF(0)))
            .addNode(node("Add", List.of("code", "amount"), "z"))
            .addNode(node("Sigmoid", List.of("z"), "p"));
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(2))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static AttributeProto.Builder attribute(String name, AttributeType type) {
    return AttributeProto.newBuilder().setName(name).setType(type);
  }

  private static NodeProto.Builder node(String operator, List<String> inputs, String output) {
    return NodeProto.newBuilder().setOpType(operator).addAllInput(inputs).addOutput(output);
  }

  private static ValueInfoProto value(String name, int type) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setDimParam("n");
    shape.addDimBuilder().setDimValue(1);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)))
        .build();
  }

  @Test
  void whatWasNotServedIsRefused() throws Exception {
    RegisteredVersion version = version(3);
    assertThatThrownBy(() -> Rescored.of(NOW, version, List.of(INPUTS.get(0), "wind"), served()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("[wind]")
        .hasMessageContaining("./millrace score " + MODEL.name() + " --version 3");
  }

  @Test
  void everythingIsTold() throws Exception {
    Rescored rescored = Rescored.of(NOW, version(3), INPUTS, served());
    ShownPrediction shown =
        new ShownPrediction(
            MODEL,
            prediction(rescored),
            List.of("table a: not there", "topic b: found"),
            null,
            rescored,
            null,
            Rescored.of(NOW, version(4), INPUTS, served()),
            new EventEvidence.Label(1, 5_000, 2, 3),
            "1.0, by the event of 1970");
    JsonNode json = shown.json();
    assertThat(json.at("/prediction/event_id").asText()).isEqualTo("F-1");
    assertThat(json.at("/recomputation/equal").asBoolean()).isTrue();
    assertThat(json.at("/recomputation/contributions/method").asText()).isEqualTo("TREES");
    assertThat(json.at("/recomputation/contributions/inputs").size()).isEqualTo(INPUTS.size());
    assertThat(json.at("/with/version").asInt()).isEqualTo(4);
    assertThat(json.at("/with/difference").asDouble()).isZero();
    assertThat(json.at("/label/value").asDouble()).isEqualTo(1);
    JsonNode first = json.at("/inputs/0");
    assertThat(first.path("view").asText()).isEqualTo(view());
    assertThat(first.at("/row/version").asText()).isEqualTo("2-abcdefabcdef");
    assertThat(first.path("freshness").asText()).isEqualTo("INCLUDED");
    assertThat(String.join("\n", shown.lines()))
        .contains("recomputed with version 3: " + rescored.score() + ", equal bit for bit")
        .contains("definition 2-abcdefabcdef")
        .contains("exact contributions in log odds, against a row of zeros")
        .contains("label: 1.0")
        .contains("searched topic b: found");
  }

  @Test
  void theKeySaysThePartition() {
    for (String key : List.of("F-1", "", "ı", "0123456789")) {
      assertThat(PredictionSearch.partition(key, 7))
          .isEqualTo(BuiltInPartitioner.partitionForKey(key.getBytes(StandardCharsets.UTF_8), 7));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "predictions",
        "predictions show",
        "predictions show delay_risk",
        "predictions show delay_risk F-1 --with newest"
      })
  void mistakesAreTheUsers(String arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = Millrace.commandLine();
    line.setErr(new PrintWriter(err, true));
    assertThat(line.execute(arguments.split(" ", -1))).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).doesNotContain("not built").doesNotContain("Exception");
  }

  private static Map<String, @Nullable Object> served() {
    Map<String, @Nullable Object> served = new LinkedHashMap<>();
    for (String input : INPUTS) {
      served.put(input, 0.5);
    }
    served.put(INPUTS.get(0), 12.5);
    served.put(INPUTS.get(1), null);
    return served;
  }

  private RegisteredVersion version(int number) throws Exception {
    return version(number, INPUTS, 10);
  }

  private RegisteredVersion version(int number, List<String> inputs, int split) throws Exception {
    byte[] onnx =
        XgboostToOnnx.convert(
            XGBOOST
                .formatted(inputs.size(), inputs.size() - 1)
                .replace("[10.0,", "[" + split + ".0,")
                .getBytes(StandardCharsets.UTF_8),
            inputs,
            2);
    return version(number, onnx);
  }

  private RegisteredVersion version(int number, byte[] onnx) throws Exception {
    Path file = folder.resolve(number + ".onnx");
    Files.write(file, onnx);
    return registered(
        number,
        file.toUri().toString(),
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(onnx)),
        null,
        null);
  }

  private static RegisteredVersion registered(
      int number,
      String uri,
      String sha256,
      @Nullable String profileUri,
      @Nullable String profileSha256) {
    return new RegisteredVersion(
        number,
        RegisteredVersion.Status.VALIDATED,
        uri,
        sha256,
        profileUri,
        profileSha256,
        Map.of(),
        null,
        "key",
        "test",
        "test",
        0,
        null,
        null);
  }

  private static String view() {
    return ((Model.Input.OfView) MODEL.inputs().get(0)).view();
  }

  private static GenericRecord prediction(Rescored rescored) {
    GenericRecord record = new GenericData.Record(Wire.PREDICTION);
    record.put("prediction_id", "p1");
    record.put("event_id", "F-1");
    record.put("entity_keys", Map.of());
    record.put("event_time", 1_000L);
    record.put("scored_at", 1_005L);
    record.put("model", MODEL.name());
    record.put("version", 3);
    record.put("sha256", rescored.sha256());
    Schema role = Wire.PREDICTION.getField("role").schema();
    record.put("role", new GenericData.EnumSymbol(role, "CHAMPION"));
    record.put("score", rescored.score());
    record.put("inputs", served());
    record.put("freshness", Map.of(view(), "INCLUDED"));
    Schema rows = Wire.PREDICTION.getField("rows").schema().getTypes().get(1);
    GenericRecord row = new GenericData.Record(rows.getValueType());
    row.put("time", 900L);
    row.put("source", "0:4");
    row.put("version", "2-abcdefabcdef");
    record.put("rows", Map.of(view(), row));
    return record;
  }
}
