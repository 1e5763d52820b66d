package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Experiments: made, found, tagged, deleted and restored. */
public final class Experiments {

  private static final String ROOT = Transport.MLFLOW + "experiments/";

  private final Transport transport;

  Experiments(Transport transport) {
    this.transport = transport;
  }

  /**
   * Makes one.
   *
   * @return its id
   * @throws RegistryException {@code RESOURCE_ALREADY_EXISTS} where there is one of that name, even
   *     if it is deleted
   */
  public String create(String name, Map<String, String> tags)
      throws IOException, InterruptedException {
    ObjectNode body = Transport.object().put("name", name);
    Fields.pairs(body, "tags", tags);
    return Fields.text(
        transport.change("create experiment " + name, "POST", ROOT + "create", body),
        "experiment_id");
  }

  /** The id of the experiment of that name, which is made where there is none. */
  public String idOf(String name) throws IOException, InterruptedException {
    Optional<Experiment> there = named(name);
    if (there.isPresent()) {
      return there.get().id();
    }
    try {
      return create(name, Map.of());
    } catch (RegistryException e) {
      if (e.errorCode().equals("RESOURCE_ALREADY_EXISTS")) {
        // Somebody else was faster.
        return named(name).map(Experiment::id).orElseThrow(() -> e);
      }
      throw e;
    }
  }

  /**
   * Also one that is deleted.
   *
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST}
   */
  public Experiment get(String id) throws IOException, InterruptedException {
    return Experiment.of(
        transport
            .get("get experiment " + id, ROOT + "get" + new Query().with("experiment_id", id))
            .path("experiment"));
  }

  /** The one of that name, also one that is deleted. */
  public Optional<Experiment> named(String name) throws IOException, InterruptedException {
    try {
      return Optional.of(
          Experiment.of(
              transport
                  .get(
                      "get experiment " + name,
                      ROOT + "get-by-name" + new Query().with("experiment_name", name))
                  .path("experiment")));
    } catch (RegistryException e) {
      if (e.isMissing()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Fields of the filter: {@code name}, times and {@code tags.k}. The newest comes first. */
  public List<Experiment> search(Search search) throws IOException, InterruptedException {
    return Pages.all(
        "experiments",
        Experiment::of,
        search.limit(),
        token ->
            transport.search(
                "search experiments", ROOT + "search", search.body(token, "view_type")));
  }

  public void rename(String id, String name) throws IOException, InterruptedException {
    changed("rename experiment " + id, "update", about(id).put("new_name", name));
  }

  /** Hides it with its runs. */
  public void delete(String id) throws IOException, InterruptedException {
    changed("delete experiment " + id, "delete", about(id));
  }

  /** Shows it again with its runs. */
  public void restore(String id) throws IOException, InterruptedException {
    changed("restore experiment " + id, "restore", about(id));
  }

  public void setTag(String id, String key, String value) throws IOException, InterruptedException {
    changed(
        "tag experiment " + id,
        "set-experiment-tag",
        about(id).put("key", key).put("value", value));
  }

  private static ObjectNode about(String id) {
    return Transport.object().put("experiment_id", id);
  }

  private void changed(String what, String path, ObjectNode body)
      throws IOException, InterruptedException {
    JsonNode unusedNothing = transport.change(what, "POST", ROOT + path, body);
  }
}
