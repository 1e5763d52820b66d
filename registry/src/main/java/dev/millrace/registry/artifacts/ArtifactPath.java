package dev.millrace.registry.artifacts;

import dev.millrace.registry.mlflow.MlflowError;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A relative path of plain names: none is {@code .} or {@code ..}, hidden, or has a backslash, a
 * colon, or a control character. So it names something below whatever folder it is put to, on every
 * system.
 */
public record ArtifactPath(List<String> names) {

  private static final int LENGTH_MAX = 2_000;
  private static final int NAME_MAX = 255;
  private static final int NAMES_MAX = 64;

  public ArtifactPath {
    names = List.copyOf(names);
  }

  /**
   * Reads one, as it is after the URL was decoded once.
   *
   * @throws MlflowError where it could name something else
   */
  public static ArtifactPath of(String text) {
    if (text.length() > LENGTH_MAX) {
      throw invalid(text.substring(0, 100) + "…", "it has more than " + LENGTH_MAX + " characters");
    }
    List<String> names = new ArrayList<>();
    for (String name : text.split("/", -1)) {
      names.add(checked(text, name));
    }
    if (names.size() > NAMES_MAX) {
      throw invalid(text, "it is deeper than " + NAMES_MAX);
    }
    return new ArtifactPath(names);
  }

  /** The same; an empty text is the root. */
  public static ArtifactPath orRoot(String text) {
    return text.isEmpty() ? new ArtifactPath(List.of()) : of(text);
  }

  /** Whether a path may have such a name. */
  static boolean isName(String name) {
    return mistake(name) == null;
  }

  private static String checked(String path, String name) {
    String mistake = mistake(name);
    if (mistake != null) {
      throw invalid(path, mistake);
    }
    return name;
  }

  private static @Nullable String mistake(String name) {
    if (name.isEmpty()) {
      return "it is absolute, ends with a slash, or has two in a row";
    }
    if (name.startsWith(".")) {
      return "no name may begin with a dot";
    }
    if (name.length() > NAME_MAX) {
      return "a name has more than " + NAME_MAX + " characters";
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c == '/' || c == '\\' || c == ':' || c == '%' || Character.isISOControl(c)) {
        return "a name has a backslash, a colon, a percent sign or a control character";
      }
    }
    return null;
  }

  private static MlflowError invalid(String path, String why) {
    StringBuilder shown = new StringBuilder();
    path.chars().map(c -> Character.isISOControl(c) ? '?' : c).forEach(c -> shown.append((char) c));
    return MlflowError.invalid("Invalid path: '" + shown + "': " + why);
  }

  /** One further down. */
  public ArtifactPath resolve(String name) {
    List<String> longer = new ArrayList<>(names);
    longer.add(checked(name, name));
    return new ArtifactPath(longer);
  }

  @Override
  public String toString() {
    return String.join("/", names);
  }
}
