package dev.millrace.cli.models;

import dev.millrace.cli.UserMistake;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
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
import org.jspecify.annotations.Nullable;

/**
 * A model and its project.
 *
 * @param revision of the applied project; null where it was read from a folder
 */
record OwnedModel(Project project, Model model, @Nullable Integer revision) {

  /**
   * Finds a model by its name, which is unique in an installation.
   *
   * @param folderOrName what {@code --project} says; null to look through what is applied
   */
  static OwnedModel find(
      String name, @Nullable String folderOrName, Target target, SubjectRegistry registry) {
    if (folderOrName != null && isFolder(folderOrName)) {
      Project project = FoundProject.inFolder(Path.of(folderOrName));
      return project
          .model(name)
          .map(m -> new OwnedModel(project, m, null))
          .orElseThrow(() -> notFound(name, List.of(project.name())));
    }
    Map<String, Applied> latest = new DefinitionsLog(target, registry).latest();
    List<String> looked = new ArrayList<>();
    for (Applied applied : latest.values()) {
      if (folderOrName != null && !folderOrName.equals(applied.project())) {
        continue;
      }
      looked.add(applied.project());
      Project project = read(applied);
      Model model = project.model(name).orElse(null);
      if (model != null) {
        return new OwnedModel(project, model, applied.revision());
      }
    }
    if (folderOrName != null && looked.isEmpty()) {
      throw new UserMistake(
          "Cannot find project "
              + folderOrName
              + ": no such folder with a millrace.yaml, and applied are "
              + latest.keySet()
              + "; correct --project");
    }
    throw notFound(name, looked);
  }

  private static UserMistake notFound(String name, List<String> looked) {
    return new UserMistake(
        "Cannot find model "
            + name
            + ": "
            + (looked.isEmpty() ? "no project is applied" : "it is in none of " + looked)
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
              + e.getMessage()
              + "; apply it again",
          e);
    }
  }

  private static boolean isFolder(String text) {
    try {
      Path path = Path.of(text);
      return Files.isRegularFile(path) || Files.isRegularFile(path.resolve(Definitions.FILE));
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
