package dev.millrace.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.Checkout;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.apply.ApplyCommand;
import dev.millrace.cli.apply.ProjectFolder;
import dev.millrace.cli.fraud.FraudPlayer;
import dev.millrace.cli.fraud.FraudWorld;
import dev.millrace.cli.local.AppliedJobs;
import dev.millrace.cli.models.RegistryRequest;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.Metrics;
import dev.millrace.trainer.ModelTraining;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Sixty days of payments in minutes: a model ages on day 31, and nobody but the loop itself does
 * anything about it.
 */
final class FraudDemo {

  private static final String MODEL = "fraud_risk";
  private static final String ACTOR = "demo";
  private static final int STEPS = 6;
  private static final int HISTORY_DAYS = 28;

  /**
   * Rows reach inference with the checkpoint that has them, seconds later: so much event time goes
   * by meanwhile. Before a model serves, nothing is decided that could come too late.
   */
  private static final Duration HISTORY_AHEAD = Duration.ofDays(4);

  /** On this day a bad version is forced in, where that is asked for. */
  private static final int BAD_DAY = 33;

  /** A successor that has not seen the new kind of fraud stays below .7. */
  private static final double SUCCESSOR_AUC_LEAST = 0.9;

  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Duration PAUSE = Duration.ofMillis(200);

  /** Longer than a checkpoint and what follows it: then nothing more is under way. */
  private static final Duration QUIET = Duration.ofSeconds(12);

  private final StackVisit visit;
  private final Narration narration;
  private final StackOptions options;
  private final Waiting waiting;
  private final Plan plan;
  private final FraudSummary summary = new FraudSummary();
  private double phaseSeconds;

  /**
   * What is told.
   *
   * @param change whether the new kind of fraud comes
   * @param badSuccessor whether a bad version is forced in
   * @param days of the world that are played
   * @param ahead how far event time may be beyond what has come of it, once a model serves
   */
  record Plan(boolean change, boolean badSuccessor, int days, Duration ahead) {}

  FraudDemo(Path dir, int portOffset, Narration narration, StackOptions options, Plan plan) {
    this.visit = new StackVisit(dir, portOffset, narration, options);
    this.narration = narration;
    this.options = options;
    this.waiting = new Waiting(narration);
    this.plan = plan;
  }

  /** Tells the whole story; fails where a step did not really happen. */
  void run(boolean exit, Consumer<FraudSummary> finished) throws Exception {
    visit.during(exit, () -> tell(finished));
  }

  /** What all steps after the first two work with. */
  private record Scene(
      Target target,
      SubjectRegistry registry,
      Project project,
      Model model,
      FraudTruth truth,
      PredictionLedger ledger,
      LoopState state,
      LoopWatch watch,
      FraudPlayer player,
      FraudReplay replay) {}

