package dev.millrace.pipeline.batch;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What was found so far: it decides what is new.
 *
 * @param snapshot the table's last one; {@link #NO_SNAPSHOT} before the first
 * @param files those that are there still
 * @param nextOffset the position of the next row
 */
record Seen(long snapshot, Set<String> files, long nextOffset) {

  static final long NO_SNAPSHOT = -1;

  static final Seen NOTHING = new Seen(NO_SNAPSHOT, Set.of(), 0);

  Seen {
    files = new TreeSet<>(files);
  }

  Seen ofSnapshot(long newSnapshot) {
    return new Seen(newSnapshot, files, nextOffset);
  }

  Seen ofFiles(Set<String> newFiles) {
    return new Seen(snapshot, newFiles, nextOffset);
  }

  Seen with(List<DeliveredFile> delivered) {
    return new Seen(
        snapshot, files, nextOffset + delivered.stream().mapToLong(DeliveredFile::rows).sum());
  }
}
