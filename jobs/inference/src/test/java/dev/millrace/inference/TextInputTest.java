package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.TextInput;
import dev.millrace.core.row.Positions;
import dev.millrace.scoring.InputColumn;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.VarCharType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Texts of events and of rows on their way into a score, and what cannot be scored. */
class TextInputTest {

  private static final long NOON = RiskModel.NOON;
  private static final List<String> KNOWN = List.of("shoes", "gölge €", "hats/WEB");

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": "string"},
        {"name": "shop", "type": ["null", "string"]},
        {"name": "channel", "type": {"type": "enum", "name": "Channel", "symbols": ["WEB", "APP"]}},
        {"name": "amount", "type": ["null", "double"]}
      ]}
      """;

  private final Path folder;

  TextInputTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void eachEventIsScoredByItsText() throws Exception {
    Random random = new Random(9);
    List<String> shops = new ArrayList<>();
    try (Scoring scoring = new Scoring(plan("shop", ""), new OnnxModels(), version())) {
      for (int i = 0; i < 300; i++) {
        shops.add(random.nextInt(4) == 0 ? "nobody's" : KNOWN.get(random.nextInt(3)));
        scoring.event(event(i, shops.get(i), "WEB", i / 300.0));
      }
      scoring.barrier(1);
      assertThat(scoring.letters()).isEmpty();
      assertThat(scoring.predictions()).hasSize(300);
      for (int i = 0; i < 300; i++) {
        Prediction made = scoring.predictions().get(i);
        assertThat(made.score()).isCloseTo(score(shops.get(i), i / 300.0), within(1e-6));
        assertThat(made.inputs())
            .containsOnly(Map.entry("shop", shops.get(i)), Map.entry("amount", i / 300.0));
      }
    }
  }

  @Test
  void anEnumAndAnExpressionAreTexts() throws Exception {
    ScoringPlan plan = plan("shop == null ? channel : shop + '/' + channel", "");
    try (Scoring scoring = new Scoring(plan, new OnnxModels(), version())) {
      scoring.event(event(0, "hats", "WEB", 0.5));
      scoring.event(event(1, "hats", "APP", 0.5));
      scoring.event(event(2, null, "APP", 0.5));
      scoring.barrier(1);
      assertThat(scoring.predictions())
          .extracting(made -> made.inputs().get("shop"))
          .containsExactly("hats/WEB", "hats/APP", "APP");
      assertThat(scoring.predictions().get(0).score())
          .isCloseTo(score("hats/WEB", 0.5), within(1e-6));
      assertThat(scoring.last().score()).isCloseTo(score("", 0.5), within(1e-6));
    }
  }

  @Test
  void whatIsMissingIsWhatTheDefinitionSays() throws Exception {
    for (String says : List.of("", "missing: 7\n", "missing: {shop: shoes}\n")) {
      try (Scoring scoring = new Scoring(plan("shop", says), new OnnxModels(), version())) {
        scoring.event(event(0, "shoes", "WEB", 0.5));
        scoring.event(event(1, null, "WEB", 0.5));
        scoring.barrier(1);
        String stands = says.contains("shoes") ? "shoes" : "";
        assertThat(scoring.last().score()).isCloseTo(score(stands, 0.5), within(1e-6));
        // What was missing is told as such.
        assertThat(scoring.last().inputs()).containsEntry("shop", null);
      }
    }
  }

  @Test
  void anEventWithATextThatNoModelTakesGetsALetterAndOthersGoOn() throws Exception {
    String longest = "a".repeat(TextInput.MAX_CHARS);
    try (Scoring scoring = new Scoring(plan("shop", ""), new OnnxModels(), version())) {
      scoring.event(event(0, "shoes", "WEB", 0.5));
      scoring.event(event(1, longest + "a", "WEB", 0.5));
      scoring.event(event(2, "shoes \uD83D\uDE00", "WEB", 0.5));
      scoring.event(event(3, "shoes", "WEB", 0.5));
      scoring.event(event(4, longest, "WEB", 0.5));
      scoring.barrier(1);
      assertThat(scoring.predictions())
          .extracting(Prediction::eventId)
          .containsExactly("o0", "o3", "o4");
      assertThat(scoring.predictions().get(1).score())
          .isEqualTo(scoring.predictions().get(0).score());
      String takes = "model risk: version 1 takes no such text as shop: it";
      assertThat(scoring.letters())
          .extracting(DeadLetter::reason)
          .containsOnly(DeadLetter.Reason.NO_MODEL);
      assertThat(scoring.letters())
          .extracting(DeadLetter::message)
          .containsExactly(
              takes + " has 8193 characters, at most 8192 are taken and there is no fallback",
              takes
                  + "s character 6 is U+1F600, and ONNX Runtime takes none from Java that is U+0000"
                  + " or beyond U+FFFF and there is no fallback");
    }
    ScoringPlan answered = plan("shop", "fallback: '0.25'\n");
    try (Scoring scoring = new Scoring(answered, new OnnxModels(), version())) {
      scoring.event(event(0, longest + "a", "WEB", 0.5));
      scoring.barrier(1);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
      assertThat(scoring.last().score()).isEqualTo(0.25);
      assertThat(scoring.last().inputs()).containsEntry("shop", null);
    }
  }

  @Test
  void aFeatureOfAViewMayBeAText() throws Exception {
    FakeStore store = new FakeStore();
    String id = "1-" + viewId();
    // Numbers as texts are texts where the feature is one.
    store.row("features:{card:c0}:cards", NOON, "0:0", id, "newest", "gölge €", "count_1h", "3");
    store.row("features:{card:c1}:cards", NOON, "0:1", id, "newest", "7", "count_1h", "1");
    store.row("features:{card:c2}:cards", NOON, "0:2", id, "count_1h", "1");
    try (Scoring scoring =
        new Scoring(ofView("online"), new OnnxModels(), store, version("newest", KNOWN))) {
      for (int i = 0; i < 4; i++) {
        scoring.event(event(i, null, "WEB", null));
      }
      scoring.barrier(1);
      scoring.pass(60);
      assertThat(scoring.predictions())
          .extracting(made -> made.inputs().get("newest"))
          .containsExactlyInAnyOrder("gölge €", "7", null, null);
      for (Prediction made : scoring.predictions()) {
        boolean isKnown = made.eventId().equals("o0");
        double count = isKnown ? 3 : made.eventId().equals("o3") ? 0 : 1;
        assertThat(made.score())
            .as(made.eventId())
            .isCloseTo(score(isKnown ? "gölge €" : "", count), within(1e-6));
      }
    }
  }

  @Test
  void aRowOfATableHasItsTextsToo() throws Exception {
    ViewRead read = ofView("as-of").views().get(0);
    RowType type =
        RowType.of(
            new LogicalType[] {
              new VarCharType(),
              new TimestampType(6),
              new TimestampType(6),
              new VarCharType(),
              new VarCharType(),
              new BigIntType(),
              new VarCharType()
            },
            new String[] {
              "entity_key", "known_at", "_time", "_source", "_version", "count_1h", "newest"
            });
    List<LoggedRow> rows = new ArrayList<>();
    for (String shop : Arrays.asList("gölge €", null)) {
      new LoggedRows(read, type)
          .flatMap(
              GenericRowData.of(
                  StringData.fromString("c0"),
                  TimestampData.fromEpochMillis(NOON),
                  TimestampData.fromEpochMillis(NOON),
                  StringData.fromString("0:3"),
                  StringData.fromString("1-" + viewId()),
                  3L,
                  shop == null ? null : StringData.fromString(shop)),
              new ListCollector<>(rows));
    }
    int newest = read.indexOf("newest");
    assertThat(rows.get(0).row().value(newest)).isEqualTo("gölge €");
    assertThat(rows.get(1).row().value(newest)).isNull();
    assertThat(rows.get(0).row().value(read.indexOf("count_1h"))).isEqualTo(3.0);
    assertThat(LoggedRow.TYPE.createSerializer(null).copy(rows.get(0)).row().values())
        .containsExactly(rows.get(0).row().values());
  }

  @Test
  void whatIsParkedHeldOrJoinedKeepsItsTexts() throws Exception {
    @Nullable ViewRow[] rows = {
      new ViewRow(NOON, Positions.parse("0:3"), false, new @Nullable Object[] {"gölge €", 3.0}),
      null
    };
    Joined joined = new Joined(event(0, "shoes", "WEB", 4.0).event(), null, rows);
    Joined copy = Joined.TYPE.createSerializer(null).copy(joined);
    assertThat(Objects.requireNonNull(copy.event()).values()[3]).isEqualTo("shoes");
    @Nullable ViewRow[] copied = Objects.requireNonNull(copy.rows());
    assertThat(copied[1]).isNull();
    assertThat(Objects.requireNonNull(copied[0]).values()).containsExactly("gölge €", 3.0);
    assertThat(EventBytes.of(Objects.requireNonNull(copy.event()), copied))
        .isGreaterThan(
            EventBytes.of(Objects.requireNonNull(copy.event()), new @Nullable ViewRow[2]));
  }

  @Test
  void aFileThatTakesOtherKindsIsRefused() throws Exception {
    DeployedVersion version = Objects.requireNonNull(version().deployment().champion());
    Execution execution = new Execution(Model.Provider.CPU, 4, 2, null, true, true);
    assertThatThrownBy(
            () ->
                new OnnxModels()
                    .load(
                        "risk", version, InputColumn.single(List.of("shop", "amount")), execution))
        .hasMessageContaining("its input shop takes texts, and shop of the signature is a number");
    assertThatThrownBy(
            () ->
                new OnnxModels()
                    .load(
                        "risk",
                        version,
                        List.of(InputColumn.text("shop"), InputColumn.text("amount")),
                        execution))
        .hasMessageContaining(
            "its input numbers takes 1 values a row, of the signature 0 are left");
  }

  @Test
  @Timeout(60)
  void onRequest() throws Exception {
    try (RiskModel.Service service = new RiskModel.Service(plan("shop", ""), version())) {
      JsonNode made = service.send("/v1/models/risk/score", json("\"gölge €\""));
      assertThat(made.path("score").asDouble()).isCloseTo(score("gölge €", 4), within(1e-6));
      assertThat(made.at("/inputs/shop").asText()).isEqualTo("gölge €");
      JsonNode letter = service.send("/v1/models/risk/score", json("\"\\uD83D\\uDE00\""));
      assertThat(letter.path("reason").asText()).isEqualTo("NO_MODEL");
      assertThat(letter.toString()).contains("takes no such text as shop: its character 0 is");

      String shop = "{'name':'shop','shape':[3,1],'datatype':'BYTES','data':['gölge €',null,'?']}";
      String numbers = "{'name':'numbers','shape':[3,1],'datatype':'FP32','data':[4,4,4]}";
      String flat = shop.replace("[3,1]", "[3]");
      String amount = "{'name':'amount','shape':[3],'datatype':'FP64','data':[4,4,4]}";
      for (String inputs : List.of(shop + "," + numbers, amount + "," + flat)) {
        JsonNode data = service.infer(inputs).at("/outputs/0/data");
        assertThat(data.size()).as(inputs).isEqualTo(3);
        assertThat(data.get(0).asDouble()).isEqualTo(made.path("score").asDouble());
        assertThat(data.get(1).asDouble()).isCloseTo(score("", 4), within(1e-6));
        assertThat(data.get(2).asDouble()).isCloseTo(score("", 4), within(1e-6));
      }
      assertThat(service.infer(shop.replace("null", "1") + "," + numbers).path("error").asText())
          .contains("value 1 of input shop is 1, which no model takes: it is no text");
      assertThat(
              service.infer(shop.replace("BYTES", "FP32") + "," + numbers).path("error").asText())
          .contains("input shop has datatype FP32; expected BYTES");
      assertThat(service.send("/v2/models/risk", null).at("/inputs").toString())
          .contains("\"name\":\"shop\",\"datatype\":\"BYTES\",\"shape\":[-1,1]");
    }
  }

  private static String json(String shop) {
    return "{'id':'o1','at':%d,'card':'c','channel':'WEB','amount':4,'shop':%s}"
        .formatted(NOON, shop);
  }

  private static double score(String shop, double number) {
    return 1 / (1 + Math.exp(-(1 + KNOWN.indexOf(shop) + number)));
  }

  private static Inbound event(
      int number, @Nullable String shop, String channel, @Nullable Double amount) {
    return RiskModel.event(
        number, "o" + number, NOON + number, "c" + number, shop, channel, amount);
  }

  private DeploymentRecord version() throws Exception {
    return version("shop", KNOWN);
  }

  private DeploymentRecord version(String text, List<String> known) throws Exception {
    return RiskModel.version(folder, 0, 1, OnnxBytes.categories(text, known, 1));
  }

  private static ScoringPlan plan(String shop, String rest) throws IOException {
    return RiskModel.plan(
        "orders",
        SCHEMA,
        "",
        """
        inputs:
          - {name: shop, value: "%s"}
          - {name: amount, value: amount}
        %s"""
            .formatted(shop, rest));
  }

  private static ScoringPlan ofView(String reads) throws IOException {
    return RiskModel.plan(
        "orders",
        SCHEMA,
        """
        entities: [{name: card, keys: [card]}]
        feature-views:
          - name: cards
            entity: card
            source: orders
            aggregations:
              - {function: last, column: shop, name: newest}
              - {function: count, windows: 1h}
        """,
        """
        inputs:
          - cards:*
        features: %s
        missing: {default: 0}
        """
            .formatted(reads));
  }

  private static String viewId() throws IOException {
    String version = ofView("online").views().get(0).version();
    return version.substring(version.indexOf('-') + 1);
  }
}
