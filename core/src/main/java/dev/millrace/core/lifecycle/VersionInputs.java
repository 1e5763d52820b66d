package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The inputs that a version takes, in order, as its registration or its evaluation says. */
public final class VersionInputs {

  /** The newest that is said; null where nobody has said. */
  public static @Nullable List<String> of(
      Iterable<LifecycleEntry> journal, String model, int version) {
    List<String> inputs = null;
    for (LifecycleEntry entry : journal) {
      if (!entry.model().equals(model)
          || !Integer.valueOf(version).equals(entry.version())
          || ModelState.sequence(entry) == 0) {
        continue;
      }
      JsonNode said = null;
      if (entry.is(Event.VERSION_REGISTERED)) {
        said = LifecycleJson.details(entry.details()).path("inputs");
      } else if (entry.is(Event.VERSION_VALIDATED) || entry.is(Event.VERSION_REJECTED)) {
        said = LifecycleJson.details(entry.details()).path(ModelState.EVALUATION).path("inputs");
      }
      if (said != null && !said.isEmpty()) {
        inputs = new ArrayList<>();
        for (JsonNode input : said) {
          inputs.add(input.asText());
        }
      }
    }
    return inputs;
  }

  /**
   * What differs between the inputs of a version and those that a definition feeds it.
   *
   * @return null where nothing does
   */
  public static @Nullable String difference(List<String> has, List<String> wanted) {
    if (has.equals(wanted)) {
      return null;
    }
    List<String> missing = new ArrayList<>(wanted);
    missing.removeAll(has);
    List<String> unknown = new ArrayList<>(has);
    unknown.removeAll(wanted);
    List<String> differs = new ArrayList<>();
    if (!unknown.isEmpty()) {
      differs.add("the definition has no " + String.join(", ", unknown));
    }
    if (!missing.isEmpty()) {
      differs.add("it takes no " + String.join(", ", missing));
    }
    return "it takes %d inputs, the definition has %d (%s)"
        .formatted(
            has.size(),
            wanted.size(),
            differs.isEmpty()
                ? "in another order: " + String.join(", ", has)
                : String.join("; ", differs));
  }

  private VersionInputs() {}
}
