package dev.millrace.cli.local;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.platform.Target;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Starts the local stack. */
@Command(
    name = "up",
    description =
        "Starts the local stack: Kafka, schema registry, Redis, Flink with its web UI, registry,"
            + " trainer, scoring on request; dead processes are restarted.")
public final class UpCommand implements Callable<Integer> {
  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    Target target =
        new LocalStack(global.stackDir(), global.portOffset())
            .up(
                line -> {
                  out.println(line);
                  out.flush();
                });
    out.println("Kafka            " + target.kafka());
    out.println("Schema registry  " + target.schemaRegistry());
    out.println("Redis            " + target.redis());
    out.println("Registry         " + target.registry());
    out.println(
        "Scoring          " + StackServices.scoringAddress(new StackPorts(global.portOffset())));
    out.println("Flink            " + target.flink());
    out.println("Warehouse        " + target.warehouse());
    out.flush();
    return Millrace.DONE;
  }
}
