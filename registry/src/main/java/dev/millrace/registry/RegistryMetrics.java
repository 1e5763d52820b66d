package dev.millrace.registry;

import dev.millrace.registry.access.Role;
import io.javalin.Javalin;
import io.javalin.http.Context;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

/** What {@code /metrics} says, for Prometheus. */
final class RegistryMetrics {

  private static final String STARTED = "millrace.started";
  private static final double NANOS_PER_SECOND = 1e9;

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final ExpositionFormats formats = ExpositionFormats.init();
  private final Histogram seconds =
      Histogram.builder()
          .name("millrace_registry_request_seconds")
          .help("How long answers took, by the path as it is known, not as it was asked.")
          .classicOnly()
          .classicUpperBounds(
              0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
          .labelNames("method", "route")
          .register(registry);
  private final Counter requests =
      Counter.builder()
          .name("millrace_registry_requests_total")
          .help("Answers, by their status.")
          .labelNames("method", "route", "status")
          .register(registry);

  RegistryMetrics(RegistryApi.States states) {
    GaugeWithCallback unusedRunning =
        GaugeWithCallback.builder()
            .name("millrace_registry_up")
            .help("Whether commands are decided and all that was said before is known.")
            .callback(callback -> callback.call(states.isRunning() ? 1 : 0))
            .register(registry);
    GaugeWithCallback unusedModels =
        GaugeWithCallback.builder()
            .name("millrace_registry_models")
            .help("Models of which something is known.")
            .callback(
                callback -> {
                  if (states.isRunning()) {
                    callback.call(states.models().size());
                  }
                })
            .register(registry);
  }

  /** Counts every answer of a server, and answers {@code /metrics}. */
  void addTo(Javalin server) {
    server.before(context -> context.attribute(STARTED, System.nanoTime()));
    server.after(this::count);
    server.get("/metrics", this::answer, Role.READER);
  }

  private void count(Context context) {
    Long started = context.attribute(STARTED);
    if (started == null) {
      return;
    }
    String method = context.method().name();
    // What nobody knows is one route, or whoever asks for nonsense would make series without end.
    String known = context.endpointHandlerPath();
    String route = known.startsWith("/") ? known : "none";
    seconds.labelValues(method, route).observe((System.nanoTime() - started) / NANOS_PER_SECOND);
    requests.labelValues(method, route, String.valueOf(context.statusCode())).inc();
  }

  private void answer(Context context) throws IOException {
    ExpositionFormatWriter writer = formats.findWriter(context.header("Accept"));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    writer.write(out, registry.scrape());
    context.status(200).contentType(writer.getContentType()).result(out.toByteArray());
  }
}
