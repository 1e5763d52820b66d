package dev.millrace.core.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Command;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random commands to a logged model, against texts {@code key=value} in sets. */
class LoggedModelOracleTest {

  private static final String ID = "m-0123456789abcdef0123456789abcdef";
  private static final int STEPS = 200;
  private static final List<Command> COMMANDS =
      List.of(
          Command.CREATE_LOGGED_MODEL,
          Command.FINALIZE_LOGGED_MODEL,
          Command.LOG_LOGGED_MODEL_PARAMS,
          Command.SET_LOGGED_MODEL_TAGS,
          Command.DELETE_LOGGED_MODEL_TAG);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void bothDecideAlike(long seed) {
    Random random = new Random(seed);
    TreeSet<String> params = new TreeSet<>();
    TreeSet<String> tags = new TreeSet<>();
    boolean there = false;
    boolean deleted = false;
    String status = "LOGGED_MODEL_PENDING";
    LoggedModelState state = LoggedModelState.empty();
    List<TrackingEntry> events = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      Command type =
          step == STEPS - 20
              ? Command.DELETE_LOGGED_MODEL
              : COMMANDS.get(random.nextInt(COMMANDS.size()));
      String key = "k" + random.nextInt(4);
      String value = "v" + random.nextInt(2);
      String asked = random.nextBoolean() ? "LOGGED_MODEL_READY" : "LOGGED_MODEL_PENDING";
      ObjectNode details = JsonNodeFactory.instance.objectNode();
      details.put("name", random.nextBoolean() ? "clf" : "a/b").put("status", asked);
      details.put("key", key);
      if (type != Command.CREATE_LOGGED_MODEL) {
        details.putArray("params").addArray().add(key).add(value);
        details.putArray("tags").addArray().add(key).add(value);
      }
      boolean lives = there && !deleted;
      String other = key + "=" + (value.equals("v0") ? "v1" : "v0");
      boolean taken =
          switch (type) {
            case CREATE_LOGGED_MODEL -> !there && details.path("name").asText().equals("clf");
            case FINALIZE_LOGGED_MODEL -> lives && asked.equals("LOGGED_MODEL_READY");
            case LOG_LOGGED_MODEL_PARAMS -> lives && !params.contains(other);
            case DELETE_LOGGED_MODEL_TAG -> lives && tags.toString().contains(key + "=");
            default -> lives;
          };
      TrackingEntry event =
          LoggedModelRules.decide(
                  state,
                  TrackingEntry.command(ID, type, "me", 0, "http-" + step, details.toString()),
                  step)
              .orElseThrow();
      assertThat(event.is(TrackingEntry.Event.REFUSED))
          .as("%s %s", type, details)
          .isEqualTo(!taken);
      events.add(event);
      state = state.apply(event);
      if (taken) {
        switch (type) {
          case CREATE_LOGGED_MODEL -> there = true;
          case FINALIZE_LOGGED_MODEL -> status = asked;
          case LOG_LOGGED_MODEL_PARAMS -> params.add(key + "=" + value);
          case DELETE_LOGGED_MODEL -> deleted = true;
          default -> {
            tags.removeIf(t -> t.startsWith(key + "="));
            if (type == Command.SET_LOGGED_MODEL_TAGS) {
              tags.add(key + "=" + value);
            }
          }
        }
      }
      LoggedModel model = state.model();
      assertThat(model != null).isEqualTo(there);
      if (model != null) {
        assertThat(model.status().name()).isEqualTo(status);
        assertThat(model.deleted()).isEqualTo(deleted);
        assertThat(model.params().toString()).isEqualTo(text(params));
        assertThat(model.tags().toString()).isEqualTo(text(tags));
      }
    }
    LoggedModelState again = LoggedModelState.empty();
    for (TrackingEntry event : events) {
      again = again.apply(event).apply(event);
    }
    assertThat(again).isEqualTo(state);
    LoggedModel model = Objects.requireNonNull(state.model());
    assertThat(LifecycleJson.read(LifecycleJson.write(model), LoggedModel.class)).isEqualTo(model);
    assertThat(deleted).isTrue();
    assertThat(params).isNotEmpty();
  }

  private static String text(Set<String> pairs) {
    return "{" + String.join(", ", pairs) + "}";
  }
}
