package dev.millrace.cli.demo;

import dev.millrace.cli.Checkout;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.apply.ApplyCommand;
import dev.millrace.cli.apply.ProjectFolder;
import dev.millrace.cli.demo.HistoryLoad.Settled;
import dev.millrace.cli.demo.PredictionWatch.Seen;
import dev.millrace.cli.events.ReplaySummary;
import dev.millrace.cli.events.TimeSpan;
import dev.millrace.cli.local.AppliedJobs;
import dev.millrace.cli.models.RegistryRequest;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.trainer.Metrics;
import dev.millrace.trainer.ModelTraining;
import dev.millrace.trainer.TrainingRun;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The loop on three million real flights: from nothing to live predictions of a new model. */
final class FlightsDemo {

  private static final String MODEL = "delay_risk";
  private static final int STEPS = 7;

  /** Two weeks are the model's training window. */
  private static final Instant HISTORY_FROM = Instant.parse("2001-01-01T00:00:00Z");

  private static final Instant HISTORY_UNTIL = Instant.parse("2001-01-15T00:00:00Z");

  /**
   * After midnight hardly a flight leaves, so the first hours go by quickly: they show the change
   * of versions. What is measured begins with the morning.
   */
  private static final Instant LIVE_FROM = Instant.parse("2001-01-15T07:00:00Z");

  private static final double NIGHT_SPEED = 1_200;

  /** What anybody would know without a stream: the calendar, and how far it is. */
  private static final List<String> BASELINE = List.of("hour", "day_of_week", "distance");

  /** Long enough for hundreds of departures at {@link LivePlay#SPEED}. */
  private static final Duration LIVE = Duration.ofSeconds(45);

  private static final Duration TAIL = Duration.ofSeconds(20);
  private static final Duration PROMOTION_PATIENCE = Duration.ofSeconds(60);
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final Duration TELL = Duration.ofSeconds(10);

  private final StackVisit visit;
  private final Narration narration;
  private final StackOptions options;
  private final Waiting waiting;

  FlightsDemo(Path dir, int portOffset, Narration narration, StackOptions options) {
    this.visit = new StackVisit(dir, portOffset, narration, options);
    this.narration = narration;
    this.options = options;
    this.waiting = new Waiting(narration);
  }

  /**
   * Tells the whole story.
   *
   * @param exit ends by itself; otherwise it goes on playing until it is interrupted
   */
  void run(boolean exit, Consumer<DemoSummary> finished) throws Exception {
    visit.during(exit, () -> tell(exit, finished));
  }

  private void tell(boolean exit, Consumer<DemoSummary> finished) throws Exception {
    Path folder = Checkout.root().resolve("examples/flights");
    Path jobLog = visit.layout().logs().resolve("flink-taskmanager.log");
    Target target =
        narration.step(
            STEPS,
            "up: Kafka, schema registry, Redis, Flink",
            visit.layout().logs().resolve("supervisor.log"),
            visit::up);
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Project project =
        narration.step(
            STEPS,
            "apply examples/flights: topics, tables, Flink jobs",
            visit.layout().logs().resolve("flink-jobmanager.log"),
            () -> apply(folder, target));
    try (PredictionWatch predictions =
        new PredictionWatch(
            target,
            registry,
            Topics.predictions(project.name(), MODEL),
            HISTORY_UNTIL.toEpochMilli())) {
      HistoryLoad history = new HistoryLoad(target, registry, project, narration, predictions);
      ReplaySummary sent =
          narration.step(
              STEPS,
              "load two weeks of history, " + HISTORY_FROM + " to " + HISTORY_UNTIL,
              jobLog,
              () -> history.play(folder, HISTORY_FROM, HISTORY_UNTIL));
      Settled unused =
          narration.step(
              STEPS,
              "wait until both jobs have taken all of it",
              jobLog,
              () -> settle(history, sent, predictions));
      ModelTraining training =
          new ModelTraining(target, registry, line -> narration.detail("  " + line));
      Fitted fitted =
          narration.step(
              STEPS,
              "train " + MODEL + " as of " + HISTORY_UNTIL + ", and a baseline on the same set",
              jobLog,
              () -> train(training, target, registry, project));
      ReplaySummary night =
          narration.step(
              STEPS,
              "promote version " + fitted.version() + " while events go on",
              jobLog,
              () -> promote(target, registry, project, folder, fitted, predictions));
      TimeSpan day = new TimeSpan(LIVE_FROM.toEpochMilli(), Long.MAX_VALUE);
      try (LivePlay live = new LivePlay(target, registry, project, folder, day, LivePlay.SPEED)) {
        LiveFigures figures =
            narration.step(
                STEPS,
                "measure " + LIVE.toSeconds() + " s at 60 times real time, from " + LIVE_FROM,
                jobLog,
                () -> measure(live, predictions, exit));
        Map<String, Long> events = new TreeMap<>(sent.bySource());
        night.bySource().forEach((source, count) -> events.merge(source, count, Long::sum));
        events.merge("departures", live.departures(), Long::sum);
        events.merge("arrivals", live.events() - live.departures(), Long::sum);
        finished.accept(
            new DemoSummary(
                narration.seconds(),
                events,
                history.featureRows(),
                predictions.eventsByRole(),
                predictions.repeats(),
                history.deadLetters(),
                fitted.version(),
                fitted.validation(),
                fitted.holdout(),
                figures,
                look(target)));
        if (!exit) {
          playOn(live, predictions);
        }
      }
    }
  }

