package dev.millrace.cli.apply;

import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A project as it lies on disk, read for a command that runs it.
 *
 * @param files its own files by relative path
 */
public record ProjectFolder(Project project, Map<String, String> files) {

  /** Reads a project; its mistakes are the user's. */
  public static ProjectFolder read(Path folder) {
    try {
      return new ProjectFolder(Definitions.read(folder), Definitions.files(folder));
    } catch (DefinitionException e) {
      throw new UserMistake(String.valueOf(e.getMessage()), e);
    }
  }

  /** Refuses, by path, what is valid and not built yet. */
  public void refuseUnbuilt() {
    if (!project.unbuilt().isEmpty()) {
      throw new UserMistake(
          "Cannot apply project "
              + project.name()
              + ":\n"
              + project.unbuilt().stream()
                  .map(u -> u.file() + ":" + u.line() + ": " + u.path() + ": " + u.reason())
                  .collect(Collectors.joining("\n")));
    }
  }
}
