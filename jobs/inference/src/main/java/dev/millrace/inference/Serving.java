package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.DeploymentHistory;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which version one task scores with.
 *
 * <p>A new version is loaded beside the old one, on the loader's thread; the task takes it between
 * two batches with {@link #flip}. A version that cannot be loaded is refused and the one before it
 * goes on. After a restart the log is read again and the newest version that loads serves, which is
 * the same one, unless the artifact changed or came back in between.
 */
final class Serving implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Serving.class);

  private final ScoringPlan plan;
  private final ModelLoader loader;
  private final ExecutorService threads;
  private final InferenceMetrics metrics;
  private final DeploymentHistory history = new DeploymentHistory();
  private final Map<Integer, Long> lastOffsets = new HashMap<>();

  private @Nullable Served current;
  private volatile int servedVersion;

  // What the loader's thread and the task share; guarded by this.
  private long wanted;
  private @Nullable Served ready;
  private boolean closed;

  /** A version that is loaded. */
  record Served(Deployment deployment, DeployedVersion version, Scorer scorer) {}

  Serving(ScoringPlan plan, ModelLoader loader, ExecutorService threads, InferenceMetrics metrics) {
    this.plan = plan;
    this.loader = loader;
    this.threads = threads;
    this.metrics = metrics;
  }

  /** Takes the log as it is and loads who serves now before it returns. */
  void open(List<DeploymentRecord> log) {
    for (DeploymentRecord record : log) {
      if (isNew(record)) {
        take(record);
      }
    }
    for (Deployment deployment : history.newestFirst()) {
      if (deployment.champion() == null) {
        return;
      }
      Served loaded = load(deployment);
      if (loaded != null) {
        serve(loaded);
        return;
      }
    }
  }

  /** Whether the record is about this model and was not taken before. */
  boolean isNew(DeploymentRecord record) {
    Long last = lastOffsets.get(record.partition());
    return record.deployment().model().equals(plan.model())
        && (last == null || record.offset() > last);
  }

  /** Takes a new record; the caller has flushed what the old version is to score. */
  void accept(DeploymentRecord record) {
    take(record);
    Deployment next = history.current().orElse(null);
    Served serves = current;
    synchronized (this) {
      wanted++;
      closeReady();
    }
    if (next == null || next.champion() == null) {
      retire();
    } else if (serves == null || !serves.deployment.deploymentId().equals(next.deploymentId())) {
      long generation = wanted;
      threads.execute(() -> prepare(next, generation));
    }
  }

  /** Serves with what is ready; called between batches. */
  void flip() {
    Served next;
    synchronized (this) {
      next = ready;
      ready = null;
    }
    if (next != null) {
      retire();
      serve(next);
    }
  }

  /** Who scores now; null where only the fallback can. */
  @Nullable Served current() {
    return current;
  }

  /** The version that scores now, 0 for none; for a gauge. */
  int servedVersion() {
    return servedVersion;
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      closeReady();
    }
    threads.shutdownNow();
    retire();
  }

  private void take(DeploymentRecord record) {
    lastOffsets.put(record.partition(), record.offset());
    Deployment deployment = record.deployment();
    history.accept(deployment);
    metrics.deploymentsTaken.inc();
    if (deployment.canary() != null || !deployment.shadows().isEmpty()) {
      LOG.warn(
          "Deployment {} of model {} names a canary or shadows, which are not built yet; its"
              + " champion alone scores",
          deployment.deploymentId(),
          plan.model());
    }
  }

  private void prepare(Deployment deployment, long generation) {
    Served loaded = load(deployment);
    if (loaded == null) {
      return;
    }
    synchronized (this) {
      if (!closed && generation == wanted) {
        closeReady();
        ready = loaded;
        return;
      }
    }
    loaded.scorer.close();
  }

  private @Nullable Served load(Deployment deployment) {
    DeployedVersion version = deployment.champion();
    if (version == null) {
      return null;
    }
    try {
      return new Served(
          deployment,
          version,
          loader.load(plan.model(), version, plan.inputNames(), plan.maxRows()));
    } catch (IOException e) {
      metrics.deploymentsRefused.inc();
      LOG.error(
          "Deployment {} of model {} version {} is refused, whoever served before goes on",
          deployment.deploymentId(),
          plan.model(),
          version.version(),
          e);
      return null;
    }
  }

  private void serve(Served next) {
    current = next;
    servedVersion = next.version.version();
    LOG.info(
        "Model {} version {} ({}) scores, deployment {}",
        plan.model(),
        next.version.version(),
        next.version.sha256(),
        next.deployment.deploymentId());
  }

  private void retire() {
    Served old = current;
    current = null;
    servedVersion = 0;
    if (old != null) {
      old.scorer.close();
    }
  }

  private void closeReady() {
    Served unused = ready;
    ready = null;
    if (unused != null) {
      unused.scorer.close();
    }
  }
}
