package dev.millrace.cli.local;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.local.Preflight.Finding;
import dev.millrace.cli.local.Preflight.Verdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says what this machine lacks. */
@Command(
    name = "doctor",
    description = "Checks what the local stack needs of this machine, and says each repair.")
public final class DoctorCommand implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();

  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    StackLayout layout = new StackLayout(global.stackDir());
    boolean running =
        StackState.read(layout).map(state -> state.supervisor().isAlive()).orElse(false);
    List<Finding> findings =
        new Preflight(layout, new StackPorts(global.portOffset())).all(running);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode root = JSON.createObjectNode();
      ArrayNode list = root.putArray("checks");
      for (Finding finding : findings) {
        list.addObject()
            .put("name", finding.name())
            .put("verdict", finding.verdict().name().toLowerCase(Locale.ROOT))
            .put("message", finding.message());
      }
      out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
    } else {
      for (Finding finding : findings) {
        out.println(
            String.format(
                Locale.ROOT,
                "%-8s %-10s %s",
                finding.verdict().name().toLowerCase(Locale.ROOT),
                finding.name(),
                finding.message()));
      }
    }
    out.flush();
    return findings.stream().allMatch(f -> f.verdict() == Verdict.OK)
        ? Millrace.DONE
        : Millrace.FAILED;
  }
}
