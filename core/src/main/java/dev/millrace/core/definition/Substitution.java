package dev.millrace.core.definition;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values that come from elsewhere: {@code ${env:X}} and {@code ${file:PATH}}. */
public final class Substitution {

  private static final Pattern REFERENCE = Pattern.compile("\\$\\{(env|file):([^}]*)}");
  private static final long LARGEST_BYTES = 64 * 1024;

  private Substitution() {}

  /** Whether a text has a reference. */
  public static boolean applies(String text) {
    return text.contains("${") && REFERENCE.matcher(text).find();
  }

  /**
   * The text with each reference replaced, for what stands outside of a project's files.
   *
   * @throws IOException naming what cannot be found, never a value
   */
  public static String resolved(String text, Map<String, String> environment) throws IOException {
    try {
      return resolve(text, environment);
    } catch (ProjectFiles.Refused e) {
      throw new IOException(e.reason + "; " + e.repair, e);
    }
  }

  /** The text with each reference replaced. */
  static String resolve(String text, Map<String, String> environment) throws ProjectFiles.Refused {
    Matcher matcher = REFERENCE.matcher(text);
    StringBuilder resolved = new StringBuilder();
    while (matcher.find()) {
      String name = matcher.group(2);
      String value = matcher.group(1).equals("env") ? variable(name, environment) : file(name);
      matcher.appendReplacement(resolved, Matcher.quoteReplacement(value));
    }
    matcher.appendTail(resolved);
    return resolved.toString();
  }

  private static String variable(String name, Map<String, String> environment)
      throws ProjectFiles.Refused {
    String value = environment.get(name);
    if (value == null) {
      throw new ProjectFiles.Refused(
          "environment variable " + name + " is not set", "set it or write the value");
    }
    return value;
  }

  /** Absolute only: the same text must mean the same file wherever a job runs. */
  private static String file(String name) throws ProjectFiles.Refused {
    Path path = Path.of(name);
    if (!path.isAbsolute()) {
      throw new ProjectFiles.Refused(
          "file " + name + " is not named by an absolute path", "write its absolute path");
    }
    try {
      if (!Files.isRegularFile(path) || Files.size(path) > LARGEST_BYTES) {
        throw new ProjectFiles.Refused(
            "file " + name + " is missing or larger than 64 KiB", "correct its path");
      }
      return Files.readString(path).strip();
    } catch (IOException e) {
      throw new ProjectFiles.Refused(
          "file " + name + " cannot be read", "check its path and permissions");
    }
  }
}
