package dev.millrace.core.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The catalogue's page of one model: the fold of its events in {@code models.lifecycle}, and of
 * nothing else.
 *
 * @param sequence of the newest event that was folded
 * @param card null before the model is made, and after it was deleted
 * @param versions by number; those that were deleted keep theirs
 * @param aliases as people set them; see {@link Aliases} for those that follow deployments
 */
@JsonPropertyOrder({"model", "sequence", "card", "versions", "aliases"})
public record CatalogState(
    @JsonProperty("model") String model,
    @JsonProperty("sequence") long sequence,
    @JsonProperty("card") @Nullable ModelCard card,
    @JsonProperty("versions") SortedMap<Integer, VersionCard> versions,
    @JsonProperty("aliases") SortedMap<String, Integer> aliases) {

  public CatalogState {
    versions = Sorted.copy(versions);
    aliases = Sorted.copy(aliases);
  }

  /** The page of a model of which nothing is said. */
  public static CatalogState empty(String model) {
    return new CatalogState(model, 0, null, new TreeMap<>(), new TreeMap<>());
  }

  /** A version that was not deleted. */
  public Optional<VersionCard> version(int number) {
    return Optional.ofNullable(versions.get(number)).filter(v -> !v.deleted());
  }

  /** Those that were not deleted, ascending by number. */
  public List<VersionCard> standing() {
    return versions.values().stream().filter(v -> !v.deleted()).toList();
  }

  /**
   * Takes the next event. One that is not newer than the newest changes nothing, nor does one
   * without a number: that the registry has not written.
   *
   * @param details as {@link ModelState#details} gives them
   */
  public CatalogState apply(LifecycleEntry event, ObjectNode details) {
    long next = ModelState.sequence(details);
    if (event.kind() != LifecycleEntry.Kind.EVENT || next <= sequence) {
      return this;
    }
    Integer number = event.version();
    long atMillis = event.atMillis();
    return switch (LifecycleEntry.Event.valueOf(event.type())) {
      case VERSION_REGISTERED -> registered(event, details, next);
      case MODEL_CREATED ->
          with(
              next, new ModelCard(text(details, "description"), tags(details), atMillis, atMillis));
      case MODEL_UPDATED -> with(next, page().described(text(details, "description"), atMillis));
      case MODEL_DELETED -> deleted(next, atMillis);
      case TAG_SET -> tagged(next, number, text(details, "key"), text(details, "value"));
      case TAG_DELETED -> tagged(next, number, text(details, "key"), null);
      case ALIAS_SET ->
          new CatalogState(
              model,
              next,
              card,
              versions,
              Sorted.with(aliases, text(details, "alias"), number == null ? 0 : number));
      case ALIAS_DELETED ->
          new CatalogState(
              model, next, card, versions, Sorted.without(aliases, text(details, "alias")));
      case VERSION_UPDATED ->
          with(next, version(event).described(text(details, "description"), atMillis));
      case VERSION_TRANSITIONED -> transitioned(event, details, next);
      case VERSION_DELETED -> versionDeleted(event, next);
      case VERSION_VALIDATED,
          VERSION_REJECTED,
          VERSION_ARCHIVED,
          DEPLOYMENT_PREPARING,
          DEPLOYMENT_EFFECTIVE,
          DEPLOYMENT_REVOKED,
          MODEL_PAUSED,
          MODEL_RESUMED,
          REFUSED ->
          new CatalogState(model, next, card, versions, aliases);
    };
  }

  private CatalogState registered(LifecycleEntry event, ObjectNode details, long next) {
    int number = event.version() == null ? 0 : event.version();
    long atMillis = event.atMillis();
    VersionCard version =
        new VersionCard(
            number,
            event.uri() == null ? "" : event.uri(),
            text(details, "run_id"),
            text(details, "run_link"),
            text(details, "description"),
            tags(details),
            Stage.NONE,
            event.actor(),
            atMillis,
            atMillis,
            details.path("content").textValue(),
            false);
    ModelCard after =
        card == null ? new ModelCard("", Map.of(), atMillis, atMillis) : card.touched(atMillis);
    return new CatalogState(model, next, after, Sorted.with(versions, number, version), aliases);
  }

  private CatalogState deleted(long next, long atMillis) {
    SortedMap<Integer, VersionCard> left = new TreeMap<>();
    versions.forEach((number, version) -> left.put(number, version.gone(atMillis)));
    return new CatalogState(model, next, null, left, new TreeMap<>());
  }

  private CatalogState tagged(
      long next, @Nullable Integer number, String key, @Nullable String value) {
    if (number == null) {
      return with(next, page().tagged(changed(page().tags(), key, value)));
    }
    VersionCard version = versions.get(number);
    return version == null
        ? new CatalogState(model, next, card, versions, aliases)
        : with(next, version.tagged(changed(version.tags(), key, value)));
  }

  private static Map<String, String> changed(
      Map<String, String> tags, String key, @Nullable String value) {
    return value == null ? Sorted.without(tags, key) : Sorted.with(tags, key, value);
  }

  private CatalogState transitioned(LifecycleEntry event, ObjectNode details, long next) {
    long atMillis = event.atMillis();
    SortedMap<Integer, VersionCard> after = new TreeMap<>(versions);
    VersionCard moved = version(event);
    after.put(
        moved.version(),
        moved.staged(Stage.of(text(details, "stage")).orElse(Stage.NONE), atMillis));
    for (JsonNode archived : details.path("archived")) {
      VersionCard made = after.get(archived.intValue());
      if (made != null) {
        after.put(made.version(), made.staged(Stage.ARCHIVED, atMillis));
      }
    }
    return new CatalogState(model, next, page().touched(atMillis), after, aliases);
  }

  private CatalogState versionDeleted(LifecycleEntry event, long next) {
    VersionCard gone = version(event).gone(event.atMillis());
    SortedMap<String, Integer> left = new TreeMap<>(aliases);
    left.values().removeIf(n -> n == gone.version());
    return new CatalogState(
        model,
        next,
        page().touched(event.atMillis()),
        Sorted.with(versions, gone.version(), gone),
        left);
  }

  private VersionCard version(LifecycleEntry event) {
    VersionCard version = event.version() == null ? null : versions.get(event.version());
    if (version == null) {
      throw new IllegalStateException(
          "Cannot fold " + event.type() + " of model " + model + ": no version " + event.version());
    }
    return version;
  }

  private ModelCard page() {
    return card == null ? new ModelCard("", Map.of(), 0, 0) : card;
  }

  private CatalogState with(long next, ModelCard after) {
    return new CatalogState(model, next, after, versions, aliases);
  }

  private CatalogState with(long next, VersionCard after) {
    return new CatalogState(
        model, next, card, Sorted.with(versions, after.version(), after), aliases);
  }

  static Map<String, String> tags(JsonNode details) {
    TreeMap<String, String> tags = new TreeMap<>();
    details
        .path("tags")
        .properties()
        .forEach(field -> tags.put(field.getKey(), field.getValue().asText()));
    return tags;
  }

  static String text(JsonNode details, String key) {
    return details.path(key).asText("");
  }
}
