package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.DeploymentHistory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which versions one task scores an event with.
 *
 * <p>The versions of a deployment that is being prepared are loaded beside those that serve, on the
 * loader's thread; {@link #poll} tells the task how that ended. A deployment that takes effect
 * without having been prepared here, because the task has just started or an event is late, is
 * loaded at once. Versions stay loaded while one of the two newest deployments, or the one that is
 * being prepared, names them.
 */
final class Serving implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Serving.class);
  private static final int KEPT_DEPLOYMENTS = 2;

  private final ScoringPlan plan;
  private final ModelLoader loader;
  private final ExecutorService threads;
  private final InferenceMetrics metrics;
  private final DeploymentHistory history = new DeploymentHistory();
  private final Map<Integer, Long> lastOffsets = new HashMap<>();

  /** By sha256: what this task holds. */
  private final Map<String, Scorer> scorers = new HashMap<>();

  /** By deployment id: what serves; a deployment whose champion cannot be loaded has none. */
  private final Map<String, Served> served = new HashMap<>();

  private final Set<String> unservable = new HashSet<>();

  /** The deployment whose loading was asked for and of which {@link #poll} has not told yet. */
  private @Nullable Deployment preparing;

  private volatile int servedVersion;

  // What the loader's thread and the task share; guarded by this.
  private final List<Loaded> arrived = new ArrayList<>();
  private boolean closed;

  /**
   * Who serves an event.
   *
   * @param canary null where there is none
   * @param shadows the versions that score the same event and that nobody acts on
   */
  record Served(
      Deployment deployment, Version champion, @Nullable Version canary, List<Version> shadows) {}

  /** A version that is loaded. */
  record Version(DeployedVersion deployed, Scorer scorer) {}

  /** How the preparing of a deployment ended; the reason is null where all was loaded. */
  record Prepared(Deployment deployment, @Nullable String refused) {}

  private record Loaded(
      Deployment deployment, Map<String, Scorer> scorers, @Nullable String refused) {}

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
    at(Long.MAX_VALUE);
    prepare();
  }

  /** Whether the record is about this model and was not taken before. */
  boolean isNew(DeploymentRecord record) {
    Long last = lastOffsets.get(record.partition());
    return record.deployment().model().equals(plan.model())
        && (last == null || record.offset() > last);
  }

  /** Takes a new record; the caller has flushed what was to be scored before it. */
  void accept(DeploymentRecord record) {
    take(record);
    prepare();
    at(Long.MAX_VALUE);
    retire();
  }

  /** The deployment that waits for its subtasks, where there is one. */
  @Nullable Deployment preparing() {
    return history.preparing().orElse(null);
  }

  /** How a preparation ended that nobody was told of; null where none has. */
  @Nullable Prepared poll() {
    Prepared told = null;
    for (Loaded loaded : takeArrived()) {
      Deployment waiting = preparing;
      loaded.scorers.forEach(
          (sha256, scorer) -> {
            if (scorers.putIfAbsent(sha256, scorer) != null) {
              scorer.close();
            }
          });
      if (waiting != null && waiting.deploymentId().equals(loaded.deployment.deploymentId())) {
        preparing = null;
        told = new Prepared(loaded.deployment, loaded.refused);
      }
      retire();
    }
    return told;
  }

  /** Who serves an event of this time; null where only the fallback can. */
  @Nullable Served at(long eventTimeMillis) {
    Deployment named = history.at(eventTimeMillis).orElse(null);
    Served serves = named == null ? null : served.get(named.deploymentId());
    return serves == null ? loadedAt(eventTimeMillis) : serves;
  }

  private @Nullable Served loadedAt(long eventTimeMillis) {
    for (Deployment deployment : history.newestFirst(eventTimeMillis)) {
      Served known = served.get(deployment.deploymentId());
      if (known != null) {
        return known;
      }
      if (deployment.champion() == null) {
        return null;
      }
      if (unservable.contains(deployment.deploymentId())) {
        continue;
      }
      Served loaded = load(deployment);
      if (loaded != null) {
        served.put(deployment.deploymentId(), loaded);
        if (history.current().filter(deployment::equals).isPresent()) {
          servedVersion = loaded.champion.deployed.version();
        }
        return loaded;
      }
      unservable.add(deployment.deploymentId());
    }
    return null;
  }

  /** The champion that scores now, 0 for none; for a gauge. */
  int servedVersion() {
    return servedVersion;
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    threads.shutdownNow();
    takeArrived().forEach(l -> l.scorers.values().forEach(Scorer::close));
    scorers.values().forEach(Scorer::close);
    scorers.clear();
    served.clear();
  }

  private void take(DeploymentRecord record) {
    lastOffsets.put(record.partition(), record.offset());
    Deployment deployment = record.deployment();
    history.accept(deployment);
    // A deployment's later record may name another effective time.
    served.remove(deployment.deploymentId());
    unservable.remove(deployment.deploymentId());
    metrics.deploymentsTaken.inc();
    if (history.current().isEmpty()) {
      servedVersion = 0;
    }
    LOG.info(
        "Deployment {} of model {} is {}", deployment.deploymentId(), plan.model(), deployment);
  }

  /** Has the loader load what the preparing deployment names, once. */
  private void prepare() {
    Deployment wanted = history.preparing().orElse(null);
    Deployment asked = preparing;
    if (wanted == null || (asked != null && asked.deploymentId().equals(wanted.deploymentId()))) {
      preparing = wanted == null ? null : asked;
      return;
    }
    preparing = wanted;
    Set<String> known = Set.copyOf(scorers.keySet());
    threads.execute(() -> arrive(loadAll(wanted, known)));
  }

  private Loaded loadAll(Deployment deployment, Set<String> known) {
    Map<String, Scorer> loaded = new HashMap<>();
    for (DeployedVersion version : versions(deployment)) {
      if (known.contains(version.sha256()) || loaded.containsKey(version.sha256())) {
        continue;
      }
      try {
        loaded.put(version.sha256(), scorer(version));
      } catch (IOException e) {
        metrics.deploymentsRefused.inc();
        LOG.error(
            "Deployment {} of model {} cannot be prepared, whoever serves goes on",
            deployment.deploymentId(),
            plan.model(),
            e);
        return new Loaded(
            deployment, loaded, "version " + version.version() + ": " + e.getMessage());
      }
    }
    return new Loaded(deployment, loaded, null);
  }

  private void arrive(Loaded loaded) {
    synchronized (this) {
      if (!closed) {
        arrived.add(loaded);
        return;
      }
    }
    loaded.scorers.values().forEach(Scorer::close);
  }

  private List<Loaded> takeArrived() {
    synchronized (this) {
      List<Loaded> all = List.copyOf(arrived);
      arrived.clear();
      return all;
    }
  }

  private @Nullable Served load(Deployment deployment) {
    Version champion = version(deployment, deployment.champion());
    if (champion == null) {
      return null;
    }
    List<Version> shadows = new ArrayList<>();
    for (DeployedVersion shadow : deployment.shadows()) {
      Version loaded = version(deployment, shadow);
      if (loaded != null) {
        shadows.add(loaded);
      }
    }
    Version canary = version(deployment, deployment.canary());
    LOG.info(
        "Model {} version {} ({}) scores, deployment {}",
        plan.model(),
        champion.deployed.version(),
        champion.deployed.sha256(),
        deployment.deploymentId());
    return new Served(deployment, champion, canary, List.copyOf(shadows));
  }

  private @Nullable Version version(Deployment deployment, @Nullable DeployedVersion wanted) {
    if (wanted == null) {
      return null;
    }
    Scorer known = scorers.get(wanted.sha256());
    if (known != null) {
      return new Version(wanted, known);
    }
    try {
      Scorer scorer = scorer(wanted);
      scorers.put(wanted.sha256(), scorer);
      return new Version(wanted, scorer);
    } catch (IOException e) {
      metrics.deploymentsRefused.inc();
      LOG.error(
          "Deployment {} of model {} goes without version {}",
          deployment.deploymentId(),
          plan.model(),
          wanted.version(),
          e);
      return null;
    }
  }

  private Scorer scorer(DeployedVersion version) throws IOException {
    return loader.load(plan.model(), version, plan.inputNames(), plan.maxRows());
  }

  private static List<DeployedVersion> versions(Deployment deployment) {
    List<DeployedVersion> versions = new ArrayList<>();
    if (deployment.champion() != null) {
      versions.add(deployment.champion());
    }
    if (deployment.canary() != null) {
      versions.add(deployment.canary());
    }
    versions.addAll(deployment.shadows());
    return versions;
  }

  /** Closes what no deployment of now needs. */
  private void retire() {
    Set<String> needed = new HashSet<>();
    Set<String> kept = new HashSet<>();
    List<Deployment> newest = history.newestFirst(Long.MAX_VALUE);
    for (Deployment deployment : newest.subList(0, Math.min(KEPT_DEPLOYMENTS, newest.size()))) {
      versions(deployment).forEach(v -> needed.add(v.sha256()));
      kept.add(deployment.deploymentId());
    }
    // A version that serves in the place of one that cannot be loaded is further down.
    Served serves = at(Long.MAX_VALUE);
    if (serves != null) {
      versions(serves.deployment).forEach(v -> needed.add(v.sha256()));
      kept.add(serves.deployment.deploymentId());
    }
    history.preparing().ifPresent(p -> versions(p).forEach(v -> needed.add(v.sha256())));
    served.keySet().retainAll(kept);
    scorers
        .entrySet()
        .removeIf(
            entry -> {
              if (needed.contains(entry.getKey())) {
                return false;
              }
              entry.getValue().close();
              return true;
            });
  }
}
