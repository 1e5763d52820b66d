package dev.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** The jobs of a stack, by Flink's own REST API. */
final class FlinkJobs {

  private static final JsonMapper JSON = new JsonMapper();
  private static final long PATIENCE_SECONDS = 60;

  private final HttpClient http = HttpClient.newHttpClient();
  private final String flink;

  FlinkJobs(String flink) {
    this.flink = flink;
  }

  /** Cancels a job and waits until it is gone. */
  void cancel(String name) throws IOException, InterruptedException {
    String id = running(name);
    if (id.isEmpty()) {
      throw new IOException("Cannot cancel " + name + ": it does not run");
    }
    cancel(name, id);
  }

  /** Cancels whatever runs and waits until nothing does. */
  void cancelAll() throws IOException, InterruptedException {
    for (Map.Entry<String, String> job : running().entrySet()) {
      cancel(job.getKey(), job.getValue());
    }
  }

  private void cancel(String name, String id) throws IOException, InterruptedException {
    HttpResponse<String> unused =
        http.send(
            HttpRequest.newBuilder(URI.create(flink + "/jobs/" + id + "?mode=cancel"))
                .method("PATCH", HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!running(name).isEmpty()) {
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException("Cannot cancel " + name + " within " + PATIENCE_SECONDS + " s");
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  /** The job's id; empty where it does not run. */
  private String running(String name) throws IOException, InterruptedException {
    return running().getOrDefault(name, "");
  }

  /** The ids of the jobs that run, by name. */
  private Map<String, String> running() throws IOException, InterruptedException {
    Map<String, String> running = new TreeMap<>();
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create(flink + "/jobs/overview")).build(),
            HttpResponse.BodyHandlers.ofString());
    for (JsonNode job : JSON.readTree(answer.body()).path("jobs")) {
      String state = job.path("state").asText();
      boolean over = state.equals("CANCELED") || state.equals("FAILED") || state.equals("FINISHED");
      if (!over) {
        running.put(job.path("name").asText(), job.path("jid").asText());
      }
    }
    return running;
  }
}
