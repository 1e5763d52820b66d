package dev.millrace.core.definition;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;

/** YAML text to nodes that know their lines, within bounds on what a text may ask for. */
final class YamlFile {

  private static final int DEEPEST = 50;
  private static final int MOST_ALIASES = 200;

  private YamlFile() {}

  /** The mapping at the top; null where there is none, with the mistake reported. */
  static @Nullable MappingNode parse(String file, String text, Report report) {
    report.file(file);
    LoadSettings settings =
        LoadSettings.builder()
            .setLabel(file)
            .setCodePointLimit(ProjectFiles.LARGEST_BYTES)
            .setUseMarks(true)
            .build();
    try {
      if (!bounded(file, text, settings, report)) {
        return null;
      }
      Optional<Node> node = new Compose(settings).composeString(text);
      if (node.isPresent() && node.get() instanceof MappingNode mapping) {
        return mapping;
      }
      report.mistake(file, 1, "", "holds no keys", "start it with project: NAME");
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(m -> m.getLine() + 1).orElse(0);
      int column = e.getProblemMark().map(m -> m.getColumn() + 1).orElse(0);
      report.mistake(
          file,
          line,
          "",
          "is no YAML: " + oneLine(e.getProblem()) + " at column " + column,
          "correct the syntax; texts with special characters need quotes");
    } catch (YamlEngineException e) {
      report.mistake(file, 0, "", "is no YAML: " + oneLine(e.getMessage()), "correct the syntax");
    }
    return null;
  }

  /** Walks the events, which needs no stack, before nodes are built, which does. */
  private static boolean bounded(String file, String text, LoadSettings settings, Report report) {
    int depth = 0;
    int aliases = 0;
    int documents = 0;
    for (Event event : new Parse(settings).parseString(text)) {
      int line = event.getStartMark().map(m -> m.getLine() + 1).orElse(0);
      switch (event.getEventId()) {
        case MappingStart, SequenceStart -> depth++;
        case MappingEnd, SequenceEnd -> depth--;
        case Alias -> aliases++;
        case DocumentStart -> documents++;
        default -> {}
      }
      if (depth > DEEPEST) {
        report.mistake(
            file, line, "", "is nested deeper than " + DEEPEST + " levels", "flatten it");
        return false;
      }
      if (aliases > MOST_ALIASES) {
        report.mistake(
            file, line, "", "has more than " + MOST_ALIASES + " aliases", "write them out");
        return false;
      }
      if (documents > 1) {
        report.mistake(
            file, line, "", "holds a second document", "use one document a file and include:");
        return false;
      }
    }
    return true;
  }

  private static String oneLine(@Nullable String text) {
    return text == null ? "cannot be read" : text.replaceAll("\\s+", " ").strip();
  }
}
