package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.DecidedDeployment.Named;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One command on its way: what is known, and the events that it becomes. */
final class Turn {

  private static final int TEXT_MAX = 2_000;

  private final LifecycleEntry command;
  private final long nowMillis;
  private final List<LifecycleEntry> events = new ArrayList<>();
  private ModelState state;
  private @Nullable Preparation preparation;

  Turn(
      ModelState state, @Nullable Preparation preparation, LifecycleEntry command, long nowMillis) {
    this.state = state;
    this.preparation = preparation;
    this.command = command;
    this.nowMillis = nowMillis;
  }

  LifecycleEntry command() {
    return command;
  }

  long nowMillis() {
    return nowMillis;
  }

  ModelState state() {
    return state;
  }

  @Nullable Preparation preparation() {
    return preparation;
  }

  void prepare(Preparation next) {
    preparation = next;
  }

  LifecycleRules.Decision decision() {
    Preparation left = preparation;
    boolean over =
        left == null
            || state
                .preparing()
                .filter(d -> d.deploymentId().equals(left.deploymentId()))
                .isEmpty();
    return new LifecycleRules.Decision(events, state, over ? null : left);
  }

  void emitFor(Event type, DecidedDeployment deployment, String key, String actor, String reason) {
    Named canary = deployment.canary();
    append(
        type,
        (canary == null ? deployment.champion() : canary).version(),
        key,
        actor,
        reason,
        null,
        null,
        deployment.details());
  }

  void refuse(String reason) {
    ObjectNode details = LifecycleJson.object();
    details.put("command", command.type());
    details.put("command_reason", shortened(command.reason()));
    emit(
        Event.REFUSED,
        command.version(),
        shortened(command.actor()),
        shortened(reason),
        null,
        null,
        details);
  }

  private static String shortened(String text) {
    return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX) + "…";
  }

  void emit(
      Event type,
      @Nullable Integer version,
      String actor,
      String reason,
      @Nullable String uri,
      @Nullable String sha256,
      ObjectNode details) {
    append(type, version, command.idempotencyKey(), actor, reason, uri, sha256, details);
  }

  private void append(
      Event type,
      @Nullable Integer version,
      String key,
      String actor,
      String reason,
      @Nullable String uri,
      @Nullable String sha256,
      ObjectNode details) {
    details.put(ModelState.SEQUENCE, state.sequence() + 1);
    LifecycleEntry event =
        new LifecycleEntry(
            command.model(),
            Kind.EVENT,
            type.name(),
            version,
            actor,
            reason,
            nowMillis,
            key,
            uri,
            sha256,
            details.toString());
    events.add(event);
    state = state.apply(event);
  }

  RegisteredVersion version(@Nullable Integer number) {
    if (number == null) {
      throw new RefusedException(command.type() + " names no version");
    }
    return state
        .version(number)
        .orElseThrow(
            () ->
                new RefusedException(
                    "version "
                        + number
                        + " is not registered; registered are "
                        + LifecycleRules.numbers(
                            state.versions().stream()
                                .map(RegisteredVersion::version)
                                .collect(Collectors.toCollection(TreeSet::new)))));
  }

  static int number(JsonNode node, String what) {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw new RefusedException(what + " " + node + " is no whole number");
    }
    return node.intValue();
  }
}
