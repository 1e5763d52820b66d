package dev.millrace.core.definition;

import java.util.List;

/** What features describe: a name and the ordered names of its keys. */
public record Entity(String name, List<String> keys) {

  public Entity {
    keys = List.copyOf(keys);
  }
}