  private void tell(Consumer<FraudSummary> finished) throws Exception {
    Path folder = Checkout.root().resolve("examples/fraud");
    Path logs = visit.layout().logs();
    Path jobLog = logs.resolve("flink-taskmanager.log");
    Target target =
        narration.step(
            STEPS,
            "up: Kafka, schema registry, Redis, Flink, model registry, trainer",
            logs.resolve("supervisor.log"),
            visit::up);
    phase("up");
    Project project =
        narration.step(
            STEPS,
            "apply examples/fraud: topics, tables, four Flink jobs",
            logs.resolve("flink-jobmanager.log"),
            () -> apply(folder, target));
    phase("apply");
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    FraudWorld world = new FraudWorld(FraudWorld.SEED, plan.change());
    FraudTruth truth = new FraudTruth(world);
    PredictionLedger ledger = new PredictionLedger(project.name(), MODEL, truth.transactions());
    LoopState state = new LoopState(MODEL);
    LoopStory story = new LoopStory(narration, () -> scoredMillis(truth, ledger));
    Model model = project.model(MODEL).orElseThrow();
    Duration maturity =
        Objects.requireNonNull(model.label()).labelWait().plus(model.monitoring().window());
    try (LoopWatch watch =
            new LoopWatch(target, registry, project.name(), MODEL, ledger, state, story);
        FraudPlayer player = new FraudPlayer(world, project, target, registry)) {
      FraudReplay replay =
          new FraudReplay(player, truth, ledger, state, watch, narration, HISTORY_AHEAD, maturity);
      Scene scene =
          new Scene(target, registry, project, model, truth, ledger, state, watch, player, replay);
      long unusedHistory =
          narration.step(
              STEPS,
              "days 1 to "
                  + HISTORY_DAYS
                  + " and the reports of six hours more, as fast as it goes; no model serves yet",
              jobLog,
              () -> history(scene));
      phase("history");
      int first =
          narration.step(
              STEPS,
              "train " + MODEL + " on those days and promote it",
              logs.resolve("registry.log"),
              () -> first(scene));
      phase("first version");
      long unusedLive = narration.step(STEPS, title(), jobLog, () -> live(scene));
      phase("days to " + plan.days());
      int unusedBroken =
          narration.step(STEPS, "read everything back", jobLog, () -> readBack(scene, first));
      phase("reading back");
    }
    summary.took(narration.seconds());
    finished.accept(summary);
    List<String> broken = summary.broken();
    if (!broken.isEmpty()) {
      throw new CommandFailed(
          "Demo fraud did not hold what it promises: " + String.join("; ", broken));
    }
    if (!plan.change() && !plan.badSuccessor()) {
      narration.say("The new fraud never came, and there was no retraining.");
    }
  }

  private String title() {
    String days = "days " + (HISTORY_DAYS + 1) + " to " + plan.days();
    if (plan.badSuccessor()) {
      return days + ": on day " + BAD_DAY + " a version that knows nothing is forced in";
    }
    return plan.change()
        ? days + ", and nobody touches anything; on day 31 a new kind of fraud begins"
        : days + ", and nobody touches anything; no new kind of fraud begins";
  }

  private void phase(String name) {
    double now = narration.seconds();
    summary.phase(name, now - phaseSeconds);
    phaseSeconds = now;
  }

  private static long scoredMillis(FraudTruth truth, PredictionLedger ledger) {
    return truth.timeMillis(Math.max(0, Math.min(ledger.frontier(), truth.transactions()) - 1));
  }

  private Project apply(Path folder, Target target) throws Exception {
    ProjectFolder project = ProjectFolder.read(folder);
    visit.refuseOldEvents("fraud", target, project.project());
    ApplyCommand.apply(
        project,
        target,
        AppliedJobs.ofStack(visit.layout().dir()),
        ApplyCommand.Options.NONE,
        narration::detail);
    return project.project();
  }

  private long history(Scene scene) throws Exception {
    long endMillis = FraudWorld.dayStart(HISTORY_DAYS + 1).toEpochMilli();
    endMillis += Objects.requireNonNull(scene.model().label()).labelWait().toMillis();
    boolean unusedAll =
        scene.replay().play(endMillis + Duration.ofMinutes(1).toMillis(), () -> false);
    settleScores(scene);
    settleWarehouse(scene);
    narration.detail(
        DemoSummary.format(
            "%,d payments and %,d reports; each payment has a prediction, the fallback %s",
            scene.player().transactionsSent(),
            scene.player().reportsSent(),
            String.valueOf(scene.model().fallback())));
    return scene.replay().events();
  }

  private void settleScores(Scene scene) throws Exception {
    waiting.until(
        "a prediction of each payment",
        PATIENCE,
        PAUSE,
        () -> {
          scene.watch().refuseFailure();
          return scene.ledger().seen() >= scene.player().transactionsSent();
        },
        () ->
            DemoSummary.format(
                "%,d of %,d payments scored, %d dead letters",
                scene.ledger().seen(),
                scene.player().transactionsSent(),
                scene.watch().deadLetters()));
  }

