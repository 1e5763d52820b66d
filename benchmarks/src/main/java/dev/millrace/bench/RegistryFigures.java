package dev.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.bench.HttpLoop.Question;
import dev.millrace.bench.HttpLoop.Seen;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The registry over HTTP: how long a change takes until it is in the journal for good, how long
 * reads take among many versions, and how soon it answers after it was killed.
 */
final class RegistryFigures {

  static final List<String> KINDS = List.of("get", "alias", "latest", "search", "search-all");

  private static final double GOAL_CREATE_MILLIS = 20;
  private static final double GOAL_READ_MILLIS = 5;
  private static final double GOAL_RESTART_SECONDS = 10;
  private static final double CREATES_PER_SECOND = 20;
  private static final double READS_PER_SECOND = 200;
  private static final int VERSIONS = 10_000;
  private static final int EVENTS = 100_000;
  private static final int CREATED_MODELS = 50;
  private static final String MLFLOW =
      "; MLflow's server, as published: 25 ms for a read, 1 s for a search (10,000 versions)";

  private @Nullable RegistryStage stage;
  private boolean filled;
  private int creates;

  /** From a request to its answer, which comes when the version is in the journal for good. */
  void create(Bench bench) throws Exception {
    RegistryStage there = stage(bench);
    for (int m = 0; m < CREATED_MODELS; m++) {
      JsonNode made =
          there.tried(
              there.post("", "registered-models/create", "{\"name\": \"%s\"}".formatted(made(m))));
      if (made == null) {
        throw new IOException("Cannot create model " + made(m));
      }
    }
    int count = bench.quick() ? 100 : 400;
    Seen unusedWarmUp = there.http().sequential(bench.quick() ? 200 : 1_000, i -> version(there));
    double[] bare = new double[bench.repeats()];
    List<Seen> sequential = new ArrayList<>();
    List<Seen> paced = new ArrayList<>();
    Map<String, Double> millisAtStart = new HashMap<>();
    for (int r = 0; r < bench.repeats(); r++) {
      Samples floor = BareRoundTrip.millis(there.target(), count, count);
      bare[r] = floor.quantile(0.99);
      say(bench, "bare transaction", floor, 0);
      sequential.add(
          there
              .http()
              .sequential(
                  count,
                  i -> {
                    millisAtStart.put("s" + creates, (double) System.currentTimeMillis());
                    return version(there);
                  }));
      say(bench, "create, one after another", sequential.get(r));
      paced.add(
          there.http().paced(CREATES_PER_SECOND, 3, bench.quick() ? 5 : 15, i -> version(there)));
      say(bench, "create, 20 a second", paced.get(r));
    }
    Double ceiling = new Samples(bare).median();
    add(
        bench,
        "create-version",
        sequential,
        ceiling,
        GOAL_CREATE_MILLIS,
        "p99 of model-versions/create, one after another; ceiling: a transaction of one record and"
            + " its reader"
            + MLFLOW);
    add(
        bench,
        "create-version-paced",
        paced,
        ceiling,
        GOAL_CREATE_MILLIS,
        "the same at 20 a second, open loop, over 50 models");
    hops(bench, there, millisAtStart);
  }

  private Question version(RegistryStage there) {
    String key = "s" + creates++;
    return there.create(key, made(creates));
  }

  private static String made(int number) {
    return "created_" + number % CREATED_MODELS;
  }

  /** Where the time goes, by the clocks of who writes commands and who decides. */
  private static void hops(Bench bench, RegistryStage there, Map<String, Double> startMillis) {
    Map<String, Long> commands = new HashMap<>();
    List<Double> toHandler = new ArrayList<>();
    List<Double> toDecision = new ArrayList<>();
    LifecycleLog log =
        new LifecycleLog(
            there.target(), new ConfluentSubjectRegistry(there.target().schemaRegistry()));
    for (LifecycleEntry entry : log.read()) {
      String key = entry.idempotencyKey().replace("client-REGISTER-", "");
      Double start = startMillis.get(key);
      if (start == null) {
        continue;
      }
      if (entry.kind() == Kind.COMMAND) {
        commands.put(key, entry.atMillis());
        toHandler.add(entry.atMillis() - start);
      } else if (commands.containsKey(key)) {
        toDecision.add((double) (entry.atMillis() - commands.getOrDefault(key, 0L)));
      }
    }
    detail(bench, "create-version-request-to-command", toHandler);
    detail(bench, "create-version-command-to-decision", toDecision);
  }

