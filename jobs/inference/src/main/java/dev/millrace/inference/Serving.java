package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.DeploymentHistory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;
import java.util.stream.Stream;
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
  private final ExecutorService threads;
  private final InferenceMetrics metrics;
  private final DeploymentHistory history = new DeploymentHistory();
  private final Map<Integer, Long> lastOffsets = new HashMap<>();

  private final HeldVersions versions;

  /** By deployment id: what serves; a deployment whose champion cannot be loaded has none. */
  private final Map<String, Served> served = new HashMap<>();

  private final Set<String> unservable = new HashSet<>();

  /** By deployment id: who answers in its place; found again when the log goes on. */
  private final Map<String, Optional<Version>> previous = new HashMap<>();

  /** The deployment whose loading was asked for and of which {@link #poll} has not told yet. */
  private @Nullable Deployment preparing;

  private volatile int servedVersion;
  private volatile int batchRows;

  // What the loader's thread and the task share; guarded by this.
  private final List<HeldVersions.Loaded> arrived = new ArrayList<>();
  private boolean closed;

  /**
   * Who serves an event.
   *
   * @param versions that score it: the champion, then the canary where there is one, then those
   *     that nobody acts on
   * @param inputs that the versions take, each once
   * @param views indexes of those that the inputs read
   * @param previous who answers where these have no score: the version that was champion before
   *     them, loaded when it is asked for; null where there is none
   */
  record Served(
      Deployment deployment,
      boolean hasCanary,
      List<Version> versions,
      List<InputPlan> inputs,
      List<Integer> views,
      Supplier<@Nullable Version> previous) {

    /** Who serves where nobody did before. */
    Served(
        Deployment deployment,
        boolean hasCanary,
        List<Version> versions,
        List<InputPlan> inputs,
        List<Integer> views) {
      this(deployment, hasCanary, versions, inputs, views, () -> null);
    }

    Version champion() {
      return versions.get(0);
    }

    @Nullable Version canary() {
      return hasCanary ? versions.get(1) : null;
    }
  }

  /** A version that is loaded. */
  record Version(DeployedVersion deployed, InputPlan inputs, Scorer scorer) {}

  /** How the preparing of a deployment ended; the reason is null where all was loaded. */
  record Prepared(Deployment deployment, @Nullable String refused) {}

  Serving(ScoringPlan plan, ModelLoader loader, ExecutorService threads, InferenceMetrics metrics) {
    this.plan = plan;
    this.threads = threads;
    this.metrics = metrics;
    this.versions = new HeldVersions(plan, loader, metrics);
    this.batchRows = plan.maxRows();
  }

  /** Takes the log as it is and loads who serves now before it returns. */
  void open(List<DeploymentRecord> log) {
    for (DeploymentRecord record : log) {
      if (isNew(record)) {
        take(record);
      }
    }
    tellWhoServes();
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
    tellWhoServes();
    retire();
  }

  /** The deployment that waits for its subtasks, where there is one. */
  @Nullable Deployment preparing() {
    return history.preparing().orElse(null);
  }

  /** Whether the preparing deployment's end is to be told by {@link #poll}. */
  boolean isLoading() {
    return preparing != null;
  }

  /** How a preparation ended that nobody was told of; null where none has. */
  @Nullable Prepared poll() {
    Prepared told = null;
    for (HeldVersions.Loaded loaded : takeArrived()) {
      Deployment waiting = preparing;
      versions.take(loaded);
      if (waiting != null && waiting.deploymentId().equals(loaded.deployment().deploymentId())) {
        preparing = null;
        told = new Prepared(loaded.deployment(), loaded.refused());
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
        return loaded;
      }
      unservable.add(deployment.deploymentId());
    }
    return null;
  }

  private void tellWhoServes() {
    Served now = at(Long.MAX_VALUE);
    if (now == null) {
      servedVersion = 0;
      batchRows = plan.maxRows();
      metrics.computedOn(null);
      return;
    }
    Scorer champion = now.champion().scorer;
    Version canary = now.canary();
    servedVersion = now.champion().deployed.version();
    batchRows =
        Math.min(
            Math.min(plan.maxRows(), champion.batchRows()),
            canary == null ? plan.maxRows() : canary.scorer.batchRows());
    metrics.computedOn(champion.provider());
  }

  /** The largest batch with which those who answer now meet the objective. */
  int batchRows() {
    return batchRows;
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
    takeArrived().forEach(HeldVersions.Loaded::close);
    versions.close();
    served.clear();
  }

  private void take(DeploymentRecord record) {
    lastOffsets.put(record.partition(), record.offset());
    Deployment deployment = record.deployment();
    history.accept(deployment);
    // A deployment's later record may name another effective time.
    served.remove(deployment.deploymentId());
    unservable.remove(deployment.deploymentId());
    previous.clear();
    metrics.deploymentsTaken.inc();
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
    Set<HeldVersions.Loading> known = versions.loadings();
    threads.execute(() -> arrive(versions.load(wanted, known)));
  }

  private void arrive(HeldVersions.Loaded loaded) {
    synchronized (this) {
      if (!closed) {
        arrived.add(loaded);
        return;
      }
    }
    loaded.close();
  }

  private List<HeldVersions.Loaded> takeArrived() {
    synchronized (this) {
      List<HeldVersions.Loaded> all = List.copyOf(arrived);
      arrived.clear();
      return all;
    }
  }

  private @Nullable Served load(Deployment deployment) {
    Version champion = versions.version(deployment, deployment.champion());
    if (champion == null) {
      return null;
    }
    List<Version> all = new ArrayList<>();
    all.add(champion);
    for (DeployedVersion shadow : deployment.shadows()) {
      Version loaded = versions.version(deployment, shadow);
      if (loaded != null) {
        all.add(loaded);
      }
    }
    Version canary = versions.version(deployment, deployment.canary());
    if (canary != null) {
      all.add(1, canary);
    }
    LOG.info(
        "Model {} version {} ({}) scores, deployment {}",
        plan.model(),
        champion.deployed.version(),
        champion.deployed.sha256(),
        deployment.deploymentId());
    Set<InputPlan> inputs = new LinkedHashSet<>();
    Set<Integer> views = new TreeSet<>();
    for (Version version : all) {
      inputs.add(version.inputs);
      views.addAll(version.inputs.views());
      if (plan.hasSeveral()) {
        LOG.info(
            "Version {} of model {} takes the inputs of revision {}, definitions {}",
            version.deployed.version(),
            plan.model(),
            version.inputs.revision(),
            version.inputs.ids());
      }
    }
    return new Served(
        deployment,
        canary != null,
        List.copyOf(all),
        List.copyOf(inputs),
        List.copyOf(views),
        () -> previousTo(deployment, views));
  }

  /**
   * The version that answers where a deployment's has no score: the champion of the newest earlier
   * one with other bytes that can be loaded.
   *
   * @param views those that were read; a version that reads others has not got its rows
   */
  private @Nullable Version previousTo(Deployment deployment, Set<Integer> views) {
    String id = deployment.deploymentId();
    Optional<Version> known = previous.get(id);
    if (known == null) {
      known =
          earlierChampions(deployment)
              .map(
                  champion ->
                      Optional.ofNullable(versions.version(deployment, champion))
                          .filter(loaded -> views.containsAll(loaded.inputs.views())))
              .flatMap(Optional::stream)
              .findFirst();
      previous.put(id, known);
    }
    return known.orElse(null);
  }

  /** The champions before a deployment, the newest first, without its own. */
  private Stream<DeployedVersion> earlierChampions(Deployment deployment) {
    List<Deployment> standing = history.standing();
    DeployedVersion own = deployment.champion();
    List<DeployedVersion> earlier = new ArrayList<>();
    for (Deployment one : standing) {
      if (one.deploymentId().equals(deployment.deploymentId())) {
        break;
      }
      DeployedVersion champion = one.champion();
      if (champion != null && own != null && !champion.sha256().equals(own.sha256())) {
        earlier.add(champion);
      }
    }
    Collections.reverse(earlier);
    return earlier.stream();
  }

  /** Closes what no deployment of now needs. */
  private void retire() {
    Set<HeldVersions.Loading> needed = new HashSet<>();
    Set<String> kept = new HashSet<>();
    List<Deployment> newest = history.newestFirst(Long.MAX_VALUE);
    for (Deployment deployment : newest.subList(0, Math.min(KEPT_DEPLOYMENTS, newest.size()))) {
      versions.need(deployment, needed);
      kept.add(deployment.deploymentId());
    }
    // A version that serves in the place of one that cannot be loaded is further down.
    Served serves = at(Long.MAX_VALUE);
    if (serves != null) {
      versions.need(serves.deployment, needed);
      kept.add(serves.deployment.deploymentId());
      earlierChampions(serves.deployment)
          .map(versions::loading)
          .filter(versions::holds)
          .findFirst()
          .ifPresent(needed::add);
    }
    history.preparing().ifPresent(p -> versions.need(p, needed));
    served.keySet().retainAll(kept);
    previous.keySet().retainAll(kept);
    for (Optional<Version> one : previous.values()) {
      one.ifPresent(v -> needed.add(HeldVersions.Loading.of(v)));
    }
    versions.keep(needed);
  }
}
