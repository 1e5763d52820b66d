package dev.millrace.streaming.transactions;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The lost transactions without which someone has said that the job shall go on. */
final class AcceptedLosses implements Serializable {

  private static final long serialVersionUID = 1L;

  /** Marks with commas between them, as the error names them, or {@code all}. */
  static final String ENVIRONMENT_VARIABLE = "MILLRACE_ACCEPT_LOST_TRANSACTIONS";

  static final String ALL = "all";

  private final TreeSet<String> marks;

  private AcceptedLosses(Set<String> marks) {
    this.marks = new TreeSet<>(marks);
  }

  static AcceptedLosses of(Map<String, String> environment) {
    TreeSet<String> marks = new TreeSet<>();
    Arrays.stream(environment.getOrDefault(ENVIRONMENT_VARIABLE, "").split(",", -1))
        .map(String::strip)
        .filter(mark -> !mark.isEmpty())
        .forEach(marks::add);
    return new AcceptedLosses(marks);
  }

  boolean covers(@Nullable Mark mark) {
    return marks.contains(ALL) || (mark != null && marks.contains(mark.text()));
  }
}
