package dev.millrace.core.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Command;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random commands about experiments, against a list of rows. */
class ExperimentsOracleTest {

  private static final int STEPS = 400;
  private static final List<Command> COMMANDS =
      List.of(
          Command.CREATE_EXPERIMENT,
          Command.RENAME_EXPERIMENT,
          Command.DELETE_EXPERIMENT,
          Command.RESTORE_EXPERIMENT,
          Command.SET_EXPERIMENT_TAG,
          Command.DELETE_EXPERIMENT_TAG);

  /** A row. */
  private static final class Row {
    String name = "";
    boolean deleted;
    final Map<String, String> tags = new TreeMap<>();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void bothDecideAlike(long seed) {
    Random random = new Random(seed);
    List<Row> rows = new ArrayList<>();
    rows.add(new Row());
    rows.get(0).name = "Default";
    ExperimentsState state = ExperimentsState.empty();
    TreeMap<String, Experiment> stored = new TreeMap<>();
    List<TrackingEntry> events = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      Command type = COMMANDS.get(random.nextInt(COMMANDS.size()));
      int id = random.nextInt(rows.size() + 1);
      String name =
          switch (random.nextInt(20)) {
            case 0 -> "Default";
            case 1 -> " ";
            default -> "n" + random.nextInt(1 + step / 4);
          };
      String key = "t" + random.nextInt(2);
      ObjectNode details = JsonNodeFactory.instance.objectNode();
      details.put("experiment_id", String.valueOf(id)).put("name", name).put("key", key);
      details.put("value", "v" + step);
      TrackingEntry command =
          TrackingEntry.command(
              Subject.EXPERIMENTS, type, "me", 0, "http-" + step, details.toString());
      TrackingEntry event = ExperimentRules.decide(state, command, step).orElseThrow();
      events.add(event);
      state.changed(event).ifPresent(e -> stored.put(e.id(), e));
      state = state.apply(event);
      String told =
          event.is(TrackingEntry.Event.REFUSED)
              ? LifecycleJson.details(event.details()).path("code").asText()
              : "done";
      assertThat(told).as("%s", command).isEqualTo(naive(rows, type, id, name, key, "v" + step));
      assertThat(state.all()).hasSameSizeAs(rows);
      for (int i = 0; i < rows.size(); i++) {
        Experiment experiment = state.experiment(String.valueOf(i)).orElseThrow();
        assertThat(experiment.name()).isEqualTo(rows.get(i).name);
        assertThat(experiment.deleted()).isEqualTo(rows.get(i).deleted);
        assertThat(experiment.tags()).isEqualTo(rows.get(i).tags);
        assertThat(state.named(rows.get(i).name)).contains(experiment);
      }
    }
    ExperimentsState again = ExperimentsState.empty();
    for (TrackingEntry event : events) {
      again = again.apply(event).apply(event);
    }
    assertThat(again).isEqualTo(state);
    assertThat(ExperimentsState.of(state.tally(), stored.values())).isEqualTo(state);
    assertThat(rows.size()).isGreaterThan(20);
  }

  private static String naive(
      List<Row> rows, Command type, int id, String name, String key, String value) {
    boolean taken = rows.stream().anyMatch(r -> r.name.equals(name));
    if (type == Command.CREATE_EXPERIMENT) {
      if (name.isBlank()) {
        return "INVALID_PARAMETER_VALUE";
      }
      if (taken) {
        return "RESOURCE_ALREADY_EXISTS";
      }
      rows.add(new Row());
      rows.get(rows.size() - 1).name = name;
      return "done";
    }
    if (id >= rows.size()) {
      return "RESOURCE_DOES_NOT_EXIST";
    }
    Row row = rows.get(id);
    switch (type) {
      case DELETE_EXPERIMENT, RESTORE_EXPERIMENT -> {
        if (row.deleted == (type == Command.DELETE_EXPERIMENT)) {
          return "RESOURCE_DOES_NOT_EXIST";
        }
        row.deleted = !row.deleted;
      }
      case RENAME_EXPERIMENT -> {
        if (row.deleted) {
          return "INVALID_STATE";
        }
        if (name.isBlank()) {
          return "INVALID_PARAMETER_VALUE";
        }
        if (taken && !row.name.equals(name)) {
          return "RESOURCE_ALREADY_EXISTS";
        }
        row.name = name;
      }
      default -> {
        if (row.deleted) {
          return "INVALID_PARAMETER_VALUE";
        }
        if (type == Command.SET_EXPERIMENT_TAG) {
          row.tags.put(key, value);
        } else if (row.tags.remove(key) == null) {
          return "RESOURCE_DOES_NOT_EXIST";
        }
      }
    }
    return "done";
  }

  @Test
  void aKeyThatCameAlreadyBecomesNothing() {
    TrackingEntry command =
        TrackingEntry.command(
            Subject.EXPERIMENTS,
            Command.CREATE_EXPERIMENT,
            "me",
            0,
            "client-1",
            "{\"name\": \"mine\"}");
    ExperimentsState state = ExperimentsState.empty();
    Optional<TrackingEntry> event = ExperimentRules.decide(state, command, 7);
    assertThat(event).isPresent();
    assertThat(ExperimentRules.decide(state.apply(event.get()), command, 8)).isEmpty();
  }
}
