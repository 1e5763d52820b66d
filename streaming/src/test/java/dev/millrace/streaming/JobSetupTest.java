package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.Installation;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a job refuses to start with. */
class JobSetupTest {

  private static final Map<String, String> FILES =
      Map.of(
          "millrace.yaml",
          """
          project: shop
          sources: [{name: orders, schema: order.avsc, event-id: id, event-time: at}]
          entities: [{name: shop, keys: [shop]}]
          feature-views:
            - {name: shop_orders, entity: shop, source: orders, aggregations: [{function: count, windows: 1h}]}
          """,
          "order.avsc",
          """
          {"type": "record", "name": "Order", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "shop", "type": "string"}]}
          """);

  private static Installation.Plan plan(Map<String, String> applied, String... changedViews) {
    Project project = Definitions.read(FILES);
    Applied previous =
        new Applied(
            "shop",
            1,
            0,
            Map.of("shop_orders", new ViewIdentity(1, "000000000000")),
            List.of(),
            Map.of(),
            applied);
    return new Installation.Plan(
        project,
        FILES,
        previous,
        previous,
        List.of("feature view shop_orders: changed"),
        List.of(changedViews),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  @Test
  void onlyWhatWasAppliedRuns() {
    assertThatCode(() -> JobSetup.refuseDifference(plan(FILES))).doesNotThrowAnyException();
    assertThatThrownBy(() -> JobSetup.refuseDifference(plan(Map.of("millrace.yaml", "other"))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("differs from what was applied");
  }

  /** The files say the same, and a user's function of another version is in this process. */
  @Test
  void aViewOfAnotherDefinitionDoesNotRun() {
    assertThatThrownBy(() -> JobSetup.refuseDifference(plan(FILES, "shop_orders")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("feature view shop_orders: changed")
        .hasMessageContaining("run ./millrace apply");
  }
}
