package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Small projects for tests. */
final class Projects {

  private static final String YAML =
      """
      project: shop
      sources:
        - name: orders
          schema: event.avsc
          event-id: id
          event-time: at
      entities:
        - {name: shop, keys: [shop]}
      feature-views:
        - name: shop_orders
          entity: shop
          source: orders
          aggregations:
            - {function: count, windows: [10d]}
      models:
        - name: risk
          source: orders
          inputs:
            - shop_orders:*
          label: {source: orders, on: id, value: amount}
          training: {window: 10d}
      """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "shop", "type": "string"},
        {"name": "amount", "type": "float"},
        {"name": "flag", "type": ["null", "boolean"], "default": null, "doc": "for tests"}
      ]}
      """;

  private Projects() {}

  /** A project of one of everything, with texts replaced: old, new, old, new, ... */
  static Map<String, String> small(String... replacements) {
    return Map.of("millrace.yaml", replaced(YAML, replacements), "event.avsc", SCHEMA);
  }

  /** What is wrong with a project that cannot be read. */
  static List<String> mistakes(Map<String, String> files) {
    return mistakes(() -> Definitions.read(files));
  }

  static List<String> mistakes(Path folder) {
    return mistakes(() -> Definitions.read(folder));
  }

  private static List<String> mistakes(ThrowingCallable reading) {
    DefinitionException e = catchThrowableOfType(DefinitionException.class, reading);
    assertThat(e).as("mistakes of the project").isNotNull();
    return e.mistakes().stream().map(Mistake::toString).toList();
  }

  /** What is said of training on input x, of a kind that training takes none of. */
  static Project.Unbuilt untrained(int line, String kind) {
    return new Project.Unbuilt(
        "millrace.yaml",
        line,
        "models[0].training",
        "training on "
            + kind
            + " (input x; leave training out and register versions that are trained elsewhere) is"
            + " not built yet");
  }

  static String replaced(String text, String... replacements) {
    String result = text;
    for (int i = 0; i < replacements.length; i += 2) {
      if (!result.contains(replacements[i])) {
        throw new IllegalArgumentException("there is no " + replacements[i]);
      }
      result = result.replace(replacements[i], replacements[i + 1].stripTrailing());
    }
    return result;
  }
}
