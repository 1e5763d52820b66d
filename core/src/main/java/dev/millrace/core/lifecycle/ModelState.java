package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.pcollections.OrderedPSet;

/**
 * All that the registry knows of one model: the fold of its events in {@code models.lifecycle}, and
 * of nothing else.
 *
 * @param sequence of the newest event; each event of a model has the next, so that one that comes
 *     again is known
 * @param versions ascending by number
 * @param deployments in the order in which they began; of the revoked ones only the newest {@value
 *     #REVOKED_KEPT}
 * @param keys idempotency keys of commands that were answered, the newest {@value #KEYS_KEPT}, the
 *     oldest first
 * @param pause since when nothing automatic changes who serves; null where it may
 */
@JsonPropertyOrder({"model", "sequence", "versions", "deployments", "keys", "pause"})
public record ModelState(
    @JsonProperty("model") String model,
    @JsonProperty("sequence") long sequence,
    @JsonProperty("versions") List<RegisteredVersion> versions,
    @JsonProperty("deployments") List<DecidedDeployment> deployments,
    @JsonProperty("keys") Collection<String> keys,
    @JsonProperty("pause") @Nullable Pause pause) {

  public static final int KEYS_KEPT = 1_000;
  public static final int REVOKED_KEPT = 100;

  /** More of a version's metrics stays in its event alone. */
  public static final int METRICS_MAX = 20_000;

  public static final String SEQUENCE = "sequence";

  /**
   * In the details of {@code VALIDATE} and its events: what was found out about a version that was
   * made elsewhere, under the names that a registration has.
   */
  public static final String EVALUATION = "evaluation";

  /** Who has paused a model, when and why. */
  @JsonPropertyOrder({"since", "actor", "reason"})
  public record Pause(
      @JsonProperty("since") long sinceMillis,
      @JsonProperty("actor") String actor,
      @JsonProperty("reason") String reason) {}

  public ModelState {
    versions = List.copyOf(versions);
    deployments = List.copyOf(deployments);
    // With each event there is one more: what has to be copied for it takes most of a restart.
    keys = keys instanceof OrderedPSet<String> same ? same : OrderedPSet.from(keys);
  }

  /** A model of which nothing is known. */
  public static ModelState empty(String model) {
    return new ModelState(model, 0, List.of(), List.of(), List.of(), null);
  }

  /** Every model that the entries of a journal tell of; entries of one model in their order. */
  public static Map<String, ModelState> fold(Collection<LifecycleEntry> journal) {
    Map<String, ModelState> states = new TreeMap<>();
    for (LifecycleEntry entry : journal) {
      if (entry.kind() == LifecycleEntry.Kind.EVENT) {
        states.compute(
            entry.model(), (model, state) -> (state == null ? empty(model) : state).apply(entry));
      }
    }
    // An entry that the registry did not write makes no model.
    states.values().removeIf(s -> s.sequence() == 0);
    return states;
  }

  /**
   * Takes the next event. One that is not newer than the newest changes nothing, nor does one
   * without a number: that the registry has not written.
   */
  public ModelState apply(LifecycleEntry event) {
    return details(event).map(details -> apply(event, details)).orElse(this);
  }

  /**
   * The same where the event's details were read already.
   *
   * @param details as {@link #details} gives them
   */
  public ModelState apply(LifecycleEntry event, ObjectNode details) {
    long next = sequence(details);
    if (event.kind() != LifecycleEntry.Kind.EVENT || next <= sequence) {
      return this;
    }
    List<RegisteredVersion> nextVersions = versions;
    List<DecidedDeployment> nextDeployments = deployments;
    Pause nextPause = pause;
    switch (LifecycleEntry.Event.valueOf(event.type())) {
      case VERSION_REGISTERED -> {
        nextVersions = new ArrayList<>(versions);
        nextVersions.add(registered(event, details));
      }
      case VERSION_VALIDATED -> nextVersions = judged(event, details, Status.VALIDATED);
      case VERSION_REJECTED -> nextVersions = judged(event, details, Status.REJECTED);
      case VERSION_ARCHIVED, VERSION_DELETED ->
          nextVersions = with(event.version(), Status.ARCHIVED);
      case MODEL_DELETED -> {
        nextVersions = versions.stream().map(v -> v.with(Status.ARCHIVED)).toList();
        nextPause = null;
      }
      case MODEL_PAUSED -> nextPause = new Pause(event.atMillis(), event.actor(), event.reason());
      case MODEL_RESUMED -> nextPause = null;
      case DEPLOYMENT_PREPARING, DEPLOYMENT_EFFECTIVE, DEPLOYMENT_REVOKED ->
          nextDeployments = with(event, details);
      case MODEL_CREATED,
          MODEL_UPDATED,
          TAG_SET,
          TAG_DELETED,
          ALIAS_SET,
          ALIAS_DELETED,
          VERSION_UPDATED,
          VERSION_TRANSITIONED,
          REFUSED -> {
        // Only their keys are kept; the catalogue has what they say.
      }
    }
    return new ModelState(
        model, next, nextVersions, nextDeployments, withKey(event.idempotencyKey()), nextPause);
  }

  /** The number of an event of the registry; 0 for what it has not written. */
  public static long sequence(LifecycleEntry event) {
    return details(event).map(ModelState::sequence).orElse(0L);
  }

  /** The same of its details. */
  public static long sequence(ObjectNode details) {
    return details.path(SEQUENCE).longValue();
  }

  /** The details of an entry; empty where they are no JSON object, which the registry's are. */
  public static Optional<ObjectNode> details(LifecycleEntry entry) {
    try {
      return Optional.of(LifecycleJson.details(entry.details()));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static RegisteredVersion registered(LifecycleEntry event, JsonNode details) {
    Integer version = event.version();
    return new RegisteredVersion(
        version == null ? 0 : version,
        Status.REGISTERED,
        String.valueOf(event.uri()),
        event.sha256() == null ? "" : event.sha256(),
        LifecycleJson.text(details, "profile_uri"),
        LifecycleJson.text(details, "profile_sha256"),
        LifecycleJson.texts(details.path("views")),
        LifecycleJson.text(details, "request_id"),
        event.idempotencyKey(),
        event.actor(),
        event.reason(),
        event.atMillis(),
        metrics(details),
        null);
  }

  private static @Nullable JsonNode metrics(JsonNode details) {
    JsonNode metrics = details.path("metrics");
    return metrics.isObject() && metrics.toString().length() <= METRICS_MAX ? metrics : null;
  }

  private List<RegisteredVersion> judged(LifecycleEntry event, JsonNode details, Status status) {
    String uri = event.uri();
    String sha256 = event.sha256();
    JsonNode found = details.path(EVALUATION);
    return versions.stream()
        .map(
            version -> {
              if (event.version() == null || version.version() != event.version()) {
                return version;
              }
              RegisteredVersion next = version.judged(status, event.reason());
              if (uri != null && sha256 != null) {
                next = next.seen(uri, sha256);
              }
              return found.isObject()
                  ? next.evaluated(
                      LifecycleJson.text(found, "profile_uri"),
                      LifecycleJson.text(found, "profile_sha256"),
                      LifecycleJson.texts(found.path("views")),
                      metrics(found))
                  : next;
            })
        .toList();
  }

  private List<RegisteredVersion> with(@Nullable Integer version, Status status) {
    return versions.stream()
        .map(v -> version != null && v.version() == version ? v.with(status) : v)
        .toList();
  }

  private List<DecidedDeployment> with(LifecycleEntry event, JsonNode details) {
    String id = details.path("deployment_id").asText();
    List<DecidedDeployment> next = new ArrayList<>(deployments);
    int at = 0;
    while (at < next.size() && !next.get(at).deploymentId().equals(id)) {
      at++;
    }
    if (at < next.size()) {
      next.set(at, DecidedDeployment.of(event, details, next.get(at)));
    } else {
      next.add(DecidedDeployment.of(event, details, null));
    }
    long revoked = next.stream().filter(d -> d.state() == Deployment.State.REVOKED).count();
    for (int i = 0; revoked > REVOKED_KEPT; i++) {
      if (next.get(i).state() == Deployment.State.REVOKED) {
        next.remove(i--);
        revoked--;
      }
    }
    return next;
  }

  private Collection<String> withKey(String key) {
    OrderedPSet<String> next = OrderedPSet.from(keys).plus(key);
    return next.size() > KEYS_KEPT ? next.minus(next.iterator().next()) : next;
  }

  /** Whether a command with this key was answered already. */
  public boolean answered(String key) {
    return keys.contains(key)
        || versions.stream().anyMatch(v -> v.idempotencyKey().equals(key))
        || deployments.stream().anyMatch(d -> d.idempotencyKey().equals(key));
  }

  public Optional<RegisteredVersion> version(int number) {
    // Numbers are given in their order, so they ascend.
    int from = 0;
    int to = versions.size() - 1;
    while (from <= to) {
      int middle = (from + to) >>> 1;
      RegisteredVersion found = versions.get(middle);
      if (found.version() == number) {
        return Optional.of(found);
      }
      if (found.version() < number) {
        from = middle + 1;
      } else {
        to = middle - 1;
      }
    }
    return Optional.empty();
  }

  public Optional<DecidedDeployment> deployment(String id) {
    return deployments.stream().filter(d -> d.deploymentId().equals(id)).findFirst();
  }

  /** The deployment that waits for every subtask to be ready. */
  public Optional<DecidedDeployment> preparing() {
    return deployments.stream().filter(d -> d.state() == Deployment.State.PREPARING).findFirst();
  }

  /** Those that serve or would serve again, the oldest first. */
  public List<DecidedDeployment> standing() {
    return deployments.stream().filter(DecidedDeployment::stands).toList();
  }

  /** The newest that stands. */
  public Optional<DecidedDeployment> current() {
    List<DecidedDeployment> standing = standing();
    return standing.isEmpty() ? Optional.empty() : Optional.of(standing.get(standing.size() - 1));
  }

  /** The version that serves; empty before the first deployment. */
  public Optional<Integer> champion() {
    return current().map(d -> d.champion().version());
  }

  /** Who serves an event of this time: the newest that stands and was effective by then. */
  public Optional<DecidedDeployment> at(long eventTimeMillis) {
    List<DecidedDeployment> standing = standing();
    for (int i = standing.size() - 1; i >= 0; i--) {
      Long from = standing.get(i).effectiveTimeMillis();
      if (from == null || from <= eventTimeMillis) {
        return Optional.of(standing.get(i));
      }
    }
    return Optional.empty();
  }
}
