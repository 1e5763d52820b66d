package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.MissingInputs;
import dev.millrace.core.model.TextInput;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Texts of events and of views as inputs of models. */
class TextInputsTest {

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": "string"},
        {"name": "shop", "type": ["null", "string"]},
        {"name": "channel", "type": {"type": "enum", "name": "Channel", "symbols": ["WEB", "APP"]}},
        {"name": "amount", "type": "double"}
      ]}
      """;

  @Test
  void aFieldAnExpressionAndAFeatureMayBeTexts() {
    for (String value :
        List.of("shop", "channel", "channel + '/' + card", "card.substring(0, 1)")) {
      Project project = Definitions.read(files("{name: x, value: \"" + value + "\"}", ""));
      assertThat(project.unbuilt()).isEmpty();
      assertThat(project.models().get(0).inputs())
          .containsExactly(
              new Model.Input.OnDemand("x", value, Model.Input.Kind.TEXT),
              new Model.Input.OnDemand("amount", "amount"));
    }
    assertThat(Definitions.read(files("cards:*", "")).models().get(0).inputs())
        .startsWith(
            new Model.Input.OfView(
                "shop_last", "cards", "shop_last", List.of("card"), Model.Input.Kind.TEXT),
            new Model.Input.OfView("count_1h", "cards", "count_1h", List.of("card")));
  }

  @Test
  void aTextOfItsOwnMayStandForAMissingOne() {
    Model model =
        Definitions.read(
                files("{name: x, value: shop}", "    missing: {default: 0, x: none, amount: 3}\n"))
            .models()
            .get(0);
    assertThat(model.missingTexts()).containsExactly(Map.entry("x", "none"));
    assertThat(model.missing()).containsExactly(Map.entry("amount", 3.0));
    MissingInputs missing = MissingInputs.of(model);
    assertThat(missing.text(0)).isEqualTo("none");
    assertThat(missing.value(1)).isEqualTo(3);
    assertThat(
            MissingInputs.of(
                    Definitions.read(files("{name: x, value: shop}", "    missing: 0\n"))
                        .models()
                        .get(0))
                .text(0))
        .isEmpty();
  }

  @Test
  void whatATextCannotBeIsSaidByItsPath() {
    assertThat(Projects.mistakes(files("{name: x, value: shop}", "    missing: {x: \"\\0\"}\n")))
        .containsExactly(
            "millrace.yaml:19: models[0].missing.x: no model takes this text: its character 0 is"
                + " U+0000, and ONNX Runtime takes none from Java that is U+0000 or beyond U+FFFF;"
                + " write another one");
    assertThat(Projects.mistakes(files("{name: x, value: at}", "")))
        .singleElement()
        .asString()
        .contains(
            "models[0].inputs[0].value",
            "it gives a point in time where a number, a list of numbers or a text is needed");
    String training =
        """
            label: {source: orders, on: id, value: amount}
            training: {window: 10d}
        """;
    assertThat(Definitions.read(files("{name: x, value: shop}", training)).unbuilt())
        .singleElement()
        .isEqualTo(Projects.untrained(20, "a text"));
  }

  @Test
  void aModelTakesTextsOfALimitedLength() {
    assertThat(TextInput.flaw("")).isNull();
    assertThat(TextInput.flaw("Ä€\uFFFF")).isNull();
    assertThat(TextInput.flaw("a".repeat(TextInput.MAX_CHARS))).isNull();
    assertThat(TextInput.flaw("a".repeat(TextInput.MAX_CHARS + 1)))
        .isEqualTo("it has 8193 characters, at most 8192 are taken");
    assertThat(TextInput.flaw("ab😀")).startsWith("its character 2 is U+1F600, and");
    assertThat(TextInput.flaw("\uD800")).startsWith("its character 0 is U+D800, and");
  }

  private static Map<String, String> files(String input, String rest) {
    return Map.of(
        "millrace.yaml",
        """
        project: shop
        sources:
          - {name: orders, schema: order.avsc, event-id: id, event-time: at}
        entities:
          - {name: card, keys: [card]}
        feature-views:
          - name: cards
            entity: card
            source: orders
            aggregations:
              - {function: last, column: shop}
              - {function: count, windows: 1h}
        models:
          - name: risk
            source: orders
            inputs:
              - %s
              - {name: amount, value: amount}
        %s"""
            .formatted(input, rest),
        "order.avsc",
        SCHEMA);
  }
}
