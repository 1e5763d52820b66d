package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.ModelCard;
import dev.millrace.core.catalog.Stage;
import dev.millrace.core.catalog.VersionCard;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.registry.CataloguedModel;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Models and versions as MLflow's clients read them. */
final class CatalogJson {

  /** What Millrace knows of a version besides stands among its tags, under these names. */
  static final String STATUS_TAG = "millrace.status";

  static final String SHA256_TAG = "millrace.sha256";

  static ObjectNode model(CataloguedModel model) {
    ObjectNode json = object();
    ModelCard card = model.page().card();
    json.put("name", model.name());
    if (card == null) {
      return json;
    }
    json.put("creation_timestamp", card.createdAtMillis());
    json.put("last_updated_timestamp", card.updatedAtMillis());
    if (!card.description().isEmpty()) {
      json.put("description", card.description());
    }
    ArrayNode latest = json.putArray("latest_versions");
    latest(model, List.of()).forEach(v -> latest.add(version(model, v)));
    tags(json, card.tags());
    ArrayNode aliases = json.putArray("aliases");
    model
        .aliases()
        .forEach(
            (alias, version) ->
                aliases.addObject().put("alias", alias).put("version", version.toString()));
    return json;
  }

  /** The newest version of each stage, or of those that are asked for. */
  static List<VersionCard> latest(CataloguedModel model, List<Stage> stages) {
    Map<Stage, VersionCard> newest = new EnumMap<>(Stage.class);
    model.page().standing().forEach(v -> newest.put(v.stage(), v));
    List<VersionCard> latest = new ArrayList<>();
    newest.forEach(
        (stage, version) -> {
          if (stages.isEmpty() || stages.contains(stage)) {
            latest.add(version);
          }
        });
    return latest;
  }

  static ObjectNode version(CataloguedModel model, VersionCard version) {
    ObjectNode json = object();
    json.put("name", model.name());
    json.put("version", String.valueOf(version.version()));
    json.put("creation_timestamp", version.createdAtMillis());
    json.put("last_updated_timestamp", version.updatedAtMillis());
    json.put("user_id", version.actor());
    json.put("current_stage", version.stage().text());
    json.put("description", version.description());
    json.put("source", version.source());
    json.put("run_id", version.runId());
    json.put("status", "READY");
    json.put("status_message", "");
    json.put("run_link", version.runLink());
    tags(json, tags(model, version));
    ArrayNode aliases = json.putArray("aliases");
    model
        .aliases()
        .forEach(
            (alias, number) -> {
              if (number == version.version()) {
                aliases.add(alias);
              }
            });
    return json;
  }

  /** The tags that people set, and what is known of the version besides. */
  static SortedMap<String, String> tags(CataloguedModel model, VersionCard version) {
    SortedMap<String, String> tags = new TreeMap<>(version.tags());
    for (String name : List.of(STATUS_TAG, SHA256_TAG)) {
      String known = known(model, version, name);
      if (known != null) {
        tags.put(name, known);
      }
    }
    return tags;
  }

  /** One of these; null where there is none. */
  static @Nullable String tag(CataloguedModel model, VersionCard version, String name) {
    String known = known(model, version, name);
    return known == null ? version.tags().get(name) : known;
  }

  /** Whether the tag tells what is known besides, whatever people set. */
  static boolean isKnown(String name) {
    return name.equals(STATUS_TAG) || name.equals(SHA256_TAG);
  }

  private static @Nullable String known(CataloguedModel model, VersionCard version, String name) {
    if (!isKnown(name)) {
      return null;
    }
    RegisteredVersion known = model.state().version(version.version()).orElse(null);
    if (known == null) {
      return null;
    }
    if (name.equals(STATUS_TAG)) {
      return known.status().name();
    }
    return known.sha256().isEmpty() ? null : known.sha256();
  }

  static void tags(ObjectNode json, Map<String, String> tags) {
    ArrayNode array = json.putArray("tags");
    tags.forEach((key, value) -> array.addObject().put("key", key).put("value", value));
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private CatalogJson() {}
}
