package dev.millrace.core.definition;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Reads {@code entities}. */
final class EntityReader {

  private static final Pattern KEY = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  private final Scope scope;

  EntityReader(Scope scope) {
    this.scope = scope;
  }

  void read(Section section) {
    String name = scope.newName(section, "entity");
    section.forPeople();
    Value keysValue = section.required("keys");
    List<String> keys = new ArrayList<>();
    boolean sound = keysValue != null;
    for (Value value : keysValue == null ? List.<Value>of() : keysValue.list()) {
      String key =
          value.matching(KEY, "name of a key", "use letters, digits and _, no digit first");
      if (key == null) {
        sound = false;
      } else if (keys.contains(key)) {
        value.mistake("key " + key + " stands here a second time", "keep one");
      } else {
        keys.add(key);
      }
    }
    if (keysValue != null && keys.isEmpty() && sound) {
      keysValue.mistake("holds no key", "name at least one");
      sound = false;
    }
    section.close();
    if (name != null) {
      scope.add(new Scope.EntityDraft(name, sound ? new Entity(name, keys) : null));
    }
  }
}
