package dev.millrace.client;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;

/**
 * The registry, as a program sees it.
 *
 * <pre>{@code
 * RegistryClient registry = RegistryClient.connect(URI.create("http://127.0.0.1:8090"));
 * ModelVersion made = registry.versions().register("fraud", Path.of("model.onnx"));
 * registry.models().setAlias("fraud", "best", made.version());
 * registry.serving().awaitServing("fraud", made.version(), Duration.ofMinutes(10));
 * }</pre>
 *
 * <p>A client is immutable, may be used by many threads, and need not be closed.
 *
 * <p><b>Repeats.</b> Where no answer comes, or the registry says that it is not ready, a request is
 * sent again after 100 ms, then twice as long each time up to 5 s (or as long as the answer asks),
 * until {@link #patience} ends. Each call that changes something has a key that the registry knows
 * it by, so it takes effect once however often it was sent.
 *
 * <p><b>Errors.</b> {@link RegistryException} where the registry refuses, another {@link
 * java.io.IOException} where it cannot be reached: a change may then have been made or not. Whoever
 * waits may be interrupted: {@link InterruptedException}.
 */
public final class RegistryClient {

  private final Transport transport;
  private final RegisteredModels models;
  private final ModelVersions versions;
  private final Experiments experiments;
  private final Runs runs;
  private final Artifacts artifacts;
  private final Serving serving;

  private RegistryClient(Transport transport) {
    this.transport = transport;
    this.models = new RegisteredModels(transport);
    this.artifacts = new Artifacts(transport);
    this.versions = new ModelVersions(transport, models, artifacts);
    this.experiments = new Experiments(transport);
    this.runs = new Runs(transport);
    this.serving = new Serving(transport);
  }

  /**
   * A client of the registry at an address such as {@code http://127.0.0.1:8090}. Nothing is sent
   * yet.
   *
   * @throws IllegalArgumentException where it is no address of HTTP
   */
  public static RegistryClient connect(URI registry) {
    return new RegistryClient(Transport.of(Settings.of(registry)));
  }

  /** The same with a token: each request carries {@code Authorization: Bearer …}. */
  public RegistryClient token(String token) {
    return with(transport.settings().withToken(token));
  }

  /** The same with another time for one try; of files the time in which nothing moves. 30 s. */
  public RegistryClient timeout(Duration timeout) {
    return with(transport.settings().withTimeout(timeout));
  }

  /** The same with another time in which tries begin; zero for one try. 60 s. */
  public RegistryClient patience(Duration patience) {
    return with(transport.settings().withPatience(patience));
  }

  /** The same with another clock, and pauses of its kind. */
  RegistryClient pace(Clock clock, Pace pace) {
    return with(transport.settings().withPace(clock, pace));
  }

  private RegistryClient with(Settings settings) {
    return new RegistryClient(transport.with(settings));
  }

  public RegisteredModels models() {
    return models;
  }

  public ModelVersions versions() {
    return versions;
  }

  public Experiments experiments() {
    return experiments;
  }

  public Runs runs() {
    return runs;
  }

  public Artifacts artifacts() {
    return artifacts;
  }

  public Serving serving() {
    return serving;
  }

  @Override
  public String toString() {
    return "registry " + transport.settings();
  }
}