  private Project apply(Path folder, Target target) throws Exception {
    ProjectFolder project = ProjectFolder.read(folder);
    visit.refuseOldEvents("flights", target, project.project());
    ApplyCommand.apply(
        project,
        target,
        AppliedJobs.ofStack(visit.layout().dir()),
        ApplyCommand.Options.NONE,
        narration::detail);
    return project.project();
  }

  private Settled settle(HistoryLoad history, ReplaySummary sent, PredictionWatch predictions)
      throws Exception {
    Settled settled = history.settle(sent);
    narration.detail("feature rows " + DemoSummary.counts(settled.featureRows()));
    narration.detail(
        "predictions "
            + DemoSummary.counts(predictions.eventsByRole())
            + ": no model is deployed yet, so each is the fallback of millrace.yaml");
    narration.detail("dead letters " + settled.deadLetters());
    return settled;
  }

  /** The model beside the baseline. */
  private record Fitted(
      ModelTraining.Trained trained,
      DemoSummary.Compared validation,
      DemoSummary.Compared holdout) {
    int version() {
      return trained.published().version().version();
    }
  }

  private Fitted train(
      ModelTraining training, Target target, SubjectRegistry registry, Project project)
      throws Exception {
    Model model = project.model(MODEL).orElseThrow();
    Integer revision =
        new DefinitionsLog(target, registry)
            .latest(project.name())
            .map(DefinitionsLog.Applied::revision)
            .orElse(null);
    ModelTraining.Trained trained =
        training.train(project, revision, model, HISTORY_UNTIL, actor(), "demo flights");
    TrainingRun baseline = training.compare(trained.set(), model, BASELINE);
    TrainingRun run = trained.run();
    Fitted fitted =
        new Fitted(
            trained,
            new DemoSummary.Compared(run.validation(), baseline.validation()),
            new DemoSummary.Compared(run.holdout(), baseline.holdout()));
    narration.detail(
        DemoSummary.format(
            "version %d: %d trees on %,d rows of %d inputs",
            fitted.version(), run.trees(), run.parts().training(), run.inputs().size()));
    narration.detail(
        DemoSummary.format("%-38s %8s %10s %12s", "", "AUC", "log loss", "calibration"));
    compared("validation", fitted.validation());
    compared("holdout", fitted.holdout());
    double auc = run.holdout().auc();
    double atLeast = baseline.holdout().auc();
    if (!(auc > atLeast)) {
      throw new CommandFailed(
          DemoSummary.format(
              "the features are worth nothing: on the holdout the model's AUC is %.4f, that of %s"
                  + " alone %.4f",
              auc, BASELINE, atLeast));
    }
    return fitted;
  }

  private void compared(String part, DemoSummary.Compared compared) {
    measured(part + ", " + MODEL, compared.model());
    measured(part + ", calendar and distance", compared.baseline());
  }

  private void measured(String what, Metrics metrics) {
    narration.detail(
        DemoSummary.format(
            "%-38s %8.4f %10.4f %12.4f",
            what, metrics.auc(), metrics.logLoss(), metrics.calibrationError()));
  }