  /** Training reads the tables, which lag by a checkpoint. */
  private void settleWarehouse(Scene scene) throws Exception {
    Project project = scene.project();
    Map<String, Long> rows = new LinkedHashMap<>();
    long events = scene.replay().events();
    try (TableTotals totals = new TableTotals(scene.target())) {
      waiting.until(
          "the tables to have all of it",
          PATIENCE,
          PAUSE,
          () -> {
            long archived = 0;
            for (var source : project.sources()) {
              archived += totals.of(Warehouse.events(project.name(), source.name())).rows();
            }
            rows.put("events", archived);
            boolean all = archived + scene.watch().deadLetters() >= events;
            for (FeatureView view : project.featureViews()) {
              long count = totals.of(Warehouse.features(project.name(), view.name())).rows();
              rows.put(view.name(), count);
              all &= count + scene.watch().deadLetters() >= scene.player().transactionsSent();
            }
            return all;
          },
          () -> DemoSummary.format("rows %s of %,d events", rows, events));
    }
  }

  private int first(Scene scene) throws Exception {
    ModelTraining.Trained trained = train(scene, false, "demo fraud: the first version");
    int version = trained.published().version().version();
    Metrics holdout = trained.run().holdout();
    narration.detail(
        DemoSummary.format(
            "version %d: %d trees on %,d rows, AUC on its holdout of a day %.4f, log loss %.4f",
            version,
            trained.run().trees(),
            trained.run().parts().training(),
            holdout.auc(),
            holdout.logLoss()));
    if (!(holdout.auc() > 0.9)) {
      throw new CommandFailed(
          DemoSummary.format(
              "version %d has learnt too little: its AUC on the holdout is %.4f, of this world more"
                  + " than 0.9 can be learnt",
              version, holdout.auc()));
    }
    promote(scene, version, false, "demo fraud: the first version");
    return version;
  }

  private ModelTraining.Trained train(Scene scene, boolean bad, String reason) throws Exception {
    ModelTraining training =
        new ModelTraining(scene.target(), scene.registry(), line -> narration.detail("  " + line));
    Integer revision =
        new DefinitionsLog(scene.target(), scene.registry())
            .latest(scene.project().name())
            .map(DefinitionsLog.Applied::revision)
            .orElse(null);
    return bad
        ? training.trainOnPermutedLabels(
            scene.project(), revision, scene.model(), null, ACTOR, reason)
        : training.train(scene.project(), revision, scene.model(), null, ACTOR, reason);
  }

  private void promote(Scene scene, int version, boolean force, String reason) throws Exception {
    DecidedDeployment deployment =
        new RegistryRequest(scene.target(), scene.registry(), ACTOR, narration::detail)
            .promote(MODEL, version, force, reason);
    waiting.until(
        "deployment " + deployment.deploymentId() + " to be effective",
        PATIENCE,
        PAUSE,
        () -> deployment(scene, deployment.deploymentId()) != null,
        () -> "it is " + deployment.state());
    Deployment effective = Objects.requireNonNull(deployment(scene, deployment.deploymentId()));
    Long from = effective.effectiveTimeMillis();
    scene.replay().measuredFrom(from == null ? scene.replay().cursorMillis() : from, plan.ahead());
  }

  private static @Nullable Deployment deployment(Scene scene, String id) {
    return scene.state().served().stream()
        .filter(d -> d.deploymentId().equals(id))
        .findFirst()
        .orElse(null);
  }

  private long live(Scene scene) throws Exception {
    FraudReplay replay = scene.replay();
    long endMillis = FraudWorld.dayStart(plan.days() + 1).toEpochMilli();
    if (plan.badSuccessor()) {
      boolean unusedAll = replay.play(FraudWorld.dayStart(BAD_DAY).toEpochMilli(), () -> false);
      int bad = train(scene, true, "demo fraud: labels dealt anew").published().version().version();
      promote(scene, bad, true, "demo fraud: a bad successor, forced in");
      boolean unusedAlso = replay.play(endMillis, () -> rolledBack(scene) != null);
      // A day more shows who answers after it.
      boolean unusedMore =
          replay.play(
              Math.min(endMillis, replay.cursorMillis() + Duration.ofDays(1).toMillis()),
              () -> false);
    } else {
      boolean unusedAll = replay.play(endMillis, () -> false);
      if (plan.days() == FraudWorld.DAYS) {
        boolean unusedReports = replay.play(Long.MAX_VALUE, () -> false);
      }
    }
    settleScores(scene);
    waiting.until(
        "the loop to be quiet",
        PATIENCE,
        PAUSE,
        () -> {
          scene.watch().refuseFailure();
          return scene.state().hold() == null && scene.watch().quiet().compareTo(QUIET) > 0;
        },
        () ->
            DemoSummary.format(
                "measured up to %s, last news %d s ago%s",
                LoopStory.utc(scene.state().measuredMillis()),
                scene.watch().quiet().toSeconds(),
                scene.state().hold() == null ? "" : ", waiting for " + scene.state().hold()));
    narration.detail(
        DemoSummary.format(
            "%,d events; event time stood still for %.0f s in all",
            replay.events(), replay.heldSeconds()));
    return replay.events();
  }

