package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A registered model, as it was when it was asked for.
 *
 * @param name up to 250 characters, without {@code /}, {@code :} and {@code %}
 * @param description empty where there is none
 * @param updatedAt when it, or which versions it has, last changed
 * @param aliases the number of the version that each stands for
 * @param latestVersions the newest version of each stage
 */
public record RegisteredModel(
    String name,
    String description,
    Instant createdAt,
    Instant updatedAt,
    Map<String, String> tags,
    Map<String, Integer> aliases,
    List<ModelVersion> latestVersions) {

  public RegisteredModel {
    tags = Map.copyOf(tags);
    aliases = Map.copyOf(aliases);
    latestVersions = List.copyOf(latestVersions);
  }

  static RegisteredModel of(JsonNode json) {
    Map<String, Integer> aliases = new TreeMap<>();
    json.path("aliases")
        .forEach(a -> aliases.put(Fields.text(a, "alias"), a.path("version").asInt()));
    return new RegisteredModel(
        Fields.text(json, "name"),
        Fields.text(json, "description"),
        Fields.instant(json, "creation_timestamp"),
        Fields.instant(json, "last_updated_timestamp"),
        Fields.pairs(json, "tags"),
        aliases,
        Fields.list(json, "latest_versions", ModelVersion::of));
  }
}
