package dev.millrace.pipeline;

import dev.millrace.pipeline.training.SetGraph;
import dev.millrace.pipeline.training.SetRequest;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.StrictEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Joins one training set as a batch job: the second main class of the feature pipeline's jar.
 *
 * <p>{@code --project P --out F.parquet --model M [--as-of MILLIS] [--knowledge
 * stream|served|corrected] [--snapshot TABLE=ID]…}, or {@code --spine F.parquet --features
 * VIEW:F,…} in the place of {@code --model}.
 */
public final class TrainingSetJob {

  public static void main(String[] args) throws Exception {
    List<String> rest = new ArrayList<>();
    SetRequest request = SetRequest.parse(args, rest);
    JobSetup setup = JobSetup.from(rest.toArray(new String[0]), System.getenv());
    StreamExecutionEnvironment env = StrictEnvironment.create();
    SetGraph.define(env, setup.target(), setup.project(), request, ArchiveCorrections::rows);
    env.execute(name(setup.project().name()));
  }

  /** Under this name the job is seen in the web UI. */
  public static String name(String project) {
    return "millrace-" + project + "-training-set";
  }

  private TrainingSetJob() {}
}
