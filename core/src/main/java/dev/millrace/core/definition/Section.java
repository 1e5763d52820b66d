package dev.millrace.core.definition;

import dev.millrace.core.expression.Nearest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A mapping of a project's file: each key is taken once, and what nobody takes is unknown. */
final class Section {

  private final Value self;
  private final Map<String, Value> entries;
  private final Set<String> known = new LinkedHashSet<>();

  Section(Value self, Map<String, Value> entries) {
    this.self = self;
    this.entries = entries;
  }

  Value self() {
    return self;
  }

  @Nullable Value take(String key) {
    known.add(key);
    return entries.get(key);
  }

  @Nullable Value required(String key) {
    Value value = take(key);
    if (value == null) {
      self.mistake("key " + key + " is missing", "add " + key + ":");
    }
    return value;
  }

  @Nullable String name() {
    Value value = required("name");
    return value == null ? null : value.name();
  }

  @Nullable String text(String key) {
    Value value = take(key);
    return value == null ? null : value.text();
  }

  Duration duration(String key, Duration otherwise) {
    Value value = take(key);
    Duration duration = value == null ? null : value.duration();
    return duration == null ? otherwise : duration;
  }

  Duration positiveDuration(String key, Duration otherwise) {
    Value value = take(key);
    Duration duration = value == null ? null : value.positiveDuration();
    return duration == null ? otherwise : duration;
  }

  <E extends Enum<E>> E choice(Class<E> type, String key, E otherwise) {
    Value value = take(key);
    E choice = value == null ? null : value.choice(type);
    return choice == null ? otherwise : choice;
  }

  boolean truth(String key, boolean otherwise) {
    Value value = take(key);
    Boolean truth = value == null ? null : value.truth();
    return truth == null ? otherwise : truth;
  }

  List<Section> sections(String key) {
    Value value = take(key);
    return value == null ? List.of() : value.sections();
  }

  /** {@code description}, {@code tags} and {@code owner}: for people, wherever a name stands. */
  @Nullable String forPeople() {
    text("description");
    Value tags = take("tags");
    if (tags != null && tags.isMapping()) {
      Map<String, Value> pairs = tags.entries();
      if (pairs != null) {
        pairs.values().forEach(Value::text);
      }
    } else if (tags != null) {
      tags.list().forEach(Value::text);
    }
    return text("owner");
  }

  /** Reports the keys that nobody took. */
  void close() {
    entries.forEach(
        (key, value) -> {
          if (!known.contains(key)) {
            Optional<String> nearest = Nearest.to(key, known);
            List<String> sorted = new ArrayList<>(known);
            sorted.sort(String::compareTo);
            value.mistake(
                "unknown key",
                nearest.isPresent()
                    ? "did you mean " + nearest.get() + "?"
                    : "known here are " + String.join(", ", sorted));
          }
        });
  }
}
