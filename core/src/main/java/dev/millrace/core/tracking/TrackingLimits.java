package dev.millrace.core.tracking;

import dev.millrace.core.catalog.Refusal;
import dev.millrace.core.catalog.Refusal.Code;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Map;
import java.util.regex.Pattern;

/** What names and texts may be, and how much is kept: the limits of MLflow, and some of our own. */
public final class TrackingLimits {

  public static final int KEY_MAX = 250;
  public static final int PARAM_VALUE_MAX = 6_000;
  public static final int EXPERIMENT_NAME_MAX = 500;
  public static final int EXPERIMENT_TAG_VALUE_MAX = 5_000;
  public static final int RUN_TAG_VALUE_MAX = 8_000;

  /** Of the one tag that lists the models a run has logged. */
  public static final int MODEL_HISTORY_MAX = 500_000;

  public static final int BATCH_METRICS_MAX = 1_000;
  public static final int BATCH_PARAMS_MAX = 100;
  public static final int BATCH_TAGS_MAX = 100;
  public static final int BATCH_ALL_MAX = 1_000;
  public static final int DATASETS_MAX = 1_000;

  /** So that a state fits into a record of its changelog, whatever its characters are. */
  public static final int STATE_TEXT_MAX = 2_000_000;

  public static final int COMMAND_TEXT_MAX = 1_500_000;

  /** What a text and its place in a map take beside its characters. */
  static final int TEXT_BYTES = 150;

  public static final int EXPERIMENTS_MAX = 10_000;

  /** Of the tags of one experiment, and of all together: every process has all of them. */
  public static final int EXPERIMENT_TEXT_MAX = 100_000;

  public static final long EXPERIMENTS_TEXT_MAX = 10_000_000;
  public static final int TAGS_MAX = 1_000;
  public static final int METRICS_MAX = 5_000;
  public static final long POINTS_MAX = 1_000_000;

  private static final Pattern KEY =
      Pattern.compile("[/\\w.\\- ]*", Pattern.UNICODE_CHARACTER_CLASS);
  private static final int SHORT_MAX = 2_000;
  private static final int TOLD_MAX = 250;

  static Refusal invalid(String message) {
    return new Refusal(Code.INVALID_PARAMETER_VALUE, message);
  }

  static void length(String what, int max, String text) {
    if (text.length() > max) {
      throw invalid(
          "%s '%s' had length %d, which exceeded length limit of %d"
              .formatted(
                  what,
                  text.length() > TOLD_MAX ? text.substring(0, TOLD_MAX) : text,
                  text.length(),
                  max));
    }
  }

  /**
   * A name of a metric, a parameter or a tag.
   *
   * @param what {@code metric}, {@code parameter} or {@code tag}
   */
  static void name(String what, String lengthOf, String name) {
    if (!KEY.matcher(name).matches()) {
      throw invalid(
          "Invalid "
              + what
              + " name: '"
              + shortened(name)
              + "'. Names may only contain alphanumerics, underscores (_), dashes (-), periods (.),"
              + " spaces ( ), and slashes (/).");
    }
    String path = path(name);
    if (!path.equals(name) || path.equals(".") || path.startsWith("..") || path.startsWith("/")) {
      throw invalid(
          "Invalid "
              + what
              + " name: '"
              + shortened(name)
              + "'. Names may be treated as files in certain cases, and must not resolve to other"
              + " names when treated as such. This name would resolve to '"
              + shortened(path)
              + "'");
    }
    length(lengthOf, KEY_MAX, name);
  }

  /** What a POSIX path comes to without {@code .}, {@code ..} and slashes that say nothing. */
  private static String path(String name) {
    boolean absolute = name.startsWith("/");
    Deque<String> parts = new ArrayDeque<>();
    for (String part : name.split("/", -1)) {
      if (part.isEmpty() || part.equals(".")) {
        continue;
      }
      if (!part.equals("..") || "..".equals(parts.peekLast()) || (parts.isEmpty() && !absolute)) {
        parts.addLast(part);
      } else if (!parts.isEmpty()) {
        String unusedUp = parts.removeLast();
      }
    }
    String joined = (absolute ? "/" : "") + String.join("/", parts);
    return joined.isEmpty() ? "." : joined;
  }

  static void metric(String key, MetricPoint point) {
    name("metric", "Metric name", key);
    if (point.timestampMillis() < 0) {
      throw invalid(
          "Got invalid timestamp %d for metric '%s' (value=%s). Timestamp must be a nonnegative long (64-bit integer)"
              .formatted(point.timestampMillis(), key, point.value()));
    }
  }

  static void param(String key, String value) {
    name("parameter", "Param key", key);
    length("Param value", PARAM_VALUE_MAX, value);
  }

  static void tag(String key, String value, int max) {
    name("tag", "Tag key", key);
    length("Tag value", max, value);
  }

  static void tags(Map<String, String> tags, int max) {
    tags.forEach((key, value) -> tag(key, value, max));
    atMost("tags", TAGS_MAX, tags.size());
  }

  /** A name that an experiment may get. */
  static String experimentName(String name) {
    if (name.isBlank()) {
      throw invalid("Invalid experiment name: '" + name + "'");
    }
    if (name.length() > EXPERIMENT_NAME_MAX) {
      throw invalid(
          "Experiment name exceeds the maximum length of " + EXPERIMENT_NAME_MAX + " characters");
    }
    return name;
  }

  /** How many of each a request may log. */
  public static void batch(int metrics, int params, int tags) {
    batch("metrics", BATCH_METRICS_MAX, metrics);
    batch("params", BATCH_PARAMS_MAX, params);
    batch("tags", BATCH_TAGS_MAX, tags);
    batch("metrics, params, and tags", BATCH_ALL_MAX, metrics + params + tags);
  }

  private static void batch(String what, int max, int length) {
    if (length > max) {
      throw invalid(
          "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again."
              .formatted(max, what, length, what, what));
    }
  }

  static void atMost(String what, long max, long count) {
    if (count > max) {
      throw invalid("at most " + max + " " + what + " are kept, these would be " + count);
    }
  }

  static int length(Map<String, String> texts) {
    int length = 0;
    for (Map.Entry<String, String> text : texts.entrySet()) {
      length += text.getKey().length() + text.getValue().length();
    }
    return length;
  }

  static int length(Collection<String> texts) {
    return texts.stream().mapToInt(String::length).sum();
  }

  static String shortened(String text) {
    return text.length() <= SHORT_MAX ? text : text.substring(0, SHORT_MAX) + "…";
  }

  private TrackingLimits() {}
}
