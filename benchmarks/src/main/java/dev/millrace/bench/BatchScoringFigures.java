package dev.millrace.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** An archive through the graph of {@code score} into the table of scores: how fast that is. */
final class BatchScoringFigures {

  private static final double GOAL_PER_SECOND = 100_000;
  private static final long EVENTS = 2_000_000;
  private static final long EVENTS_QUICK = 300_000;

  /** What a batch run takes at least. */
  private static final int BATCH = 1024;

  private static final String FORK = "batch scoring";

  private final Path work;

  BatchScoringFigures(Path work) {
    this.work = work;
  }

  void measure(Bench bench) throws Exception {
    Files.createDirectories(work);
    long events = bench.quick() ? EVENTS_QUICK : EVENTS;
    Path tables = work.resolve("tables");
    try {
      var unusedNothing =
          run(bench, new BatchScoringRun.Task(tables.toString(), events, "", "", 0));
      bench.say().accept(String.format(Locale.ROOT, "  %,d events are in the archive", events));
      measure(
          bench,
          "batch-scoring-logistic",
          OperatorFigures.network(new SplittableRandom(5), OperatorFigures.FEATURES),
          tables,
          events);
      measure(
          bench, "batch-scoring-trees", TreeModel.onnx(OperatorFigures.names(), 7), tables, events);
    } finally {
      Fork.delete(tables);
    }
  }

  private void measure(Bench bench, String name, byte[] onnx, Path tables, long events)
      throws Exception {
    Path file = work.resolve(name + ".onnx");
    Files.write(file, onnx);
    double ceiling = bare(onnx, bench.seconds());
    BatchScoringRun.Result result =
        run(
            bench,
            new BatchScoringRun.Task(
                tables.toString(),
                events,
                file.toString(),
                ScoringStage.sha256(onnx),
                1 + bench.repeats()));
    double[] whole = new double[bench.repeats()];
    double[] paces = new double[bench.repeats()];
    for (int i = 0; i < paces.length; i++) {
      // The first one is told by itself.
      paces[i] = events / result.seconds()[i + 1];
      whole[i] = events / (result.startSeconds()[i + 1] + result.seconds()[i + 1]);
    }
    Samples value = new Samples(paces);
    double cpuMicros = new Samples(tail(result.cpuMicros())).median();
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  %s: %,.0f predictions/s, %.1f us of a core each; bare loops %,.0f rows/s",
                name,
                value.median(),
                cpuMicros,
                ceiling));
    bench
        .report()
        .add(
            Figure.of(
                name,
                value,
                "predictions/s",
                ceiling,
                null,
                null,
                GOAL_PER_SECOND,
                value.median() >= GOAL_PER_SECOND,
                String.format(
                    Locale.ROOT,
                    "%,d archived events to the table of scores, %d tasks, less the job's start;"
                        + " ceiling: as many bare loops over ONNX Runtime",
                    events,
                    BatchScoringRun.PARALLELISM)));
    detail(bench, name + "-with-start", new Samples(whole).median(), "predictions/s");
    detail(bench, name + "-start", new Samples(tail(result.startSeconds())).median(), "s");
    detail(bench, name + "-first-run", events / result.seconds()[0], "predictions/s");
    detail(bench, name + "-first-start", result.startSeconds()[0], "s");
    detail(bench, name + "-cpu", cpuMicros, "us/prediction");
  }

  private static double[] tail(double[] values) {
    return Arrays.copyOfRange(values, 1, values.length);
  }

  private static void detail(Bench bench, String name, double value, String unit) {
    bench.report().add(new Detail(name, Figure.rounded(value), unit));
  }

  private static BatchScoringRun.Result run(Bench bench, BatchScoringRun.Task task)
      throws IOException, InterruptedException {
    return bench.fork().run(FORK, BatchScoringRun.class, task, BatchScoringRun.Result.class);
  }

  /** What as many threads as there are tasks reach together. */
  private static double bare(byte[] onnx, double seconds) throws Exception {
    double[][] rows = OperatorFigures.rows(new SplittableRandom(6));
    ExecutorService threads = Executors.newFixedThreadPool(BatchScoringRun.PARALLELISM);
    try {
      List<Callable<Double>> loops = new ArrayList<>();
      for (int i = 0; i < BatchScoringRun.PARALLELISM; i++) {
        loops.add(() -> pace(onnx, rows, seconds));
      }
      double sum = 0;
      for (Future<Double> pace : threads.invokeAll(loops)) {
        sum += pace.get();
      }
      return sum;
    } catch (ExecutionException e) {
      throw new IOException("Cannot measure the bare loop: " + e.getMessage(), e);
    } finally {
      threads.shutdownNow();
      boolean unusedEnded = threads.awaitTermination(1, TimeUnit.SECONDS);
    }
  }

  private static double pace(byte[] onnx, double[][] rows, double seconds) throws Exception {
    try (BareLoop loop = new BareLoop(onnx, rows, BATCH)) {
      long scored = 0;
      long warmedNanos = System.nanoTime() + (long) (seconds / 2 * 1e9);
      while (System.nanoTime() < warmedNanos) {
        loop.score(BATCH);
      }
      long beganNanos = System.nanoTime();
      do {
        loop.score(BATCH);
        scored += BATCH;
      } while (System.nanoTime() - beganNanos < seconds * 1e9);
      return scored * 1e9 / (System.nanoTime() - beganNanos);
    }
  }
}
