package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.plugin.Plugins;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The definition id of a view: equal for equal rows, whatever else is written about it. Every part
 * stands with its length, so that no two definitions have the same text.
 */
final class ViewId {

  private final StringBuilder text = new StringBuilder();

  private ViewId() {}

  /**
   * The id of a view.
   *
   * @param plugins the functions that its expressions may call
   */
  static String of(FeatureView view, Source source, Plugins plugins) {
    ViewId id = new ViewId();
    id.part("entity", view.entity().name());
    view.entity().keys().forEach(k -> id.part("key", k));
    view.keyFields().forEach(f -> id.part("key-field", f));
    id.part("kind", source.kind().name());
    id.part("topic", source.topic());
    if (source.batch() != null) {
      id.part("place", source.batch().place());
    }
    id.part("format", source.format().name());
    id.part("schema", Schemas.canonical(source.schema()));
    id.part("event-id", source.eventId());
    id.part("event-time", source.eventTime());
    id.part("max-out-of-orderness", source.maxOutOfOrderness().toString());
    id.part("max-ahead", source.maxAhead().toString());
    id.part("dedup-window", source.dedupWindow().toString());
    for (Source.ContractRule rule : source.contract()) {
      id.part("rule", rule.name());
      id.part("check", rule.check());
    }
    id.part("filter", view.filter());
    id.part("accuracy", view.accuracy().name());
    id.part("refresh", view.refresh().toString());
    id.part("allowed-lateness", view.allowedLateness().toString());
    if (view.maxEventsPerKey() != FeatureView.MAX_EVENTS_PER_KEY) {
      id.part("max-events-per-key", String.valueOf(view.maxEventsPerKey()));
    }
    for (Feature feature : view.features()) {
      id.part("feature", feature.name());
      id.part("function", feature.function().name());
      Feature.Plugin plugin = feature.plugin();
      if (plugin != null) {
        id.part("plugin", plugin.name());
        id.part("plugin-version", String.valueOf(plugin.version()));
      }
      id.part("column", feature.column());
      id.part("window", feature.window() == null ? null : feature.window().toString());
      id.part("type", feature.type().toString());
      id.options(feature.options());
    }
    id.functions(view, source, plugins);
    return id.digest();
  }

  /** Only what is set, so that a new option changes the id of no view that does not use it. */
  private void options(Feature.Options options) {
    set("when", options.when());
    set("by", options.by());
    set("denominator", options.denominator());
    set("p", options.p());
    set("k", options.k());
    set("half-life", options.halfLife());
    options.edges().forEach(edge -> part("edge", edge.toString()));
  }

  /** Functions of users that expressions call; what is built in changes with Millrace alone. */
  private void functions(FeatureView view, Source source, Plugins plugins) {
    if (plugins.scalars().isEmpty()) {
      return;
    }
    List<String> expressions = new ArrayList<>();
    source.contract().forEach(rule -> expressions.add(rule.check()));
    Stream.concat(
            Stream.of(Optional.ofNullable(view.filter())),
            view.features().stream().map(f -> Optional.ofNullable(f.options().when())))
        .flatMap(Optional::stream)
        .forEach(expressions::add);
    SortedMap<String, Integer> called = new TreeMap<>();
    expressions.forEach(text -> called.putAll(Expression.functions(text, plugins)));
    called.forEach(
        (name, version) -> {
          part("calls", name);
          part("calls-version", version.toString());
        });
  }

  private void set(String name, @Nullable Object value) {
    if (value != null) {
      part(name, value.toString());
    }
  }

  private void part(String name, @Nullable String value) {
    text.append(name).append(' ');
    if (value == null) {
      text.append("-\n");
    } else {
      text.append(value.length()).append(' ').append(value).append('\n');
    }
  }

  private String digest() {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(text.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
