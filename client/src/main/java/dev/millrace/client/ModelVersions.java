package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Versions of models: registered, described, tagged and found. */
public final class ModelVersions {

  private static final String ROOT = Transport.MLFLOW + "model-versions/";

  private final Transport transport;
  private final RegisteredModels models;
  private final Artifacts artifacts;

  ModelVersions(Transport transport, RegisteredModels models, Artifacts artifacts) {
    this.transport = transport;
    this.models = models;
    this.artifacts = artifacts;
  }

  /**
   * Registers what is somewhere already.
   *
   * @param source where: an address that those who load the model can read
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such model
   */
  public ModelVersion create(String model, String source, NewVersion told)
      throws IOException, InterruptedException {
    ObjectNode body = Transport.object().put("name", model).put("source", source);
    put(body, "run_id", told.runId());
    put(body, "run_link", told.runLink());
    put(body, "description", told.description());
    Fields.pairs(body, "tags", told.tags());
    return version(
        transport.change(
            "register a version of model " + model, "POST", ROOT + "create", body, told.key()));
  }

  /**
   * Uploads a file and registers it as a version; the model is made where it is not there. The file
   * is kept under its sha256, so that the same bytes are there once.
   */
  public ModelVersion register(String model, Path file, NewVersion told)
      throws IOException, InterruptedException {
    String source = artifacts.uploadByDigest(file);
    RegisteredModel there = models.createIfMissing(model);
    return create(there.name(), source, told);
  }

  /** The same, with nothing told. */
  public ModelVersion register(String model, Path file) throws IOException, InterruptedException {
    return register(model, file, NewVersion.plain());
  }

  /**
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST}
   */
  public ModelVersion get(String model, int version) throws IOException, InterruptedException {
    return version(
        transport.get(
            "get version " + version + " of model " + model,
            ROOT
                + "get"
                + new Query().with("name", model).with("version", String.valueOf(version))));
  }

  /**
   * The version that an alias stands for.
   *
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such model, {@code
   *     INVALID_PARAMETER_VALUE} where it has no such alias
   */
  public ModelVersion byAlias(String model, String alias) throws IOException, InterruptedException {
    return version(
        transport.get(
            "get alias " + alias + " of model " + model,
            Transport.MLFLOW
                + "registered-models/alias"
                + new Query().with("name", model).with("alias", alias)));
  }

  /**
   * Fields of the filter: {@code name, run_id, source_path, version_number, current_stage} and
   * {@code tags.k}. What changed last comes first where nothing else is said.
   */
  public List<ModelVersion> search(Search search) throws IOException, InterruptedException {
    return Pages.all(
        "model_versions",
        ModelVersion::of,
        search.limit(),
        token -> transport.get("search versions", ROOT + "search" + search.query(token)));
  }

  /** Replaces its description. */
  public ModelVersion describe(String model, int version, String description)
      throws IOException, InterruptedException {
    return version(
        transport.change(
            "describe version " + version + " of model " + model,
            "PATCH",
            ROOT + "update",
            named(model, version).put("description", description)));
  }

  /**
   * Deletes it; its number is not given again.
   *
   * @throws RegistryException {@code INVALID_STATE} where it serves or is being prepared
   */
  public void delete(String model, int version) throws IOException, InterruptedException {
    JsonNode unusedNothing =
        transport.change(
            "delete version " + version + " of model " + model,
            "DELETE",
            ROOT + "delete",
            named(model, version));
  }

  public void setTag(String model, int version, String key, String value)
      throws IOException, InterruptedException {
    JsonNode unusedNothing =
        transport.change(
            "tag version " + version + " of model " + model,
            "POST",
            ROOT + "set-tag",
            named(model, version).put("key", key).put("value", value));
  }

  public void deleteTag(String model, int version, String key)
      throws IOException, InterruptedException {
    JsonNode unusedNothing =
        transport.change(
            "delete tag " + key + " of version " + version + " of model " + model,
            "DELETE",
            ROOT + "delete-tag",
            named(model, version).put("key", key));
  }

  private static ObjectNode named(String model, int version) {
    return Transport.object().put("name", model).put("version", String.valueOf(version));
  }

  private static void put(ObjectNode body, String name, String text) {
    if (!text.isEmpty()) {
      body.put(name, text);
    }
  }

  private static ModelVersion version(JsonNode answer) {
    return ModelVersion.of(answer.path("model_version"));
  }
}
