package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A file or folder of a run.
 *
 * @param path below the run's artifacts, its names joined by slashes
 * @param bytes its size; 0 of a folder
 */
public record Artifact(String path, boolean folder, long bytes) {

  static Artifact of(JsonNode json) {
    return new Artifact(
        Fields.text(json, "path"),
        json.path("is_dir").asBoolean(false),
        json.path("file_size").asLong(0));
  }
}
