package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.commons.codec.digest.MurmurHash3;
import org.jspecify.annotations.Nullable;

/** Reads {@code feature-views}. */
final class ViewReader {

  private static final Duration REFRESH = Duration.ofMinutes(1);
  private static final Duration SHORTEST_DEFAULT_TTL = Duration.ofDays(7);

  private static final int MOST_EVENTS_PER_KEY = 10_000_000;

  private final Scope scope;

  /** By key names, which is what Feast's hash is by: the fields that are taken, and what by. */
  private final Map<List<String>, Map<Integer, String>> feastFields = new HashMap<>();

  private final ViewOrder order;

  ViewReader(Scope scope, ViewOrder order) {
    this.scope = scope;
    this.order = order;
  }

  void read(Section section) {
    String name = scope.newName(section, "feature view");
    section.forPeople();
    Scope.EntityDraft entity = scope.entity(section.required("entity"));
    Value sourceValue = section.required("source");
    Scope.SourceDraft source =
        order.isUnreadable(section) ? null : scope.events(sourceValue, order.names());
    Entity sound = entity == null ? null : entity.entity();
    Map<String, Value> keys = scope.keys(section, sound, source);
    Value entityValue = section.take("entity");
    List<String> keyFields =
        sound == null || entityValue == null
            ? null
            : scope.keyFields(entityValue, sound, source, keys);
    Value filterValue = section.take("filter");
    String filter = filterValue == null ? null : filterValue.text();
    if (filterValue != null && source != null) {
      scope.expression(filterValue, source.schema(), Expression.Type.BOOLEAN, Map.of());
    }
    FeatureView.Accuracy accuracy =
        section.choice(FeatureView.Accuracy.class, "accuracy", FeatureView.Accuracy.EXACT);
    int maxEvents = maxEventsPerKey(section, accuracy);
    Duration refresh = section.positiveDuration("refresh", REFRESH);
    Duration lateness = lateness(section, source);
    AggregationReader found = new AggregationReader(scope, sound, source);
    found.read(section);
    Duration ttl = section.positiveDuration("ttl", defaultTtl(found.longest()));
    FeatureView.RedisOptions redis = redis(section);
    section.close();
    if (name == null) {
      return;
    }
    Value redisValue = section.take("redis");
    if (redisValue != null && redis.layout() == FeatureView.RedisOptions.Layout.FEAST) {
      feast(redisValue, name, sound, source, keyFields, found.drafts());
    }
    FeatureView view = null;
    if (sound != null && source != null && source.source() != null && keyFields != null) {
      FeatureView unnamed =
          new FeatureView(
              name,
              sound,
              source.name(),
              keyFields,
              filter == null ? null : filter.strip(),
              accuracy,
              refresh,
              lateness,
              ttl,
              found.features(),
              maxEvents,
              redis,
              "");
      view = unnamed.withId(ViewId.of(unnamed, source.source(), scope.plugins()));
    }
    scope.add(new Scope.ViewDraft(name, entity, found.drafts(), view));
  }

  private static Duration lateness(Section section, Scope.@Nullable SourceDraft source) {
    Value value = section.take("allowed-lateness");
    if (value != null
        && source != null
        && source.source() != null
        && source.source().kind() == Source.Kind.VIEW) {
      value.mistake(
          "what is late was judged for view " + source.name() + ", whose rows are read here",
          "write it there");
    }
    return section.duration("allowed-lateness", Duration.ZERO);
  }

  private static Duration defaultTtl(Duration longest) {
    Duration twice = longest.multipliedBy(2);
    return twice.compareTo(SHORTEST_DEFAULT_TTL) < 0 ? SHORTEST_DEFAULT_TTL : twice;
  }

  private static int maxEventsPerKey(Section section, FeatureView.Accuracy accuracy) {
    Value value = section.take("max-events-per-key");
    if (value == null) {
      return FeatureView.MAX_EVENTS_PER_KEY;
    }
    Long most = value.whole(1, MOST_EVENTS_PER_KEY);
    if (accuracy == FeatureView.Accuracy.TILED) {
      value.mistake("a tiled view keeps no events", "remove the key");
      return FeatureView.MAX_EVENTS_PER_KEY;
    }
    return most == null ? FeatureView.MAX_EVENTS_PER_KEY : most.intValue();
  }

  private static FeatureView.RedisOptions redis(Section view) {
    FeatureView.RedisOptions otherwise = FeatureView.RedisOptions.DEFAULT;
    Value value = view.take("redis");
    Section section = value == null ? null : value.section();
    if (section == null) {
      return otherwise;
    }
    FeatureView.RedisOptions options =
        new FeatureView.RedisOptions(
            section.choice(FeatureView.RedisOptions.Layout.class, "layout", otherwise.layout()),
            section.choice(
                FeatureView.RedisOptions.Unavailable.class,
                "unavailable",
                otherwise.unavailable()));
    section.close();
    return options;
  }

  /** What Feast's format cannot hold: keys of other types, and two fields with one hash. */
  private void feast(
      Value place,
      String view,
      @Nullable Entity entity,
      Scope.@Nullable SourceDraft source,
      @Nullable List<String> keyFields,
      List<Scope.FeatureDraft> features) {
    if (source != null && source.schema() != null && keyFields != null) {
      for (String name : keyFields) {
        Schema.Field field = source.schema().getField(name);
        if (field != null && !feastKey(field.schema())) {
          place.mistake(
              "field "
                  + name
                  + " is "
                  + Schemas.shown(field.schema())
                  + ", and a key in Feast's layout is text or a whole number",
              "use a string, enum, int or long as key, or layout: millrace");
        }
      }
    }
    if (entity == null) {
      return;
    }
    Map<Integer, String> fields =
        feastFields.computeIfAbsent(entity.keys().stream().sorted().toList(), k -> new HashMap<>());
    for (Scope.FeatureDraft feature : features) {
      String field = view + ":" + feature.name();
      String earlier = fields.putIfAbsent(feastHash(field), field);
      if (earlier != null) {
        place.mistake(
            field + " and " + earlier + " have one field in Feast's layout",
            "give one of them another name");
      }
    }
  }

  private static boolean feastKey(Schema schema) {
    Schemas.Kind kind = Schemas.kind(schema);
    // Feast's timestamps are whole seconds: two entities would share a key.
    return kind == Schemas.Kind.TEXT || kind == Schemas.Kind.WHOLE;
  }

  /** The field of a feature in Feast's hash; all views of an entity share one. */
  static int feastHash(String field) {
    byte[] bytes = field.getBytes(StandardCharsets.UTF_8);
    return MurmurHash3.hash32x86(bytes, 0, bytes.length, 0);
  }
}
