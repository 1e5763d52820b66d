package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ReferenceProfileTest {

  @Test
  void isReadAsItWasWrittenAndMadeAgainTheSame() throws Exception {
    ReferenceProfile profile = profile(14);
    byte[] json = profile.json();
    ReferenceProfile read = ReferenceProfile.parse(json);
    assertThat(read).isEqualTo(profile);
    assertThat(read.json()).isEqualTo(json);
    assertThat(read.sha256()).isEqualTo(ReferenceProfile.sha256(json));
    assertThat(profile(14).json()).isEqualTo(json);
    String other = new String(json, StandardCharsets.UTF_8).replace("\"format\":1", "\"format\":2");
    assertThatThrownBy(() -> ReferenceProfile.parse(other.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("format 2");
  }

  @Test
  void slotsMergeUntilEachHasEightWindows() {
    assertThat(profile(56).slots()).isEqualTo(SlotScheme.HOUR_OF_WEEK);
    assertThat(profile(55).slots()).isEqualTo(SlotScheme.HOUR_OF_DAY_BY_WORKDAY);
    assertThat(profile(28).slots()).isEqualTo(SlotScheme.HOUR_OF_DAY_BY_WORKDAY);
    assertThat(profile(27).slots()).isEqualTo(SlotScheme.HOUR_OF_DAY);
    assertThat(profile(8).slots()).isEqualTo(SlotScheme.HOUR_OF_DAY);
    assertThat(profile(7).slots()).isEqualTo(SlotScheme.ONE);
    assertThat(profile(7).sufficient()).isTrue();
  }

  @Test
  void belowSevenDaysThereAreNoThresholds() throws Exception {
    ReferenceProfile profile = profile(6);
    assertThat(profile.sufficient()).isFalse();
    assertThat(profile.thresholds().standardised()).isNull();
    assertThat(profile.pageHinkley().lambda()).isNull();
    assertThat(profile.features())
        .allSatisfy(
            f ->
                assertThat(f.statistics())
                    .allSatisfy(s -> assertThat(s.threshold()).containsOnlyNulls()));
    assertThat(ReferenceProfile.parse(profile.json())).isEqualTo(profile);
  }

  @Test
  void countsEveryRowOfTheWindowsOnce() {
    ReferenceProfile profile = profile(28);
    assertThat(profile.rows()).isEqualTo(28 * 500);
    assertThat(profile.features())
        .extracting(ReferenceProfile.Feature::name)
        .containsExactly("amount", "channel", "velocity", "age", "score");
    for (ReferenceProfile.Feature feature : profile.features()) {
      assertThat(feature.counts().stream().flatMap(List::stream).mapToLong(c -> c).sum())
          .isEqualTo(profile.rows());
    }
    assertThat(profile.features().get(1).kind()).isEqualTo(ReferenceProfile.Kind.CATEGORICAL);
  }

  @Test
  void aThresholdIsAsManyDeviationsFromTheMeanAsTheBudgetNeeds() {
    ReferenceProfile profile = profile(28);
    double z = Objects.requireNonNull(profile.thresholds().standardised());
    assertThat(z).isGreaterThanOrEqualTo(Objects.requireNonNull(profile.thresholds().largest()));
    ReferenceProfile.Standard psi = profile.features().get(0).statistics().get(0);
    int slot = profile.slots().slot(profile.fromMillis() + 13 * 3_600_000L);
    assertThat(Statistic.PSI.scaled(Objects.requireNonNull(psi.threshold().get(slot))))
        .isCloseTo(
            Objects.requireNonNull(psi.mean().get(slot))
                + z * Objects.requireNonNull(psi.sd().get(slot)),
            within(1e-9));
  }

  @Test
  void emptyAndTinyReferencesHaveNoThresholdsButNoErrorEither() {
    for (int rows : new int[] {0, 1, 50}) {
      long[] times = new long[rows];
      java.util.Arrays.fill(times, SimulatedTraffic.START + 1);
      ReferenceProfile profile =
          ReferenceProfile.of(
              "m",
              new ReferenceRows(
                  List.of("x"),
                  new double[][] {new double[rows]},
                  new double[rows],
                  new double[rows],
                  times,
                  SimulatedTraffic.START,
                  SimulatedTraffic.START + 10 * SimulatedTraffic.DAY),
              SimulatedTraffic.hourly(1, 30),
              7);
      assertThat(profile.rows()).isEqualTo(rows);
      assertThat(profile.thresholds().standardised()).isNull();
    }
  }

  @Test
  void rowsThatDoNotFitTogetherAreRefused() {
    assertThatThrownBy(
            () ->
                new ReferenceRows(
                    List.of("x"),
                    new double[][] {{1, 2}},
                    new double[] {0.5, 0.5},
                    new double[] {0, 1},
                    new long[] {2, 1},
                    0,
                    10))
        .hasMessageContaining("sort the rows by event time");
  }

  @Test
  void slotsAreNamedByTheHourTheWindowBegins() {
    long wednesday = 1_704_287_000_000L / 3_600_000 * 3_600_000; // 2024-01-03T13:00Z
    assertThat(name(SlotScheme.HOUR_OF_WEEK, wednesday)).isEqualTo("wed-13");
    assertThat(name(SlotScheme.HOUR_OF_DAY_BY_WORKDAY, wednesday)).isEqualTo("workday-13");
    assertThat(name(SlotScheme.HOUR_OF_DAY_BY_WORKDAY, wednesday + 3 * SimulatedTraffic.DAY))
        .isEqualTo("weekend-13");
    assertThat(name(SlotScheme.HOUR_OF_DAY, wednesday)).isEqualTo("13");
    assertThat(name(SlotScheme.ONE, wednesday)).isEqualTo("all");
    assertThat(name(SlotScheme.HOUR_OF_WEEK, -3_600_000)).isEqualTo("wed-23");
  }

  @Test
  void definitionIdsSayWhatDecidesTheValue() {
    String sha = "0123456789abcdef";
    assertThat(
            DefinitionIds.ofBins(
                Statistic.PSI,
                ReferenceProfile.Kind.NUMERIC,
                SlotScheme.HOUR_OF_DAY_BY_WORKDAY,
                sha))
        .isEqualTo(
            "psi/v1;bins=q10+uo+null;smooth=.5;slots=hour_of_day_by_workday;ref=0123456789ab");
    assertThat(DefinitionIds.ofScores(Statistic.AUC, null, null))
        .isEqualTo("auc/v1;bins=logodds1000;clip=1e-6;ref=none");
  }

  @Test
  void aReferenceThatBeginsAMillisecondLateLosesNoWindow() {
    SimulatedTraffic traffic = new SimulatedTraffic(1, 0, 28, 500, 99);
    ReferenceRows rows =
        new ReferenceRows(
            SimulatedTraffic.INPUTS,
            traffic.columns,
            traffic.scores,
            traffic.labels,
            traffic.times,
            SimulatedTraffic.START + 1,
            SimulatedTraffic.START + 28 * SimulatedTraffic.DAY + 1);
    ReferenceProfile profile = ReferenceProfile.of("m", rows, SimulatedTraffic.hourly(1, 30), 7);
    assertThat(profile.windows()).isEqualTo(28 * 24);
    assertThat(profile.slots()).isEqualTo(SlotScheme.HOUR_OF_DAY_BY_WORKDAY);
  }

  private static String name(SlotScheme scheme, long millis) {
    return scheme.slotName(scheme.slot(millis));
  }

  private static ReferenceProfile profile(int days) {
    return ReferenceProfile.of(
        "m",
        new SimulatedTraffic(1, 0, days, 500, 99).reference(0, days),
        SimulatedTraffic.hourly(1, 30),
        7);
  }
}
