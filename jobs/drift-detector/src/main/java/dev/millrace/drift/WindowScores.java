package dev.millrace.drift;

import dev.millrace.core.drift.Loss;
import dev.millrace.core.drift.PairedSums;
import dev.millrace.core.drift.ScoredSums;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** What the mature events of one window add up to, or a part of them. */
final class WindowScores {

  static final TypeInformation<WindowScores> TYPE =
      new RecordType<>(WindowScores.class, Serializer.INSTANCE);

  /** A version in a role; segment is field=value, empty for all events. */
  record Group(int version, Role role, String segment) implements Comparable<Group> {
    @Override
    public int compareTo(Group other) {
      int order = Integer.compare(version, other.version);
      order = order != 0 ? order : role.compareTo(other.role);
      return order != 0 ? order : segment.compareTo(other.segment);
    }
  }

  /** Two versions that scored the same events. */
  record Pair(int version, int baseline) implements Comparable<Pair> {
    @Override
    public int compareTo(Pair other) {
      int order = Integer.compare(version, other.version);
      return order != 0 ? order : Integer.compare(baseline, other.baseline);
    }
  }

  /** How far one event's loss was from what the score expected. */
  record Residual(long timeMillis, String eventId, double value) implements Comparable<Residual> {
    @Override
    public int compareTo(Residual other) {
      int order = Long.compare(timeMillis, other.timeMillis);
      return order != 0 ? order : eventId.compareTo(other.eventId);
    }
  }

  private final long startMillis;
  private final Map<Group, ScoredSums> groups = new TreeMap<>();
  private final Map<Pair, PairedSums> pairs = new TreeMap<>();
  private final Map<Integer, List<Residual>> residuals = new TreeMap<>();
  private final Segments segments = new Segments();

  WindowScores(long startMillis) {
    this.startMillis = startMillis;
  }

  long startMillis() {
    return startMillis;
  }

  Map<Group, ScoredSums> groups() {
    return groups;
  }

  Map<Pair, PairedSums> pairs() {
    return pairs;
  }

  /** By version: of the labelled events that it served. */
  Map<Integer, List<Residual>> residuals() {
    return residuals;
  }

  void add(Matured matured, DriftPlan plan) {
    Scored served = matured.served();
    boolean labelled = !Double.isNaN(matured.label());
    for (String segment : segments.of(plan, served.segments())) {
      add(served.version(), served.role(), segment, served.score(), matured.label());
    }
    int[] others = matured.versions();
    for (int i = 0; i < others.length; i++) {
      if (others[i] == served.version()) {
        // Scored again after a restart, by then as a shadow: the first score counts.
        continue;
      }
      add(others[i], Role.SHADOW, null, matured.scores()[i], matured.label());
      if (labelled) {
        if (served.role() != Role.FALLBACK) {
          // Beside a deployment a fallback has a version's number, and maybe not its score.
          addPair(
              others[i], matured.scores()[i], served.version(), served.score(), matured.label());
        }
        for (int j = 0; j < i; j++) {
          if (others[j] == served.version()) {
            continue;
          }
          addPair(others[i], matured.scores()[i], others[j], matured.scores()[j], matured.label());
        }
      }
    }
    if (labelled && served.role() != Role.FALLBACK) {
      residuals
          .computeIfAbsent(served.version(), v -> new ArrayList<>())
          .add(
              new Residual(
                  served.timeMillis(),
                  served.eventId(),
                  Loss.residual(served.score(), matured.label())));
    }
  }

  private void add(int version, Role role, @Nullable String segment, double score, double label) {
    ScoredSums sums =
        groups.computeIfAbsent(
            new Group(version, role, segment == null ? "" : segment), g -> new ScoredSums());
    if (Double.isNaN(label)) {
      sums.addUnlabelled();
    } else {
      sums.add(score, label);
    }
  }

