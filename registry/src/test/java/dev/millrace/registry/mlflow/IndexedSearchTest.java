package dev.millrace.registry.mlflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Searches for equal values find what a search without an index finds: LIKE has none, and means the
 * same where a text has no sign of its own.
 */
class IndexedSearchTest {

  private static final int CHANGES = 150;

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @Test
  void findsWhatASearchOverAllVersionsFinds() throws Exception {
    Random random = new Random(7);
    int found = 0;
    try (MlflowServer server = new MlflowServer(folder)) {
      for (int i = 0; i < CHANGES; i++) {
        change(server, random, i);
        if (i % 10 == 9) {
          for (String what : List.of("tags.team", "tags.stage", "run_id")) {
            String value = value(random);
            List<String> indexed = found(server, what + " = '" + value + "'");
            assertThat(indexed)
                .as("%s = %s after %d changes", what, value, i + 1)
                .isEqualTo(found(server, what + " LIKE '" + value + "'"));
            found += indexed.size();
          }
          assertThat(found(server, "tags.team = 'a' AND run_id = 'b' AND tags.stage != 'c'"))
              .isEqualTo(
                  found(server, "tags.team LIKE 'a' AND run_id LIKE 'b' AND tags.stage != 'c'"));
          assertThat(found(server, "tags.`millrace.status` = 'REGISTERED'"))
              .isEqualTo(found(server, "tags.`millrace.status` LIKE 'REGISTERED'"));
        }
      }
    }
    assertThat(found).as("versions found").isGreaterThan(50);
  }

  private static String value(Random random) {
    return String.valueOf((char) ('a' + random.nextInt(3)));
  }

  /** Some are refused, as that of a version that is not there; most are not. */
  private static void change(MlflowServer server, Random random, int number) throws Exception {
    String model = "m" + random.nextInt(3);
    int version = 1 + random.nextInt(12);
    String named = "{\"name\": \"%s\", \"version\": \"%d\"".formatted(model, version);
    String key = random.nextBoolean() ? "team" : "stage";
    int dice = random.nextInt(100);
    var unusedAnswer =
        number < 3
            ? server.post("registered-models/create", "{\"name\": \"m" + number + "\"}")
            : dice < 40
                ? server.post(
                    "model-versions/create",
                    """
                    {"name": "%s", "source": "%d", "run_id": "%s", "tags": [{"key": "%s", "value": "%s"}]}"""
                        .formatted(model, number, value(random), key, value(random)))
                : dice < 70
                    ? server.post(
                        "model-versions/set-tag",
                        named
                            + ", \"key\": \"%s\", \"value\": \"%s\"}".formatted(key, value(random)))
                    : dice < 80
                        ? server.send(
                            "DELETE",
                            "model-versions/delete-tag",
                            named + ", \"key\": \"" + key + "\"}")
                        : dice < 88
                            ? server.send("DELETE", "model-versions/delete", named + "}")
                            : dice < 97
                                ? server.post(
                                    "model-versions/transition-stage",
                                    named
                                        + ", \"stage\": \"Production\","
                                        + " \"archive_existing_versions\": true}")
                                : made(server, model);
  }

  /** Made again, with nothing of what it was. */
  private static MlflowServer.Answer made(MlflowServer server, String model) throws Exception {
    String named = "{\"name\": \"" + model + "\"}";
    var unusedEnd = server.send("DELETE", "registered-models/delete", named);
    return server.post("registered-models/create", named);
  }

  private static List<String> found(MlflowServer server, String filter) throws Exception {
    JsonNode body =
        server
            .get(
                "model-versions/search?filter=" + URLEncoder.encode(filter, StandardCharsets.UTF_8))
            .body();
    assertThat(body.has("error_code")).as(body.toString()).isFalse();
    List<String> names = new ArrayList<>();
    body.path("model_versions")
        .forEach(v -> names.add(v.path("name").asText() + " " + v.path("version").asText()));
    return names;
  }
}