  private static void detail(Bench bench, String name, List<Double> millis) {
    if (!millis.isEmpty()) {
      Samples samples = new Samples(millis.stream().mapToDouble(Double::doubleValue).toArray());
      bench.report().add(new Detail(name + "-mean", mean(samples), "ms"));
    }
  }

  private static double mean(Samples samples) {
    double sum = 0;
    for (double value : samples.values()) {
      sum += value;
    }
    return sum / samples.values().length;
  }

  /** Five kinds of reads in turn among ten thousand versions; searches also by themselves. */
  void reads(Bench bench) throws Exception {
    RegistryStage there = filled(bench);
    double seconds = bench.quick() ? 5 : 15;
    double[] bare = new double[bench.repeats()];
    List<Seen> mixed = new ArrayList<>();
    for (int r = 0; r < bench.repeats(); r++) {
      double warmUp = r == 0 ? (bench.quick() ? 5 : 15) : 3;
      Seen health =
          there.http().paced(READS_PER_SECOND, 3, seconds, i -> there.get("health", "/v1/health"));
      bare[r] = health.millis().quantile(0.99);
      say(bench, "health", health);
      mixed.add(there.http().paced(READS_PER_SECOND, warmUp, seconds, i -> read(there, i)));
      say(bench, "reads", mixed.get(r));
    }
    Double ceiling = new Samples(bare).median();
    add(
        bench,
        "reads",
        mixed,
        ceiling,
        GOAL_READ_MILLIS,
        "p99 of gets, aliases, latest versions and searches in turn at 200/s, open loop, with"
            + " 10,000 versions; ceiling: /v1/health"
            + MLFLOW);
    Seen all = mixed.stream().reduce(Seen::and).orElseThrow();
    for (String kind : KINDS) {
      details(bench, "reads-" + kind, all.millis(kind));
    }
    double[] searches =
        mixed.stream()
            .mapToDouble(
                s ->
                    Math.max(
                        s.millis("search").quantile(0.99), s.millis("search-all").quantile(0.99)))
            .toArray();
    bench
        .report()
        .add(
            Figure.of(
                "search",
                new Samples(searches),
                "ms",
                ceiling,
                null,
                null,
                GOAL_READ_MILLIS,
                new Samples(searches).median() <= GOAL_READ_MILLIS,
                "p99 of the slower kind of search among them"));
  }

  /** One of the reads: by number, by alias, the latest, one model's, and all models'. */
  static Question read(RegistryStage there, int i) {
    String model = RegistryStage.model(i * 7);
    String kind = KINDS.get(i % KINDS.size());
    return switch (kind) {
      case "get" ->
          there.mlflow(kind, "model-versions/get?name=" + model + "&version=" + (1 + i % 40));
      case "alias" -> there.mlflow(kind, "registered-models/alias?alias=best&name=" + model);
      case "latest" -> there.mlflow(kind, "registered-models/get-latest-versions?name=" + model);
      case "search" ->
          there.mlflow(
              kind,
              "model-versions/search?max_results=10&filter="
                  + RegistryStage.escaped("name='" + model + "' and tags.team != 'nobody'")
                  + "&order_by="
                  + RegistryStage.escaped("version_number DESC"));
      default ->
          there.mlflow(
              kind,
              "model-versions/search?max_results=100&filter="
                  + RegistryStage.escaped("tags.team = 'team" + i % 50 + "'")
                  + "&order_by="
                  + RegistryStage.escaped("creation_timestamp DESC"));
    };
  }

