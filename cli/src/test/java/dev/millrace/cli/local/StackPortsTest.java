package dev.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.Preflight.Verdict;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class StackPortsTest {
  private static final List<String> PROC_NET_TCP =
      List.of(
          "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
          "   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1",
          "   1: 0100007F:2384 0100007F:A0F2 01 00000000:00000000 00:00000000 00000000     0        0 4712 1",
          "   2: 0100007F:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1");

  @Test
  void defaultsAreTheContracts() {
    Target target = new StackLayout(Path.of("/x")).target(new StackPorts(0));
    assertThat(target.kafka()).isEqualTo("127.0.0.1:9092");
    assertThat(target.schemaRegistry()).isEqualTo("http://127.0.0.1:8085/apis/ccompat/v7");
    assertThat(target.redis().address()).isEqualTo("127.0.0.1:6379");
    assertThat(target.flink()).isEqualTo("http://127.0.0.1:8081");
    assertThat(target.registry()).isEqualTo(RegistryTarget.of("http://127.0.0.1:8090"));
    assertThat(StackServices.scoringAddress(new StackPorts(0))).isEqualTo("http://127.0.0.1:8091");
    assertThat(target.warehouse()).isEqualTo("file:///x/warehouse");
    assertThat(target.artifacts()).isEqualTo("file:///x/artifacts");
  }

  @Test
  void anOffsetMovesEveryPortAndNoneTwice() {
    List<Integer> first = new StackPorts(0).all().stream().map(StackPorts.Use::port).toList();
    List<Integer> second = new StackPorts(1000).all().stream().map(StackPorts.Use::port).toList();
    assertThat(first).doesNotHaveDuplicates().doesNotContainAnyElementsOf(second);
    assertThat(second).containsExactlyElementsOf(first.stream().map(p -> p + 1000).toList());
  }

  @Test
  void anOffsetBeyondThePortsIsTheUsersMistake() {
    assertThatThrownBy(() -> new StackPorts(60_000))
        .isInstanceOf(UserMistake.class)
        .hasMessageContaining("60000")
        .hasMessageContaining("smaller --port-offset");
  }

  @Test
  void aTakenPortIsAnErrorWithItsRepair() {
    Preflight preflight = new Preflight(new StackLayout(Path.of("/x")), new StackPorts(0));
    assertThat(preflight.ports(port -> port != 6379))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.verdict()).isEqualTo(Verdict.ERROR);
              assertThat(finding.name()).isEqualTo("port 6379");
              assertThat(finding.message()).contains("Redis", "--port-offset");
            });
    assertThat(preflight.ports(port -> true))
        .singleElement()
        .satisfies(finding -> assertThat(finding.verdict()).isEqualTo(Verdict.OK));
  }

  @Test
  void tooLittleDiskIsAnErrorWithItsRepair() {
    Preflight preflight = new Preflight(new StackLayout(Path.of("/x")), new StackPorts(0));
    assertThat(preflight.disk(100L << 20).verdict()).isEqualTo(Verdict.ERROR);
    assertThat(preflight.disk(100L << 20).message()).contains("100 MB free", "use another --dir");
    assertThat(preflight.disk(5L << 30).verdict()).isEqualTo(Verdict.WARNING);
    assertThat(preflight.disk(50L << 30).verdict()).isEqualTo(Verdict.OK);
  }

  @Test
  void onlyListeningSocketsHoldAPort() {
    assertThat(PortOwner.listeningInodes(PROC_NET_TCP, 9092)).containsExactly("4711");
    assertThat(PortOwner.listeningInodes(PROC_NET_TCP, 6379)).containsExactly("4713");
    assertThat(PortOwner.listeningInodes(PROC_NET_TCP, 8081)).isEmpty();
  }
}
