package dev.millrace.drift;

import static dev.millrace.drift.Payments.DAY;
import static dev.millrace.drift.Payments.HOUR;
import static dev.millrace.drift.Payments.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.drift.Measure;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.drift.Statistic;
import dev.millrace.schemas.Wire;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.StrictEnvironment;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The whole graph as {@code define} makes it, on real tasks, against a naive recomputation. */
class DriftDetectorJobITCase {

  private static final int DAYS = 3;
  private static final int EVENTS_PER_HOUR = 70;

  /** What the sinks got, by sink; sinks run in this process. */
  private static final Map<String, Queue<Object>> WRITTEN = new ConcurrentHashMap<>();

  private final List<Scored> served = new ArrayList<>();
  private final List<Scored> shadows = new ArrayList<>();
  private final List<Event> reports = new ArrayList<>();

  @Test
  void everyRecordAgreesWithANaiveRecomputation() throws Exception {
    WRITTEN.clear();
    simulate();
    Payments.Profiles profiles = Payments.Profiles.make();
    Project project = Payments.project(null, Model.Label.Repeat.LAST);
    StreamExecutionEnvironment env =
        StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2));
    DriftDetectorJob.define(
        env, project, Payments.running(project), new InMemory(served, shadows, reports, profiles));
    env.execute("drift-detector");

    NaiveMeasures naive = naive(profiles);
    List<Measured> drift = written("drift", Measured.class);
    List<Measured> performance = written("performance", Measured.class);
    assertAgree(drift, naive.drift);
    assertAgree(performance, naive.performance);
    assertThat(written("letters", DeadLetter.class)).hasSize(naive.lateLabels);
    assertThat(naive.lateLabels).isPositive();

    assertInOrder(drift);
    assertInOrder(performance);
    assertThat(drift).extracting(d -> d.measure().status()).contains(Measure.Status.DRIFTED);
    assertThat(performance).extracting(d -> d.measure().status()).contains(Measure.Status.ALARM);
    Set<String> ids = new HashSet<>();
    for (Measured measured : drift) {
      assertThat(ids.add(measured.driftId())).isTrue();
      GenericRecord record = MeasuredRecords.drift(measured, Wire.DRIFT);
      assertThat(GenericData.get().validate(Wire.DRIFT, record)).isTrue();
    }
    for (Measured measured : performance) {
      assertThat(ids.add(measured.performanceId())).isTrue();
      GenericRecord record = MeasuredRecords.performance(measured, Wire.PERFORMANCE);
      assertThat(GenericData.get().validate(Wire.PERFORMANCE, record)).isTrue();
    }
  }

  /**
   * A fallback at first, then version 1 with 2 as its shadow, a canary on the second day, and a
   * version without a profile for two hours. On the third day amounts are doubled and every tenth
   * payment is a fraud that nobody foresaw.
   */
  private void simulate() {
    Random random = new Random(11);
    long reportOffset = 0;
    int n = DAYS * 24 * EVENTS_PER_HOUR;
    for (int i = 0; i < n; i++) {
      long time = START + DAYS * DAY / n * i + random.nextInt(30_000);
      int hour = (int) ((time - START) / HOUR);
      boolean changed = hour >= 48;
      String id = "p" + i;
      double[] inputs = Payments.inputs(random, time);
      if (changed) {
        inputs[1] *= 2;
        inputs[0] = random.nextInt(10) == 0 ? 17 : inputs[0];
      }
      String[] channels = {"web", "shop", "phone", null};
      String channel = channels[random.nextInt(channels.length)];
      boolean canary = hour >= 24 && i % 5 == 0;
      int version = hour < 2 ? 0 : hour == 30 || hour == 31 ? 3 : canary ? 2 : 1;
      int other = canary ? 1 : 2;
      boolean announced = version > 0 && version < 3;
      boolean lost = random.nextInt(50) == 0;
      Scored prediction =
          new Scored(
              id,
              time,
              version,
              version == 0 ? Role.FALLBACK : canary ? Role.CANARY : Role.CHAMPION,
              version == 0 ? 0.1 : Payments.score(version, inputs),
              new String[] {channel},
              announced ? new int[] {other} : Scored.NO_VERSIONS,
              inputs,
              Scored.NO_BINS,
              null);
      served.add(prediction);
      if (random.nextInt(20) == 0) {
        served.add(
            new Scored(
                id,
                time,
                2,
                Role.CHAMPION,
                0.77,
                new String[] {channel},
                Scored.NO_VERSIONS,
                inputs,
                Scored.NO_BINS,
                null));
      }
      if (announced && !lost) {
        shadows.add(Payments.shadow(id, time, other, Payments.score(other, inputs)));
      }
      boolean fraud =
          random.nextDouble() < Payments.score(1, inputs) || (changed && random.nextInt(10) == 0);
      // An hour without any label, and one with few.
      if (hour != 10 && (hour != 11 || i % 4 == 0) && random.nextInt(8) != 0) {
        long reported = time + (long) (random.nextDouble() * 1.05 * Payments.WAIT);
        reports.add(Payments.report(reportOffset++, id, reported, fraud));
        if (random.nextInt(20) == 0) {
          reports.add(Payments.report(reportOffset++, id, reported + random.nextInt(5000), !fraud));
        }
      }
      if (random.nextInt(100) == 0) {
        reports.add(Payments.report(reportOffset++, "unknown" + i, time, true));
        reports.add(Payments.report(reportOffset++, null, time, true));
        reports.add(Payments.report(reportOffset++, id, time - 1, true));
      }
    }
    reports.sort(Comparator.comparingLong(Event::eventTimeMillis));
  }

  private NaiveMeasures naive(Payments.Profiles profiles) throws Exception {
    Map<Integer, ReferenceProfile> parsed = new HashMap<>();
    for (Map.Entry<Integer, byte[]> profile : profiles.byVersion().entrySet()) {
      parsed.put(profile.getKey(), ReferenceProfile.parse(profile.getValue()));
    }
    List<Label> labels = new ArrayList<>();
    for (Event report : reports) {
      if (report.values()[2] instanceof String payment) {
        labels.add(
            Payments.label(
                report.offset(),
                payment,
                report.eventTimeMillis(),
                Boolean.TRUE.equals(report.values()[3]) ? 1 : 0));
      }
    }
    return new NaiveMeasures(parsed, Payments.WAIT, served, shadows, labels);
  }

  private static void assertAgree(
      List<Measured> measured, Map<String, NaiveMeasures.Said> expected) {
    Set<String> keys = new TreeSet<>();
    measured.forEach(m -> assertThat(keys.add(NaiveMeasures.key(m))).isTrue());
    assertThat(keys).isEqualTo(expected.keySet());
    for (Measured record : measured) {
      String key = NaiveMeasures.key(record);
      NaiveMeasures.Said said = Objects.requireNonNull(expected.get(key));
      Measure measure = record.measure();
      assertClose(key, measure.value(), said.value());
      assertClose(key, measure.threshold(), said.threshold());
      assertClose(key, record.variance(), said.variance());
      assertThat(measure.status().name()).as(key).isEqualTo(said.status());
      assertThat(record.count()).as(key).isEqualTo(said.count());
      assertThat(record.labelled()).as(key).isEqualTo(said.labelled());
      assertThat(measure.referenceCount()).as(key).isEqualTo(said.referenceCount());
      assertThat(measure.counts()).as(key).isEqualTo(said.counts());
      if (measure.statistic() == Statistic.PAGE_HINKLEY) {
        Long since = record.sinceMillis();
        assertThat(since == null ? -1 : since).as(key).isEqualTo(said.sinceMillis());
      }
    }
  }

  private static void assertClose(String key, @Nullable Double value, double expected) {
    if (Double.isNaN(expected)) {
      assertThat(value).as(key).isNull();
    } else {
      assertThat(value).as(key).isCloseTo(expected, within(1e-7));
    }
  }

  private static void assertInOrder(List<Measured> measured) {
    assertThat(measured)
        .extracting(Measured::windowStartMillis)
        .isSortedAccordingTo(Comparator.naturalOrder());
  }

  private static <T> List<T> written(String sink, Class<T> type) {
    return WRITTEN.getOrDefault(sink, new ConcurrentLinkedQueue<>()).stream()
        .map(type::cast)
        .toList();
  }

  interface TimeOf<T> extends Serializable {
    long millis(T element);
  }

  record InMemory(
      List<Scored> served, List<Scored> shadows, List<Event> reports, Payments.Profiles profiles)
      implements DriftDetectorJob.Ends {

    @Override
    public DataStream<Scored> served(StreamExecutionEnvironment env, DriftPlan plan) {
      // As on a topic, the records of one event keep their order.
      return timed(env, served, Scored.TYPE, Scored::timeMillis, "served")
          .keyBy(Scored::eventId, Types.STRING);
    }

    /** Here they hold time back, so that none is ever late. */
    @Override
    public DataStream<Scored> shadows(StreamExecutionEnvironment env, DriftPlan plan) {
      return timed(env, shadows, Scored.TYPE, Scored::timeMillis, "shadows");
    }

    @Override
    public DataStream<Inbound> labels(
        StreamExecutionEnvironment env, DriftPlan plan, DriftPlan.Labels labels) {
      return timed(
          env,
          reports.stream().map(r -> new Inbound(r, null)).toList(),
          Serializers.INBOUND,
          r -> Objects.requireNonNull(r.event()).eventTimeMillis(),
          "reports");
    }

    private static <T> DataStream<T> timed(
        StreamExecutionEnvironment env,
        List<T> all,
        TypeInformation<T> type,
        TimeOf<T> time,
        String name) {
      return env.fromData(all, type)
          .setParallelism(1)
          .uid(name)
          .assignTimestampsAndWatermarks(
              WatermarkStrategy.<T>forBoundedOutOfOrderness(Duration.ofMinutes(2))
                  .withTimestampAssigner((element, before) -> time.millis(element)))
          .setParallelism(1)
          .uid(name + "-time");
    }

    @Override
    public References references(DriftPlan plan) {
      return profiles;
    }

    @Override
    public void drift(DataStream<Measured> drift) {
      drift.sinkTo(new Kept<>("drift")).setParallelism(1).uid("drift");
    }

    @Override
    public void performance(DataStream<Measured> performance) {
      performance.sinkTo(new Kept<>("performance")).setParallelism(1).uid("performance");
    }

    @Override
    public void letters(DataStream<DeadLetter> letters) {
      letters.sinkTo(new Kept<>("letters")).uid("letters");
    }

    @Override
    public void audits(DataStream<byte[]> sampled) {
      sampled.sinkTo(new Kept<>("sampled")).uid("sampled");
    }
  }

  /** A sink that keeps what it gets. */
  private record Kept<T>(String name) implements Sink<T> {
    private static final long serialVersionUID = 1L;

    @Override
    public SinkWriter<T> createWriter(WriterInitContext context) {
      Queue<Object> queue = WRITTEN.computeIfAbsent(name, n -> new ConcurrentLinkedQueue<>());
      return new SinkWriter<>() {
        @Override
        public void write(T element, Context writing) {
          queue.add(element);
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }
}
