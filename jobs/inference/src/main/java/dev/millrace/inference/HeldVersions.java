package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions that one task holds ready, each once for the inputs that it takes. For the task's
 * thread, but for {@link #load}.
 */
final class HeldVersions implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(HeldVersions.class);

  private final ScoringPlan plan;
  private final ModelLoader loader;
  private final InferenceMetrics metrics;
  private final Map<Loading, Scorer> scorers = new HashMap<>();

  /** What of a version is loaded: its artifact, for the inputs with this number. */
  record Loading(String sha256, int inputs) {
    static Loading of(Serving.Version version) {
      return new Loading(version.deployed().sha256(), version.inputs().number());
    }
  }

  /**
   * What was loaded for a deployment, and is nobody's yet.
   *
   * @param refused why not all was; else null
   */
  record Loaded(Deployment deployment, Map<Loading, Scorer> scorers, @Nullable String refused) {
    void close() {
      scorers.values().forEach(Scorer::close);
    }
  }

  HeldVersions(ScoringPlan plan, ModelLoader loader, InferenceMetrics metrics) {
    this.plan = plan;
    this.loader = loader;
    this.metrics = metrics;
  }

  /** What is held, as it is now. */
  Set<Loading> loadings() {
    return Set.copyOf(scorers.keySet());
  }

  boolean holds(@Nullable Loading loading) {
    return scorers.containsKey(loading);
  }

  /**
   * Loads what a deployment names; on the loader's thread.
   *
   * @param known what is held already
   */
  Loaded load(Deployment deployment, Set<Loading> known) {
    Map<Loading, Scorer> loaded = new HashMap<>();
    for (DeployedVersion version : versions(deployment)) {
      try {
        InputPlan inputs = inputs(version);
        Loading loading = new Loading(version.sha256(), inputs.number());
        if (!known.contains(loading) && !loaded.containsKey(loading)) {
          loaded.put(loading, scorer(version, inputs, plan.execution()));
        }
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

  /** Holds what was loaded. */
  void take(Loaded loaded) {
    loaded.scorers.forEach(
        (loading, scorer) -> {
          if (scorers.putIfAbsent(loading, scorer) != null) {
            scorer.close();
          }
        });
  }

  /** A version of a deployment, loaded where it is not; null where it cannot be, or is none. */
  Serving.@Nullable Version version(Deployment deployment, @Nullable DeployedVersion wanted) {
    if (wanted == null) {
      return null;
    }
    try {
      InputPlan inputs = inputs(wanted);
      Loading loading = new Loading(wanted.sha256(), inputs.number());
      Scorer scorer = scorers.get(loading);
      if (scorer == null) {
        scorer = scorer(wanted, inputs, plan.execution().again());
        scorers.put(loading, scorer);
      }
      return new Serving.Version(wanted, inputs, scorer);
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

  /** Adds what a deployment needs. */
  void need(Deployment deployment, Set<Loading> needed) {
    for (DeployedVersion version : versions(deployment)) {
      Loading loading = loading(version);
      if (loading != null) {
        needed.add(loading);
      }
    }
  }

  /** What would be loaded of a version; null where its inputs are not computed. */
  @Nullable Loading loading(DeployedVersion version) {
    InputPlan inputs = plan.inputsOf(version);
    return inputs == null ? null : new Loading(version.sha256(), inputs.number());
  }

  /** Closes all others. */
  void keep(Set<Loading> needed) {
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

  @Override
  public void close() {
    scorers.values().forEach(Scorer::close);
    scorers.clear();
  }

  /** What the version was trained on. */
  private InputPlan inputs(DeployedVersion version) throws IOException {
    InputPlan inputs = plan.inputsOf(version);
    if (inputs == null) {
      throw new IOException(
          "Cannot score with model "
              + plan.model()
              + " version "
              + version.version()
              + ": "
              + plan.withoutInputs(version));
    }
    return inputs;
  }

  private Scorer scorer(DeployedVersion version, InputPlan inputs, Execution execution)
      throws IOException {
    Scorer scorer = loader.load(plan.model(), version, inputs.columns(), execution);
    String why = scorer.fellBack();
    if (why != null) {
      metrics.providerFallbacks.inc();
      LOG.error(
          "Version {} of model {} is computed on {}: {}",
          version.version(),
          plan.model(),
          scorer.provider(),
          why);
    }
    return scorer;
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
}
