package dev.millrace.inference;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.Types;

/** What scoring keeps across a restart. */
final class ScoringState {

  private final ListState<Long> largest;

  /** When each checkpoint was taken, by the clock. */
  private final ListState<Long> takenAt;

  private final ListState<Joined> held;
  private final ListState<Joined> parked;

  ScoringState(OperatorStateStore store) throws Exception {
    // Whoever takes over an event after a restore must not fall behind what anybody announced.
    largest = store.getUnionListState(new ListStateDescriptor<>("largest", Types.LONG));
    takenAt = store.getUnionListState(new ListStateDescriptor<>("taken-at", Types.LONG));
    held = store.getListState(new ListStateDescriptor<>("held", Joined.TYPE));
    parked = store.getListState(new ListStateDescriptor<>("parked", Joined.TYPE));
  }

  /** The largest event time that any task had taken; the smallest long for none. */
  long largestMillis() throws Exception {
    long largestMillis = Long.MIN_VALUE;
    for (Long one : largest.get()) {
      largestMillis = Math.max(largestMillis, one);
    }
    return largestMillis;
  }

  /** When the first part of what was restored was saved; the largest long where nothing was. */
  long savedAtMillis() throws Exception {
    long savedAtMillis = Long.MAX_VALUE;
    for (Long one : takenAt.get()) {
      savedAtMillis = Math.min(savedAtMillis, one);
    }
    return savedAtMillis;
  }

  /** The events that had been taken from the input and had not gone out. */
  List<Joined> waiting() throws Exception {
    List<Joined> waiting = new ArrayList<>();
    parked.get().forEach(waiting::add);
    held.get().forEach(waiting::add);
    return waiting;
  }

  void save(long atMillis, long largestMillis, List<Joined> heldEvents, List<Joined> parkedEvents)
      throws Exception {
    largest.update(List.of(largestMillis));
    takenAt.update(List.of(atMillis));
    held.update(heldEvents);
    parked.update(parkedEvents);
  }
}