  /** The version is the larger number of the two; a fallback is compared with nothing. */
  private void addPair(int a, double scoreOfA, int b, double scoreOfB, double label) {
    if (a == 0 || b == 0 || a == b) {
      return;
    }
    PairedSums sums =
        pairs.computeIfAbsent(new Pair(Math.max(a, b), Math.min(a, b)), p -> new PairedSums());
    if (a > b) {
      sums.add(scoreOfB, scoreOfA, label);
    } else {
      sums.add(scoreOfA, scoreOfB, label);
    }
  }

  void add(WindowScores other) {
    other.groups.forEach(
        (group, sums) -> groups.computeIfAbsent(group, g -> new ScoredSums()).add(sums));
    other.pairs.forEach(
        (pair, sums) -> pairs.computeIfAbsent(pair, p -> new PairedSums()).add(sums));
    other.residuals.forEach(
        (version, all) -> residuals.computeIfAbsent(version, v -> new ArrayList<>()).addAll(all));
  }

  /** Writes them between operators and into state. */
  static final class Serializer extends RecordSerializer<WindowScores> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    // Adding is over when they are handed on: from there on they do not change.
    @Override
    public WindowScores createInstance() {
      return new WindowScores(0);
    }

    @Override
    protected void write(WindowScores scores, DataOutputView out) throws IOException {
      out.writeLong(scores.startMillis);
      out.writeInt(scores.groups.size());
      for (Map.Entry<Group, ScoredSums> group : scores.groups.entrySet()) {
        out.writeInt(group.getKey().version);
        out.writeByte(group.getKey().role.code());
        Values.writeText(group.getKey().segment, out);
        long[] all = group.getValue().all();
        int filled = 0;
        for (long number : all) {
          filled += number == 0 ? 0 : 1;
        }
        out.writeInt(filled);
        for (int i = 0; i < all.length; i++) {
          if (all[i] != 0) {
            out.writeShort(i);
            out.writeLong(all[i]);
          }
        }
      }
      out.writeInt(scores.pairs.size());
      for (Map.Entry<Pair, PairedSums> pair : scores.pairs.entrySet()) {
        out.writeInt(pair.getKey().version);
        out.writeInt(pair.getKey().baseline);
        out.writeLong(pair.getValue().count());
        out.writeLong(pair.getValue().sum());
        out.writeLong(pair.getValue().squares());
      }
      out.writeInt(scores.residuals.size());
      for (Map.Entry<Integer, List<Residual>> version : scores.residuals.entrySet()) {
        out.writeInt(version.getKey());
        out.writeInt(version.getValue().size());
        for (Residual residual : version.getValue()) {
          out.writeLong(residual.timeMillis);
          Values.writeText(residual.eventId, out);
          out.writeDouble(residual.value);
        }
      }
    }

    @Override
    public WindowScores deserialize(DataInputView in) throws IOException {
      WindowScores scores = new WindowScores(in.readLong());
      int groups = in.readInt();
      for (int i = 0; i < groups; i++) {
        Group group = new Group(in.readInt(), Role.of(in.readByte()), Values.readText(in));
        long[] all = new long[ScoredSums.SIZE];
        int filled = in.readInt();
        for (int n = 0; n < filled; n++) {
          int at = in.readUnsignedShort();
          all[at] = in.readLong();
        }
        scores.groups.put(group, ScoredSums.of(all));
      }
      int pairs = in.readInt();
      for (int i = 0; i < pairs; i++) {
        scores.pairs.put(
            new Pair(in.readInt(), in.readInt()),
            new PairedSums(in.readLong(), in.readLong(), in.readLong()));
      }
      int versions = in.readInt();
      for (int i = 0; i < versions; i++) {
        int version = in.readInt();
        int size = in.readInt();
        List<Residual> residuals = new ArrayList<>(size);
        for (int n = 0; n < size; n++) {
          residuals.add(new Residual(in.readLong(), Values.readText(in), in.readDouble()));
        }
        scores.residuals.put(version, residuals);
      }
      return scores;
    }

    @Override
    public TypeSerializerSnapshot<WindowScores> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<WindowScores> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
