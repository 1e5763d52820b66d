package dev.millrace.trainer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The trainer of a stack: it follows the retraining topics of every applied project and fulfils
 * their requests, one at a time ({@link RequestedTraining}).
 *
 * <p>What may pass by itself (no answer of the registry, a table that is not there yet, Kafka away)
 * is tried again, later each time; after {@value #ATTEMPTS} attempts an alert says so. What does
 * not is an alert at once.
 *
 * <p>{@code TrainerService [--target FILE] [--heartbeat FILE]}: the second file's time moves while
 * the process works.
 */
public final class TrainerService {

  private static final Logger LOG = LoggerFactory.getLogger(TrainerService.class);
  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration LOOK_FOR_PROJECTS = Duration.ofSeconds(5);
  private static final Duration HEARTBEAT = Duration.ofSeconds(2);
  private static final Duration FIRST_RETRY = Duration.ofSeconds(2);
  private static final Duration LAST_RETRY = Duration.ofMinutes(1);
  static final int ATTEMPTS = 12;

  private final Target target;
  private final SubjectRegistry registry;
  private final WireFormat.Reader reader;
  private Map<String, Known> byTopic = Map.of();

  /** How often a request was tried in vain; of as many as wait for another attempt. */
  private final Map<String, Integer> attempts = new HashMap<>();

  private TrainerService(Target target) {
    this.target = target;
    this.registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    this.reader = new WireFormat.Reader(registry, Wire.RETRAINING);
  }

  /** A project as applied, and what is wrong with it where it cannot be read. */
  private record Known(Applied applied, @Nullable Project project) {}

  /** Runs until it is ended; exits with 1 where it cannot go on. */
  public static void main(String[] args) throws IOException, InterruptedException {
    String targetFile = option(args, "--target");
    Target target =
        targetFile == null
            ? Target.fromEnvironment(System.getenv())
            : Target.read(Path.of(targetFile));
    String heartbeat = option(args, "--heartbeat");
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "heartbeat");
              thread.setDaemon(true);
              return thread;
            });
    if (heartbeat != null) {
      var unused =
          timer.scheduleAtFixedRate(
              () -> beat(Path.of(heartbeat)), 0, HEARTBEAT.toMillis(), TimeUnit.MILLISECONDS);
    }
    try {
      new TrainerService(target).run();
    } catch (IOException | RuntimeException e) {
      LOG.error("The trainer cannot go on", e);
      System.exit(1);
    }
  }

  private static @Nullable String option(String[] args, String name) {
    for (int i = 0; i + 1 < args.length; i++) {
      if (args[i].equals(name)) {
        return args[i + 1];
      }
    }
    return null;
  }

  private static void beat(Path file) {
    try {
      Files.writeString(file, Instant.now() + "\n");
    } catch (IOException e) {
      LOG.warn("Cannot write the heartbeat {}", file, e);
    }
  }

  private void run() throws IOException, InterruptedException {
    LOG.info("Following the retraining topics of every applied project");
    try (RetrainingRequests requests = new RetrainingRequests(target)) {
      RequestedTraining training =
          new RequestedTraining(
              new JournalLifecycle(new LifecycleLog(target, registry)),
              new TopicAlerts(target, registry),
              new WarehouseWorkshop(),
              System::currentTimeMillis,
              LOG::info);
      long lookedNanos = System.nanoTime() - LOOK_FOR_PROJECTS.toNanos();
      while (true) {
        if (System.nanoTime() - lookedNanos >= LOOK_FOR_PROJECTS.toNanos()) {
          lookForProjects(requests);
          lookedNanos = System.nanoTime();
        }
        for (ConsumerRecord<String, byte[]> record : requests.next(POLL)) {
          take(requests, training, record);
        }
      }
    }
  }

  private void lookForProjects(RetrainingRequests requests) {
    Map<String, Known> found = new TreeMap<>();
    try {
      new DefinitionsLog(target, registry)
          .latest()
          .forEach(
              (name, applied) -> {
                String topic = Topics.retraining(name);
                Known before = byTopic.get(topic);
                found.put(
                    topic,
                    before != null && before.applied().revision() == applied.revision()
                        ? before
                        : read(applied));
              });
      requests.follow(found.keySet());
    } catch (RuntimeException e) {
      LOG.warn("Cannot look for projects; trying again", e);
      return;
    }
    if (!found.keySet().equals(byTopic.keySet())) {
      LOG.info("Following {}", found.keySet());
    }
    byTopic = found;
  }

  private static Known read(Applied applied) {
    try {
      return new Known(applied, Definitions.read(applied.files()));
    } catch (DefinitionException e) {
      LOG.error(
          "Cannot read project {} (revision {}); apply it again",
          applied.project(),
          applied.revision(),
          e);
      return new Known(applied, null);
    }
  }

  private void take(
      RetrainingRequests requests,
      RequestedTraining training,
      ConsumerRecord<String, byte[]> record)
      throws InterruptedException {
    String place = record.topic() + " " + record.partition() + ":" + record.offset();
    Known known = byTopic.get(record.topic());
    Project project = known == null ? null : known.project();
    RetrainingRequest request = null;
    try {
      request = RetrainingRequest.of(reader.read(record.value()));
      if (request.isRequested()) {
        LOG.info(
            "Request {} for {}: cause {}, window up to {}",
            request.requestId(),
            request.model(),
            request.cause(),
            Instant.ofEpochMilli(request.endMillis()));
      }
      if (known == null || project == null) {
        throw new IOException("Cannot read the project of " + record.topic());
      }
      RequestedTraining.Outcome outcome =
          training.fulfil(project, known.applied().revision(), request);
      if (outcome != RequestedTraining.Outcome.SUPPRESSED) {
        LOG.info("Request {}: {}", request.requestId(), outcome);
      }
      requests.putAway(record);
      attempts.remove(place);
    } catch (IOException | RuntimeException e) {
      int failed = attempts.merge(place, 1, Integer::sum);
      if (failed >= ATTEMPTS && known != null) {
        if (givenUp(requests, training, record, known.applied().project(), request, e)) {
          attempts.remove(place);
          return;
        }
      }
      Duration after = after(failed);
      LOG.warn("{} failed for the {}. time; again in {}", place, failed, after, e);
      requests.retry(record, after);
    }
  }

  private static boolean givenUp(
      RetrainingRequests requests,
      RequestedTraining training,
      ConsumerRecord<String, byte[]> record,
      String project,
      @Nullable RetrainingRequest request,
      Exception why)
      throws InterruptedException {
    try {
      if (request == null) {
        LOG.error(
            "Passing over {} {}:{}: it is no request",
            record.topic(),
            record.partition(),
            record.offset(),
            why);
      } else {
        RequestedTraining.Outcome unused =
            training.giveUp(
                project,
                request,
                "after %d attempts: %s".formatted(ATTEMPTS, String.valueOf(why.getMessage())));
      }
      requests.putAway(record);
      return true;
    } catch (IOException | RuntimeException e) {
      LOG.warn("Cannot raise an alert", e);
      return false;
    }
  }

  private static Duration after(int failed) {
    Duration after = FIRST_RETRY.multipliedBy(1L << Math.min(failed - 1, 10));
    return after.compareTo(LAST_RETRY) > 0 ? LAST_RETRY : after;
  }

  /** Candidates from the warehouse, once it has caught up. */
  private final class WarehouseWorkshop implements RequestedTraining.Workshop {
    private final ModelTraining training = new ModelTraining(target, registry, LOG::info);

    @Override
    public Optional<Candidate> find(Model model, String requestId) throws IOException {
      return training.find(model, requestId);
    }

    @Override
    public Candidate make(
        Project project,
        int projectRevision,
        Model model,
        long startMillis,
        long endMillis,
        String requestId,
        ObjectNode extras)
        throws IOException, InterruptedException {
      try (JdbcCatalog catalog = Warehouse.open(target)) {
        WarehouseLag.of(catalog, LOG::info).await(project, model, endMillis);
      }
      return training.make(
          project,
          projectRevision,
          model,
          startMillis,
          endMillis,
          RequestedTraining.ACTOR,
          requestId,
          extras);
    }
  }
}
