package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.plugin.Plugins;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * What has been read so far and can be referred to. Things with mistakes are here too, as far as
 * they are known, so that one mistake does not make others.
 */
final class Scope {

  /** Views, entities and models share one space of names. */
  private static final String SHARED = "shared";

  /**
   * @param schema null where it cannot be had
   * @param source null where the source has mistakes
   */
  record SourceDraft(String name, @Nullable Schema schema, @Nullable Source source) {}

  record EntityDraft(String name, @Nullable Entity entity) {}

  /** A feature by name; the type is null where it cannot be computed yet. */
  record FeatureDraft(String name, Feature.@Nullable ValueType type) {}

  record ViewDraft(
      String name,
      @Nullable EntityDraft entity,
      List<FeatureDraft> features,
      @Nullable FeatureView view) {}

  private final Report report;
  private final Names names;
  private final Plugins plugins;
  private final Map<String, SourceDraft> sources = new LinkedHashMap<>();
  private final Map<String, EntityDraft> entities = new LinkedHashMap<>();
  private final Map<String, ViewDraft> views = new LinkedHashMap<>();

  Scope(Report report, Names names, Plugins plugins) {
    this.report = report;
    this.names = names;
    this.plugins = plugins;
  }

  Plugins plugins() {
    return plugins;
  }

  Report report() {
    return report;
  }

  void add(SourceDraft draft) {
    sources.putIfAbsent(draft.name(), draft);
  }

  void add(EntityDraft draft) {
    entities.putIfAbsent(draft.name(), draft);
  }

  void add(ViewDraft draft) {
    views.putIfAbsent(draft.name(), draft);
  }

  List<Source> sources() {
    return sources.values().stream().map(SourceDraft::source).filter(Objects::nonNull).toList();
  }

  List<Entity> entities() {
    return entities.values().stream().map(EntityDraft::entity).filter(Objects::nonNull).toList();
  }

  List<FeatureView> views() {
    return views.values().stream().map(ViewDraft::view).filter(Objects::nonNull).toList();
  }

  /** The views as they are written, which is not the order in which they are read. */
  List<FeatureView> views(List<Section> written) {
    return written.stream()
        .map(s -> s.take("name"))
        .map(name -> name == null ? null : views.get(name.text()))
        .filter(Objects::nonNull)
        .distinct()
        .map(ViewDraft::view)
        .filter(Objects::nonNull)
        .toList();
  }

  Map<String, SourceDraft> sourcesByName() {
    return sources;
  }

  /** A new thing's name, or null where it has none of its own; either is reported. */
  @Nullable String newName(Section section, String what) {
    Value value = section.required("name");
    String name = value == null ? null : value.name();
    if (value == null || name == null) {
      return null;
    }
    String space = what.equals("source") ? what : SHARED;
    return names.claim(space, name, what, value) ? name : null;
  }

  /** A source whose events come one by one: what models read. */
  @Nullable SourceDraft stream(@Nullable Value value) {
    SourceDraft found = reference(value, sources, "source");
    Source source = found == null ? null : found.source();
    if (value != null && source != null && source.kind() != Source.Kind.KAFKA) {
      value.mistake(
          "source "
              + source.name()
              + " is of kind "
              + source.kind().name().toLowerCase(Locale.ROOT)
              + ", whose rows come in batches, and a model reads events as they come",
          "name a source of kind kafka, and let views read this one");
    }
    return found;
  }

  /**
   * What a view reads: a source, or the rows of a view that was read before.
   *
   * @param viewNames of all views
   */
  @Nullable SourceDraft events(@Nullable Value value, Set<String> viewNames) {
    Map<String, SourceDraft> known = new LinkedHashMap<>(sources);
    for (String name : viewNames) {
      ViewDraft view = views.get(name);
      known.putIfAbsent(name, rows(name, view == null ? null : view.view()));
    }
    return reference(value, known, "source");
  }

  private SourceDraft rows(String name, @Nullable FeatureView view) {
    Source read = view == null ? null : read(view);
    if (view == null || read == null) {
      return new SourceDraft(name, null, null);
    }
    Source rows = ViewSource.of(view, read);
    return new SourceDraft(name, rows.schema(), rows);
  }

  private @Nullable Source read(FeatureView view) {
    SourceDraft source = sources.get(view.source());
    ViewDraft upstream = views.get(view.source());
    return source != null
        ? source.source()
        : upstream == null ? null : rows(view.source(), upstream.view()).source();
  }

  @Nullable EntityDraft entity(@Nullable Value value) {
    return reference(value, entities, "entity");
  }

  @Nullable EntityDraft entityNamed(String name) {
    return entities.get(name);
  }

  Map<String, ViewDraft> viewsByName() {
    return views;
  }

  /** Every key of every entity. */
  Set<String> entityKeys() {
    Set<String> keys = new TreeSet<>();
    entities().forEach(e -> keys.addAll(e.keys()));
    return keys;
  }

