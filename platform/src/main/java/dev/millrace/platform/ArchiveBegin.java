package dev.millrace.platform;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.iceberg.Table;

/**
 * Where in each partition an archive begins, kept as a property of its table. Whether it holds all
 * of a topic cannot be seen from its rows: records that are no events are not in it.
 */
public final class ArchiveBegin {

  public static final String PROPERTY = "millrace.archive.begin";

  /**
   * Notes a topic's first offsets in an archive that has no snapshot yet.
   *
   * @param firstOffsets by partition
   */
  public static void note(Table table, Map<Integer, Long> firstOffsets) {
    if (table.currentSnapshot() == null && !table.properties().containsKey(PROPERTY)) {
      table
          .updateProperties()
          .set(
              PROPERTY,
              new TreeMap<>(firstOffsets)
                  .entrySet().stream()
                      .map(e -> e.getKey() + ":" + e.getValue())
                      .collect(Collectors.joining(",")))
          .commit();
    }
  }

  /** Whether the archive was there before the topic's first record was forgotten. */
  public static boolean isWhole(Table table) {
    String begin = table.properties().get(PROPERTY);
    if (begin == null || begin.isEmpty()) {
      return false;
    }
    for (String partition : begin.split(",", -1)) {
      if (!partition.endsWith(":0")) {
        return false;
      }
    }
    return true;
  }

  private ArchiveBegin() {}
}
