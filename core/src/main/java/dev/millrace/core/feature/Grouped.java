package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Accumulators for each value of an object column as text, for the least values in the order of
 * text, with how many events have a greater value that is not held. Null is no value.
 *
 * <p>Removes if its parts do; exact as they are; stale where one of them is, or where fewer groups
 * than needed are left while events outside of them are known to exist. Some 8 bytes, the parts
 * once when empty, and for each group its value, its parts and one to three bytes.
 */
final class Grouped implements Accumulator {

  static final byte TAG = 12;

  private final int column;
  private final int needed;
  private final int further;

  /** Empty, and only copied. */
  private final Accumulator[] prototypes;

  private final TreeMap<String, Group> groups = new TreeMap<>();
  private long others;
  private boolean folding;

  private static final class Group {
    long count;
    final Accumulator[] parts;

    Group(Accumulator[] parts) {
      this.parts = parts;
    }

    boolean stale() {
      for (Accumulator part : parts) {
        if (part.stale()) {
          return true;
        }
      }
      return false;
    }
  }

  Grouped(int column, int needed, int further, Accumulator[] prototypes) {
    this.column = column;
    this.needed = needed;
    this.further = further;
    this.prototypes = prototypes;
  }

  private @Nullable String key(EventView event) {
    Object value = PlainValues.distinct(event.object(column));
    return value == null ? null : PlainValues.text(value);
  }

  private static Accumulator[] copies(Accumulator[] parts) {
    Accumulator[] copies = new Accumulator[parts.length];
    for (int i = 0; i < copies.length; i++) {
      copies[i] = parts[i].copy();
    }
    return copies;
  }

  private Group newGroup() {
    Group group = new Group(copies(prototypes));
    if (folding) {
      for (Accumulator part : group.parts) {
        part.beginFold();
      }
    }
    return group;
  }

  @Override
  public void add(EventView event) {
    String key = key(event);
    if (key == null) {
      return;
    }
    // With nothing held and others known, it cannot be told whether they are greater.
    if (others > 0 && (groups.isEmpty() || key.compareTo(groups.lastKey()) > 0)) {
      others++;
      return;
    }
    Group group = groups.computeIfAbsent(key, unusedKey -> newGroup());
    group.count++;
    for (Accumulator part : group.parts) {
      part.add(event);
    }
    trim();
  }

  private void trim() {
    while (groups.size() > needed + further) {
      others += groups.pollLastEntry().getValue().count;
    }
  }

  @Override
  public boolean removes() {
    for (Accumulator prototype : prototypes) {
      if (!prototype.removes()) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void remove(EventView event) {
    String key = key(event);
    if (key == null) {
      return;
    }
    Group group = groups.get(key);
    if (group == null) {
      others--;
      return;
    }
    group.count--;
    if (group.count == 0) {
      Group unusedEmpty = groups.remove(key);
      return;
    }
    for (Accumulator part : group.parts) {
      part.remove(event);
    }
  }

  @Override
  public boolean stale() {
    if (folding) {
      return false;
    }
    if (others > 0 && groups.size() < needed) {
      return true;
    }
    for (Group group : groups.values()) {
      if (group.stale()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void beginFold() {
    groups.clear();
    others = 0;
    folding = true;
  }

  @Override
  public void endFold() {
    folding = false;
    for (Group group : groups.values()) {
      for (Accumulator part : group.parts) {
        part.endFold();
      }
    }
  }

  @Override
  public void merge(Accumulator other) {
    Grouped grouped = (Grouped) other;
    String end = end();
    String otherEnd = grouped.end();
    boolean lost = isLost() || grouped.isLost();
    others += grouped.others;
    for (Map.Entry<String, Group> entry : grouped.groups.entrySet()) {
      Group theirs = entry.getValue();
      Group mine = groups.computeIfAbsent(entry.getKey(), unusedKey -> newGroup());
      mine.count += theirs.count;
      for (int i = 0; i < mine.parts.length; i++) {
        mine.parts[i].merge(theirs.parts[i]);
      }
    }
    if (lost) {
      cut(groups);
    } else {
      if (end != null) {
        cut(groups.tailMap(end, false));
      }
      if (otherEnd != null) {
        cut(groups.tailMap(otherEnd, false));
      }
      trim();
    }
  }

  /** The greatest key up to which every group is held; null where all are. */
  private @Nullable String end() {
    return others == 0 || groups.isEmpty() ? null : groups.lastKey();
  }

  private boolean isLost() {
    return others > 0 && groups.isEmpty();
  }

  private void cut(SortedMap<String, Group> beyond) {
    for (Group group : beyond.values()) {
      others += group.count;
    }
    beyond.clear();
  }

  @Override
  public boolean isEmpty() {
    return groups.isEmpty() && others == 0;
  }

  /** What a group's parts are read as; null leaves the group out. */
  interface Reader {
    @Nullable Object read(Accumulator[] parts);
  }

  /** By key, in its order; null where there is none. */
  @Nullable SortedMap<String, Object> read(Reader reader) {
    SortedMap<String, Object> values = new TreeMap<>();
    int left = needed;
    for (Map.Entry<String, Group> entry : groups.entrySet()) {
      if (left-- == 0) {
        break;
      }
      Object value = reader.read(entry.getValue().parts);
      if (value != null) {
        Object unusedBefore = values.put(entry.getKey(), value);
      }
    }
    return values.isEmpty() ? null : values;
  }

  @Override
  public Grouped copy() {
    Grouped copy = new Grouped(column, needed, further, prototypes);
    copy.others = others;
    copy.folding = folding;
    groups.forEach(
        (key, group) -> {
          Group copied = new Group(copies(group.parts));
          copied.count = group.count;
          Group unusedBefore = copy.groups.put(key, copied);
        });
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column);
    CompactData.writeCount(out, needed);
    CompactData.writeCount(out, further);
    CompactData.writeCount(out, others);
    CompactData.writeCount(out, prototypes.length);
    for (Accumulator prototype : prototypes) {
      prototype.write(out);
    }
    CompactData.writeCount(out, groups.size());
    for (Map.Entry<String, Group> entry : groups.entrySet()) {
      CompactData.writeText(out, entry.getKey());
      CompactData.writeCount(out, entry.getValue().count);
      for (Accumulator part : entry.getValue().parts) {
        part.write(out);
      }
    }
  }

  static Grouped read(DataInput in) throws IOException {
    int column = CompactData.readSize(in);
    int needed = CompactData.readSize(in);
    int further = CompactData.readSize(in);
    long others = CompactData.readCount(in);
    Accumulator[] prototypes = readParts(in, CompactData.readSize(in));
    Grouped read = new Grouped(column, needed, further, prototypes);
    read.others = others;
    int size = CompactData.readSize(in);
    for (int i = 0; i < size; i++) {
      String key = CompactData.readText(in);
      long count = CompactData.readCount(in);
      Group group = new Group(readParts(in, prototypes.length));
      group.count = count;
      Group unusedBefore = read.groups.put(key, group);
    }
    return read;
  }

  private static Accumulator[] readParts(DataInput in, int count) throws IOException {
    Accumulator[] parts = new Accumulator[count];
    for (int i = 0; i < count; i++) {
      parts[i] = Accumulators.read(in);
    }
    return parts;
  }
}
