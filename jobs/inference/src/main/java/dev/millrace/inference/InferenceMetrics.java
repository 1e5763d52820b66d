package dev.millrace.inference;

import dev.millrace.core.model.Freshness;
import dev.millrace.scoring.ExecutionProvider;
import java.util.EnumMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;
import org.jspecify.annotations.Nullable;

/** What an operator of scoring can see; each field is the metric of its name. */
final class InferenceMetrics {

  private static final int HISTOGRAM_VALUES = 1_000;

  /** Rows of a batch. */
  final Histogram batchSize;

  /** From the arrival of a batch's first event to its last prediction. */
  final Histogram batchLatencyMs;

  /** How long an event was parked until its rows included it, or it went on without. */
  final Histogram featureWaitMs;

  final Counter totalBatchesProcessed;
  final Counter totalRecordsProcessed;

  /** Fallback scores before the first deployment. */
  final Counter fallbacksNoModel;

  /** Fallback scores in the place of NaN or an infinite score. */
  final Counter fallbacksNonFinite;

  /** Fallback scores because the model could not run. */
  final Counter fallbacksFailed;

  /** Of these, scores that another version made: the champion for its canary, or the one before. */
  final Counter fallbacksByVersion;

  /** Scores that shadows did not make because they take too long. */
  final Counter shadowsShed;

  /** Runs of versions that did not come back. */
  final Counter runsEnded;

  /** Events without any score: letters NO_MODEL. */
  final Counter unanswered;

  /** Events with a null key: letters NULL_KEY. */
  final Counter nullKeys;

  final Counter missingInputs;

  /** On-demand inputs that could not be computed, or gave no finite number. */
  final Counter inputsFailed;

  /** Round trips to the online store that failed. */
  final Counter redisFailures;

  /** Batches that did not ask the store, because it had just failed. */
  final Counter redisSkipped;

  /** Rows of another definition or of a source's earlier topic. */
  final Counter rowsOfAnotherVersion;

  /** Rows or values that could not be read. */
  final Counter rowsUnreadable;

  final Counter deploymentsTaken;
  final Counter deploymentsRefused;

  /** Versions that are not computed on what their model asks for. */
  final Counter providerFallbacks;

  /** What computes the champion: 0 the CPU, 1 CUDA, 2 TensorRT; −1 where nobody serves. */
  private volatile int executionProvider = -1;

  private final Map<Freshness, Counter> freshness = new EnumMap<>(Freshness.class);

  InferenceMetrics(MetricGroup group) {
    batchSize = histogram(group, "batchSize");
    batchLatencyMs = histogram(group, "batchLatencyMs");
    featureWaitMs = histogram(group, "featureWaitMs");
    totalBatchesProcessed = group.counter("totalBatchesProcessed");
    totalRecordsProcessed = group.counter("totalRecordsProcessed");
    fallbacksNoModel = group.counter("fallbacksNoModel");
    fallbacksNonFinite = group.counter("fallbacksNonFinite");
    fallbacksFailed = group.counter("fallbacksFailed");
    fallbacksByVersion = group.counter("fallbacksByVersion");
    shadowsShed = group.counter("shadowsShed");
    runsEnded = group.counter("runsEnded");
    unanswered = group.counter("unanswered");
    nullKeys = group.counter("nullKeys");
    missingInputs = group.counter("missingInputs");
    inputsFailed = group.counter("inputsFailed");
    redisFailures = group.counter("redisFailures");
    redisSkipped = group.counter("redisSkipped");
    rowsOfAnotherVersion = group.counter("rowsOfAnotherVersion");
    rowsUnreadable = group.counter("rowsUnreadable");
    deploymentsTaken = group.counter("deploymentsTaken", new ThreadSafeSimpleCounter());
    deploymentsRefused = group.counter("deploymentsRefused", new ThreadSafeSimpleCounter());
    providerFallbacks = group.counter("providerFallbacks", new ThreadSafeSimpleCounter());
    // Of the whole process: its tasks share the sessions.
    group.gauge("modelLoads", (Gauge<Long>) ModelMemory::loads);
    group.gauge("modelsUnloaded", (Gauge<Long>) ModelMemory::unloaded);
    group.gauge("modelsLoaded", (Gauge<Integer>) ModelMemory::loadedNow);
    group.gauge("executionProvider", (Gauge<Integer>) () -> executionProvider);
    freshness.put(Freshness.INCLUDED, group.counter("freshnessIncluded"));
    freshness.put(Freshness.STALE, group.counter("freshnessStale"));
    freshness.put(Freshness.AHEAD, group.counter("freshnessAhead"));
    freshness.put(Freshness.MISSING, group.counter("freshnessMissing"));
  }

  /** Tells what computes the champion; null where nobody serves. */
  void computedOn(@Nullable ExecutionProvider provider) {
    executionProvider =
        provider == null
            ? -1
            : switch (provider) {
              case CPU -> 0;
              case CUDA -> 1;
              case TENSORRT -> 2;
            };
  }

  void count(Freshness how) {
    Counter counter = freshness.get(how);
    if (counter != null) {
      counter.inc();
    }
  }

  private static Histogram histogram(MetricGroup group, String name) {
    return group.histogram(name, new DescriptiveStatisticsHistogram(HISTOGRAM_VALUES));
  }
}
