package dev.millrace.registry;

import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.registry.access.Authentication;
import dev.millrace.registry.access.LiveTokens;
import dev.millrace.registry.artifacts.ArtifactRoutes;
import dev.millrace.registry.artifacts.ArtifactStore;
import dev.millrace.registry.artifacts.ArtifactStores;
import dev.millrace.registry.artifacts.RunFiles;
import dev.millrace.registry.journal.Progress;
import dev.millrace.registry.mlflow.MlflowCatalog;
import dev.millrace.registry.mlflow.MlflowRoutes;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoint;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.tracking.FollowedTracking;
import dev.millrace.registry.tracking.MlflowTracking;
import dev.millrace.registry.tracking.RunArtifacts;
import dev.millrace.registry.tracking.TrackingWire;
import dev.millrace.registry.transfer.TransferLimits;
import dev.millrace.registry.transfer.TransferRoutes;
import dev.millrace.registry.transfer.TransferredJournal;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The registry's process: the topology and its HTTP API. */
public final class RegistryService {

  private static final Logger LOG = LoggerFactory.getLogger(RegistryService.class);

  private static final String APPLICATION = "millrace-registry";
  private static final long KAFKA_PATIENCE_SECONDS = 10;
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);
  private static final Duration IMPORT_PATIENCE = Duration.ofSeconds(30);
  // What is decided is committed when it is asked for (Promptness). This is for what became
  // nothing: each such commit is a transaction, behind which the next decision may have to wait.
  private static final int COMMIT_MILLIS = 1_000;
  // Who waits for others to be committed with waits for the end of this too.
  private static final int POLL_MILLIS = 10;
  // A transaction that begins before the last one is written off is tried again after this; it
  // doubles each time. Kafka's own 100 ms would be most of an answer.
  private static final int RETRY_MILLIS = 2;
  // A registry that was killed is taken for dead after this, and the next one begins.
  private static final int SESSION_MILLIS = 6_000;
  private static final int HEARTBEAT_MILLIS = 1_500;

  /**
   * @param args those of {@link RegistryOption}
   */
  public static void main(String[] args) throws InterruptedException {
    int status;
    try {
      status = run(RegistryOptions.of(args, System.getenv()));
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      LOG.error("{}", e.getMessage(), e);
      System.err.println(e.getMessage());
      status = 1;
    } catch (IllegalArgumentException e) {
      LOG.error("{}", e.getMessage());
      System.err.println(e.getMessage());
      status = 2;
    }
    // Also where a client's thread would keep the process.
    Runtime.getRuntime().halt(status);
  }

  private static int run(RegistryOptions options) throws IOException, InterruptedException {
    // Until the process ends.
    try (FolderLock unusedLock = FolderLock.of(options.state())) {
      return serve(options);
    }
  }

  private static int serve(RegistryOptions options) throws IOException, InterruptedException {
    Target target = options.target();
    LiveTokens tokens = options.tokens() == null ? null : LiveTokens.open(options.tokens());
    String cluster = prepare(target);
    SubjectRegistry subjects = new ConfluentSubjectRegistry(target.schemaRegistry());
    // One now, so that a schema registry that does not answer is told at once.
    var unusedWire = new JournalWire(subjects);
    LifecycleLog log = new LifecycleLog(target, subjects);
    Topology topology =
        RegistryTopology.of(
            made(() -> new JournalWire(subjects)),
            log::partition,
            made(() -> new TrackingWire(subjects)));
    boolean readingFailed;
    CountDownLatch over = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    // From then on a command that is appended is decided, here or where the task has gone.
    AtomicBoolean deciding = new AtomicBoolean();
    KafkaStreams streams =
        new KafkaStreams(
            topology, settings(target, options.state(), InstanceName.in(options.state())));
    streams.setUncaughtExceptionHandler(
        e -> {
          // A new process begins from the last commit; its supervisor waits longer each time.
          LOG.error("The registry cannot go on: {}", e.getMessage(), e);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          LOG.info("{} -> {}", before, now);
          if (now == KafkaStreams.State.RUNNING) {
            deciding.set(true);
          }
          if (now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING) {
            over.countDown();
          }
        });
    try (ArtifactStore artifacts =
            ArtifactStores.open(target, System.getenv(), options.state().resolve("uploads"));
        FollowedCatalogue catalogue =
            FollowedCatalogue.open(
                target,
                new JournalWire(subjects),
                new JournalWire(subjects),
                deciding::get,
                over::countDown);
        FollowedTracking tracking =
            FollowedTracking.open(
                target,
                new TrackingWire(subjects),
                new TrackingWire(subjects),
                deciding::get,
                over::countDown);
        DefinedModels defined =
            tokens == null ? null : DefinedModels.open(target, subjects, over::countDown);
        RegistryApi api =
            answering(
                options,
                tokens,
                new StreamsStates(streams, catalogue, tracking, defined),
                artifacts,
                log,
                KafkaJournals.of(target, subjects, catalogue, tracking),
                cluster)) {
      LOG.info(
          "Answering on {}://{}:{}, {}; artifacts are in {}",
          options.listening().scheme(),
          options.listening().host(),
          api.port(),
          tokens == null ? "to everybody" : "to who has a token",
          artifacts);
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    over.countDown();
                    awaitQuietly(closed);
                  },
                  "stop"));
      streams.start();
      over.await();
      readingFailed =
          catalogue.failure().isPresent()
              || tracking.failure().isPresent()
              || (defined != null && defined.failure().isPresent());
    }
    boolean failed = streams.state() == KafkaStreams.State.ERROR || readingFailed;
    var unusedWhetherInTime =
        streams.close(
            CloseOptions.timeout(CLOSE_PATIENCE)
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    LOG.info("Ended");
    closed.countDown();
    return failed ? 1 : 0;
  }

  private static RegistryApi answering(
      RegistryOptions options,
      @Nullable LiveTokens tokens,
      StreamsStates states,
      ArtifactStore artifacts,
      LifecycleLog log,
      List<TransferredJournal<?>> journals,
      String cluster) {
    DefinedModels defined = states.defined;
    ProjectRules rules =
        defined == null
            ? null
            : new ProjectRules(states.catalogue, states.tracking, defined::projects, states);
    return RegistryApi.start(
        options.listening(),
        states,
        new ScoringForward(options.scoring()),
        server -> {
          if (tokens != null) {
            AccessControl.addTo(server, new Authentication(tokens, Clock.systemUTC()));
          }
          FreshReads.addTo(server, states);
          new TimeTravel(log::read).addTo(server);
          new TransferRoutes(
                  journals,
                  cluster,
                  Clock.systemUTC(),
                  TransferLimits.of(MlflowTracking.bytesMax()),
                  IMPORT_PATIENCE,
                  states::isRunning,
                  options.state().resolve("transfer"))
              .addTo(server);
          MlflowRoutes.add(
              server,
              endpoints(states.catalogue, states.tracking, artifacts),
              states,
              rules == null ? MlflowRoutes.Admission.EVERYBODY : rules);
          ArtifactRoutes.add(
              server, artifacts, rules == null ? ArtifactRoutes.Admission.EVERYBODY : rules);
        });
  }

  /** Made where it is needed. */
  @FunctionalInterface
  interface Making<T> {
    T make() throws IOException;
  }

  static <T> Supplier<T> made(Making<T> making) {
    return () -> {
      try {
        return making.make();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  private static List<Endpoint> endpoints(
      FollowedCatalogue catalogue, FollowedTracking tracking, ArtifactStore artifacts) {
    Endpoints endpoints = new Endpoints();
    MlflowCatalog.addTo(endpoints, catalogue, Clock.systemUTC());
    MlflowTracking.addTo(endpoints, tracking, Clock.systemUTC());
    RunFiles.addTo(endpoints, artifacts, RunArtifacts.of(tracking));
    return endpoints.all();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      var unusedWhetherInTime = latch.await(CLOSE_PATIENCE.toSeconds() + 2, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes the topics; fails where the broker does not answer. Gives the id of the cluster. */
  private static String prepare(Target target) throws IOException, InterruptedException {
    try (Admin admin = Topics.admin(target)) {
      String cluster;
      try {
        cluster = admin.describeCluster().clusterId().get(KAFKA_PATIENCE_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        throw new IOException(
            "Cannot reach Kafka at "
                + target.kafka()
                + " ("
                + (e.getCause() == null
                    ? "no answer in " + KAFKA_PATIENCE_SECONDS + " s"
                    : e.getCause())
                + "); start it, or correct the target",
            e);
      }
      Topics.create(
          admin,
          List.of(Topics.LIFECYCLE, Topics.DEPLOYMENTS, Topics.TRACKING, Topics.DEFINITIONS));
      return cluster;
    } catch (KafkaException e) {
      throw new IOException(
          "Cannot reach Kafka at "
              + target.kafka()
              + ": "
              + e.getMessage()
              + "; correct the target",
          e);
    }
  }

  static Properties settings(Target target, Path state, String instance) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION);
    // Begins the names of its threads in the log.
    settings.put(StreamsConfig.CLIENT_ID_CONFIG, "registry");
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_MILLIS);
    settings.put(StreamsConfig.POLL_MS_CONFIG, POLL_MILLIS);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    // As many as the broker gives by itself: one on a single broker.
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, -1);
    settings.put(
        StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), SESSION_MILLIS);
    settings.put(
        StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG),
        HEARTBEAT_MILLIS);
    // Who was killed and comes back is the same member, and nobody waits for the dead one.
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), instance);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(
        StreamsConfig.producerPrefix(ProducerConfig.RETRY_BACKOFF_MS_CONFIG), RETRY_MILLIS);
    settings.put(
        StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG),
        Topics.RECORD_BYTES_MAX);
    return settings;
  }

  /** What was read, and how the topology does. */
  private record StreamsStates(
      KafkaStreams streams,
      FollowedCatalogue catalogue,
      FollowedTracking tracking,
      @Nullable DefinedModels defined)
      implements RegistryApi.States, Progress {
    /** What was not read yet must not look as if it were not there. */
    private void requireCaughtUp() {
      if (!isCaughtUp()) {
        throw new InvalidStateStoreException("the journal is still being read");
      }
    }

    @Override
    public boolean isCaughtUp() {
      return catalogue.isCaughtUp()
          && tracking.isCaughtUp()
          && (defined == null || defined.isCaughtUp());
    }

    @Override
    public void catchUp() throws InterruptedException {
      if (defined != null) {
        defined.catchUp();
      }
      catalogue.catchUp();
      tracking.catchUp();
    }

    @Override
    public String condition() {
      String streaming = streams.state().name();
      return streams.state() == KafkaStreams.State.RUNNING && !isCaughtUp() ? "READING" : streaming;
    }

    @Override
    public boolean isRunning() {
      return streams.state() == KafkaStreams.State.RUNNING && isCaughtUp();
    }

    @Override
    public Collection<String> models() {
      requireCaughtUp();
      return catalogue.models().stream().map(CataloguedModel::name).toList();
    }

    @Override
    public Optional<ModelState> model(String name) {
      requireCaughtUp();
      return catalogue.model(name).map(CataloguedModel::state);
    }
  }

  private RegistryService() {}
}
