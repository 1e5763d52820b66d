package dev.millrace.core.definition;

import java.util.HashMap;
import java.util.Map;

/** Which names are taken, and where. */
final class Names {

  private final Map<String, String> taken = new HashMap<>();

  /** Takes a name within a space; reports and gives false where something else has it. */
  boolean claim(String space, String name, String what, Value value) {
    String place = what + " at " + value.file() + ":" + value.line();
    String earlier = taken.putIfAbsent(space + "/" + name, place);
    if (earlier == null) {
      return true;
    }
    value.mistake("name " + name + " is taken by the " + earlier, "choose another name");
    return false;
  }
}
