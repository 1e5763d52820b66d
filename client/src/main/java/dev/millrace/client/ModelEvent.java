package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One of the events that made a model what it is.
 *
 * @param sequence counts a model's events from 1
 * @param type such as {@code VERSION_REGISTERED}, {@code ALIAS_SET}, {@code DEPLOYMENT_EFFECTIVE},
 *     {@code REFUSED}
 * @param version which one it is about; null where about none
 * @param at by the registry's clock
 * @param details what else it says, as it stands in the journal
 */
public record ModelEvent(
    long sequence,
    String type,
    @Nullable Integer version,
    Instant at,
    String actor,
    String reason,
    String idempotencyKey,
    @Nullable String uri,
    @Nullable String sha256,
    JsonNode details) {

  static ModelEvent of(JsonNode json) {
    JsonNode version = json.path("version");
    return new ModelEvent(
        json.path("sequence").asLong(),
        Fields.text(json, "type"),
        version.isNumber() ? (Integer) version.intValue() : null,
        Fields.instant(json, "at"),
        Fields.text(json, "actor"),
        Fields.text(json, "reason"),
        Fields.text(json, "idempotency_key"),
        Fields.textOrNull(json, "uri"),
        Fields.textOrNull(json, "sha256"),
        json.path("details"));
  }
}