  private static @Nullable GenericRecord rolledBack(Scene scene) {
    return scene.state().rollouts().stream()
        .filter(r -> String.valueOf(r.get("decision")).equals("ROLLED_BACK"))
        .findFirst()
        .orElse(null);
  }

  private int readBack(Scene scene, int first) throws Exception {
    LoopState state = scene.state();
    PredictionLedger ledger = scene.ledger();
    List<Deployment> served = state.served();
    int sent = scene.player().transactionsSent();
    FraudFindings findings = new FraudFindings(scene.truth(), ledger, served, sent);
    if (plan.badSuccessor()) {
      bad(scene, first, findings);
    } else if (plan.change()) {
      succeeded(scene, first, findings);
    } else {
      summary.tell("the change", "never came");
      summary.check(
          "retraining",
          state.requested().isEmpty(),
          DemoSummary.format(
              "%d requested, %d times decided not to",
              state.requested().size(), state.suppressed()));
      summary.check(
          "champion",
          champion(served) == first,
          "version " + champion(served) + ", as on day " + (HISTORY_DAYS + 1));
    }
    predictions(scene, findings, sent);
    stores(scene, served, sent);
    return summary.broken().size();
  }

  private void succeeded(Scene scene, int first, FraudFindings findings) throws IOException {
    LoopState state = scene.state();
    long changeMillis = FraudWorld.changeTime().toEpochMilli();
    summary.tell("the change", utc(changeMillis) + ", which nobody was told");
    GenericRecord request = telling(state);
    alarm(state, request, changeMillis);
    summary.check(
        "the request",
        request != null && (Long) request.get("decided_at") > changeMillis,
        request == null
            ? "none"
            : utc((Long) request.get("decided_at"))
                + DemoSummary.format(
                    ", training window ends %s; %d in all, %d times decided not to",
                    time(request.get("window_end")), state.requested().size(), state.suppressed()));
    int version = version(state, request);
    Deployment crowned = crowned(state, version);
    Long from = crowned == null ? null : crowned.effectiveTimeMillis();
    boolean validated = version != 0 && state.isValidated(version);
    summary.check(
        "the new champion",
        validated
            && from != null
            && from > changeMillis
            && findings.firstAsChampion(version) != null,
        crowned == null || from == null
            ? "none; the request became version " + version
            : DemoSummary.format(
                "%s: version %d, %.1f days after the change; %,d payments are its own",
                utc(from),
                version,
                (from - changeMillis) / (double) Duration.ofDays(1).toMillis(),
                findings.answeredFrom(from, version)));
    if (version != 0) {
      compared(findings.compare(first, version, changeMillis), first, version);
    }
  }

