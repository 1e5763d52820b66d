package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Scores a model's events of the past as a batch job: the second main class of the inference jar.
 * {@code --project P --model M --from MILLIS --to MILLIS --run ID [--version V] [--source topic]
 * [--out F.parquet]}.
 */
public final class ScoreJob {

  public static void main(String[] args) throws Exception {
    List<String> rest = new ArrayList<>();
    ScoreRequest request = ScoreRequest.parse(args, rest);
    JobSetup setup = JobSetup.from(rest.toArray(new String[0]), System.getenv());
    Project project = setup.project();
    Model model =
        project
            .model(request.model())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot score model %s: project %s has none of that name"
                            .formatted(request.model(), project.name())));
    ScoringPlan plan = ScoringPlan.of(project, model, setup.running(), true, InferenceJob.STAGE);
    FrozenDeployments deployments = deployments(setup, plan, request);
    StreamExecutionEnvironment env = StrictEnvironment.create();
    try (WarehouseTables tables = WarehouseTables.newest(setup.target())) {
      ScoreGraph.define(
          env, plan, deployments, request, new ScoreEnds(project, setup.target(), request, tables));
    }
    env.execute(name(project.name(), model.name()));
  }

  /** Under this name the job is seen in the web UI. */
  public static String name(String project, String model) {
    return "millrace-" + project + "-score-" + model;
  }

  private static FrozenDeployments deployments(
      JobSetup setup, ScoringPlan plan, ScoreRequest request) throws IOException {
    Integer wanted = request.version();
    if (wanted == null) {
      return FrozenDeployments.standing(new KafkaDeploymentLog(setup.target()).read(plan.model()));
    }
    ModelState state =
        new LifecycleLog(setup.target(), setup.registry()).models().get(plan.model());
    RegisteredVersion registered = state == null ? null : state.version(wanted).orElse(null);
    if (registered == null) {
      throw new IllegalArgumentException(
          "Cannot score with version %d of model %s: the registry knows none of that number; ./millrace models show %s lists them"
              .formatted(wanted, plan.model(), plan.model()));
    }
    DeployedVersion version =
        new DeployedVersion(
            wanted, registered.uri(), registered.sha256(), null, null, registered.views());
    if (plan.inputsOf(version) == null) {
      throw new IllegalArgumentException(
          "Cannot score with version %d of model %s: %s"
              .formatted(wanted, plan.model(), plan.withoutInputs(version)));
    }
    return FrozenDeployments.only(plan.model(), version, request.run());
  }

  private ScoreJob() {}
}
