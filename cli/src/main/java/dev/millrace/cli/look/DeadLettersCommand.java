package dev.millrace.cli.look;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code dead-letters}: what could not go on. */
@Command(
    name = "dead-letters",
    description = "Records that could not go on, and why.",
    subcommands = DeadLettersCommand.ListCommand.class)
public final class DeadLettersCommand implements Callable<Integer> {

  @Mixin GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run dead-letters: name list; see --help");
  }

  /**
   * Each letter once: a job that recovers may write again what it wrote after its last checkpoint.
   */
  static final class Once {
    private final Set<List<Object>> seen = new HashSet<>();

    boolean isFirst(GenericRecord letter) {
      return seen.add(
          List.of(
              String.valueOf(letter.get("topic")),
              letter.get("partition"),
              letter.get("offset"),
              String.valueOf(letter.get("stage")),
              String.valueOf(letter.get("reason"))));
    }
  }

  /** One line of the list, as JSON. */
  static ObjectNode json(GenericRecord letter) {
    ObjectNode object = new JsonMapper().createObjectNode();
    object.put("source", String.valueOf(letter.get("source")));
    object.put("partition", (Integer) letter.get("partition"));
    object.put("offset", (Long) letter.get("offset"));
    object.put("reason", String.valueOf(letter.get("reason")));
    object.put("message", String.valueOf(letter.get("message")));
    object.put("stage", String.valueOf(letter.get("stage")));
    return object;
  }

  /** {@code dead-letters list --project P}. */
  @Command(name = "list", description = "Lists a project's dead letters.")
  static final class ListCommand implements Callable<Integer> {

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Option(
        names = "--project",
        paramLabel = "P",
        required = true,
        description = "The name of an applied project, or a project's folder.")
    private @Nullable String project;

    @Option(names = "--json", description = "Prints one JSON object a line.")
    private boolean json;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      Target target = global.target();
      SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      Project found = FoundProject.named(String.valueOf(project), target, registry);
      PrintWriter out = spec.commandLine().getOut();
      WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.DEAD_LETTER);
      String topic = Topics.deadLetters(found.name());
      Once once = new Once();
      TopicLog.read(
          target,
          topic,
          record -> {
            GenericRecord letter;
            try {
              letter = reader.read(record.value());
            } catch (IOException e) {
              throw new UncheckedIOException(
                  "Cannot read " + topic + " at " + record.partition() + ":" + record.offset(), e);
            }
            if (once.isFirst(letter)) {
              out.println(json ? json(letter).toString() : line(letter));
            }
          });
      out.flush();
      return Millrace.DONE;
    }

    private static String line(GenericRecord letter) {
      return letter.get("reason")
          + " "
          + letter.get("source")
          + " "
          + letter.get("partition")
          + ":"
          + letter.get("offset")
          + " ("
          + letter.get("stage")
          + "): "
          + letter.get("message");
    }
  }
}
