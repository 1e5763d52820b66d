package dev.millrace.core.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * The deployments of one model in the order of their topic, folded into who serves now.
 *
 * <p>An effective deployment serves until the next one, or until it is revoked: then the one before
 * it serves again. One that is only preparing does not serve yet.
 */
public final class DeploymentHistory {

  private final List<Deployment> standing = new ArrayList<>();

  /** Takes the next entry. */
  public void accept(Deployment deployment) {
    // An entry about a deployment that is known takes the place of what was known of it.
    standing.removeIf(d -> d.deploymentId().equals(deployment.deploymentId()));
    if (deployment.state() == Deployment.State.EFFECTIVE) {
      standing.add(deployment);
    }
  }

  /** Who serves now; empty before the first deployment. */
  public Optional<Deployment> current() {
    return standing.isEmpty() ? Optional.empty() : Optional.of(standing.get(standing.size() - 1));
  }

  /** The deployments that stand, the newest first: where one cannot be loaded, the next serves. */
  public List<Deployment> newestFirst() {
    List<Deployment> newestFirst = new ArrayList<>(standing);
    Collections.reverse(newestFirst);
    return newestFirst;
  }
}