  private static <T> @Nullable T reference(
      @Nullable Value value, Map<String, T> known, String what) {
    String name = value == null ? null : value.text();
    if (value == null || name == null) {
      return null;
    }
    T found = known.get(name);
    if (found == null) {
      value.mistake(
          "there is no " + what + " " + value.plain(name),
          Value.suggestion(name, new ArrayList<>(known.keySet()), "known are "));
    }
    return found;
  }

  /** A field of a source; null where there is none of that name (reported) or no schema. */
  Schema.@Nullable Field field(Value value, @Nullable SourceDraft source) {
    String name = value.text();
    return name == null ? null : field(value, name, source);
  }

  Schema.@Nullable Field field(Value value, String name, @Nullable SourceDraft source) {
    if (source == null || source.schema() == null) {
      return null;
    }
    Schema.Field field = source.schema().getField(name);
    if (field == null) {
      List<String> fields = source.schema().getFields().stream().map(Schema.Field::name).toList();
      value.mistake(
          "source " + source.name() + " has no field " + value.plain(name),
          Value.suggestion(name, fields, "its fields are "));
    }
    return field;
  }

  /** The field of another source that holds the scored event's id. */
  @Nullable String eventIdField(
      @Nullable Value value, @Nullable SourceDraft source, @Nullable SourceDraft scored) {
    Schema.Field field = value == null ? null : field(value, source);
    if (value == null || field == null) {
      return null;
    }
    Schemas.Kind kind = Schemas.kind(field.schema());
    Source events = scored == null ? null : scored.source();
    Schema.Field id = events == null ? null : events.schema().getField(events.eventId());
    if (kind != Schemas.Kind.TEXT && kind != Schemas.Kind.WHOLE) {
      value.mistake(
          "field "
              + field.name()
              + " is "
              + Schemas.shown(field.schema())
              + " and holds no event id",
          "name a field of type string, int or long");
      return null;
    }
    if (events != null && id != null && Schemas.kind(id.schema()) != kind) {
      value.mistake(
          "field "
              + field.name()
              + " is "
              + Schemas.shown(field.schema())
              + ", and the event id "
              + id.name()
              + " of source "
              + events.name()
              + " is "
              + Schemas.shown(id.schema()),
          "name the field that holds that id");
      return null;
    }
    return field.name();
  }

  /**
   * The source's field for each key of an entity.
   *
   * @param keys the definition's {@code keys:}, entity key to field
   * @return null where one is missing, and reported
   */
  @Nullable List<String> keyFields(
      Value place, Entity entity, @Nullable SourceDraft source, Map<String, Value> keys) {
    if (source == null || source.schema() == null) {
      return null;
    }
    List<String> fields = new ArrayList<>();
    for (String key : entity.keys()) {
      Value mapped = keys.get(key);
      String name = mapped == null ? key : mapped.text();
      Schema.Field field = name == null ? null : source.schema().getField(name);
      if (field == null) {
        // A field that keys: names wrongly was reported where it stands.
        if (mapped == null) {
          place.mistake(
              "entity "
                  + entity.name()
                  + " has the key "
                  + key
                  + ", and source "
                  + source.name()
                  + " no such field",
              "add keys: {" + key + ": FIELD}");
        }
        continue;
      }
      switch (Schemas.kind(field.schema())) {
        case REAL, OTHER ->
            place.mistake(
                "field "
                    + field.name()
                    + " is "
                    + Schemas.shown(field.schema())
                    + " and cannot be a key",
                "use a string, int, long, boolean or enum");
        default -> fields.add(field.name());
      }
    }
    return fields.size() == entity.keys().size() ? fields : null;
  }

  /** Reads {@code keys:} and reports keys of no entity and fields that do not exist. */
  Map<String, Value> keys(Section section, @Nullable Entity only, @Nullable SourceDraft source) {
    Value value = section.take("keys");
    Map<String, Value> entries = value == null ? null : value.entries();
    if (entries == null) {
      return Map.of();
    }
    List<String> known =
        only == null ? new ArrayList<>(entityKeys()) : new ArrayList<>(only.keys());
    entries.forEach(
        (key, field) -> {
          if (!known.contains(key)) {
            field.mistake(
                (only == null ? "no entity" : "entity " + only.name() + " does not")
                    + (only == null ? " has" : " have")
                    + " the key "
                    + key,
                Value.suggestion(key, known, "known are "));
          }
          field(field, source);
        });
    return entries;
  }

  /** Type-checks an expression and reports what is wrong with it. */
  @Nullable Expression expression(
      Value value,
      @Nullable Schema record,
      Expression.Type type,
      Map<String, Expression.Type> extras) {
    String text = value.text();
    if (text == null || record == null) {
      return null;
    }
    try {
      return Expression.compile(text, record, type, extras, plugins);
    } catch (ExpressionException e) {
      if (value.redacted()) {
        value.mistake(value.plain(text) + " holds no expression that fits here", "correct it");
      } else {
        value.mistake("in " + text + ": " + e.reason(), e.repair());
      }
      return null;
    }
  }
}
