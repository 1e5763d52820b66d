package dev.millrace.cli.look;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.events.RecordJson;
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
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code predictions}: what models said. */
@Command(
    name = "predictions",
    description = "What models said.",
    subcommands = PredictionsCommand.Tail.class)
public final class PredictionsCommand implements Callable<Integer> {

  @Mixin GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run predictions: name tail; see --help");
  }

  /** {@code predictions tail MODEL}. */
  @Command(name = "tail", description = "Shows a model's predictions as they come.")
  static final class Tail implements Callable<Integer> {

    private static final Duration POLL = Duration.ofMillis(200);

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Parameters(paramLabel = "MODEL", description = "The model's name.")
    private String model = "";

    @Option(
        names = "--project",
        paramLabel = "P",
        description = "The project, where the model's is not to be looked for.")
    private @Nullable String project;

    @Option(names = "--json", description = "Prints each record as JSON, one a line.")
    private boolean json;

    @Option(names = "--from-beginning", description = "Starts with the oldest one kept.")
    private boolean fromBeginning;

    @Option(names = "--max", paramLabel = "N", description = "Ends after so many predictions.")
    private long max = Long.MAX_VALUE;

    @Option(
        names = "--timeout",
        paramLabel = "D",
        description = "Ends when none came for so long, such as 10s; waits for ever if left out.")
    private @Nullable String timeout;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
      long timeoutNanos = timeout == null ? Long.MAX_VALUE : Spans.parse(timeout).toNanos();
      Target target = global.target();
      SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      Project owner =
          FoundProject.owning(
              "model", model, project, p -> p.model(model).isPresent(), target, registry);
      String topic = Topics.predictions(owner.name(), model);
      WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.PREDICTION);
      PrintWriter out = spec.commandLine().getOut();
      try (KafkaConsumer<String, byte[]> consumer =
          new KafkaConsumer<>(TopicLog.consumer(target))) {
        assign(consumer, topic);
        long shown = 0;
        long lastNanos = System.nanoTime();
        while (shown < max && System.nanoTime() - lastNanos < timeoutNanos) {
          var records = consumer.poll(POLL);
          for (ConsumerRecord<String, byte[]> record : records) {
            lastNanos = System.nanoTime();
            if (shown < max) {
              GenericRecord prediction = reader.read(record.value());
              out.println(json ? RecordJson.of(prediction) : line(prediction));
              shown++;
            }
          }
          // Whoever read the other end of a pipe may have left.
          if (!records.isEmpty() && out.checkError()) {
            break;
          }
        }
      }
      return Millrace.DONE;
    }

    private void assign(KafkaConsumer<String, byte[]> consumer, String topic) {
      List<TopicPartition> partitions =
          consumer.listTopics().getOrDefault(topic, List.of()).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList();
      if (partitions.isEmpty()) {
        throw new CommandFailed(
            "Cannot read the predictions of model "
                + model
                + ": there is no topic "
                + topic
                + "; run ./millrace apply on its project");
      }
      consumer.assign(partitions);
      if (fromBeginning) {
        consumer.seekToBeginning(partitions);
      } else {
        consumer.seekToEnd(partitions);
        partitions.forEach(consumer::position);
      }
    }

    private static String line(GenericRecord prediction) {
      return String.format(
          Locale.ROOT,
          "%s %s %s %.4f %s (version %s)",
          Instant.ofEpochMilli((Long) prediction.get("event_time")),
          prediction.get("event_id"),
          prediction.get("role"),
          (Double) prediction.get("score"),
          prediction.get("decision") == null ? "-" : prediction.get("decision"),
          prediction.get("version"));
    }
  }
}
