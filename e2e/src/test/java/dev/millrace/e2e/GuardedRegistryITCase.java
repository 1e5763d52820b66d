package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.e2e.Stack.Outcome;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.testing.KeyStoreFile;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A registry with tokens and TLS beside a stack's open one: who may do what follows from the tokens
 * and from the definitions that stand in Kafka, and the commands go by the target's token.
 */
@Tag("full")
class GuardedRegistryITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path OUT = ROOT.resolve("e2e/target/guarded-registry");
  private static final Stack STACK = new Stack(ROOT, OUT.resolve("stack"), 5500);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String PASSWORD = "not a secret";

  private final Path tokens = OUT.resolve("tokens.yaml");
  private final String url = "https://127.0.0.1:" + (STACK.port(8090) + 2);
  private final Path ca = OUT.resolve("ca.pem");

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    Files.deleteIfExists(OUT.resolve("tokens.yaml"));
    Files.deleteIfExists(OUT.resolve("key.p12"));
    STACK.done("up");
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  @Test
  void tokensAndAppliedProjectsSayWhoMay() throws Exception {
    Target open = STACK.target();
    DefinitionsLog definitions =
        new DefinitionsLog(open, new ConfluentSubjectRegistry(open.schemaRegistry()));
    definitions.append(applied("flights"), "apply");
    Path store = keystore();
    String ops = token("ops", "admin", "*");
    String trainer = token("trainer", "contributor", "flights");
    String payer = token("payer", "contributor", "fraud");
    String lead = token("lead", "promoter", "flights");
    String guest = token("guest", "reader", "*");
    try (RegistryProcess guarded =
        new RegistryProcess(
            ROOT,
            STACK.dir(),
            STACK.dir().resolve("data/guarded-registry"),
            new RegistryTarget(url, null, ca.toString()),
            "--tokens",
            tokens.toString(),
            "--keystore",
            store.toString(),
            "--keystore-password",
            PASSWORD)) {
      guarded.awaitUp();
      String model = "{\"name\": \"delay_risk\"}";
      String version = "{\"name\": \"delay_risk\", \"source\": \"s3://there/1\"}";
      assertThat(posted(null, "registered-models/create", model)).isEqualTo(401);
      assertThat(posted("no such token", "registered-models/create", model)).isEqualTo(401);
      assertThat(posted(guest, "registered-models/create", model)).isEqualTo(403);
      // Flights defines it, as the topic of definitions says.
      assertThat(posted(payer, "registered-models/create", model)).isEqualTo(403);
      assertThat(posted(trainer, "registered-models/create", model)).isEqualTo(200);
      assertThat(posted(payer, "model-versions/create", version)).isEqualTo(403);
      assertThat(posted(trainer, "model-versions/create", version)).isEqualTo(200);
      String stage = "{\"name\": \"delay_risk\", \"version\": \"1\", \"stage\": \"Production\"}";
      String alias = "{\"name\": \"delay_risk\", \"version\": \"1\", \"alias\": \"champion\"}";
      assertThat(posted(trainer, "model-versions/transition-stage", stage)).isEqualTo(403);
      assertThat(posted(trainer, "registered-models/alias", alias)).isEqualTo(403);
      assertThat(posted(lead, "model-versions/transition-stage", stage)).isEqualTo(200);
      assertThat(posted(lead, "registered-models/alias", alias)).isEqualTo(200);

      // What is applied while it runs counts soon; what is its own already does not change hands.
      assertThat(posted(trainer, "registered-models/create", "{\"name\": \"mine\"}"))
          .isEqualTo(200);
      definitions.append(applied("fraud"), "apply");
      String fraud = "{\"name\": \"fraud_risk\"}";
      Stack.await("fraud's definitions count", PATIENCE, () -> !may(trainer, fraud));
      assertThat(posted(payer, "registered-models/create", fraud)).isEqualTo(200);

      commandsGoByTheTarget(open, ops, trainer, guest);
      assertThat(Files.readString(OUT.resolve("registry-" + (STACK.port(8090) + 2) + ".out.log")))
          .contains("Refused: ")
          .doesNotContain(ops)
          .doesNotContain(trainer)
          .doesNotContain(PASSWORD);
    }
  }

  /** A mistake of a name makes nothing; who may not is told so before. */
  private boolean may(String token, String model) {
    try {
      return posted(
              token,
              "registered-models/set-tag",
              model.replace("}", ", \"key\": \"k\", \"value\": \"\"}"))
          != 403;
    } catch (IOException e) {
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private void commandsGoByTheTarget(Target open, String ops, String trainer, String guest)
      throws Exception {
    Path file = OUT.resolve("registry.jsonl.gz");
    Files.deleteIfExists(file);
    for (String lesser : List.of(trainer, guest)) {
      Outcome refused =
          STACK.run("models", "export", file.toString(), "--target", target(open, lesser));
      assertThat(refused.status()).isEqualTo(2);
      assertThat(refused.err()).contains("(403)").doesNotContain(lesser);
    }
    assertThat(file).doesNotExist();
    Outcome exported =
        STACK.done("models", "export", file.toString(), "--json", "--target", target(open, ops));
    assertThat(exported.json().path("events").asInt()).isPositive();
    Outcome imported =
        STACK.done("models", "import", file.toString(), "--json", "--target", target(open, ops));
    assertThat(imported.json().path("already_there")).isEqualTo(exported.json().path("events"));
    Outcome shown = STACK.done("models", "list", "--json", "--target", target(open, guest));
    assertThat(shown.json().findValuesAsText("model")).contains("delay_risk");
  }

  /** A target file with this token, which stands in a file of its own. */
  private String target(Target open, String token) throws IOException {
    Path secret = Files.writeString(OUT.resolve("secret"), token + "\n");
    Path file = OUT.resolve("target.yaml");
    new Target(
            open.kafka(),
            open.schemaRegistry(),
            open.redis(),
            open.flink(),
            new RegistryTarget(url, "${file:" + secret + "}", ca.toString()),
            open.warehouse(),
            open.catalog(),
            open.artifacts(),
            open.mlflowArtifacts(),
            open.s3())
        .write(file);
    return file.toString();
  }

  private int posted(@Nullable String token, String path, String body)
      throws IOException, InterruptedException {
    return new RegistryTarget(url, token, ca.toString())
        .send(
            "/api/2.0/mlflow/" + path,
            PATIENCE,
            request -> request.POST(BodyPublishers.ofString(body)),
            BodyHandlers.ofString())
        .statusCode();
  }

  private String token(String name, String role, String project) throws Exception {
    return STACK
        .done(
            "tokens",
            "add",
            name,
            "--role",
            role,
            "--project",
            project,
            "--file",
            tokens.toString(),
            "--json")
        .json()
        .path("token")
        .asText();
  }

  /** An example as {@code apply} writes it down. */
  private static Applied applied(String example) throws IOException {
    Path folder = ROOT.resolve("examples").resolve(example);
    Map<String, String> files = new HashMap<>();
    files.put("millrace.yaml", Files.readString(folder.resolve("millrace.yaml")));
    try (Stream<Path> schemas = Files.walk(folder.resolve("schemas"))) {
      for (Path schema : schemas.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(schema).toString(), Files.readString(schema));
      }
    }
    return new Applied(example, 1, 1, Map.of(), List.of(), Map.of(), files);
  }

  private Path keystore() throws Exception {
    KeyStoreFile store = new KeyStoreFile(OUT.resolve("key.p12"), PASSWORD);
    store.makeKey("registry", "ip:127.0.0.1");
    store.exportCertificate("registry", ca);
    return store.path();
  }
}
