package dev.millrace.trainer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A trained model whose files are written and of which the registry may not know yet.
 *
 * @param idempotencyKey under which the registry makes it a version, once
 * @param sha256 of the ONNX file
 * @param details of its registration
 * @param validation details of its validation: whether it passed its gates, and why
 */
public record Candidate(
    String model,
    String idempotencyKey,
    Path folder,
    String sha256,
    ObjectNode details,
    ObjectNode validation) {

  private static final JsonMapper JSON = new JsonMapper();

  /** URI of the ONNX file. */
  public String uri() {
    return VersionFolder.uri(folder, VersionFolder.MODEL);
  }

  public Path onnx() {
    return folder.resolve(VersionFolder.MODEL);
  }

  public Path lineage() {
    return folder.resolve(VersionFolder.LINEAGE);
  }

  public Path profile() {
    return folder.resolve(VersionFolder.PROFILE);
  }

  /** Whether all gates hold. */
  public boolean passed() {
    return validation.path("passed").asBoolean();
  }

  /** The contents of {@link VersionFolder#CANDIDATE}. */
  static byte[] json(
      String model,
      String idempotencyKey,
      String sha256,
      ObjectNode details,
      ObjectNode validation) {
    ObjectNode json = JSON.createObjectNode();
    json.put("model", model);
    json.put("idempotency_key", idempotencyKey);
    json.put("sha256", sha256);
    json.set("details", details);
    json.set("validation", validation);
    return (json.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** Reads a folder that is there. */
  static Candidate read(Path folder, String model, String idempotencyKey) throws IOException {
    Path file = folder.resolve(VersionFolder.CANDIDATE);
    JsonNode json = JSON.readTree(Files.readAllBytes(file));
    if (!json.path("model").asText().equals(model)
        || !json.path("idempotency_key").asText().equals(idempotencyKey)
        || !(json.get("details") instanceof ObjectNode details)
        || !(json.get("validation") instanceof ObjectNode validation)) {
      throw new TrainingException(
          "Cannot use the files in %s: %s is not that of key %s; move the folder away"
              .formatted(folder, file.getFileName(), idempotencyKey));
    }
    return new Candidate(
        model, idempotencyKey, folder, json.path("sha256").asText(), details, validation);
  }
}