  /** What the request says it was made for must be on the topic that it says it from. */
  private void alarm(LoopState state, @Nullable GenericRecord request, long changeMillis)
      throws IOException {
    Object alarmMillis = request == null ? null : request.get("alarm_time");
    if (request == null || alarmMillis == null) {
      summary.check("the alarm", false, "none that was a cause");
      return;
    }
    JsonNode evidence =
        new JsonMapper().readTree(String.valueOf(request.get("evidence"))).path("alarms").path(0);
    String statistic = evidence.path("statistic").asText();
    String windowEnd = evidence.path("window_end").asText();
    boolean measured =
        state.alarms().stream()
            .anyMatch(
                r ->
                    statistic.equals(String.valueOf(r.get("metric")))
                        && windowEnd.equals(
                            Instant.ofEpochMilli((Long) r.get("window_end")).toString()));
    summary.check(
        "the alarm",
        measured && (Long) alarmMillis > changeMillis,
        DemoSummary.format(
            "%s: %s of version %s is %.4f, beyond %.4f%s; cause %s",
            utc((Long) alarmMillis),
            statistic,
            request.get("version"),
            evidence.path("value").asDouble(),
            evidence.path("threshold").asDouble(),
            measured ? "" : ", which is not on the performance topic",
            request.get("cause")));
  }

  /** The first request that came to a new champion; else the first. */
  private static @Nullable GenericRecord telling(LoopState state) {
    List<GenericRecord> requested = state.requested();
    return requested.stream()
        .filter(r -> crowned(state, version(state, r)) != null)
        .findFirst()
        .orElse(requested.isEmpty() ? null : requested.get(0));
  }

  /** The version that a request became; 0 where it became none. */
  private static int version(LoopState state, @Nullable GenericRecord request) {
    return request == null ? 0 : state.version(String.valueOf(request.get("request_id")));
  }

  /** The first deployment that has a version as champion; null where none has. */
  private static @Nullable Deployment crowned(LoopState state, int version) {
    return state.served().stream()
        .filter(d -> version != 0 && champion(d) == version)
        .findFirst()
        .orElse(null);
  }

  private void compared(FraudFindings.Compared compared, int older, int newer) {
    summary.check(
        "AUC, the same days",
        compared.frauds() >= 100 && compared.newerAuc() > SUCCESSOR_AUC_LEAST,
        DemoSummary.format(
            "version %d %.4f, version %d %.4f on the same %,d payments, %s to %s",
            older,
            compared.olderAuc(),
            newer,
            compared.newerAuc(),
            compared.transactions(),
            utc(compared.fromMillis()),
            utc(compared.untilMillis())));
    summary.tell(
        "log loss, the same days",
        DemoSummary.format(
            "version %d %.4f, version %d %.4f",
            older, compared.olderLogLoss(), newer, compared.newerLogLoss()));
  }

  private void bad(Scene scene, int first, FraudFindings findings) {
    GenericRecord rolledBack = rolledBack(scene);
    List<Deployment> served = scene.state().served();
    List<Deployment> ofBad =
        served.stream().filter(d -> champion(d) != 0 && champion(d) != first).toList();
    int bad = ofBad.isEmpty() ? 0 : champion(ofBad.get(0));
    Long from = ofBad.isEmpty() ? null : ofBad.get(0).effectiveTimeMillis();
    summary.check(
        "the bad version",
        from != null && findings.firstAsChampion(bad) != null,
        from == null
            ? "never served"
            : DemoSummary.format(
                "version %d from %s on; %,d payments are its own",
                bad, utc(from), findings.answeredFrom(from, bad)));
    summary.check(
        "rolled back",
        rolledBack != null && ofBad.stream().allMatch(d -> d.state() == Deployment.State.REVOKED),
        rolledBack == null
            ? "no"
            : utc((Long) rolledBack.get("event_time")) + ": " + rolledBack.get("why"));
    long tailMillis = scene.replay().cursorMillis() - Duration.ofHours(6).toMillis();
    summary.check(
        "after that",
        champion(served) == first
            && findings.answeredFrom(tailMillis, bad) == 0
            && findings.answeredFrom(tailMillis, first) > 0,
        DemoSummary.format(
            "version %s answers; of the last six hours' payments version %d has %,d, version %d"
                + " %,d",
            champion(served),
            first,
            findings.answeredFrom(tailMillis, first),
            bad,
            findings.answeredFrom(tailMillis, bad)));
  }

