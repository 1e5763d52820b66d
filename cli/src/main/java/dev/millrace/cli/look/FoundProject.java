package dev.millrace.cli.look;

import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.Target;
import dev.millrace.schemas.SubjectRegistry;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Projects as commands name them: by folder, by name, or by what belongs to them. */
public final class FoundProject {

  private FoundProject() {}

  /** The project in a folder, or in a file. */
  public static Project inFolder(Path folderOrFile) {
    try {
      return Definitions.read(folderOrFile);
    } catch (DefinitionException e) {
      throw new UserMistake(String.valueOf(e.getMessage()), e);
    }
  }

  /** What {@code --project} names: a folder or its file, else a project that is applied. */
  public static Project named(String folderOrName, Target target, SubjectRegistry registry) {
    Path folder = projectFolder(folderOrName);
    if (folder != null) {
      return inFolder(folder);
    }
    Map<String, Applied> applied = new DefinitionsLog(target, registry).latest();
    Applied found = applied.get(folderOrName);
    if (found == null) {
      throw new UserMistake(
          "Cannot find project "
              + folderOrName
              + ": no such folder with a millrace.yaml, and applied are "
              + applied.keySet()
              + "; correct --project");
    }
    return read(found);
  }

  /**
   * The applied project that owns something; its name is unique in an installation.
   *
   * @param project what {@code --project} says, where it says something
   */
  public static Project owning(
      String kind,
      String name,
      @Nullable String project,
      Predicate<Project> owns,
      Target target,
      SubjectRegistry registry) {
    List<Project> candidates = new ArrayList<>();
    if (project != null) {
      candidates.add(named(project, target, registry));
    } else {
      new DefinitionsLog(target, registry).latest().values().forEach(a -> candidates.add(read(a)));
    }
    for (Project candidate : candidates) {
      if (owns.test(candidate)) {
        return candidate;
      }
    }
    throw new UserMistake(
        "Cannot find "
            + kind
            + " "
            + name
            + ": "
            + (candidates.isEmpty()
                ? "no project is applied"
                : "it is in none of " + candidates.stream().map(Project::name).toList())
            + "; correct the name, or apply its project");
  }

  private static Project read(Applied applied) {
    try {
      return Definitions.read(applied.files());
    } catch (DefinitionException e) {
      throw new UserMistake(
          "Cannot read the applied project "
              + applied.project()
              + " (revision "
              + applied.revision()
              + "): "
              + e.getMessage(),
          e);
    }
  }

  private static @Nullable Path projectFolder(String text) {
    try {
      Path path = Path.of(text);
      boolean isProject =
          Files.isRegularFile(path) || Files.isRegularFile(path.resolve(Definitions.FILE));
      return isProject ? path : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }
}
