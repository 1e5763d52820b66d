package dev.millrace.core.definition;

/**
 * One thing that is wrong in a project.
 *
 * @param file relative to the project's folder
 * @param line from 1; 0 where the file as a whole is meant
 * @param path the keys that lead to it, such as {@code models[0].inputs[2]}; empty for the file
 */
public record Mistake(String file, int line, String path, String reason, String repair) {

  /** {@code FILE:LINE: PATH: reason; repair}. */
  @Override
  public String toString() {
    return file
        + ":"
        + line
        + ": "
        + (path.isEmpty() ? "(file)" : path)
        + ": "
        + reason
        + (repair.isEmpty() ? "" : "; " + repair);
  }
}
