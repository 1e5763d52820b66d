package dev.millrace.core.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.lifecycle.LifecycleRules.Decision;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One model's journal, played by hand: a command and what it becomes, one after the other. */
final class Journal {

  static final String MODEL = "delay_risk";
  static final String SHA = "ab".repeat(32);

  final List<LifecycleEntry> events = new ArrayList<>();
  ModelState state = ModelState.empty(MODEL);
  @Nullable Preparation preparation;
  long nowMillis = 1_000;
  private int commands;

  /** Whatever was done: the state is the fold of its events. */
  void assertFolds() {
    ModelState folded = ModelState.fold(events).getOrDefault(MODEL, ModelState.empty(MODEL));
    assertThat(folded).isEqualTo(state);
    assertThat(LifecycleJson.write(folded)).isEqualTo(LifecycleJson.write(state));
    assertThat(LifecycleJson.read(LifecycleJson.write(folded), ModelState.class)).isEqualTo(state);
  }

  static void assertRefused(List<LifecycleEntry> events, String... words) {
    assertThat(types(events)).containsExactly("REFUSED");
    assertThat(events.get(0).reason()).contains(words);
  }

  static List<String> types(List<LifecycleEntry> events) {
    return events.stream().map(LifecycleEntry::type).toList();
  }

  static String detail(LifecycleEntry event, String key) {
    return LifecycleJson.details(event.details()).path(key).asText();
  }

  List<LifecycleEntry> take(LifecycleEntry command) {
    Decision decision = LifecycleRules.decide(state, preparation, command, nowMillis);
    return keep(decision);
  }

  List<LifecycleEntry> lookAgain(long sinceMillis) {
    Preparation waiting = preparation;
    return waiting == null
        ? List.of()
        : keep(LifecycleRules.expire(state, waiting, sinceMillis, nowMillis));
  }

  private List<LifecycleEntry> keep(Decision decision) {
    state = decision.state();
    preparation = decision.preparation();
    events.addAll(decision.events());
    return decision.events();
  }

  List<LifecycleEntry> ask(Command type, @Nullable Integer version, String details) {
    return ask(type, version, "because", details, "key-" + commands++);
  }

  List<LifecycleEntry> ask(
      Command type, @Nullable Integer version, String reason, String details, String key) {
    return take(
        LifecycleEntry.command(MODEL, type, version, "me", reason, nowMillis, key, details));
  }

  List<LifecycleEntry> register(String details) {
    return take(registration("key-" + commands++, details));
  }

  static LifecycleEntry registration(String key, String details) {
    return new LifecycleEntry(
        MODEL,
        Kind.COMMAND,
        "REGISTER",
        null,
        "trainer",
        "trained",
        0,
        key,
        "file:///" + key,
        SHA,
        details);
  }

  /** As over MLflow's interface, where nobody need know what the bytes are. */
  static LifecycleEntry unseenRegistration(String key) {
    LifecycleEntry known = registration(key, "{\"looked_at_later\":true}");
    return new LifecycleEntry(
        known.model(),
        known.kind(),
        known.type(),
        null,
        known.actor(),
        known.reason(),
        0,
        key,
        known.uri(),
        null,
        known.details());
  }

  /** What was found out about a version, with its bytes. */
  static LifecycleEntry validation(String key, int version, String sha256, String details) {
    return new LifecycleEntry(
        MODEL,
        Kind.COMMAND,
        "VALIDATE",
        version,
        "me",
        "because",
        0,
        key,
        "file:///copy-of-" + sha256,
        sha256,
        details);
  }

  List<LifecycleEntry> validate(int version, String sha256, String details) {
    return take(validation("key-" + commands++, version, sha256, details));
  }

  /** A version that every gate let through. */
  int validated() {
    int version = versionOf(register("{\"request_id\":\"r\"}"));
    var unusedEvents = ask(Command.VALIDATE, version, "{\"passed\":true}");
    return version;
  }

  private static int versionOf(List<LifecycleEntry> events) {
    Integer version = events.get(0).version();
    return version == null ? 0 : version;
  }

  /** The deployment that is being prepared. */
  String preparing() {
    return state.preparing().orElseThrow().deploymentId();
  }

  List<LifecycleEntry> ready(int subtask, int parallelism, @Nullable Long largestMillis) {
    return ready(preparing(), subtask, parallelism, largestMillis);
  }

  List<LifecycleEntry> ready(
      String deploymentId, int subtask, int parallelism, @Nullable Long largestMillis) {
    return ask(
        Command.READY,
        null,
        "{\"deployment_id\":\"%s\",\"subtask\":%d,\"parallelism\":%d,\"largest_event_time\":%s}"
            .formatted(deploymentId, subtask, parallelism, largestMillis));
  }

  /** Promotes and lets the only subtask be ready. */
  String serve(int version, long largestMillis) {
    return serve(Command.PROMOTE, version, "{\"force\":true}", largestMillis);
  }

  String serve(Command type, @Nullable Integer version, String details, long largestMillis) {
    var unusedEvents = ask(type, version, details);
    String id = preparing();
    var unusedReady = ready(0, 1, largestMillis);
    return id;
  }
}
