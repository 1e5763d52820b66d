package dev.millrace.drift;

import static dev.millrace.drift.Payments.HOUR;
import static dev.millrace.drift.Payments.START;
import static dev.millrace.drift.Payments.WAIT;
import static dev.millrace.drift.Payments.label;
import static dev.millrace.drift.Payments.served;
import static dev.millrace.drift.Payments.shadow;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.streaming.DeadLetter;
import java.util.List;
import java.util.Queue;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventJoinTest {

  private static final DriftPlan PLAN = Payments.plan();

  private static final class Harness
      extends KeyedTwoInputStreamOperatorTestHarness<String, Scored, Label, Matured> {

    Harness(DriftPlan plan) throws Exception {
      super(
          new EventJoinOperator(new EventJoin(plan)),
          Scored::eventId,
          Label::eventId,
          Types.STRING);
      setup(Matured.Serializer.INSTANCE);
    }

    static Harness open(DriftPlan plan) throws Exception {
      Harness harness = new Harness(plan);
      harness.open();
      return harness;
    }

    void put(Scored scored) throws Exception {
      processElement1(scored, scored.timeMillis());
    }

    void put(Label label) throws Exception {
      processElement2(label, label.timeMillis());
    }

    void time(long millis) throws Exception {
      processBothWatermarks(new Watermark(millis));
    }

    List<Matured> matured() {
      return extractOutputValues();
    }

    List<Scored> first() {
      return side(getSideOutput(EventJoin.FIRST));
    }

    List<String> letters() {
      return side(getSideOutput(EventJoin.LETTERS)).stream().map(DeadLetter::reason).toList();
    }

    long told() {
      return getOutput().stream()
          .filter(o -> o instanceof Watermark)
          .mapToLong(o -> ((Watermark) o).getTimestamp())
          .max()
          .orElse(Long.MIN_VALUE);
    }

    void assertEmptyInTheEnd() throws Exception {
      setProcessingTime(getProcessingTime() + 10_000);
      time(START + 1000 * Payments.DAY);
      assertThat(numKeyedStateEntries()).isZero();
      assertThat(numEventTimeTimers()).isZero();
    }

    private static <T> List<T> side(@Nullable Queue<StreamRecord<T>> queue) {
      return queue == null ? List.of() : queue.stream().map(StreamRecord::getValue).toList();
    }
  }

  @Test
  void anEventIsMatureWhenItsLabelCanNoLongerCome() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      harness.put(served("a", START, 1, 0.3));
      harness.put(label(1, "a", START + HOUR, 1));
      harness.time(START + WAIT - 1);
      assertThat(harness.matured()).isEmpty();
      harness.time(START + WAIT);
      assertThat(harness.matured())
          .singleElement()
          .satisfies(
              m -> {
                assertThat(m.label()).isEqualTo(1);
                assertThat(m.served().score()).isEqualTo(0.3);
                assertThat(m.versions()).isEmpty();
              });
      assertThat(harness.first()).hasSize(1);
      harness.assertEmptyInTheEnd();
    }
  }

  @Test
  void aLabelMustLieAfterTheEventAndWithinTheWait() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      harness.put(served("at", START, 1, 0.3));
      harness.put(label(1, "at", START, 1));
      harness.put(served("end", START, 1, 0.3));
      harness.put(label(2, "end", START + WAIT, 1));
      harness.put(served("beyond", START, 1, 0.3));
      harness.put(label(3, "beyond", START + WAIT + 1, 1));
      harness.time(START + WAIT);
      assertThat(harness.matured())
          .extracting(m -> m.served().eventId() + " " + m.label())
          .containsExactlyInAnyOrder("at NaN", "end 1.0", "beyond NaN");
      assertThat(harness.letters()).containsExactly(EventJoin.LABEL_LATE);
      harness.put(label(4, "at", START + HOUR, 1));
      assertThat(harness.letters()).as("came after maturity").hasSize(2);
      harness.put(label(5, "at", START, 1));
      assertThat(harness.letters()).as("of a time before the event").hasSize(2);
      harness.assertEmptyInTheEnd();
    }
  }

  @Test
  void ofSeveralLabelsTheFirstOrTheLastCountsWhateverOrderTheyCameIn() throws Exception {
    for (Model.Label.Repeat repeat : Model.Label.Repeat.values()) {
      try (Harness harness = Harness.open(Payments.plan(null, repeat))) {
        harness.put(label(7, "a", START + 2 * HOUR, 0));
        harness.put(served("a", START, 1, 0.3));
        harness.put(label(9, "a", START + 3 * HOUR, 1));
        harness.put(label(8, "a", START + HOUR, 0.5));
        harness.put(label(3, "a", START + 3 * HOUR, 0.25));
        harness.time(START + WAIT);
        assertThat(harness.matured())
            .extracting(Matured::label)
            .containsExactly(repeat == Model.Label.Repeat.FIRST ? 0.5 : 1.0);
        harness.assertEmptyInTheEnd();
      }
    }
  }

  @Test
  void anAbsentLabelIsLeftOutOrFilledIn() throws Exception {
    try (Harness harness = Harness.open(Payments.plan(0.0, Model.Label.Repeat.LAST))) {
      harness.put(served("a", START, 1, 0.3));
      harness.time(START + WAIT);
      assertThat(harness.matured()).extracting(Matured::label).containsExactly(0.0);
    }
  }

  @Test
  void theFirstPredictionOfAnEventCounts() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      harness.put(served("a", START, 1, 0.3));
      harness.put(served("a", START, 2, 0.9));
      harness.time(START + WAIT);
      harness.put(served("a", START, 2, 0.9));
      harness.time(START + 2 * WAIT);
      assertThat(harness.matured()).extracting(m -> m.served().version()).containsExactly(1);
      assertThat(harness.first()).extracting(Scored::version).containsExactly(1);
      harness.assertEmptyInTheEnd();
      harness.put(served("a", START, 2, 0.9));
      assertThat(harness.first()).as("long forgotten, so it may be a repeat").hasSize(1);
    }
  }

  @Test
  void labelsAndShadowsOfUnknownEventsAreForgotten() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      for (int i = 0; i < 40; i++) {
        harness.put(label(i, "nobody", START + i, 1));
      }
      harness.put(shadow("nobody", START, 2, 0.5));
      harness.put(shadow("neither", START, 2, 0.5));
      harness.assertEmptyInTheEnd();
      harness.put(label(50, "nobody", START, 1));
      harness.put(shadow("nobody", START, 2, 0.5));
      assertThat(harness.numKeyedStateEntries()).as("too old to be kept at all").isZero();
      assertThat(harness.matured()).isEmpty();
      assertThat(harness.letters()).isEmpty();
    }
  }

  @Test
  void announcedShadowScoresAreWaitedForWhileTimeIsHeld() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      harness.put(served("a", START, 1, 0.3, 2, 3));
      harness.put(shadow("a", START, 3, 0.4));
      harness.put(shadow("a", START, 3, 0.9));
      harness.put(served("b", START + 2 * HOUR, 1, 0.3));
      harness.time(START + WAIT + HOUR);
      assertThat(harness.matured()).isEmpty();
      assertThat(harness.told()).isEqualTo(START + WAIT - 1);
      harness.put(shadow("a", START, 2, 0.5));
      assertThat(harness.matured())
          .singleElement()
          .satisfies(
              m -> {
                assertThat(m.versions()).containsExactly(3, 2);
                assertThat(m.scores()).containsExactly(0.4, 0.5);
              });
      harness.time(START + WAIT + 2 * HOUR);
      assertThat(harness.told()).isEqualTo(START + WAIT + 2 * HOUR);
      harness.assertEmptyInTheEnd();
    }
  }

  @Test
  void withoutLabelsAnEventIsMatureAtOnce() throws Exception {
    try (Harness harness = Harness.open(unlabelled())) {
      harness.put(served("a", START, 1, 0.3));
      assertThat(harness.matured())
          .singleElement()
          .satisfies(
              m -> {
                assertThat(m.served().score()).isEqualTo(0.3);
                assertThat(m.label()).isNaN();
              });
      harness.put(served("a", START, 1, 0.9));
      harness.time(START + HOUR);
      harness.put(served("a", START, 1, 0.9));
      assertThat(harness.matured()).as("repeats").hasSize(1);
      assertThat(harness.first()).hasSize(1);
      harness.assertEmptyInTheEnd();
      assertThat(harness.matured()).hasSize(1);
    }
  }

  @Test
  void withoutLabelsAnEventIsMatureWithTheLastOfItsShadowsScores() throws Exception {
    try (Harness harness = Harness.open(unlabelled())) {
      harness.put(served("a", START, 1, 0.3, 2, 3));
      harness.put(shadow("a", START, 3, 0.4));
      assertThat(harness.matured()).isEmpty();
      harness.put(shadow("a", START, 2, 0.5));
      harness.put(shadow("b", START, 2, 0.6));
      assertThat(harness.matured())
          .singleElement()
          .satisfies(m -> assertThat(m.versions()).containsExactly(3, 2));
      harness.put(served("b", START, 1, 0.7, 2));
      assertThat(harness.matured())
          .last()
          .satisfies(
              m -> {
                assertThat(m.served().eventId()).isEqualTo("b");
                assertThat(m.scores()).containsExactly(0.6);
              });
      harness.put(served("c", START, 1, 0.3, 2));
      harness.time(START + HOUR);
      assertThat(harness.matured()).as("c waits, and holds time").hasSize(2);
      assertThat(harness.told()).isEqualTo(START - 1);
      harness.put(shadow("c", START, 2, 0.8));
      assertThat(harness.matured()).hasSize(3);
      harness.time(START + 2 * HOUR);
      assertThat(harness.told()).isEqualTo(START + 2 * HOUR);
      harness.assertEmptyInTheEnd();
      assertThat(harness.matured()).hasSize(3);
    }
  }

  private static DriftPlan unlabelled() {
    return new DriftPlan(
        PLAN.project(),
        PLAN.model(),
        PLAN.inputs(),
        PLAN.missing(),
        PLAN.segments(),
        PLAN.windowMillis(),
        PLAN.seasonMillis(),
        null);
  }

  @Test
  void aShadowScoreThatNeverComesIsGivenUpAfterADayOfWindows() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      harness.put(served("a", START, 1, 0.3, 2));
      harness.time(START + WAIT + 24 * HOUR - 1);
      assertThat(harness.matured()).isEmpty();
      harness.time(START + WAIT + 24 * HOUR);
      assertThat(harness.matured()).as("a day of windows, but no second has passed").isEmpty();
      harness.setProcessingTime(10_000);
      harness.time(START + WAIT + 25 * HOUR);
      assertThat(harness.matured()).hasSize(1);
      harness.put(shadow("a", START, 2, 0.5));
      assertThat(harness.matured()).hasSize(1);
      harness.assertEmptyInTheEnd();
    }
  }

  @Test
  void whatWaitsAndWhatHoldsTimeSurviveARestore() throws Exception {
    OperatorSubtaskState snapshot;
    try (Harness harness = Harness.open(PLAN)) {
      harness.put(served("a", START, 1, 0.3, 2));
      harness.put(label(1, "a", START + 1, 1));
      harness.put(label(2, "c", START + HOUR, 1));
      harness.time(START + WAIT);
      snapshot = harness.snapshot(1, 1);
    }
    try (Harness harness = new Harness(PLAN)) {
      harness.initializeState(snapshot);
      harness.open();
      harness.time(START + WAIT + HOUR / 2);
      assertThat(harness.told()).isEqualTo(START + WAIT - 1);
      harness.put(served("c", START + HOUR / 2, 1, 0.6));
      harness.put(shadow("a", START, 2, 0.5));
      harness.time(START + 2 * WAIT);
      assertThat(harness.matured())
          .extracting(m -> m.served().eventId() + " " + m.label())
          .containsExactly("a 1.0", "c 1.0");
      assertThat(harness.told()).isEqualTo(START + 2 * WAIT);
      harness.assertEmptyInTheEnd();
    }
  }

  @Test
  void predictionsThatPauseDoNotLetTheLabelsRunOn() throws Exception {
    try (Harness harness = Harness.open(PLAN)) {
      harness.processWatermarkStatus1(WatermarkStatus.IDLE);
      harness.processWatermark2(new Watermark(START + 10 * Payments.DAY));
      assertThat(harness.told()).isEqualTo(Long.MIN_VALUE);
      harness.processWatermarkStatus2(WatermarkStatus.IDLE);
      harness.processWatermark1(new Watermark(START));
      assertThat(harness.told()).as("but labels that pause hold nothing back").isEqualTo(START);
    }
  }
}
