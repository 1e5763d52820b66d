package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One champion after the other, asked for in the journal as people and jobs do, and reported ready
 * as inference would; each command is given again until it is answered.
 */
final class Promotions {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final int TRIES = 8;

  private final Target target;
  private final LifecycleLog log;
  private final String model;
  private final List<String> keys = new ArrayList<>();

  Promotions(Target target, String model) {
    this.target = target;
    this.log = new LifecycleLog(target, subjects(target));
    this.model = model;
  }

  private static ConfluentSubjectRegistry subjects(Target target) {
    return new ConfluentSubjectRegistry(target.schemaRegistry());
  }

  /** Two versions to choose from. */
  void register() throws Exception {
    for (int version = 1; version <= 2; version++) {
      String key = model + "-v" + version;
      LifecycleEntry unusedEvent =
          answer(
              new LifecycleEntry(
                  model,
                  Kind.COMMAND,
                  Command.REGISTER.name(),
                  null,
                  "test",
                  "",
                  1,
                  key,
                  "file:///there/" + version,
                  String.valueOf(version).repeat(64),
                  "{}"),
              e -> true);
    }
  }

  /** The next one, until every event goes to it. */
  void promote() throws Exception {
    int number = keys.size();
    String key = model + "-p" + number;
    ObjectNode details = JSON.createObjectNode().put("force", true);
    LifecycleEntry unusedPreparing =
        answer(
            LifecycleEntry.command(
                model,
                Command.PROMOTE,
                number % 2 + 1,
                "test",
                "the next",
                1,
                key,
                details.toString()),
            e -> e.is(Event.DEPLOYMENT_PREPARING));
    ObjectNode ready =
        JSON.createObjectNode()
            .put("deployment_id", LifecycleRules.deploymentId(model, key))
            .put("subtask", 0)
            .put("parallelism", 1)
            .put("largest_event_time", 1_000 * number);
    LifecycleEntry reported =
        LifecycleEntry.command(
            model, Command.READY, null, "inference", "", 1, key + "/ready", ready.toString());
    LifecycleEntry unusedEffective =
        answer(reported, LifecycleLog.answerTo(model, key), e -> e.is(Event.DEPLOYMENT_EFFECTIVE));
    keys.add(key);
  }

  private LifecycleEntry answer(LifecycleEntry command, Predicate<LifecycleEntry> wanted)
      throws Exception {
    return answer(command, LifecycleLog.answerTo(model, command.idempotencyKey()), wanted);
  }

  private LifecycleEntry answer(
      LifecycleEntry command, Predicate<LifecycleEntry> event, Predicate<LifecycleEntry> wanted)
      throws Exception {
    try (LifecycleLog.Tail tail = log.tail()) {
      for (int attempt = 0; attempt < TRIES; attempt++) {
        log.append(command);
        var found = tail.next(event.and(wanted), PATIENCE);
        if (found.isPresent()) {
          return found.get();
        }
      }
    }
    throw new AssertionError(command + " was not answered");
  }

  int made() {
    return keys.size();
  }

  /**
   * At each event there was one champion, each command counted once, and jobs were told the same.
   */
  void compare(List<LifecycleEntry> journal) throws Exception {
    ModelState state = ModelState.empty(model);
    List<String> events = new ArrayList<>();
    Map<String, Integer> effective = new HashMap<>();
    @Nullable Integer champion = null;
    for (LifecycleEntry event : journal) {
      if (event.kind() != Kind.EVENT || !event.model().equals(model)) {
        continue;
      }
      assertThat(ModelState.sequence(event)).isEqualTo(state.sequence() + 1);
      state = state.apply(event);
      assertThat(state.deployments().stream().filter(d -> d.state() == Deployment.State.PREPARING))
          .as("prepared at " + event)
          .hasSizeLessThanOrEqualTo(1);
      if (event.is(Event.DEPLOYMENT_EFFECTIVE)) {
        int unusedCount = effective.merge(event.idempotencyKey(), 1, Integer::sum);
        champion = event.version();
      }
      assertThat(state.champion().orElse(null)).as("champion at " + event).isEqualTo(champion);
      if (event.type().startsWith("DEPLOYMENT_")) {
        var details = JSON.readTree(event.details());
        events.add(details.path("deployment_id").asText() + " " + details.path("state").asText());
      }
    }
    assertThat(effective).hasSize(keys.size());
    keys.forEach(key -> assertThat(effective).as(key).containsEntry(key, 1));
    assertThat(champion).isEqualTo((keys.size() - 1) % 2 + 1);
    assertThat(deployments()).isEqualTo(events);
  }

  private List<String> deployments() {
    List<String> told = new ArrayList<>();
    TopicRecords.each(
        target,
        Topics.DEPLOYMENTS,
        Wire.DEPLOYMENT,
        record -> {
          Deployment deployment = Deployment.of(record);
          if (deployment.model().equals(model)) {
            told.add(deployment.deploymentId() + " " + deployment.state());
          }
        });
    return told;
  }
}
