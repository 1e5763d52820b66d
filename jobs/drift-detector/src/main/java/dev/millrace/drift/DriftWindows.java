package dev.millrace.drift;

import dev.millrace.core.drift.Measure;
import dev.millrace.core.drift.Reference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Sums up a model's counts by window and tells, when a window ends, every statistic of every input
 * and score. One task for a model, so that records come out in the order of their windows. It holds
 * the few windows that are open, a kilobyte or two for each version and segment.
 */
final class DriftWindows extends AbstractStreamOperator<Measured>
    implements OneInputStreamOperator<BinCounts, Measured> {

  private static final long serialVersionUID = 1L;
  private static final ListStateDescriptor<BinCounts> OPEN =
      new ListStateDescriptor<>("open-windows", BinCounts.TYPE);

  private final DriftPlan plan;
  private final References references;
  private transient References.Met met;
  private transient ListState<BinCounts> state;
  private transient TreeMap<Long, Map<Group, BinCounts>> open;
  private transient long nowMillis;
  private transient Counter late;

  private record Group(int version, @Nullable String segment) {}

  @SuppressWarnings("NullAway.Init") // Flink calls initializeState before the first element.
  DriftWindows(DriftPlan plan, References references) {
    this.plan = plan;
    this.references = references;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    met =
        new References.Met(
            references, plan.model(), getMetricGroup().counter("unmeasuredVersions"));
    late = getMetricGroup().counter("latePredictions");
    open = new TreeMap<>();
    nowMillis = Long.MIN_VALUE;
    state = context.getOperatorStateStore().getListState(OPEN);
    for (BinCounts counts : state.get()) {
      add(counts);
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    List<BinCounts> all = new ArrayList<>();
    open.values().forEach(groups -> all.addAll(groups.values()));
    state.update(all);
  }

  @Override
  public void processElement(StreamRecord<BinCounts> element) {
    BinCounts counts = element.getValue();
    if (counts.windowStartMillis() + plan.windowMillis() - 1 <= nowMillis) {
      if (counts.segment() == null) {
        late.inc(counts.events()[0]);
      }
      return;
    }
    add(counts);
  }

  private void add(BinCounts counts) {
    open.computeIfAbsent(counts.windowStartMillis(), w -> new HashMap<>())
        .merge(
            new Group(counts.version(), counts.segment()),
            counts,
            (sum, more) -> {
              sum.add(more);
              return sum;
            });
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    nowMillis = mark.getTimestamp();
    while (!open.isEmpty() && open.firstKey() + plan.windowMillis() - 1 <= nowMillis) {
      var window = open.pollFirstEntry();
      close(window.getKey(), window.getValue());
    }
    super.processWatermark(mark);
  }

  private void close(long startMillis, Map<Group, BinCounts> groups) {
    List<BinCounts> told = new ArrayList<>(segmentsTold(groups).values());
    told.sort(
        Comparator.comparingInt(BinCounts::version)
            .thenComparing(BinCounts::segment, Comparator.nullsFirst(Comparator.naturalOrder())));
    for (BinCounts counts : told) {
      Reference reference = met.of(counts.version());
      if (reference == null) {
        continue;
      }
      for (int f = 0; f < reference.features(); f++) {
        long[] bins = new long[reference.bins(f)];
        for (int bin = 0; bin < bins.length; bin++) {
          bins[bin] = counts.counts()[f * BinCounts.STRIDE + bin];
        }
        for (Measure measure : reference.drift(f, startMillis, bins, counts.segment() == null)) {
          output.collect(
              new StreamRecord<>(
                  new Measured(
                      plan.model(),
                      counts.version(),
                      null,
                      "",
                      counts.segment(),
                      startMillis,
                      startMillis + plan.windowMillis(),
                      measure,
                      null,
                      null,
                      counts.events()[0],
                      0),
                  startMillis + plan.windowMillis() - 1));
        }
      }
    }
  }

  /** The groups with the smallest segments of each version merged into other. */
  private static Map<Group, BinCounts> segmentsTold(Map<Group, BinCounts> groups) {
    Map<Integer, List<BinCounts>> byVersion = new HashMap<>();
    Map<Group, BinCounts> told = new HashMap<>();
    groups.forEach(
        (group, counts) -> {
          if (group.segment == null) {
            told.put(group, counts);
          } else {
            byVersion.computeIfAbsent(group.version, v -> new ArrayList<>()).add(counts);
          }
        });
    byVersion.forEach(
        (version, all) -> {
          Map<String, BinCounts> bySegment = new HashMap<>();
          for (BinCounts counts : all) {
            bySegment.put(String.valueOf(counts.segment()), counts);
          }
          Segments.told(bySegment.keySet(), s -> events(bySegment, s))
              .forEach(
                  (segment, name) ->
                      told.computeIfAbsent(
                              new Group(version, name),
                              g ->
                                  BinCounts.none(
                                      version,
                                      all.get(0).windowStartMillis(),
                                      name,
                                      all.get(0).features()))
                          .add(counts(bySegment, segment)));
        });
    return told;
  }

  private static long events(Map<String, BinCounts> bySegment, String segment) {
    return counts(bySegment, segment).events()[0];
  }

  private static BinCounts counts(Map<String, BinCounts> bySegment, String segment) {
    BinCounts counts = bySegment.get(segment);
    if (counts == null) {
      throw new IllegalStateException("Cannot tell segment " + segment + ": it was not counted");
    }
    return counts;
  }
}
