package dev.millrace.cli.demo;

import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * Where the loop stands, as its topics tell: what is asked and not answered, how far it has
 * measured and what it has decided.
 *
 * <p>Sixty days go by in minutes, and loading a model or training one takes seconds that would be
 * none in real time. While one of them is under way event time stands still; {@link #hold} says for
 * what.
 */
final class LoopState {

  private final String model;
  private final Set<String> answered = new HashSet<>();
  private final Map<String, String> commands = new LinkedHashMap<>();
  private final Map<String, String> requests = new LinkedHashMap<>();
  private final Set<String> preparing = new HashSet<>();
  private final Map<String, Deployment> deployments = new LinkedHashMap<>();
  private final Set<String> everEffective = new LinkedHashSet<>();
  private final List<GenericRecord> requested = new ArrayList<>();
  private final List<GenericRecord> rollouts = new ArrayList<>();
  private final List<GenericRecord> alarms = new ArrayList<>();
  private final Map<String, Integer> versionsByRequest = new HashMap<>();
  private final Set<Integer> validated = new HashSet<>();
  private final Set<String> driftIds = new HashSet<>();
  private final Set<String> performanceIds = new HashSet<>();
  private long suppressed;
  private long alerts;
  private long measuredMillis = Long.MIN_VALUE;

  LoopState(String model) {
    this.model = model;
  }

  synchronized void lifecycle(LifecycleEntry entry, @Nullable String requestId) {
    if (!entry.model().equals(model)) {
      return;
    }
    String key = entry.idempotencyKey();
    if (entry.kind() == LifecycleEntry.Kind.COMMAND) {
      boolean report =
          entry.is(LifecycleEntry.Command.READY) || entry.is(LifecycleEntry.Command.UNLOADABLE);
      if (!report && !answered.contains(key)) {
        commands.put(key, entry.type());
      }
      return;
    }
    answered.add(key);
    commands.remove(key);
    if (entry.is(LifecycleEntry.Event.VERSION_REGISTERED)
        && requestId != null
        && entry.version() != null) {
      versionsByRequest.put(requestId, entry.version());
    }
    boolean valid = entry.is(LifecycleEntry.Event.VERSION_VALIDATED);
    if (valid && entry.version() != null) {
      validated.add(entry.version());
    }
    if (valid || entry.is(LifecycleEntry.Event.VERSION_REJECTED)) {
      requests.remove(requestId == null ? key : requestId);
    }
    if (entry.is(LifecycleEntry.Event.REFUSED)) {
      requests.remove(key);
    }
  }

  synchronized void deployment(Deployment deployment) {
    if (!deployment.model().equals(model)) {
      return;
    }
    String id = deployment.deploymentId();
    switch (deployment.state()) {
      case PREPARING -> preparing.add(id);
      case EFFECTIVE -> {
        preparing.remove(id);
        everEffective.add(id);
      }
      case REVOKED -> preparing.remove(id);
    }
    Deployment before = deployments.remove(id);
    // A revocation need not say again from when it served.
    deployments.put(
        id,
        before != null && deployment.effectiveTimeMillis() == null
            ? new Deployment(
                deployment.model(),
                id,
                deployment.state(),
                before.effectiveTimeMillis(),
                before.champion(),
                before.canary(),
                before.canaryShare(),
                before.shadows(),
                deployment.decidedAtMillis())
            : deployment);
  }

  synchronized void retraining(GenericRecord record) {
    String requestId = String.valueOf(record.get("request_id"));
    if (String.valueOf(record.get("decision")).equals("REQUESTED")) {
      if (requested.stream()
          .noneMatch(r -> requestId.equals(String.valueOf(r.get("request_id"))))) {
        requested.add(record);
        if (!answered.contains(requestId + "/validate")) {
          requests.put(requestId, String.valueOf(record.get("cause")));
        }
      }
    } else {
      suppressed++;
    }
  }

  synchronized void rollout(GenericRecord record) {
    rollouts.add(record);
  }

  synchronized void alert(GenericRecord record) {
    alerts++;
    // A request that ends in an alert gets no version.
    String text =
        record.get("message") + " " + record.get("evidence") + " " + record.get("alert_id");
    requests.keySet().removeIf(text::contains);
  }

  /** Returns whether it is new. */
  synchronized boolean performance(GenericRecord record) {
    measuredMillis = Math.max(measuredMillis, (Long) record.get("window_end"));
    boolean first = performanceIds.add(String.valueOf(record.get("performance_id")));
    if (first && (Boolean) record.get("alarm")) {
      alarms.add(record);
    }
    return first;
  }

  /** Returns whether it is new. */
  synchronized boolean drift(String driftId) {
    return driftIds.add(driftId);
  }

  /** Why event time must stand still; null where it need not. */
  synchronized @Nullable String hold() {
    if (!requests.isEmpty()) {
      return "a new version (retraining for " + String.join(", ", requests.values()) + ")";
    }
    if (!preparing.isEmpty()) {
      return "inference to load a deployment";
    }
    return commands.isEmpty()
        ? null
        : "the registry's answer to " + String.join(", ", commands.values());
  }

  /** The end of the newest window that was measured against labels. */
  synchronized long measuredMillis() {
    return measuredMillis;
  }

  /** Deployments that served at some time, in the order in which they began. */
  synchronized List<Deployment> served() {
    List<Deployment> served = new ArrayList<>();
    for (String id : everEffective) {
      Deployment deployment = deployments.get(id);
      if (deployment != null) {
        served.add(deployment);
      }
    }
    return served;
  }

  synchronized List<GenericRecord> requested() {
    return new ArrayList<>(requested);
  }

  synchronized List<GenericRecord> rollouts() {
    return new ArrayList<>(rollouts);
  }

  synchronized List<GenericRecord> alarms() {
    return new ArrayList<>(alarms);
  }

  /** The version that a request became; 0 where it became none. */
  synchronized int version(String requestId) {
    return versionsByRequest.getOrDefault(requestId, 0);
  }

  synchronized boolean isValidated(int version) {
    return validated.contains(version);
  }

  synchronized long suppressed() {
    return suppressed;
  }

  synchronized long alerts() {
    return alerts;
  }

  synchronized int driftRecords() {
    return driftIds.size();
  }

  synchronized int performanceRecords() {
    return performanceIds.size();
  }
}
