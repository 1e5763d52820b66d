package dev.millrace.inference;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What one task says of the deployments that it prepares. */
final class DeploymentAnnouncements implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DeploymentAnnouncements.class);
  private static final JsonMapper JSON = new JsonMapper();

  private final ScoringPlan plan;
  private final Announcements announcements;
  private final int subtask;
  private final int parallelism;

  DeploymentAnnouncements(
      ScoringPlan plan, Announcements announcements, int subtask, int parallelism) {
    this.plan = plan;
    this.announcements = announcements;
    this.subtask = subtask;
    this.parallelism = parallelism;
  }

  /**
   * Says how far the task is.
   *
   * @param largestMillis the largest event time that the task has taken, or the smallest long
   */
  void announce(
      Deployment preparing,
      LifecycleEntry.Command command,
      String reason,
      long largestMillis,
      long nowMillis) {
    ObjectNode details = JSON.createObjectNode();
    details.put("deployment_id", preparing.deploymentId());
    details.put("subtask", subtask);
    details.put("parallelism", parallelism);
    details.put(
        "largest_event_time", largestMillis == Long.MIN_VALUE ? null : (Long) largestMillis);
    announcements.announce(
        LifecycleEntry.command(
            plan.model(),
            command,
            null,
            plan.source().stage(),
            reason,
            nowMillis,
            String.join(
                "/",
                preparing.deploymentId(),
                command.name(),
                String.valueOf(subtask),
                String.valueOf(parallelism),
                String.valueOf(largestMillis)),
            details.toString()));
    LOG.info(
        "{} for deployment {} of model {} up to {}: {}",
        command,
        preparing.deploymentId(),
        plan.model(),
        largestMillis,
        reason);
  }

  @Override
  public void close() {
    announcements.close();
  }
}
