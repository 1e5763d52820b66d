package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Registered models: made, described, tagged, found and deleted. */
public final class RegisteredModels {

  private static final String ROOT = Transport.MLFLOW + "registered-models/";

  private final Transport transport;

  RegisteredModels(Transport transport) {
    this.transport = transport;
  }

  /**
   * Makes a model without versions.
   *
   * @throws RegistryException {@code RESOURCE_ALREADY_EXISTS} where somebody else made it
   */
  public RegisteredModel create(String name, String description, Map<String, String> tags)
      throws IOException, InterruptedException {
    ObjectNode body = Transport.object().put("name", name);
    if (!description.isEmpty()) {
      body.put("description", description);
    }
    Fields.pairs(body, "tags", tags);
    return model(transport.change("create model " + name, "POST", ROOT + "create", body));
  }

  /** The same, with nothing told but its name. */
  public RegisteredModel create(String name) throws IOException, InterruptedException {
    return create(name, "", Map.of());
  }

  /** A model, made where it is not there. */
  public RegisteredModel createIfMissing(String name) throws IOException, InterruptedException {
    try {
      return create(name);
    } catch (RegistryException e) {
      if (e.errorCode().equals("RESOURCE_ALREADY_EXISTS")) {
        return get(name);
      }
      throw e;
    }
  }

  /**
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST}
   */
  public RegisteredModel get(String name) throws IOException, InterruptedException {
    return model(transport.get("get model " + name, ROOT + "get" + new Query().with("name", name)));
  }

  /** The same; empty where there is none. */
  public Optional<RegisteredModel> find(String name) throws IOException, InterruptedException {
    try {
      return Optional.of(get(name));
    } catch (RegistryException e) {
      if (e.isMissing()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Fields of the filter: {@code name}, {@code tags.k}. By name where nothing else is said. */
  public List<RegisteredModel> search(Search search) throws IOException, InterruptedException {
    return Pages.all(
        "registered_models",
        RegisteredModel::of,
        search.limit(),
        token -> transport.get("search models", ROOT + "search" + search.query(token)));
  }

  /** Replaces its description. */
  public RegisteredModel describe(String name, String description)
      throws IOException, InterruptedException {
    return model(
        transport.change(
            "describe model " + name,
            "PATCH",
            ROOT + "update",
            Transport.object().put("name", name).put("description", description)));
  }

  /**
   * Deletes it with its versions.
   *
   * @throws RegistryException {@code INVALID_STATE} where it is deployed
   */
  public void delete(String name) throws IOException, InterruptedException {
    changed("delete model " + name, "DELETE", "delete", Transport.object().put("name", name));
  }

  public void setTag(String name, String key, String value)
      throws IOException, InterruptedException {
    changed(
        "tag model " + name,
        "POST",
        "set-tag",
        Transport.object().put("name", name).put("key", key).put("value", value));
  }

  public void deleteTag(String name, String key) throws IOException, InterruptedException {
    changed(
        "delete tag " + key + " of model " + name,
        "DELETE",
        "delete-tag",
        Transport.object().put("name", name).put("key", key));
  }

  /**
   * Lets an alias stand for a version; it leaves the one that it stood for. Of a model that is
   * deployed {@code champion, challenger} and {@code shadow} are set by deployments only.
   */
  public void setAlias(String name, String alias, int version)
      throws IOException, InterruptedException {
    changed(
        "set alias " + alias + " of model " + name,
        "POST",
        "alias",
        Transport.object()
            .put("name", name)
            .put("alias", alias)
            .put("version", String.valueOf(version)));
  }

  public void deleteAlias(String name, String alias) throws IOException, InterruptedException {
    changed(
        "delete alias " + alias + " of model " + name,
        "DELETE",
        "alias",
        Transport.object().put("name", name).put("alias", alias));
  }

  private void changed(String what, String method, String path, ObjectNode body)
      throws IOException, InterruptedException {
    JsonNode unusedNothing = transport.change(what, method, ROOT + path, body);
  }

  private static RegisteredModel model(JsonNode answer) {
    return RegisteredModel.of(answer.path("registered_model"));
  }
}
