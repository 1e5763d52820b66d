package dev.millrace.cli.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The whole registry to a file and back, over its HTTP interface. */
final class RegistryTransfer {

  private static final JsonMapper JSON = new JsonMapper();

  /** A registry looks at all it has before it answers. */
  private static final Duration PATIENCE = Duration.ofHours(6);

  /** What the user can correct: the file, the token, or which registry it is. */
  private static final Set<Integer> MISTAKES = Set.of(400, 401, 403, 404, 413);

  private static final int CONFLICT = 409;
  private static final int BUFFER_BYTES = 1 << 16;

  private final RegistryTarget registry;
  private final Consumer<String> progress;

  /**
   * @param progress takes what happens meanwhile, one line at a time
   */
  RegistryTransfer(Target target, Consumer<String> progress) {
    RegistryTarget named = target.registry();
    if (named == null) {
      throw new UserMistake(
          "Cannot reach the registry: the target names none; add registry: http://HOST:PORT to it");
    }
    this.registry = named;
    this.progress = progress;
  }

  /** Writes what the registry sends to a file that is there already. */
  void download(Path to) throws IOException, InterruptedException {
    String what = "export the registry at " + registry;
    try (Waiting waiting = new Waiting("the registry writes the export", progress)) {
      HttpResponse<InputStream> answer =
          sent(what, "/v1/export", request -> request, BodyHandlers.ofInputStream());
      if (answer.statusCode() != 200) {
        try (InputStream body = answer.body()) {
          throw refused(
              what,
              answer.statusCode(),
              new String(body.readNBytes(BUFFER_BYTES), StandardCharsets.UTF_8));
        }
      }
      waiting.begin("received", answer.headers().firstValueAsLong("Content-Length").orElse(-1));
      try (InputStream body = waiting.counted(answer.body());
          FileChannel file = FileChannel.open(to, StandardOpenOption.WRITE)) {
        long unusedBytes = body.transferTo(Channels.newOutputStream(file));
        file.force(true);
      } catch (IOException e) {
        throw new CommandFailed("Cannot " + what + ": it broke off: " + e.getMessage(), e);
      }
    }
  }

  /** Sends a file; gives what the registry says of it. */
  ObjectNode upload(Path from) throws IOException, InterruptedException {
    String what = "import " + from + " into the registry at " + registry;
    long bytes = Files.size(from);
    try (Waiting waiting = new Waiting("the registry is asked", progress)) {
      HttpResponse<String> answer =
          sent(
              what,
              "/v1/import",
              request ->
                  request.POST(
                      BodyPublishers.fromPublisher(
                          BodyPublishers.ofInputStream(() -> opened(waiting, from, bytes)), bytes)),
              BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw refused(what, answer.statusCode(), answer.body());
      }
      if (JSON.readTree(answer.body()) instanceof ObjectNode done) {
        return done;
      }
    } catch (JsonProcessingException e) {
      throw new CommandFailed(
          "Cannot " + what + ": what answers there is no registry; correct the target", e);
    }
    throw new CommandFailed(
        "Cannot " + what + ": what answers there is no registry; correct the target");
  }

  private static InputStream opened(Waiting waiting, Path from, long bytes) {
    try {
      waiting.begin("sent", bytes);
      return new BufferedInputStream(waiting.counted(Files.newInputStream(from)), BUFFER_BYTES);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private <T> HttpResponse<T> sent(
      String what,
      String path,
      UnaryOperator<HttpRequest.Builder> request,
      HttpResponse.BodyHandler<T> body)
      throws InterruptedException {
    try {
      return registry.send(path, PATIENCE, request, body);
    } catch (IOException e) {
      throw new CommandFailed(
          "Cannot "
              + what
              + ": "
              + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
              + "; see whether it runs, and whether the target names it",
          e);
    }
  }

  /** What the registry says where it does not do it, with each of its problems on a line. */
  private static RuntimeException refused(String what, int status, String body) {
    StringBuilder said = new StringBuilder("Cannot " + what + " (" + status + "): ");
    JsonNode problems = null;
    @Nullable JsonNode told = json(body);
    if (told == null) {
      said.append(body.isBlank() ? "the answer says no more" : body.strip());
    } else {
      said.append(told.path("error").asText("the answer says no more"));
      problems = told.path("problems");
      problems.forEach(problem -> said.append("\n  ").append(problem.asText()));
    }
    boolean differs = status == CONFLICT && problems != null && problems.isArray();
    return MISTAKES.contains(status) || differs
        ? new UserMistake(said.toString())
        : new CommandFailed(said.toString());
  }

  private static @Nullable JsonNode json(String body) {
    try {
      return JSON.readTree(body) instanceof ObjectNode object ? object : null;
    } catch (JsonProcessingException e) {
      // Somebody between here and the registry answered in other words.
      return null;
    }
  }
}
