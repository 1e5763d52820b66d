package dev.millrace.inference;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.model.FreshnessRule;
import dev.millrace.core.model.WindowWitness;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.platform.RunningViews.Running;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a view's row is read for an event.
 *
 * @param key the last part of the row's key in the online store: there several definitions of the
 *     view may stand beside each other
 * @param version what {@code _version} of a row must be: the row of another definition, or of a
 *     topic that is no more, is no row of this view
 * @param keyFields the fields of the model's source that hold the entity's keys, in its order
 * @param fields of the hash: {@code _time, _source, _version}, then the features that are needed
 * @param texts by field: whether it is a feature that is a text
 * @param filter of a view on the model's own source, else null
 * @param rowLifeMillis how long after its T a row holds
 */
record ViewRead(
    String view,
    String entity,
    String key,
    String version,
    List<Integer> keyFields,
    List<String> fields,
    List<Boolean> texts,
    FreshnessRule freshness,
    WindowWitness witness,
    @Nullable String filter,
    long rowLifeMillis)
    implements Serializable {

  static final int TIME = 0;
  static final int POSITIONS = 1;
  static final int VERSION = 2;

  /** How many fields stand before the features. */
  static final int HEADER = 3;

  /**
   * The reading of a definition.
   *
   * @throws IllegalArgumentException where what the view reads is not applied
   */
  static ViewRead of(
      Running running, Source modelSource, List<String> keyFields, List<String> features) {
    FeatureView view = running.view();
    Source viewSource =
        running
            .project()
            .source(view.source())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot score: "
                            + view.source()
                            + " is not among the applied definitions; run ./millrace apply"));
    WindowWitness witness = WindowWitness.of(view, viewSource.schema());
    List<String> fields = new ArrayList<>(List.of("_time", "_source", "_version"));
    fields.addAll(features);
    String told = witness.feature();
    if (told != null && !features.contains(told)) {
      fields.add(told);
    }
    boolean ownSource = view.source().equals(modelSource.name());
    return new ViewRead(
        view.name(),
        view.entity().name(),
        running.key(),
        running.identity().toString(),
        List.copyOf(keyFields.stream().map(f -> SourcePlan.field(modelSource, f)).toList()),
        List.copyOf(fields),
        List.copyOf(fields.stream().map(f -> isText(view, f)).toList()),
        new FreshnessRule(
            ownSource, viewSource.maxOutOfOrderness().toMillis(), view.refresh().toMillis()),
        witness,
        ownSource ? view.filter() : null,
        Math.max(view.ttl().toMillis(), view.longestWindow().toMillis()));
  }

  private static boolean isText(FeatureView view, String field) {
    return view.feature(field).map(feature -> feature.type().isText()).orElse(false);
  }

  /** Whether a field of {@link #fields} is a feature that is a text. */
  boolean isText(int field) {
    return texts.get(field);
  }

  /** Where a field stands in {@link #fields}. */
  int indexOf(String field) {
    return fields.indexOf(field);
  }

  /** The event's entity as written in Redis; null where a key is null. */
  @Nullable String entityKey(Event event) {
    List<@Nullable Object> key = new ArrayList<>(keyFields.size());
    for (int field : keyFields) {
      key.add(event.values()[field]);
    }
    return EntityKeys.join(key);
  }

  String redisKey(String entityKey) {
    return EntityKeys.redisKey(entity, entityKey, key);
  }
}
