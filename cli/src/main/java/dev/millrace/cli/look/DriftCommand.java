package dev.millrace.cli.look;

import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code drift}: what is measured of a model. */
@Command(
    name = "drift",
    description = "What is measured of a model.",
    subcommands = DriftCommand.Tail.class)
public final class DriftCommand implements Callable<Integer> {

  @Mixin GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run drift: name tail; see --help");
  }

  /** {@code drift tail MODEL}. */
  @Command(
      name = "tail",
      description = "Shows a model's drift and performance records as their windows close.")
  static final class Tail implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();
    @Mixin private TopicTail tail = new TopicTail();

    @Parameters(paramLabel = "MODEL", description = "The model's name.")
    private String model = "";

    @Option(names = "--alarms", description = "Shows only what is beyond its threshold.")
    private boolean alarms;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
      Target target = global.target();
      SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      Project owner =
          FoundProject.owning(
              "model", model, tail.project(), p -> p.model(model).isPresent(), target, registry);
      tail.show(
          target,
          registry,
          Map.of(
              Topics.drift(owner.name()),
              Wire.DRIFT,
              Topics.performance(owner.name()),
              Wire.PERFORMANCE),
          record ->
              model.equals(String.valueOf(record.get("model"))) && (!alarms || alarmed(record)),
          Tail::line,
          spec.commandLine().getOut());
      return Millrace.DONE;
    }

    private static boolean ofDrift(GenericRecord record) {
      return record.getSchema().getField("statistic") != null;
    }

    private static boolean alarmed(GenericRecord record) {
      return Boolean.TRUE.equals(record.get(ofDrift(record) ? "drifted" : "alarm"));
    }

    private static String line(GenericRecord record) {
      boolean drift = ofDrift(record);
      Object segment = record.get("segment");
      return String.format(
          Locale.ROOT,
          "%s version %s %s %s%s %s%s %s",
          Instant.ofEpochMilli((Long) record.get("window_end")),
          record.get("version"),
          drift ? record.get("feature") : record.get("role"),
          drift ? record.get("statistic") : record.get("metric"),
          segment == null ? "" : " of " + segment,
          number(record.get("value")),
          record.get("threshold") == null ? "" : " threshold " + number(record.get("threshold")),
          record.get("status"));
    }

    private static String number(@Nullable Object value) {
      return value instanceof Double number ? String.format(Locale.ROOT, "%.4f", number) : "-";
    }
  }
}
