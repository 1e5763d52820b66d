package dev.millrace.core.definition;

import dev.millrace.core.plugin.Plugins;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads projects: the one way from {@code millrace.yaml} to {@link Project}. */
public final class Definitions {

  /** The file that holds a project. */
  public static final String FILE = "millrace.yaml";

  private Definitions() {}

  /**
   * Reads a project from its folder, or from its file.
   *
   * @throws DefinitionException with every mistake in it
   */
  public static Project read(Path folderOrFile) {
    return new ProjectReader(ProjectFiles.in(folderOrFile), Plugins.installed()).read();
  }

  /**
   * Reads a project that travels as the contents of its files.
   *
   * @param files content by path below the project's folder, as {@link #files} collects them
   * @throws DefinitionException with every mistake in it
   */
  public static Project read(Map<String, String> files) {
    return read(files, Plugins.installed());
  }

  /** The same with other functions of users than those of this process. */
  static Project read(Map<String, String> files, Plugins plugins) {
    return new ProjectReader(ProjectFiles.of(files), plugins).read();
  }

  /**
   * The project's file, what it includes and the schemas they name: content by path below the
   * folder. References to the environment and to secret files stay as they are written.
   *
   * @throws DefinitionException if the project's file cannot be read at all
   */
  public static Map<String, String> files(Path folderOrFile) {
    Map<String, String> files = new LinkedHashMap<>();
    new ProjectReader(ProjectFiles.in(folderOrFile), Plugins.installed()).collect(files);
    return files;
  }
}
