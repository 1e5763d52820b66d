package dev.millrace.pipeline;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which views shall begin as if they had been there from the first event.
 *
 * @param savepoint of the feature pipeline that they join
 * @param out where the savepoint with their state is written; there is nothing yet
 */
record WarmRequest(String savepoint, String out, List<String> views) {

  WarmRequest {
    views = List.copyOf(views);
  }

  /**
   * Takes {@code --savepoint PATH --out PATH --views V,W} out of a job's arguments.
   *
   * @param rest gets the others
   */
  static WarmRequest parse(String[] args, List<String> rest) {
    String savepoint = null;
    String out = null;
    String views = null;
    for (int i = 0; i + 1 < args.length; i += 2) {
      String value = args[i + 1];
      switch (args[i]) {
        case "--savepoint" -> savepoint = value;
        case "--out" -> out = value;
        case "--views" -> views = value;
        default -> rest.addAll(List.of(args[i], value));
      }
    }
    return new WarmRequest(
        required("--savepoint", savepoint),
        required("--out", out),
        List.of(required("--views", views).split(",", -1)));
  }

  private static String required(String option, @Nullable String value) {
    if (value == null || value.isEmpty()) {
      throw new IllegalArgumentException("Cannot warm views: %s is missing".formatted(option));
    }
    return value;
  }
}
