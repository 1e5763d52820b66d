package dev.millrace.cli.local;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.local.StackState.Phase;
import dev.millrace.cli.local.StackState.ServiceState;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what of the local stack works and where it is. */
@Command(
    name = "status",
    description = "Shows every process of the local stack and its address; 0 if all work, else 1.")
public final class StatusCommand implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();

  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    StackLayout layout = new StackLayout(global.stackDir());
    Optional<StackState> state = StackState.read(layout);
    boolean supervised = state.map(s -> s.supervisor().isAlive()).orElse(false);
    boolean ready = supervised && state.map(StackState::isReady).orElse(false);
    StackPorts ports =
        new StackPorts(state.map(StackState::portOffset).orElseGet(global::portOffset));
    List<ServiceState> services = state.map(StackState::services).orElse(List.of());
    List<String> problems = state.map(StackState::problems).orElse(List.of());
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(
          JSON.writerWithDefaultPrettyPrinter()
              .writeValueAsString(asJson(layout, ports, services, problems, supervised)));
    } else {
      print(out, layout, services, problems, supervised);
    }
    out.flush();
    return ready ? Millrace.DONE : Millrace.FAILED;
  }

  private static ObjectNode asJson(
      StackLayout layout,
      StackPorts ports,
      List<ServiceState> services,
      List<String> problems,
      boolean supervised) {
    Target target = layout.target(ports);
    RegistryTarget registry = target.registry();
    ObjectNode root = JSON.createObjectNode();
    root.put("kafka", target.kafka());
    root.put("schema_registry", target.schemaRegistry());
    root.put("redis", target.redis().address());
    root.put("flink", target.flink());
    root.put("registry", registry == null ? null : registry.url());
    root.put("scoring", StackServices.scoringAddress(ports));
    root.put("warehouse", target.warehouse());
    root.put("supervised", supervised);
    ArrayNode list = root.putArray("services");
    for (ServiceState service : services) {
      ObjectNode one = list.addObject();
      one.put("name", service.name());
      one.put("state", stateOf(service));
      ProcessIdentity process = service.process();
      if (process == null) {
        one.putNull("pid");
      } else {
        one.put("pid", process.pid());
      }
      one.put("restarts", service.restarts());
      one.put("address", service.address());
      one.put("log", service.log());
    }
    ArrayNode found = root.putArray("problems");
    problems.forEach(found::add);
    return root;
  }

  private static void print(
      PrintWriter out,
      StackLayout layout,
      List<ServiceState> services,
      List<String> problems,
      boolean supervised) {
    if (services.isEmpty()) {
      out.println("No stack runs in " + layout.dir() + "; start one with ./millrace up");
      return;
    }
    for (ServiceState service : services) {
      out.println(
          String.format(
              Locale.ROOT,
              "%-18s %-10s %-16s pid %-8s restarts %-3d %s",
              service.name(),
              stateOf(service),
              service.address(),
              service.process() == null ? "-" : Long.toString(service.process().pid()),
              service.restarts(),
              service.log()));
    }
    if (!supervised) {
      out.println("Nobody watches over these processes: the supervisor has died; ./millrace up");
    }
    problems.forEach(out::println);
  }

  private static String stateOf(ServiceState service) {
    Phase phase = service.phase();
    // The file says what was so when it was written; the process says what is so now.
    boolean gone = service.process() != null && !service.process().isAlive();
    return (gone && phase == Phase.READY ? "DEAD" : phase.name()).toLowerCase(Locale.ROOT);
  }
}
