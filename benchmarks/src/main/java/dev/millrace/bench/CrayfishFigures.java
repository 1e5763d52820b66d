package dev.millrace.bench;

import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * What Crayfish measured of Flink with embedded ONNX Runtime: Kafka, a small network over 28 by 28
 * pixels, Kafka. Beside the most that it published for one task, with Avro and with its own JSON.
 */
final class CrayfishFigures {

  /** Events a second; aggregates-final-gcp.ipynb of crayfish23, Flink 1.15, ONNX, mp = 1. */
  private static final double CRAYFISH = 1_373;

  private static final double GOAL_AVRO = 10;
  private static final double GOAL_JSON = 5;
  private static final long SEED = 784;

  private final Path work;

  CrayfishFigures(Path work) {
    this.work = work;
  }

  /** On a stack that is gone afterwards, so that no other figure shares it with these jobs. */
  void measure(Bench bench) throws Exception {
    bench.say().accept("  starting a stack in " + bench.stack().dir());
    Target target = bench.stack().up();
    try (Traffic traffic = new Traffic(target)) {
      ConfluentSubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      int schemaId = registry.register(Topics.subject("avro_images"), Images.SCHEMA);
      measure(
          bench,
          target,
          traffic,
          Images.inAvro("avro", schemaId),
          bench.quick() ? 100_000 : 400_000,
          "crayfish-avro",
          GOAL_AVRO);
      measure(
          bench,
          target,
          traffic,
          Images.inJson("json"),
          bench.quick() ? 50_000 : 200_000,
          "crayfish-json",
          GOAL_JSON);
    } finally {
      bench.stack().down();
    }
  }

  private void measure(
      Bench bench,
      Target target,
      Traffic traffic,
      Images images,
      long events,
      String name,
      double goal)
      throws Exception {
    try (Admin admin = Topics.admin(target)) {
      admin
          .createTopics(List.of(new NewTopic(images.topic(), Images.PARTITIONS, (short) 1)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    Path project = work.resolve(name);
    images.write(project);
    bench.stack().apply(project);
    deploy(target, images, project);
    FlinkJobs jobs = new FlinkJobs(target.flink());
    jobs.cancelAll();
    long startMillis = System.currentTimeMillis();
    traffic.fill(
        images.topic(), events, number -> images.record(number, startMillis + number / 100));
    bench.say().accept(String.format(Locale.ROOT, "  %,d events are in the topic", events));
    bench.stack().apply(project);
    Samples pace = caughtUp(bench, traffic, images, events);
    jobs.cancelAll();
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  %s: %,.0f events/s (%,.0f to %,.0f)",
                name,
                pace.median(),
                pace.least(),
                pace.largest()));
    bench
        .report()
        .add(
            Figure.atLeast(
                name,
                pace,
                "events/s",
                null,
                CRAYFISH,
                pace.median() / CRAYFISH,
                goal,
                "784-32-32-10, the score is the largest of ten probabilities, "
                    + "all tasks of the job; peer: Crayfish's Flink with ONNX, one task on"
                    + " another machine, without checkpoints"));
  }

  private static void deploy(Target target, Images images, Path project) throws Exception {
    Versions versions = new Versions(target, new ConfluentSubjectRegistry(target.schemaRegistry()));
    Path file = project.resolve(images.model() + ".onnx");
    Files.write(file, OperatorFigures.classifier(new SplittableRandom(SEED), Images.PIXELS, 10));
    versions.promote(
        images.model(), versions.register(images.model(), file, "a network of random weights"));
  }

  private static Samples caughtUp(Bench bench, Traffic traffic, Images images, long events)
      throws IOException, InterruptedException {
    String topic = Topics.predictions(images.project(), images.model());
    CatchUp catchUp = new CatchUp();
    long deadlineNanos =
        System.nanoTime() + TimeUnit.SECONDS.toNanos(ScoringStage.PATIENCE_SECONDS);
    long written = 0;
    while (written < events) {
      written = traffic.written(topic);
      catchUp.add(System.nanoTime(), written);
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException(
            "Cannot measure the job: after %d s there are %d predictions of %d events"
                .formatted(ScoringStage.PATIENCE_SECONDS, written, events));
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return catchUp.pace(events, bench.repeats());
  }
}
