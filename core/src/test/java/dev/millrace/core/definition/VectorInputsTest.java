package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Arrays of events as inputs of models. */
class VectorInputsTest {

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Photo", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "floats", "type": {"type": "array", "items": "float"}},
        {"name": "doubles", "type": ["null", {"type": "array", "items": "double"}]},
        {"name": "ints", "type": {"type": "array", "items": "int"}},
        {"name": "longs", "type": {"type": "array", "items": "long"}},
        {"name": "size", "type": "double"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "camera", "type": "string"}
      ]}
      """;

  @Test
  void anArrayFieldIsAVector() {
    for (String field : List.of("floats", "doubles", "ints", "longs", "[size, 1.0]")) {
      Project project = Definitions.read(files("{name: x, value: '" + field + "'}", ""));
      assertThat(project.unbuilt()).isEmpty();
      assertThat(project.models().get(0).inputs())
          .containsExactly(
              new Model.Input.OnDemand("x", field, Model.Input.Kind.VECTOR),
              new Model.Input.OnDemand("size", "size"));
    }
    assertThat(
            Definitions.read(files("{name: x, value: 'floats[0]'}", "")).models().get(0).inputs())
        .first()
        .isEqualTo(new Model.Input.OnDemand("x", "floats[0]"));
  }

  @Test
  void whatAVectorCannotBeIsSaidByItsPath() {
    assertThat(
            Projects.mistakes(
                files("{name: x, value: floats}", "    missing: {default: 0, x: 1}\n")))
        .containsExactly(
            "millrace.yaml:11: models[0].missing.x: nothing stands for input x, which is a"
                + " vector; leave it out: where a vector is missing, fallback answers");
    String training =
        """
            label: {source: photos, on: id, value: size}
            training: {window: 10d}
        """;
    assertThat(Definitions.read(files("{name: x, value: floats}", training)).unbuilt())
        .singleElement()
        .isEqualTo(Projects.untrained(12, "a vector"));
    assertThat(Projects.mistakes(files("{name: x, value: tags}", "")))
        .singleElement()
        .asString()
        .contains("models[0].inputs[0].value");
  }

  @Test
  void aNumberForOtherInputsStands() {
    Model model =
        Definitions.read(files("{name: x, value: floats}", "    missing: {default: 0, size: 1}\n"))
            .models()
            .get(0);
    assertThat(model.missingDefault()).isZero();
    assertThat(model.missing()).containsExactly(Map.entry("size", 1.0));
  }

  private static Map<String, String> files(String input, String rest) {
    return Map.of(
        "millrace.yaml",
        """
        project: photos
        sources:
          - {name: photos, schema: photo.avsc, event-id: id, event-time: at}

        models:
          - name: risk
            source: photos
            inputs:
              - %s
              - {name: size, value: size}
        %s"""
            .formatted(input, rest),
        "photo.avsc",
        SCHEMA);
  }
}