  private void predictions(Scene scene, FraudFindings findings, int sent) {
    PredictionLedger ledger = scene.ledger();
    StringBuilder byVersion = new StringBuilder();
    ledger
        .byVersion()
        .forEach(
            (version, count) ->
                byVersion
                    .append(byVersion.isEmpty() ? "" : ", ")
                    .append(
                        version == 0
                            ? DemoSummary.format("fallback %,d", count)
                            : DemoSummary.format("version %d %,d", version, count)));
    summary.check(
        "predictions",
        ledger.seen() == sent && ledger.wrongIds() == 0,
        DemoSummary.format(
            "%,d of %,d payments have exactly one prediction id (%s); %,d records came again",
            ledger.seen(), sent, byVersion, ledger.repeats()));
    List<PredictionLedger.Served> wrong = findings.byWrongVersion();
    summary.check(
        "by the wrong version",
        wrong.isEmpty(),
        wrong.size()
            + (wrong.isEmpty()
                ? ""
                : ", the first "
                    + wrong.get(0)
                    + " at "
                    + utc(scene.truth().timeMillis(wrong.get(0).number()))));
    long split = findings.cardsOfTwoVersions();
    summary.check("cards torn apart", split == 0, split + " within one deployment");
    summary.check(
        "dead letters", scene.watch().deadLetters() == 0, "" + scene.watch().deadLetters());
    if (scene.state().alerts() > 0) {
      summary.tell("alerts", scene.state().alerts() + " that need a person");
    }
  }

  private void stores(Scene scene, List<Deployment> served, int sent) throws Exception {
    LoopState state = scene.state();
    FraudReadback readback =
        new FraudReadback(scene.target(), scene.project().name(), MODEL, narration);
    Map<String, Long> inTopics = new LinkedHashMap<>();
    inTopics.put(readback.predictionsTable(), (long) scene.ledger().seen());
    inTopics.put("drift", (long) state.driftRecords());
    inTopics.put("performance", (long) state.performanceRecords());
    Map<String, Long> rows = readback.tables(inTopics);
    List<String> tables = new ArrayList<>();
    rows.forEach((table, count) -> tables.add(DemoSummary.format("%s %,d", table, count)));
    summary.check(
        "Iceberg",
        Objects.equals(rows.get(readback.predictionsTable()), (long) scene.ledger().seen())
            && atLeast(rows, inTopics, "drift")
            && atLeast(rows, inTopics, "performance"),
        "rows " + String.join(", ", tables));
    FraudReadback.Rows cards = readback.cards(scene.truth(), sent);
    FraudReadback.Rows merchants = readback.merchants(scene.truth(), sent);
    summary.check(
        "Redis",
        cards.missing() + cards.wrong() + merchants.missing() + merchants.wrong() == 0,
        DemoSummary.format(
            "%,d cards and %,d merchants; %d rows missing, %d with another count of the day",
            cards.rows(),
            merchants.rows(),
            cards.missing() + merchants.missing(),
            cards.wrong() + merchants.wrong()));
    try {
      Integer champion = readback.champion();
      summary.check(
          "registry",
          champion != null && champion == champion(served),
          "champion is version " + champion + ", by its topic version " + champion(served));
    } catch (CommandFailed | IOException e) {
      // The table tells of it among what else was found.
      summary.check("registry", false, String.valueOf(e.getMessage()));
    }
    summary.tell(
        "look at it", options.command("models show " + MODEL) + "; " + scene.target().flink());
  }

  private static boolean atLeast(Map<String, Long> rows, Map<String, Long> inTopics, String table) {
    long records = inTopics.getOrDefault(table, 0L);
    return records > 0 && rows.getOrDefault(table, 0L) >= records;
  }

  /** Of the newest that stands; 0 where nobody serves. */
  private static int champion(List<Deployment> served) {
    for (int i = served.size() - 1; i >= 0; i--) {
      if (served.get(i).state() != Deployment.State.REVOKED) {
        return champion(served.get(i));
      }
    }
    return 0;
  }

  private static int champion(Deployment deployment) {
    DeployedVersion champion = deployment.champion();
    return champion == null ? 0 : champion.version();
  }

  private static String time(@Nullable Object millis) {
    return millis == null ? "-" : utc((Long) millis);
  }

  private static String utc(long millis) {
    return LoopStory.utc(Instant.ofEpochMilli(millis).toEpochMilli());
  }
}
