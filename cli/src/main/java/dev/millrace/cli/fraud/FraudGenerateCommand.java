package dev.millrace.cli.fraud;

import dev.millrace.cli.Checkout;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.fraud.FraudEvent.Report;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.PrintWriter;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code demo fraud-generate}: the world's events into any topic, at a rate. */
@Command(
    name = "fraud-generate",
    hidden = true,
    description = "Writes the fraud example's events into any topic, so many a second.")
public final class FraudGenerateCommand implements Callable<Integer> {

  private static final double NANOS_PER_SECOND = 1e9;

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Option(
      names = "--topic",
      paramLabel = "T",
      required = true,
      description = "The topic, made where it is not there; values are Avro of subject T-value.")
  private String topic = "";

  @Option(
      names = "--source",
      paramLabel = "S",
      defaultValue = FraudRecords.TRANSACTIONS,
      description = "transactions (the default) or fraud_reports.")
  private String source = FraudRecords.TRANSACTIONS;

  @Option(names = "--rate", paramLabel = "N", required = true, description = "Events a second.")
  private double rate;

  @Option(
      names = "--events",
      paramLabel = "N",
      description = "Ends after so many; all of the world's if left out.")
  private long most = Long.MAX_VALUE;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Of another world; 7 is that of the demo.")
  private long seed = FraudWorld.SEED;

  @Option(names = "--no-change", description = "A world without the new kind of fraud.")
  private boolean noChange;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    boolean transactions = source.equals(FraudRecords.TRANSACTIONS);
    if (!transactions && !source.equals(FraudRecords.REPORTS)) {
      throw new UserMistake(
          "Cannot generate "
              + source
              + ": the world has "
              + FraudRecords.TRANSACTIONS
              + " and "
              + FraudRecords.REPORTS
              + "; name one of them with --source");
    }
    if (!(rate > 0)) {
      throw new UserMistake("Cannot generate " + rate + " events a second: --rate is above 0");
    }
    Target target = global.target();
    Project project = Definitions.read(Checkout.root().resolve("examples/fraud"));
    FraudRecords records = FraudRecords.of(project);
    try (Admin admin = Topics.admin(target)) {
      Topics.create(admin, List.of(topic));
    }
    var schema = project.source(source).orElseThrow().schema();
    int id =
        new ConfluentSubjectRegistry(target.schemaRegistry())
            .register(Topics.subject(topic), schema.toString());
    WireFormat.Writer writer = new WireFormat.Writer(id, schema);
    long sent = 0;
    @Nullable Future<RecordMetadata> last = null;
    try (KafkaProducer<String, byte[]> producer = FraudPlayer.producer(target)) {
      long startNanos = System.nanoTime();
      Iterator<FraudEvent> events = new FraudWorld(seed, !noChange).events();
      while (sent < most && events.hasNext()) {
        FraudEvent event = events.next();
        GenericRecord record;
        String key;
        if (event instanceof Transaction transaction && transactions) {
          record = records.record(transaction);
          key = transaction.cardId();
        } else if (event instanceof Report report && !transactions) {
          record = records.record(report);
          key = report.transactionId();
        } else {
          continue;
        }
        long dueNanos = startNanos + (long) (sent / rate * NANOS_PER_SECOND);
        TimeUnit.NANOSECONDS.sleep(dueNanos - System.nanoTime());
        last = producer.send(new ProducerRecord<>(topic, key, writer.write(record)));
        sent++;
      }
      producer.flush();
      if (last != null) {
        RecordMetadata unused = last.get();
      }
    } catch (ExecutionException e) {
      throw new CommandFailed("Cannot write to topic " + topic + ": " + e.getCause(), e);
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(sent + " events into " + topic);
    out.flush();
    return Millrace.DONE;
  }
}
