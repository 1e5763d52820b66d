package dev.millrace.cli.fraud;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Checkout;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import org.junit.jupiter.api.Test;

class FraudExampleTest {

  @Test
  void theExampleRunsAsItStands() {
    Project project = Definitions.read(Checkout.root().resolve("examples/fraud"));
    assertThat(project.unbuilt()).isEmpty();
    assertThat(project.model("fraud_risk").orElseThrow().inputs()).hasSize(19);
  }
}