  /** Deploys the version while events are played; each of them gets its prediction. */
  private ReplaySummary promote(
      Target target,
      SubjectRegistry registry,
      Project project,
      Path folder,
      Fitted fitted,
      PredictionWatch predictions)
      throws Exception {
    TimeSpan night = new TimeSpan(HISTORY_UNTIL.toEpochMilli(), LIVE_FROM.toEpochMilli());
    try (LivePlay play = new LivePlay(target, registry, project, folder, night, NIGHT_SPEED)) {
      waiting.until(
          "the first event of the night",
          PROMOTION_PATIENCE,
          PAUSE,
          () -> play.hasEnded() || play.departures() > 0,
          () -> "reading the next weeks' files");
      long decidedNanos = System.nanoTime();
      var unusedDeployment =
          new RegistryRequest(target, registry, actor(), line -> narration.detail("  " + line))
              .promote(project.models().get(0).name(), fitted.version(), false, "demo flights");
      waiting.until(
          "the first prediction of version " + fitted.version() + " as CHAMPION",
          PROMOTION_PATIENCE,
          PAUSE,
          () -> {
            play.refuseFailure();
            return predictions.champions(fitted.version()) > 0;
          },
          () -> progress(play, predictions));
      narration.detail(
          DemoSummary.format(
              "version %d serves: its first prediction came %.1f s after the promotion, without a"
                  + " restart",
              fitted.version(), (System.nanoTime() - decidedNanos) / 1e9));
      waiting.until(
          "a prediction of each departure of the night",
          PROMOTION_PATIENCE,
          PAUSE,
          () -> play.hasEnded() && play.withoutPrediction(predictions.detailed()).isEmpty(),
          () -> progress(play, predictions));
      ReplaySummary summary = play.summary();
      narration.detail(progress(play, predictions));
      return summary;
    }
  }

  private static String progress(LivePlay play, PredictionWatch predictions) {
    return DemoSummary.format(
        "event time %s, %,d departures sent, %,d of them without a prediction yet",
        utc(play), play.departures(), play.withoutPrediction(predictions.detailed()).size());
  }

  private LiveFigures measure(LivePlay live, PredictionWatch predictions, boolean exit)
      throws Exception {
    waiting.until(
        "the first event of the morning",
        PROMOTION_PATIENCE,
        PAUSE,
        () -> live.hasEnded() || live.departures() > 0,
        () -> "reading the next weeks' files");
    long endNanos = System.nanoTime() + LIVE.toNanos();
    while (System.nanoTime() - endNanos < 0) {
      long leftNanos = Math.min(endNanos - System.nanoTime(), TELL.toNanos());
      TimeUnit.NANOSECONDS.sleep(Math.max(0, leftNanos));
      live.refuseFailure();
      narration.detail(progress(live, predictions));
    }
    live.endMeasuring();
    if (exit) {
      live.stop();
    }
    waiting.until(
        "a prediction of each live departure",
        TAIL,
        PAUSE,
        () -> live.withoutPrediction(predictions.detailed()).isEmpty(),
        () ->
            DemoSummary.format(
                "none yet for %,d of %,d departures",
                live.withoutPrediction(predictions.detailed()).size(), live.departures()));
    Map<String, Seen> seen = predictions.detailed();
    LiveFigures figures = live.figures(seen);
    narration.detail(
        DemoSummary.format(
            "%,d departures, each with exactly one prediction id %s",
            figures.departures(), DemoSummary.counts(figures.byRole())));
    narration.detail(
        DemoSummary.format(
            "from when a departure was due until its prediction was read: p50 %.1f ms, p99 %.1f ms,"
                + " max %.1f ms",
            figures.latencies().percentileMillis(0.5),
            figures.latencies().percentileMillis(0.99),
            figures.latencies().maxMillis()));
    narration.detail("features were " + DemoSummary.freshness(figures));
    if (figures.departures() == 0 || figures.byRole().getOrDefault("CHAMPION", 0L) == 0) {
      throw new CommandFailed("no live departure was scored by the champion");
    }
    return figures;
  }

  private void playOn(LivePlay live, PredictionWatch predictions) throws Exception {
    predictions.forget();
    narration.say("");
    narration.say("Playing on at 60 times real time; Ctrl-C ends it, and the stack stays up.");
    while (!live.hasEnded(TELL)) {
      narration.detail(
          DemoSummary.format("event time %s, %,d departures sent", utc(live), live.departures()));
    }
    live.summary();
  }

  private static String utc(LivePlay live) {
    Long millis = live.eventTimeMillis();
    return millis == null ? "-" : Instant.ofEpochMilli(millis).toString();
  }

  private Map<String, String> look(Target target) {
    Map<String, String> look = new LinkedHashMap<>();
    look.put("Flink web UI", target.flink());
    look.put("predictions", options.command("predictions tail " + MODEL));
    look.put("online features", options.command("features get route_delays ATL MCO"));
    look.put("the model", options.command("models show " + MODEL));
    look.put("logs", visit.layout().logs().toString());
    return look;
  }

  private static String actor() {
    return System.getProperty("user.name", "unknown");
  }
}
