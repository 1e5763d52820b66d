package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.client.VersionState.Status;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;

/**
 * Who serves now and who served then, what is known of versions, and waiting for both. Where a
 * method waits, interrupting its thread ends that.
 */
public final class Serving {

  private static final String ROOT = "/v1/models/";
  private static final Duration LOOK_FIRST = Duration.ofMillis(100);
  private static final Duration LOOK_MOST = Duration.ofSeconds(2);

  private final Transport transport;

  Serving(Transport transport) {
    this.transport = transport;
  }

  private static String path(String model, String what) {
    return ROOT + Query.escaped(model) + what;
  }

  /**
   * Who serves, as is known now; empty where nobody does.
   *
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such model
   */
  public Optional<Deployment> deployment(String model) throws IOException, InterruptedException {
    return deployment(model, new Query());
  }

  /** The same for events of a time. */
  public Optional<Deployment> deployment(String model, Instant asOf)
      throws IOException, InterruptedException {
    return deployment(model, new Query().with("as_of", millis(asOf)));
  }

  private Optional<Deployment> deployment(String model, Query query)
      throws IOException, InterruptedException {
    try {
      return Optional.of(
          Deployment.of(
              model,
              transport.get("get the deployment of " + model, path(model, "/deployment" + query))));
    } catch (RegistryException e) {
      if (e.isMissing()) {
        // Nobody serves, or there is no such model: then this is refused too.
        List<VersionState> unusedVersions = versions(model);
        return Optional.empty();
      }
      throw e;
    }
  }

  private static String millis(Instant at) {
    return String.valueOf(at.toEpochMilli());
  }

  /**
   * What is known of its versions' fitness, by number.
   *
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such model
   */
  public List<VersionState> versions(String model) throws IOException, InterruptedException {
    return Fields.list(
        transport.get("get the state of " + model, path(model, "")), "versions", VersionState::of);
  }

  /** Which version each alias stands for. Takes the registry a second or so, as does the next. */
  public Map<String, Integer> aliases(String model) throws IOException, InterruptedException {
    return aliases(model, new Query());
  }

  /** Which each stood for at a moment, by the registry's clock. */
  public Map<String, Integer> aliases(String model, Instant asOf)
      throws IOException, InterruptedException {
    return aliases(model, new Query().with("as_of", millis(asOf)));
  }

  private Map<String, Integer> aliases(String model, Query query)
      throws IOException, InterruptedException {
    JsonNode answer = transport.get("get the aliases of " + model, path(model, "/aliases" + query));
    Map<String, Integer> aliases = new TreeMap<>();
    answer
        .path("aliases")
        .properties()
        .forEach(alias -> aliases.put(alias.getKey(), alias.getValue().asInt()));
    return aliases;
  }

  /**
   * Its events in their order.
   *
   * @param after the sequence behind which they begin; 0 for all
   * @param limit how many at most
   */
  public List<ModelEvent> events(String model, long after, int limit)
      throws IOException, InterruptedException {
    List<ModelEvent> events = new ArrayList<>();
    long last = after;
    while (events.size() < limit) {
      List<ModelEvent> more =
          Fields.list(
              transport.get(
                  "get the events of " + model,
                  path(
                      model,
                      "/events"
                          + new Query()
                              .with("after", String.valueOf(last))
                              .with("limit", String.valueOf(limit - events.size())))),
              "events",
              ModelEvent::of);
      if (more.isEmpty()) {
        return events;
      }
      events.addAll(more);
      last = more.get(more.size() - 1).sequence();
    }
    return events;
  }

  /**
   * Waits until a version's gates were run.
   *
   * @param timeout how long at most
   * @return its state: VALIDATED
   * @throws TimeoutException where that has not happened by then
   * @throws IllegalStateException where it never will: it was rejected or archived
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such version
   */
  public VersionState awaitValidated(String model, int version, Duration timeout)
      throws IOException, InterruptedException, TimeoutException {
    return await(
        "validated",
        model,
        version,
        timeout,
        () -> {
          VersionState state = state(model, version);
          if (state.status() == Status.REJECTED) {
            throw never(model, version, "validated", state.status());
          }
          requireNotArchived(model, "validated", state);
          return state.status() == Status.VALIDATED ? Optional.of(state) : Optional.empty();
        });
  }

  /**
   * Waits until a version answers events, as champion or canary of an effective deployment.
   *
   * @param timeout how long at most
   * @return the deployment
   * @throws TimeoutException where that has not happened by then
   * @throws IllegalStateException where it never will: it was archived
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such version
   */
  public Deployment awaitServing(String model, int version, Duration timeout)
      throws IOException, InterruptedException, TimeoutException {
    return await(
        "serving",
        model,
        version,
        timeout,
        () -> {
          Optional<Deployment> current =
              deployment(model)
                  .filter(d -> d.state() == Deployment.State.EFFECTIVE && d.serves(version));
          if (current.isEmpty()) {
            requireNotArchived(model, "serving", state(model, version));
          }
          return current;
        });
  }

  private VersionState state(String model, int version) throws IOException, InterruptedException {
    return versions(model).stream()
        .filter(v -> v.version() == version)
        .findFirst()
        .orElseThrow(
            () ->
                new RegistryException(
                    "wait for version " + version + " of model " + model,
                    404,
                    RegistryException.codeOf(404),
                    "there is no such version",
                    -1));
  }

  private static void requireNotArchived(String model, String what, VersionState state) {
    if (state.status() == Status.ARCHIVED) {
      throw never(model, state.version(), what, state.status());
    }
  }

  private static IllegalStateException never(
      String model, int version, String what, Status status) {
    return new IllegalStateException(
        String.format(
            Locale.ROOT,
            "Cannot wait until version %d of model %s is %s: it is %s; register another one",
            version,
            model,
            what,
            status));
  }

  private <T> T await(
      String what,
      String model,
      int version,
      Duration timeout,
      Transport.Attempt<Optional<T>> looking)
      throws IOException, InterruptedException, TimeoutException {
    Pace pace = transport.settings().pace();
    long begin = pace.nanos();
    for (int looks = 0; ; looks++) {
      Optional<T> there = looking.run();
      if (there.isPresent()) {
        return there.get();
      }
      Duration left = timeout.minusNanos(pace.nanos() - begin);
      if (left.isNegative() || left.isZero()) {
        throw new TimeoutException(
            String.format(
                Locale.ROOT,
                "Version %d of model %s is not %s after %.1f s",
                version,
                model,
                what,
                timeout.toMillis() / 1000.0));
      }
      Duration pause = pace.doubled(LOOK_FIRST, LOOK_MOST, looks);
      pace.pause(pause.compareTo(left) < 0 ? pause : left);
    }
  }
}
