package dev.millrace.pipeline;

import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Writes a savepoint of the feature pipeline that also holds the state of views which its job did
 * not have, computed from the archive; the fourth main class of the feature pipeline's jar. {@code
 * --project P --savepoint PATH --out PATH --views V,W}.
 */
public final class WarmJob {

  public static void main(String[] args) throws Exception {
    List<String> rest = new ArrayList<>();
    WarmRequest request = WarmRequest.parse(args, rest);
    JobSetup setup = JobSetup.from(rest.toArray(new String[0]), System.getenv());
    StreamExecutionEnvironment env = StrictEnvironment.create();
    new WarmGraph(env, setup.target(), setup.project(), setup.running()).define(request);
    env.execute(name(setup.project().name(), request.views()));
  }

  /** Under this name the job is seen in the web UI. */
  public static String name(String project, List<String> views) {
    return "millrace-" + project + "-warm-" + String.join(",", views);
  }

  private WarmJob() {}
}
