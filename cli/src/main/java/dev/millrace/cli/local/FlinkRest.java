package dev.millrace.cli.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A JobManager's REST API, as far as the commands need it. */
public final class FlinkRest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Uploading a jar, and running its main, which plans the job. */
  private static final Duration LONG_PATIENCE = Duration.ofMinutes(3);

  private static final long POLL_MILLIS = 200;
  private static final JsonMapper JSON = new JsonMapper();

  private final String base;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  /**
   * @param base the API's URL, as {@code target.yaml} names it
   */
  public FlinkRest(String base) {
    this.base = base.endsWith("/") ? base.substring(0, base.length() - 1) : base;
  }

  /** One job, as the cluster knows it. */
  public record JobOverview(String id, String name, String state, long startMillis) {
    /** Whether it has ended, one way or another. */
    public boolean isTerminal() {
      return isTerminalState(state);
    }
  }

  /** Slots of the whole cluster. */
  public record Cluster(int taskManagers, int slotsTotal, int slotsAvailable, int jobsRunning) {}

  /**
   * @param completed how many checkpoints
   * @param latestPath of the last completed one
   * @param restoredPath what the job was last restored from
   */
  public record CheckpointCounts(
      long completed, long failed, @Nullable String latestPath, @Nullable String restoredPath) {}

  /**
   * What to run.
   *
   * @param jarId from {@link #upload}
   * @param savepointPath state to start from; null to start without
   * @param allowNonRestored whether state that no operator takes may be dropped
   * @param jobId the id to run under, in hex; null for a new one
   * @param claim whether the job owns that state from now on and deletes it when it is outdated
   */
  public record Run(
      String jarId,
      String entryClass,
      List<String> args,
      int parallelism,
      @Nullable String savepointPath,
      boolean allowNonRestored,
      @Nullable String jobId,
      boolean claim) {}

  public static boolean isTerminalState(String state) {
    return state.equals("FINISHED") || state.equals("CANCELED") || state.equals("FAILED");
  }

  /** Uploads a jar, unless the same bytes are there already; gives its id. */
  public String upload(Path jar) throws IOException {
    String name = nameByContent(jar);
    for (JsonNode file : get("/jars").path("files")) {
      if (file.path("name").asText().equals(name)) {
        return file.path("id").asText();
      }
    }
    String boundary = "millrace-" + Long.toHexString(System.nanoTime());
    HttpRequest request =
        HttpRequest.newBuilder(uri("/jars/upload"))
            .timeout(LONG_PATIENCE)
            .header("Content-Type", "multipart/form-data; boundary=" + boundary)
            .POST(
                HttpRequest.BodyPublishers.concat(
                    HttpRequest.BodyPublishers.ofString(
                        "--"
                            + boundary
                            + "\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\""
                            + name
                            + "\"\r\nContent-Type: application/x-java-archive\r\n\r\n"),
                    HttpRequest.BodyPublishers.ofFile(jar),
                    HttpRequest.BodyPublishers.ofString("\r\n--" + boundary + "--\r\n")))
            .build();
    String stored = send(request, "upload " + jar).path("filename").asText();
    return stored.substring(stored.lastIndexOf('/') + 1);
  }

  /** Runs an uploaded jar; gives the job's id. */
  public String run(
      String jarId,
      String entryClass,
      List<String> args,
      int parallelism,
      @Nullable String savepointPath,
      boolean allowNonRestored)
      throws IOException {
    return run(
        new Run(
            jarId, entryClass, args, parallelism, savepointPath, allowNonRestored, null, false));
  }

  /** Runs an uploaded jar; gives the job's id. */
  public String run(Run run) throws IOException {
    ObjectNode body = JSON.createObjectNode();
    body.put("entryClass", run.entryClass());
    ArrayNode args = body.putArray("programArgsList");
    run.args().forEach(args::add);
    body.put("parallelism", run.parallelism());
    if (run.jobId() != null) {
      body.put("jobId", run.jobId());
    }
    if (run.savepointPath() != null) {
      body.put("savepointPath", run.savepointPath());
      body.put("allowNonRestoredState", run.allowNonRestored());
      body.put("claimMode", run.claim() ? "CLAIM" : "NO_CLAIM");
    }
    JsonNode answer =
        send(
            json("/jars/" + run.jarId() + "/run", "POST", body, LONG_PATIENCE),
            "run " + run.entryClass());
    String id = answer.path("jobid").asText();
    if (id.isEmpty()) {
      throw new IOException(
          "Cannot run " + run.entryClass() + ": Flink answers " + answer + " without a job id");
    }
    return id;
  }

  public List<JobOverview> jobs() throws IOException {
    List<JobOverview> jobs = new ArrayList<>();
    for (JsonNode job : get("/jobs/overview").path("jobs")) {
      jobs.add(
          new JobOverview(
              job.path("jid").asText(),
              job.path("name").asText(),
              job.path("state").asText(),
              job.path("start-time").asLong()));
    }
    return jobs;
  }

  /** The job of this name that has not ended. */
  public Optional<JobOverview> liveJob(String name) throws IOException {
    return jobs().stream().filter(j -> j.name().equals(name) && !j.isTerminal()).findFirst();
  }

  public Cluster cluster() throws IOException {
    JsonNode overview = get("/overview");
    return new Cluster(
        overview.path("taskmanagers").asInt(),
        overview.path("slots-total").asInt(),
        overview.path("slots-available").asInt(),
        overview.path("jobs-running").asInt());
  }

  /** All that Flink says about a job: vertices, counts, plan. */
  public JsonNode job(String jobId) throws IOException {
    return get("/jobs/" + jobId);
  }

  public String state(String jobId) throws IOException {
    return job(jobId).path("state").asText();
  }

  /** Whether every task of the job runs. */
  public boolean isRunning(String jobId) throws IOException {
    JsonNode job = job(jobId);
    if (!job.path("state").asText().equals("RUNNING")) {
      return false;
    }
    for (JsonNode vertex : job.path("vertices")) {
      if (!vertex.path("status").asText().equals("RUNNING")) {
        return false;
      }
    }
    return !job.path("vertices").isEmpty();
  }

  /** The innermost cause of a job's latest failure, in one line. */
  public Optional<String> rootCause(String jobId) throws IOException {
    JsonNode entries =
        get("/jobs/" + jobId + "/exceptions").path("exceptionHistory").path("entries");
    return entries.isEmpty()
        ? Optional.empty()
        : Optional.of(innermost(entries.get(0).path("stacktrace").asText()));
  }

  static String innermost(String stackTrace) {
    String cause = stackTrace.lines().findFirst().orElse("");
    for (String line : stackTrace.lines().toList()) {
      if (line.startsWith("Caused by: ")) {
        cause = line.substring("Caused by: ".length());
      }
    }
    return cause;
  }

  /** Cancels a job and waits until it has ended. */
  public void cancel(String jobId, Duration patience) throws IOException {
    send(
        HttpRequest.newBuilder(uri("/jobs/" + jobId + "?mode=cancel"))
            .timeout(PATIENCE)
            .method("PATCH", HttpRequest.BodyPublishers.noBody())
            .build(),
        "cancel job " + jobId);
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    while (!isTerminalState(state(jobId))) {
      waitBefore(deadlineNanos, "cancel job " + jobId);
    }
  }

  /** Stops a job with a savepoint and gives the savepoint's path. */
  public String stopWithSavepoint(String jobId, Duration patience) throws IOException {
    ObjectNode body = JSON.createObjectNode();
    body.put("drain", false);
    return savepoint(jobId, "stop", body, patience);
  }

  /** Takes a savepoint while the job goes on; gives its path. */
  public String savepoint(String jobId, Duration patience) throws IOException {
    ObjectNode body = JSON.createObjectNode();
    body.put("cancel-job", false);
    return savepoint(jobId, "savepoints", body, patience);
  }

  private String savepoint(String jobId, String how, ObjectNode body, Duration patience)
      throws IOException {
    String what = "take a savepoint of job " + jobId;
    String trigger =
        send(json("/jobs/" + jobId + "/" + how, "POST", body, PATIENCE), what)
            .path("request-id")
            .asText();
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    while (true) {
      JsonNode answer = get("/jobs/" + jobId + "/savepoints/" + trigger);
      if (answer.path("status").path("id").asText().equals("COMPLETED")) {
        JsonNode failure = answer.path("operation").path("failure-cause");
        if (!failure.isMissingNode()) {
          throw new IOException(
              "Cannot " + what + ": " + innermost(failure.path("stack-trace").asText()));
        }
        return answer.path("operation").path("location").asText();
      }
      waitBefore(deadlineNanos, what);
    }
  }

  public CheckpointCounts checkpoints(String jobId) throws IOException {
    JsonNode all = get("/jobs/" + jobId + "/checkpoints");
    JsonNode latest = all.path("latest");
    return new CheckpointCounts(
        all.path("counts").path("completed").asLong(),
        all.path("counts").path("failed").asLong(),
        text(latest.path("completed").path("external_path")),
        text(latest.path("restored").path("external_path")));
  }

  /** The job's accumulators by name. */
  public Map<String, String> accumulators(String jobId) throws IOException {
    Map<String, String> values = new LinkedHashMap<>();
    for (JsonNode one : get("/jobs/" + jobId + "/accumulators").path("user-task-accumulators")) {
      values.put(one.path("name").asText(), one.path("value").asText());
    }
    return values;
  }

  /**
   * A metric of every vertex, summed over its subtasks, by the vertex's name; for example {@code
   * numRecordsIn}. Flink brings these up to date every few seconds.
   */
  public Map<String, Double> metric(String jobId, String metric) throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    for (JsonNode vertex : job(jobId).path("vertices")) {
      JsonNode answer =
          get(
              "/jobs/"
                  + jobId
                  + "/vertices/"
                  + vertex.path("id").asText()
                  + "/subtasks/metrics?agg=sum&get="
                  + metric);
      if (!answer.isEmpty()) {
        values.put(vertex.path("name").asText(), answer.get(0).path("sum").asDouble());
      }
    }
    return values;
  }

  private JsonNode get(String path) throws IOException {
    return send(HttpRequest.newBuilder(uri(path)).timeout(PATIENCE).build(), "ask " + path);
  }

  private HttpRequest json(String path, String method, ObjectNode body, Duration patience)
      throws IOException {
    return HttpRequest.newBuilder(uri(path))
        .timeout(patience)
        .header("Content-Type", "application/json")
        .method(method, HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body)))
        .build();
  }

  private URI uri(String path) {
    return URI.create(base + path);
  }

  private JsonNode send(HttpRequest request, String what) throws IOException {
    try {
      HttpResponse<byte[]> answer = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
      JsonNode body = answer.body().length == 0 ? JSON.missingNode() : JSON.readTree(answer.body());
      if (answer.statusCode() / 100 != 2) {
        throw new IOException(
            "Cannot " + what + ": Flink answers " + answer.statusCode() + ", " + reason(body));
      }
      return body;
    } catch (ConnectException e) {
      throw new IOException(
          "Cannot " + what + ": nothing answers at " + base + "; see ./millrace status", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException)
          new InterruptedIOException("Cannot " + what + ": interrupted").initCause(e);
    }
  }

  private static String reason(JsonNode body) {
    StringBuilder reason = new StringBuilder();
    for (JsonNode error : body.path("errors")) {
      String text = error.asText();
      // Flink answers with a short text and the whole trace; its innermost cause says most.
      String cause = text.contains("Caused by: ") ? innermost(unwrapped(text)) : text;
      reason.append(reason.isEmpty() ? "" : ": ").append(cause.strip());
    }
    return reason.isEmpty() ? body.toString() : reason.toString();
  }

  private static String unwrapped(String text) {
    int end = text.lastIndexOf("\nEnd of exception on server side");
    return end < 0 ? text : text.substring(0, end);
  }

  private static void waitBefore(long deadlineNanos, String what) throws IOException {
    if (System.nanoTime() > deadlineNanos) {
      throw new IOException("Cannot " + what + ": it takes too long; see Flink's web UI");
    }
    try {
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException)
          new InterruptedIOException("Cannot " + what + ": interrupted").initCause(e);
    }
  }

  private static @Nullable String text(JsonNode node) {
    return node.isMissingNode() || node.isNull() ? null : node.asText();
  }

  /** {@code name-<first 12 hex of sha256>.jar}: the same name means the same bytes. */
  private static String nameByContent(Path jar) throws IOException {
    MessageDigest sha256;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash: every Java has SHA-256", e);
    }
    try (InputStream in = new DigestInputStream(Files.newInputStream(jar), sha256)) {
      in.transferTo(java.io.OutputStream.nullOutputStream());
    }
    String hash = HexFormat.of().formatHex(sha256.digest()).substring(0, 12);
    return jar.getFileName().toString().replaceFirst("\\.jar$", "") + "-" + hash + ".jar";
  }
}
