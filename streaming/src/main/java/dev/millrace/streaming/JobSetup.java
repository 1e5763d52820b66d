package dev.millrace.streaming;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.Installation;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * What a job's {@code main} starts from: the project, the stack, and the definitions as applied.
 *
 * @param applied epochs and definition ids; a project that was never applied is installed here, so
 *     that a jar uploaded in the Flink web UI runs as it is
 * @param running every definition of a view that is computed
 */
public record JobSetup(
    Project project,
    Target target,
    Applied applied,
    RunningViews running,
    SubjectRegistry registry) {

  private static final Set<String> ENDED = Set.of("FINISHED", "CANCELED", "FAILED");

  /**
   * Reads {@code --project FILE [--target FILE]}.
   *
   * @throws IOException with every problem of the arguments, or the project's mistakes, or what
   *     differs from the applied project
   */
  public static JobSetup from(String[] args, Map<String, String> environment)
      throws IOException, InterruptedException {
    List<String> problems = new ArrayList<>();
    String projectFile = null;
    String targetFile = null;
    for (int i = 0; i < args.length; i += 2) {
      String value = i + 1 < args.length ? args[i + 1] : null;
      if (value == null) {
        problems.add(args[i] + ": value missing");
      } else if (args[i].equals("--project")) {
        projectFile = value;
      } else if (args[i].equals("--target")) {
        targetFile = value;
      } else {
        problems.add(args[i] + ": unknown argument");
      }
    }
    if (projectFile == null) {
      problems.add("--project: required, not set; name the project's millrace.yaml or its folder");
    }
    if (!problems.isEmpty() || projectFile == null) {
      throw new IOException("Cannot start the job:\n  " + String.join("\n  ", problems));
    }
    Target target = target(targetFile, environment);
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Map<String, String> files = files(projectFile, target, registry);
    Project project;
    try {
      project = Definitions.read(files);
    } catch (DefinitionException e) {
      throw new IOException("Cannot start the job:\n" + e.getMessage(), e);
    }
    refuseUnbuilt(project);
    Installation installation = new Installation(target, registry);
    Installation.Plan plan = installation.plan(project, files);
    refuseDifference(plan);
    Applied applied = installation.install(plan, "job");
    return new JobSetup(
        project,
        target,
        applied,
        RunningViews.read(project, applied, new DefinitionsLog(target, registry)),
        registry);
  }

  /**
   * Refuses to run anything but what was applied: other files, or the same ones where a view has
   * another definition, because this process has another version of a user's function.
   */
  static void refuseDifference(Installation.Plan plan) throws IOException {
    if (plan.previous() != null
        && (!plan.previous().files().equals(plan.files()) || !plan.changedViews().isEmpty())) {
      throw new IOException(
          "Cannot start the job: project "
              + plan.project().name()
              + " differs from what was applied ("
              + String.join("; ", plan.changes())
              + "); run ./millrace apply");
    }
  }

  /** A project's files: from disk, or by the name of an applied project from its definitions. */
  private static Map<String, String> files(String project, Target target, SubjectRegistry registry)
      throws IOException {
    Path file = Path.of(project);
    if (Files.exists(file)) {
      try {
        return Definitions.files(file);
      } catch (DefinitionException e) {
        throw new IOException("Cannot start the job:\n" + e.getMessage(), e);
      }
    }
    return new DefinitionsLog(target, registry)
        .latest(project)
        .orElseThrow(
            () ->
                new IOException(
                    "Cannot start the job: --project "
                        + project
                        + " is neither a file nor an applied project; name the project's"
                        + " millrace.yaml, or apply it first"))
        .files();
  }

  /**
   * Refuses to run beside a live job of the same name.
   *
   * @param jobName the name that this job is going to have
   */
  public void refuseSecond(String jobName) throws IOException, InterruptedException {
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(target.flink() + "/jobs/overview"))
                    .timeout(Duration.ofSeconds(20))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    for (JsonNode job : new JsonMapper().readTree(answer.body()).path("jobs")) {
      String state = job.path("state").asText();
      if (job.path("name").asText().equals(jobName) && !ENDED.contains(state)) {
        throw new IOException(
            "Cannot start job "
                + jobName
                + ": job "
                + job.path("jid").asText()
                + " runs under this name and is "
                + state
                + "; cancel it first, or use ./millrace apply, which upgrades it");
      }
    }
  }

  /** The id under which a topic's schema is registered. */
  public int schemaId(String topic, Schema schema) throws IOException {
    return registry.register(Topics.subject(topic), schema.toString());
  }

  private static Target target(@Nullable String file, Map<String, String> environment)
      throws IOException {
    return file == null ? Target.fromEnvironment(environment) : Target.read(Path.of(file));
  }

  private static void refuseUnbuilt(Project project) throws IOException {
    if (!project.unbuilt().isEmpty()) {
      List<String> lines = new ArrayList<>();
      for (Project.Unbuilt unbuilt : project.unbuilt()) {
        lines.add(
            unbuilt.file()
                + ":"
                + unbuilt.line()
                + ": "
                + unbuilt.path()
                + ": "
                + unbuilt.reason());
      }
      throw new IOException("Cannot start the job:\n" + String.join("\n", lines));
    }
  }
}
