package dev.millrace.core.catalog;

import dev.millrace.core.catalog.Refusal.Code;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import java.util.Map;
import java.util.regex.Pattern;

/** What names and texts of the catalogue may be: the limits that MLflow's clients expect. */
public final class CatalogLimits {

  public static final int KEY_MAX = 250;
  public static final int TAG_VALUE_MAX = 5_000;
  public static final int ALIAS_MAX = 255;
  public static final int DESCRIPTION_MAX = 5_000;
  static final int TAGS_MAX = 1_000;
  private static final int SHORT_MAX = 2_000;

  private static final Pattern KEY =
      Pattern.compile("[/\\w.\\- ]+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern ALIAS =
      Pattern.compile("[\\w\\-]+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern VERSION_ALIAS = Pattern.compile("[vV]\\d+");

  static void command(LifecycleEntry command) {
    int length = command.details().length() + command.reason().length() + command.actor().length();
    if (length > LifecycleRules.TEXT_MAX) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "its texts have "
              + length
              + " characters, at most "
              + LifecycleRules.TEXT_MAX
              + " are kept");
    }
  }

  /** The key of a tag. */
  public static String key(String key) {
    if (key.length() > KEY_MAX) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "Tag key '%s…' had length %d, which exceeded length limit of %d"
              .formatted(key.substring(0, 50), key.length(), KEY_MAX));
    }
    if (!KEY.matcher(key).matches() || pathLike(key)) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "Invalid tag name: '"
              + key
              + "'. Names may only contain alphanumerics, underscores (_), dashes (-), periods (.),"
              + " spaces ( ), and slashes (/).");
    }
    return key;
  }

  /** Whether it would be another place as a path: absolute, or with dots that go up. */
  private static boolean pathLike(String key) {
    return key.startsWith("/")
        || key.equals(".")
        || key.equals("..")
        || key.startsWith("../")
        || key.contains("/../")
        || key.endsWith("/..")
        || key.contains("//");
  }

  static String tagValue(String key, String value) {
    if (value.length() > TAG_VALUE_MAX) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "Tag value of '%s' had length %d, which exceeded length limit of %d"
              .formatted(key, value.length(), TAG_VALUE_MAX));
    }
    return value;
  }

  static void tags(Map<String, String> tags) {
    if (tags.size() > TAGS_MAX) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "at most " + TAGS_MAX + " tags are kept, these would be " + tags.size());
    }
    tags.forEach((key, value) -> tagValue(key(key), value));
  }

  static String alias(String alias) {
    if (alias.isEmpty() || !ALIAS.matcher(alias).matches()) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "Invalid alias name: '"
              + shortened(alias)
              + "'. Names may only contain alphanumerics, underscores (_), and dashes (-).");
    }
    if (alias.length() > ALIAS_MAX) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "Alias name had length %d, which exceeded length limit of %d"
              .formatted(alias.length(), ALIAS_MAX));
    }
    if (alias.equalsIgnoreCase("latest")) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE, "'latest' alias name (case insensitive) is reserved.");
    }
    if (VERSION_ALIAS.matcher(alias).matches()) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "Version alias name '" + alias + "' is reserved. Use another one than v and a number.");
    }
    return alias;
  }

  static String description(String text) {
    if (text.length() > DESCRIPTION_MAX) {
      throw new Refusal(
          Code.INVALID_PARAMETER_VALUE,
          "The description had length %d, which exceeded length limit of %d"
              .formatted(text.length(), DESCRIPTION_MAX));
    }
    return text;
  }

  static String shortened(String text) {
    return text.length() <= SHORT_MAX ? text : text.substring(0, SHORT_MAX) + "…";
  }

  private CatalogLimits() {}
}
