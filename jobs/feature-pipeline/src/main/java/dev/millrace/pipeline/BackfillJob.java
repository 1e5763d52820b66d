package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Computes a view's history again as a batch job: the third main class of the feature pipeline's
 * jar. {@code --project P --view V --from MILLIS --to MILLIS [--to-redis true]}.
 */
public final class BackfillJob {

  public static void main(String[] args) throws Exception {
    List<String> rest = new ArrayList<>();
    BackfillRequest request = BackfillRequest.parse(args, rest);
    JobSetup setup = JobSetup.from(rest.toArray(new String[0]), System.getenv());
    Project project = setup.project();
    FeatureView view =
        project
            .featureView(request.view())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot backfill view %s: project %s has none of that name"
                            .formatted(request.view(), project.name())));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    new BackfillGraph(env, setup.target(), project, setup.running().current(view.name()))
        .define(request);
    env.execute(name(project.name(), view.name()));
  }

  /** Under this name the job is seen in the web UI. */
  public static String name(String project, String view) {
    return "millrace-" + project + "-backfill-" + view;
  }

  private BackfillJob() {}
}