  /** Killed with a hundred thousand events in its journal: from its next start to an answer. */
  void restart(Bench bench) throws Exception {
    RegistryStage there = filled(bench);
    int wanted = bench.quick() ? 20_000 : EVENTS;
    long startNanos = System.nanoTime();
    long before = there.events();
    there.fillEvents(wanted);
    double perSecond = (there.events() - before) * 1e9 / (System.nanoTime() - startNanos);
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT, "  %,d events, at %,.0f a second", there.events(), perSecond));
    bench.report().add(new Detail("restart-fill", perSecond, "changes/s"));
    double[] bare = new double[bench.repeats()];
    double[] reads = new double[bench.repeats()];
    double[] writes = new double[bench.repeats()];
    double[] sinceKill = new double[bench.repeats()];
    for (int r = 0; r < bench.repeats(); r++) {
      bare[r] = bareSeconds(there);
      RestartRun run = RestartRun.measure(there, r);
      reads[r] = run.readSeconds();
      writes[r] = run.writeSeconds();
      sinceKill[r] = run.deadSeconds();
      bench
          .say()
          .accept(
              String.format(
                  Locale.ROOT,
                  "  restart: a read after %.2f s, a change after %.2f s; %.2f s between the kill"
                      + " and the start",
                  reads[r],
                  writes[r],
                  sinceKill[r]));
    }
    Double ceiling = new Samples(bare).median();
    String note =
        String.format(
            Locale.ROOT,
            "from the start of the process after kill -9, with %,d events in its journal; ceiling:"
                + " a reader of the topic that does nothing with it",
            there.events());
    bench.report().add(seconds("restart", new Samples(reads), ceiling, "the first read, " + note));
    bench
        .report()
        .add(seconds("restart-change", new Samples(writes), ceiling, "the first change, " + note));
    bench.report().add(new Detail("restart-dead", new Samples(sinceKill).median(), "s"));
  }

  private static Figure seconds(String name, Samples seconds, Double ceiling, String note) {
    return Figure.of(
        name,
        seconds,
        "s",
        ceiling,
        null,
        null,
        GOAL_RESTART_SECONDS,
        seconds.median() <= GOAL_RESTART_SECONDS,
        note);
  }

  private static double bareSeconds(RegistryStage there) {
    long startNanos = System.nanoTime();
    AtomicLong bytes = new AtomicLong();
    TopicLog.read(
        there.target(),
        Topics.LIFECYCLE,
        record -> {
          long unusedSum = bytes.addAndGet(record.serializedValueSize());
        });
    return (System.nanoTime() - startNanos) / 1e9;
  }

  private static void add(
      Bench bench, String name, List<Seen> repeats, Double ceiling, double goal, String note) {
    Samples p99 =
        new Samples(repeats.stream().mapToDouble(s -> s.millis().quantile(0.99)).toArray());
    Seen all = repeats.stream().reduce(Seen::and).orElseThrow();
    bench
        .report()
        .add(
            Figure.of(
                name,
                p99,
                "ms",
                ceiling,
                null,
                null,
                goal,
                all.failed() == 0 && p99.median() <= goal,
                note + (all.failed() == 0 ? "" : "; " + all.failed() + " failed")));
    details(bench, name, all.millis());
  }

  private static void details(Bench bench, String name, Samples millis) {
    bench.report().add(new Detail(name + "-p50", millis.median(), "ms"));
    bench.report().add(new Detail(name + "-p99", millis.quantile(0.99), "ms"));
    bench.report().add(new Detail(name + "-p99.9", millis.quantile(0.999), "ms"));
    bench.report().add(new Detail(name + "-max", millis.largest(), "ms"));
  }

  private static void say(Bench bench, String what, Seen seen) {
    say(bench, what, seen.millis(), seen.failed());
  }

  private static void say(Bench bench, String what, Samples millis, long failed) {
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  %s: p50 %.1f ms, p99 %.1f, p99.9 %.1f, max %.1f (%,d asked, %,d failed)",
                what,
                millis.median(),
                millis.quantile(0.99),
                millis.quantile(0.999),
                millis.largest(),
                millis.values().length,
                failed));
  }

  private RegistryStage filled(Bench bench) throws Exception {
    RegistryStage there = stage(bench);
    if (!filled) {
      filled = true;
      there.fillVersions(VERSIONS);
      bench.say().accept("  there are 10,000 versions");
    }
    return there;
  }

  private RegistryStage stage(Bench bench) throws Exception {
    RegistryStage there = stage;
    if (there == null) {
      there = RegistryStage.open(bench);
      stage = there;
    }
    return there;
  }
}
