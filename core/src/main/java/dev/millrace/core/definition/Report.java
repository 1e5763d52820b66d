package dev.millrace.core.definition;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Everything found while a project is read: what is wrong, and what cannot run yet. */
final class Report {

  private final Map<String, Integer> files = new LinkedHashMap<>();
  private final Set<Mistake> mistakes = new LinkedHashSet<>();
  private final Set<Project.Unbuilt> unbuilt = new LinkedHashSet<>();

  /** Files are reported in the order in which they were first read. */
  void file(String file) {
    files.putIfAbsent(file, files.size());
  }

  void mistake(String file, int line, String path, String reason, String repair) {
    file(file);
    mistakes.add(new Mistake(file, line, path, reason, repair));
  }

  void unbuilt(String file, int line, String path, String reason) {
    file(file);
    unbuilt.add(new Project.Unbuilt(file, line, path, reason));
  }

  List<Project.Unbuilt> unbuilt() {
    List<Project.Unbuilt> sorted = new ArrayList<>(unbuilt);
    sorted.sort(
        Comparator.comparingInt((Project.Unbuilt u) -> files.getOrDefault(u.file(), 0))
            .thenComparingInt(Project.Unbuilt::line));
    return sorted;
  }

  /** Throws if anything is wrong. */
  void check() {
    if (!mistakes.isEmpty()) {
      List<Mistake> sorted = new ArrayList<>(mistakes);
      sorted.sort(
          Comparator.comparingInt((Mistake m) -> files.getOrDefault(m.file(), 0))
              .thenComparingInt(Mistake::line));
      throw new DefinitionException(sorted);
    }
  }
}
