package dev.millrace.cli.models;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Model;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Asks the registry for a change by hand, and waits for what becomes of it. */
public final class RegistryRequest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration ANSWER_PATIENCE = Duration.ofSeconds(30);
  private static final Duration READY_PATIENCE = Duration.ofSeconds(60);
  // A running job reads the deployment at once; loading and its first report take seconds.
  private static final Duration SILENCE_PATIENCE = Duration.ofSeconds(30);
  private static final Duration TELL_EVERY = Duration.ofSeconds(5);

  private final Target target;
  private final SubjectRegistry registry;
  private final LifecycleLog log;
  private final String actor;
  private final Consumer<String> progress;

  /**
   * @param actor as the journal names who asked
   * @param progress takes what happens meanwhile, one line at a time
   */
  public RegistryRequest(
      Target target, SubjectRegistry registry, String actor, Consumer<String> progress) {
    this.target = target;
    this.registry = registry;
    this.log = new LifecycleLog(target, registry);
    this.actor = actor;
    this.progress = progress;
  }

  /**
   * Makes a version the champion. The former one goes on as a shadow where the model's rollout has
   * a probation, so that the two can be compared.
   *
   * @return the deployment as it stands: EFFECTIVE, or PREPARING where no inference is ready for it
   * @throws UserMistake where the registry refuses it
   * @throws CommandFailed where it was revoked before it was effective
   */
  public DecidedDeployment promote(String name, int version, boolean force, String reason)
      throws IOException, InterruptedException {
    ModelState state = known(name);
    VersionFeeding.require(target, registry, log.read(name), name, version);
    ObjectNode details = JSON.createObjectNode();
    details.put("force", force);
    var shadows = details.putArray("shadows");
    Integer former = state.champion().orElse(null);
    if (former != null && former != version && hasProbation(name)) {
      shadows.add(former);
    }
    String what = "promote " + name + " version " + version;
    String key = key();
    try (LifecycleLog.Tail tail = append(Command.PROMOTE, name, version, reason, key, details)) {
      LifecycleEntry answer = answer(tail, name, key, what);
      DecidedDeployment preparing = DecidedDeployment.of(answer).orElseThrow();
      progress.accept(
          "deployment "
              + preparing.deploymentId()
              + " is prepared: every subtask of inference loads");
      return outcome(tail, name, preparing, what);
    }
  }

  /** Follows a deployment that is being prepared. */
  private DecidedDeployment outcome(
      LifecycleLog.Tail tail, String model, DecidedDeployment preparing, String what)
      throws InterruptedException {
    long startNanos = System.nanoTime();
    long told = 0;
    int reports = 0;
    while (true) {
      Duration waited = Duration.ofNanos(System.nanoTime() - startNanos);
      if (waited.compareTo(reports == 0 ? SILENCE_PATIENCE : READY_PATIENCE) > 0) {
        return preparing;
      }
      if (waited.toSeconds() / TELL_EVERY.toSeconds() > told) {
        told = waited.toSeconds() / TELL_EVERY.toSeconds();
        progress.accept(
            reports == 0
                ? "no subtask of inference has reported yet"
                : reports + " reports of subtasks that are ready; waiting for the others");
      }
      LifecycleEntry entry =
          tail.next(e -> isAbout(e, model, preparing.deploymentId()), Duration.ofSeconds(1))
              .orElse(null);
      if (entry == null) {
        continue;
      }
      if (entry.is(Command.READY)) {
        reports++;
      } else if (entry.is(Event.DEPLOYMENT_EFFECTIVE)) {
        return DecidedDeployment.of(entry).orElseThrow();
      } else if (entry.is(Event.DEPLOYMENT_REVOKED)) {
        throw new CommandFailed(
            "Cannot "
                + what
                + ": deployment "
                + preparing.deploymentId()
                + " was revoked by "
                + entry.actor()
                + ": "
                + entry.reason());
      }
    }
  }

  private static boolean isAbout(LifecycleEntry entry, String model, String deploymentId) {
    // The id is 32 hex digits: it stands in the details of an entry about it and of no other.
    return entry.model().equals(model) && entry.details().contains(deploymentId);
  }

  /** What a rollback took back, and who serves after it. */
  public record RolledBack(List<DecidedDeployment> revoked, @Nullable DecidedDeployment current) {}

  /**
   * Goes back to who was champion before. Where a deployment is only being prepared, that one is
   * taken back, and who serves stays.
   */
  public RolledBack rollback(String name, String reason) throws IOException, InterruptedException {
    ModelState state = known(name);
    Optional<DecidedDeployment> meant = state.preparing().or(state::current);
    ObjectNode details = JSON.createObjectNode();
    meant.ifPresent(d -> details.put("deployment_id", d.deploymentId()));
    String key = key();
    try (LifecycleLog.Tail tail = append(Command.ROLLBACK, name, null, reason, key, details)) {
      var unusedFirst = answer(tail, name, key, "roll back " + name);
    }
    List<LifecycleEntry> journal = log.read(name);
    List<DecidedDeployment> revoked = new ArrayList<>();
    journal.stream()
        .filter(LifecycleLog.answerTo(name, key))
        .forEach(e -> DecidedDeployment.of(e).ifPresent(revoked::add));
    ModelState after = ModelState.fold(journal).getOrDefault(name, state);
    return new RolledBack(List.copyOf(revoked), after.current().orElse(null));
  }

  /** Makes sure that a version never serves again. */
  public void archive(String name, int version, String reason)
      throws IOException, InterruptedException {
    var unusedState = known(name);
    String key = key();
    try (LifecycleLog.Tail tail =
        append(Command.ARCHIVE, name, version, reason, key, JSON.createObjectNode())) {
      var unusedEvent = answer(tail, name, key, "archive " + name + " version " + version);
    }
  }

  /**
   * Sees to it that nothing automatic changes who serves, or that it may again.
   *
   * @return the model as it is then; the same as before where it was so already
   */
  public ModelState pause(String name, boolean paused, String reason)
      throws IOException, InterruptedException {
    ModelState before = known(name);
    if ((before.pause() != null) == paused) {
      return before;
    }
    Event wanted = paused ? Event.MODEL_PAUSED : Event.MODEL_RESUMED;
    String key = key();
    // Where somebody else was faster, this one becomes nothing.
    Predicate<LifecycleEntry> done =
        e -> e.model().equals(name) && e.is(wanted) && ModelState.sequence(e) > before.sequence();
    try (LifecycleLog.Tail tail =
        append(
            paused ? Command.PAUSE : Command.RESUME,
            name,
            null,
            reason,
            key,
            JSON.createObjectNode())) {
      var unusedEvent =
          answer(
              tail,
              LifecycleLog.answerTo(name, key).or(done),
              (paused ? "pause " : "resume ") + name);
    }
    return known(name);
  }

  private ModelState known(String name) {
    var models = log.models();
    ModelState state = models.get(name);
    if (state == null || state.versions().isEmpty()) {
      throw unknown(name, models.keySet());
    }
    return state;
  }

  static UserMistake unknown(String name, Iterable<String> models) {
    return new UserMistake(
        "Cannot find model "
            + name
            + ": no version of it is registered, only of "
            + models
            + "; train one with ./millrace train "
            + name);
  }

  private boolean hasProbation(String name) {
    try {
      Model.Rollout rollout = OwnedModel.find(name, null, target, registry).model().rollout();
      return rollout != null && !rollout.probation().isZero();
    } catch (UserMistake e) {
      progress.accept("without probation: " + e.getMessage());
      return false;
    }
  }

  private LifecycleLog.Tail append(
      Command command,
      String model,
      @Nullable Integer version,
      String reason,
      String key,
      ObjectNode details)
      throws IOException, InterruptedException {
    log.append(
        LifecycleEntry.command(
            model,
            command,
            version,
            actor,
            reason,
            System.currentTimeMillis(),
            key,
            details.toString()));
    return log.tail();
  }

  private static LifecycleEntry answer(
      LifecycleLog.Tail tail, String model, String key, String what) throws InterruptedException {
    return answer(tail, LifecycleLog.answerTo(model, key), what);
  }

  private static LifecycleEntry answer(
      LifecycleLog.Tail tail, Predicate<LifecycleEntry> wanted, String what)
      throws InterruptedException {
    LifecycleEntry answer =
        tail.next(wanted, ANSWER_PATIENCE)
            .orElseThrow(
                () ->
                    new CommandFailed(
                        "Cannot "
                            + what
                            + ": the registry has not answered in "
                            + ANSWER_PATIENCE.toSeconds()
                            + " s; the command stays in the journal and it may do it later; see"
                            + " ./millrace status"));
    if (answer.is(Event.REFUSED)) {
      throw new UserMistake("Cannot " + what + ": " + answer.reason());
    }
    return answer;
  }

  private static String key() {
    return "by-hand/" + UUID.randomUUID();
  }

  /** From which event on a deployment serves, for people. */
  static String from(DecidedDeployment deployment) {
    Long effective = deployment.effectiveTimeMillis();
    if (effective == null) {
      return deployment.state() == Deployment.State.PREPARING ? "not yet" : "never";
    }
    return effective == Long.MIN_VALUE
        ? "the first event"
        : Instant.ofEpochMilli(effective).toString();
  }
}
