package dev.millrace.registry.access;

import java.util.Collection;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Whose things one may change.
 *
 * @param all also what belongs to no project
 * @param names where it is not all
 */
public record Projects(boolean all, SortedSet<String> names) {

  /** Stands for all. */
  public static final String ALL = "*";

  public Projects {
    names = Collections.unmodifiableSortedSet(new TreeSet<>(names));
  }

  /** Those that a list names. */
  public static Projects of(Collection<String> texts) {
    return texts.contains(ALL)
        ? new Projects(true, new TreeSet<>())
        : new Projects(false, new TreeSet<>(texts));
  }

  public boolean cover(String project) {
    return all || names.contains(project);
  }

  @Override
  public String toString() {
    return all ? ALL : String.join(", ", names);
  }
}
