package dev.millrace.cli.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProjectJobKindsTest {

  private static final String MODEL =
      "models: [{name: risk, source: orders, inputs: [{name: amount, value: amount}]}]\n";

  @Test
  void aJobWithoutWorkIsNotStarted() {
    assertThat(stages("true", "")).containsExactly("feature-pipeline");
    assertThat(stages("true", MODEL))
        .containsExactly("feature-pipeline", "inference", "drift-detector", "retrain-trigger");
    assertThat(stages("false", MODEL))
        .containsExactly("inference", "drift-detector", "retrain-trigger");
  }

  private static List<String> stages(String archive, String models) {
    return ProjectJobs.kinds(
            Definitions.read(
                Map.of(
                    "millrace.yaml",
                    """
                    project: shop
                    sources:
                      - name: orders
                        schema: order.avsc
                        event-id: id
                        event-time: at
                        archive: %s
                    %s"""
                        .formatted(archive, models),
                    "order.avsc",
                    """
                    {"type": "record", "name": "Order", "fields": [
                      {"name": "id", "type": "string"},
                      {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                      {"name": "amount", "type": "double"}
                    ]}
                    """)))
        .stream()
        .map(ProjectJobs.Kind::stage)
        .toList();
  }
}
