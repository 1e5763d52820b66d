package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import io.javalin.Javalin;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimeTravelTest {

  private static final JsonMapper JSON = new JsonMapper();

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private DriverCatalogue catalogue;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private Javalin server;

  private int asked;

  @BeforeEach
  void open() {
    catalogue = new DriverCatalogue(folder);
    server = Javalin.create(config -> config.showJavalinBanner = false);
    new TimeTravel(name -> catalogue.events().stream().filter(e -> e.model().equals(name)).toList())
        .addTo(server);
    server.start("127.0.0.1", 0);
  }

  @AfterEach
  void close() {
    server.stop();
    catalogue.close();
  }

  private LifecycleEntry done(Command command, @Nullable Integer version, String details) {
    boolean registers = command == Command.REGISTER;
    LifecycleEntry event =
        catalogue.submit(
            new LifecycleEntry(
                "m",
                Kind.COMMAND,
                command.name(),
                version,
                "ann",
                "because",
                1,
                "k" + asked++,
                registers ? "s3://there" : null,
                registers ? "ab".repeat(32) : null,
                details));
    assertThat(event.is(Event.REFUSED)).as(event.reason()).isFalse();
    return event;
  }

  private JsonNode got(int status, String path) throws Exception {
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.port() + "/v1/models/" + path))
                    .build(),
                BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return JSON.readTree(answer.body());
  }

  @Test
  void whatWasKnownThenCanBeAskedNow() throws Exception {
    LifecycleEntry first = done(Command.REGISTER, null, "{}");
    LifecycleEntry best = done(Command.SET_ALIAS, 1, "{\"alias\": \"best\"}");
    LifecycleEntry second = done(Command.REGISTER, null, "{}");
    LifecycleEntry moved = done(Command.SET_ALIAS, 2, "{\"alias\": \"best\"}");
    LifecycleEntry staged = done(Command.TRANSITION_VERSION, 1, "{\"stage\": \"Archived\"}");

    assertThat(List.of(first, best, second, moved, staged))
        .extracting(LifecycleEntry::atMillis)
        .doesNotHaveDuplicates();
    assertThat(got(200, "m/aliases").path("aliases").toString()).isEqualTo("{\"best\":2}");
    assertThat(got(200, "m/aliases?as_of=" + best.atMillis()).path("aliases").toString())
        .isEqualTo("{\"best\":1}");
    assertThat(got(200, "m/aliases?as_of=" + second.atMillis()).path("aliases").toString())
        .isEqualTo("{\"best\":1}");
    assertThat(got(200, "m/aliases?as_of=" + first.atMillis()).path("aliases")).isEmpty();

    JsonNode diff = got(200, "m/diff?from=" + best.atMillis() + "&to=" + moved.atMillis());
    assertThat(diff.path("aliases").toString()).isEqualTo("{\"best\":[1,2]}");
    assertThat(diff.path("versions").toString())
        .isEqualTo("{\"2\":[null,\"REGISTERED, stage None\"]}");
    assertThat(diff.path("events").asInt()).isEqualTo(2);
    assertThat(diff.has("champion")).isFalse();
    JsonNode later = got(200, "m/diff?from=" + moved.atMillis());
    assertThat(later.path("versions").toString())
        .isEqualTo("{\"1\":[\"REGISTERED, stage None\",\"REGISTERED, stage Archived\"]}");

    JsonNode events = got(200, "m/events?after=1&limit=2").path("events");
    assertThat(events).hasSize(2);
    assertThat(events.get(0).path("type").asText()).isEqualTo("ALIAS_SET");
    assertThat(events.get(0).path("actor").asText()).isEqualTo("ann");
    assertThat(events.get(0).path("details").toString()).isEqualTo("{\"alias\":\"best\"}");
    assertThat(staged.atMillis()).isGreaterThan(moved.atMillis());
  }

  @Test
  void mistakesAreTold() throws Exception {
    LifecycleEntry unusedFirst = done(Command.REGISTER, null, "{}");
    for (String path :
        List.of(
            "m/aliases?as_of=soon",
            "m/diff?from=2&to=1",
            "m/events?after=-1",
            "m/events?limit=x")) {
      assertThat(got(400, path).path("error").asText()).isNotEmpty();
    }
    assertThat(got(404, "nobody/aliases").path("error").asText())
        .isEqualTo("there is no model nobody");
  }
}
