package dev.millrace.inference;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;

/**
 * The operator that scores, without anything before or behind it: events that are there already,
 * whose inputs are their own fields, and predictions that nobody takes.
 */
public final class MeasuredScoring implements AutoCloseable {

  private static final int EVENTS = 4096;
  private static final long START_MILLIS = 1_700_000_000_000L;

  private final TwoInputStreamOperatorTestHarness<Joined, DeploymentRecord, Prediction> harness;
  private final StreamRecord<Joined>[] events;
  private int next;

  /**
   * Opens it with one version.
   *
   * @param fields of an event, which are the inputs
   * @param values of each event, taken in turn
   */
  @SuppressWarnings({"unchecked", "rawtypes"}) // An array of a generic type.
  public MeasuredScoring(
      Path onnx, String sha256, List<String> fields, double[][] values, int batch)
      throws Exception {
    Project project = Definitions.read(files(fields, batch, false));
    ScoringPlan plan =
        ScoringPlan.of(
            project, project.models().get(0), RunningViews.only(project, Map.of()), false, "bench");
    Deployment deployment =
        new Deployment(
            "measured",
            "d1",
            Deployment.State.EFFECTIVE,
            null,
            new DeployedVersion(1, onnx.toUri().toString(), sha256, null, null, Map.of()),
            null,
            0,
            List.of(),
            START_MILLIS);
    harness =
        new TwoInputStreamOperatorTestHarness<>(
            new ScoringOperator(
                plan,
                new ScoringEnds(
                    NoFeatures::new,
                    model -> List.of(new DeploymentRecord(deployment, 0, 0)),
                    Silent::new,
                    (model, since) -> OptionalLong.empty(),
                    new OnnxModels(),
                    new WaitClock.OfSystem(),
                    new LoaderThread())));
    harness.setup(PredictionSerializer.INSTANCE);
    harness.open();
    events = new StreamRecord[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
      double[] of = values[i % values.length];
      Object[] fieldsOf = new Object[2 + fields.size()];
      fieldsOf[0] = "e" + i;
      fieldsOf[1] = START_MILLIS + i;
      for (int f = 0; f < fields.size(); f++) {
        fieldsOf[2 + f] = of[f];
      }
      Event event =
          new Event(0, i, START_MILLIS + i, START_MILLIS + i, "e" + i, fieldsOf, null, null);
      events[i] = new StreamRecord<>(Joined.unread(new Inbound(event, null)), START_MILLIS + i);
    }
  }

  /** Scores as many events, whole batches of them; how many predictions there were. */
  public long score(int rows) throws Exception {
    long predictions = 0;
    for (int i = 0; i < rows; i++) {
      harness.processElement1(events[next]);
      next = (next + 1) % EVENTS;
    }
    for (Object out : harness.getOutput()) {
      predictions += out instanceof StreamRecord<?> ? 1 : 0;
    }
    harness.getOutput().clear();
    return predictions;
  }

  @Override
  public void close() throws Exception {
    harness.close();
  }

  /** A project of one model whose inputs are its source's fields. */
  static Map<String, String> files(List<String> fields, int batch, boolean archive) {
    StringBuilder inputs = new StringBuilder();
    StringBuilder schema = new StringBuilder();
    for (String field : fields) {
      inputs
          .append("      - {name: ")
          .append(field)
          .append(", value: ")
          .append(field)
          .append("}\n");
      schema.append(", {\"name\": \"").append(field).append("\", \"type\": \"double\"}");
    }
    String yaml =
        """
        project: bench
        sources:
          - {name: measured_events, schema: event.avsc, event-id: id, event-time: at, archive: %s}
        models:
          - name: measured
            source: measured_events
            execution: {provider: cpu, max-rows: %d, max-delay: 1s}
            inputs:
        """
            .formatted(archive, batch);
    String record =
        """
        {"type": "record", "name": "Event", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}%s]}
        """
            .formatted(schema);
    return Map.of("millrace.yaml", yaml + inputs, "event.avsc", record);
  }

  /** Events bring all inputs themselves. */
  private static final class NoFeatures implements FeatureReads {
    @Override
    public List<List<byte @Nullable []>> read(List<Query> queries) {
      if (!queries.isEmpty()) {
        throw new IllegalStateException("Cannot read features: there are none");
      }
      return List.of();
    }

    @Override
    public void close() {}
  }

  /** Nobody asks. */
  private static final class Silent implements Announcements {
    @Override
    public void announce(LifecycleEntry entry) {
      throw new IllegalStateException("Cannot announce: nothing is being prepared");
    }

    @Override
    public void close() {}
  }
}
