package dev.millrace.core.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The deployments of one model in the order of their topic, folded into who serves which event.
 *
 * <p>An effective deployment serves the events from its effective time on, until the next one does,
 * or until it is revoked: then the one before it serves again. One that is only preparing does not
 * serve yet.
 */
public final class DeploymentHistory {

  private final List<Deployment> standing = new ArrayList<>();
  private @Nullable Deployment preparing;

  /** Takes the next entry. */
  public void accept(Deployment deployment) {
    // An entry about a deployment that is known takes the place of what was known of it.
    standing.removeIf(d -> d.deploymentId().equals(deployment.deploymentId()));
    Deployment waiting = preparing;
    if (waiting != null && waiting.deploymentId().equals(deployment.deploymentId())) {
      preparing = null;
    }
    switch (deployment.state()) {
      case PREPARING -> preparing = deployment;
      case EFFECTIVE -> standing.add(deployment);
      case REVOKED -> {
        // It is out of both already.
      }
    }
  }

  /** The deployment that waits for every subtask to be ready. */
  public Optional<Deployment> preparing() {
    return Optional.ofNullable(preparing);
  }

  /** The newest that stands; empty before the first deployment. */
  public Optional<Deployment> current() {
    return standing.isEmpty() ? Optional.empty() : Optional.of(standing.get(standing.size() - 1));
  }

  /** Who serves an event of this time; empty where only the fallback can. */
  public Optional<Deployment> at(long eventTimeMillis) {
    for (int i = standing.size() - 1; i >= 0; i--) {
      if (serves(standing.get(i), eventTimeMillis)) {
        return Optional.of(standing.get(i));
      }
    }
    return Optional.empty();
  }

  /**
   * The deployments that may serve an event of this time, the newest first: where one cannot be
   * loaded, the next serves.
   */
  public List<Deployment> newestFirst(long eventTimeMillis) {
    List<Deployment> newestFirst = new ArrayList<>(standing);
    Collections.reverse(newestFirst);
    newestFirst.removeIf(d -> !serves(d, eventTimeMillis));
    return newestFirst;
  }

  /** Those that stand, the oldest first. */
  public List<Deployment> standing() {
    return List.copyOf(standing);
  }

  private static boolean serves(Deployment deployment, long eventTimeMillis) {
    Long from = deployment.effectiveTimeMillis();
    return from == null || from <= eventTimeMillis;
  }
}
