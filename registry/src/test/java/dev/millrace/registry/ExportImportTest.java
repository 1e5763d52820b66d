package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.transfer.TransferLimits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A registry with everything in it goes into a file and comes back from it. */
class ExportImportTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String SHA = "ef".repeat(32);
  private static final String MODEL = "vorhersage_überfällig";

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Made before each.
  private GuardedRegistry from;

  @SuppressWarnings("NullAway.Init") // Made before each.
  private GuardedRegistry to;

  private final List<String> runs = new ArrayList<>();
  private final List<String> logged = new ArrayList<>();

  @BeforeEach
  void make() throws Exception {
    from = registry("from");
    to = registry("to");
    fill();
  }

  private GuardedRegistry registry(String name) throws IOException {
    return new GuardedRegistry(Files.createDirectories(folder.resolve(name)), null);
  }

  @AfterEach
  void close() {
    from.close();
    to.close();
  }

  private JsonNode ok(GuardedRegistry registry, String method, String path, String body)
      throws Exception {
    HttpResponse<String> answer =
        registry.send("ada", method, path, body.replace("\"MODEL\"", "\"" + MODEL + "\""));
    assertThat(answer.statusCode()).as("%s: %s", path, answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private JsonNode post(String path, String body) throws Exception {
    return ok(from, "POST", path, body);
  }

  private static LifecycleEntry command(
      Command command, @Nullable Integer version, String key, String details) {
    boolean registers = command == Command.REGISTER;
    return new LifecycleEntry(
        MODEL,
        Kind.COMMAND,
        command.name(),
        version,
        "jürgen",
        "weil „es“ \u001f geht 🚀",
        5,
        key,
        registers ? "s3://there/" + key : null,
        registers ? SHA : null,
        details);
  }

  private static LifecycleEntry ready(String deploymentKey, long largest) {
    return command(
        Command.READY,
        null,
        "ready " + deploymentKey,
        "{\"deployment_id\": \"%s\", \"subtask\": 0, \"parallelism\": 1, \"largest_event_time\": %d}"
            .formatted(LifecycleRules.deploymentId(MODEL, deploymentKey), largest));
  }

  private LifecycleEntry promote(int version, String key) {
    return from.catalogue.submit(
        command(Command.PROMOTE, version, key, "{\"force\": true, \"evidence\": {\"a\": 1.50}}"));
  }

  /** Something of each kind, so that a kind that gets lost is seen. */
  private void fill() throws Exception {
    post(
        "registered-models/create",
        "{\"name\": \"MODEL\", \"description\": \"日本語\", \"tags\": [{\"key\": \"k\", \"value\": \"ü\"}]}");
    for (int version = 1; version <= 3; version++) {
      LifecycleEntry unusedVersion =
          from.catalogue.submit(
              command(
                  Command.REGISTER,
                  null,
                  "v" + version,
                  "{\"metrics\": {\"auc\": 0.10}, \"request_id\": \"r%d\"}".formatted(version)));
    }
    LifecycleEntry unusedValidated =
        from.catalogue.submit(
            command(Command.VALIDATE, 1, "validate", "{\"passed\": true, \"gates\": []}"));
    assertThat(promote(1, "p1").type()).isEqualTo(Event.DEPLOYMENT_PREPARING.name());
    from.catalogue.pipe(ready("p1", 1_000));
    assertThat(promote(2, "p2").type()).isEqualTo(Event.DEPLOYMENT_PREPARING.name());
    from.catalogue.pipe(ready("p2", 2_000));
    LifecycleEntry rolledBack =
        from.catalogue.submit(command(Command.ROLLBACK, null, "back", "{}"));
    assertThat(rolledBack.type()).isEqualTo(Event.DEPLOYMENT_REVOKED.name());
    // It is being prepared when it is exported.
    assertThat(promote(3, "p3").type()).isEqualTo(Event.DEPLOYMENT_PREPARING.name());
    assertThat(promote(2, "p4").type()).isEqualTo(Event.REFUSED.name());
    post(
        "registered-models/alias",
        "{\"name\": \"MODEL\", \"alias\": \"best\", \"version\": \"2\"}");
    post(
        "model-versions/transition-stage",
        "{\"name\": \"MODEL\", \"version\": \"2\", \"stage\": \"Staging\"}");
    post(
        "model-versions/set-tag",
        "{\"name\": \"MODEL\", \"version\": \"1\", \"key\": \"t\", \"value\": \"x\"}");
    post("registered-models/create", "{\"name\": \"gone\"}");
    ok(from, "DELETE", "registered-models/delete", "{\"name\": \"gone\"}");

    for (String name : List.of("eins", "zwei", "drei")) {
      post("experiments/create", "{\"name\": \"%s\"}".formatted(name));
    }
    post("experiments/delete", "{\"experiment_id\": \"1\"}");
    post("experiments/delete", "{\"experiment_id\": \"2\"}");
    post("experiments/restore", "{\"experiment_id\": \"2\"}");
    post(
        "experiments/set-experiment-tag",
        "{\"experiment_id\": \"0\", \"key\": \"k\", \"value\": \"of the default\"}");
    for (int i = 0; i < 3; i++) {
      String run =
          post(
                  "runs/create",
                  "{\"experiment_id\": \"%d\", \"start_time\": %d}"
                      .formatted(i == 0 ? 0 : 2, 7 + i))
              .at("/run/info/run_id")
              .asText();
      runs.add(run);
      for (String value : List.of("0.30000000000000004", "\"NaN\"", "\"-Infinity\"")) {
        post(
            "runs/log-metric",
            "{\"run_id\": \"%s\", \"key\": \"m %d\", \"value\": %s, \"timestamp\": %d, \"step\": 1}"
                .formatted(run, i, value, value.length()));
      }
      post(
          "runs/log-parameter",
          "{\"run_id\": \"%s\", \"key\": \"p\", \"value\": \"π\"}".formatted(run));
      post(
          "runs/set-tag",
          "{\"run_id\": \"%s\", \"key\": \"t\", \"value\": \"\\\"q\\\"\"}".formatted(run));
    }
    post(
        "runs/update",
        "{\"run_id\": \"%s\", \"status\": \"FINISHED\", \"end_time\": 9}".formatted(runs.get(0)));
    post("runs/delete", "{\"run_id\": \"%s\"}".formatted(runs.get(1)));
    String model =
        post(
                "logged-models",
                "{\"experiment_id\": \"2\", \"name\": \"m\", \"source_run_id\": \"%s\", \"params\": [{\"key\": \"a\", \"value\": \"b\"}]}"
                    .formatted(runs.get(2)))
            .at("/model/info/model_id")
            .asText();
    logged.add(model);
    ok(
        from,
        "PATCH",
        "logged-models/" + model,
        "{\"model_id\": \"%s\", \"status\": \"LOGGED_MODEL_READY\"}".formatted(model));
    from.post(
        "ada",
        "runs/log-parameter",
        "{\"run_id\": \"%s\", \"key\": \"p\", \"value\": \"other\"}".formatted(runs.get(0)));
  }

  private static String unpacked(byte[] file) throws IOException {
    return new String(
        new GZIPInputStream(new ByteArrayInputStream(file)).readAllBytes(), StandardCharsets.UTF_8);
  }

  private static byte[] packed(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  /** The lines of events. */
  private static List<String> events(byte[] file) throws IOException {
    List<String> lines = unpacked(file).lines().toList();
    return lines.subList(1, lines.size() - 1);
  }

  /** A file of these lines, with a last line that says so. */
  private static byte[] sealed(List<String> lines) throws IOException {
    String text = lines.stream().map(line -> line + "\n").collect(Collectors.joining());
    return packed(
        text
            + "{\"end\":true,\"events\":%d,\"sha256\":\"%s\"}\n"
                .formatted(lines.size() - 1, DigestUtils.sha256Hex(text)));
  }

  private List<String> lines() throws Exception {
    List<String> lines = unpacked(from.exported()).lines().toList();
    return new ArrayList<>(lines.subList(0, lines.size() - 1));
  }

  private JsonNode done(byte[] file) throws Exception {
    HttpResponse<String> answer = to.imported("ada", file);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private void assertRefused(byte[] file, int status, String... said) throws Exception {
    HttpResponse<String> answer = to.imported("ada", file);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(JSON.readTree(answer.body()).path("error").asText()).contains(said);
  }

  private void assertNothingWritten() {
    assertThat(to.catalogue.events()).isEmpty();
    assertThat(to.tracking.events()).isEmpty();
  }

  private void assertSame() throws Exception {
    List<String> reads =
        new ArrayList<>(
            List.of(
                "/v1/models",
                "/v1/models/" + MODEL.replace("ü", "%C3%BC").replace("ä", "%C3%A4"),
                "registered-models/search",
                "model-versions/search",
                "logged-models/" + logged.get(0),
                "experiments/get?experiment_id=0",
                "experiments/get?experiment_id=1",
                "experiments/get-by-name?experiment_name=zwei"));
    for (String run : runs) {
      reads.add("runs/get?run_id=" + run);
      reads.add("metrics/get-history?metric_key=m%20" + runs.indexOf(run) + "&run_id=" + run);
    }
    for (String path : reads) {
      assertThat(ok(to, "GET", path, "")).isEqualTo(ok(from, "GET", path, ""));
    }
    for (String path : List.of("experiments/search", "runs/search")) {
      String all =
          "{\"max_results\": 100, \"view_type\": \"ALL\", \"run_view_type\": \"ALL\", \"experiment_ids\": [\"0\", \"2\"]}";
      JsonNode there = ok(from, "POST", path, all);
      assertThat(there).isNotEmpty();
      assertThat(ok(to, "POST", path, all)).isEqualTo(there);
    }
    assertThat(events(to.exported())).isEqualTo(events(from.exported()));
    assertThat(to.catalogue.deployments(MODEL)).isEqualTo(from.catalogue.deployments(MODEL));
    assertThat(to.catalogue.deployments(MODEL)).hasSize(6);
    for (CataloguedModel model : from.catalogue.models()) {
      assertThat(to.catalogue.stored().model(model.name())).isEqualTo(model);
      assertThat(to.catalogue.model(model.name())).contains(model);
    }
    try (Stream<Path> left = Files.list(folder.resolve("to/transfer"))) {
      assertThat(left).as("files that are left behind").isEmpty();
    }
  }

  @Test
  void allComesBackAsItWas() throws Exception {
    JsonNode done = done(from.exported());
    assertSame();
    assertThat(done.path("events")).isEqualTo(done.path("added"));
    assertThat(done.path("already_there").asInt()).isZero();
    assertThat(done.path("subjects").path("models.lifecycle").asInt()).isEqualTo(2);
    assertThat(done.path("subjects").path("models.tracking").asInt()).isEqualTo(5);
    String text = unpacked(from.exported());
    for (String kind :
        List.of(
            "DEPLOYMENT_PREPARING",
            "DEPLOYMENT_EFFECTIVE",
            "DEPLOYMENT_REVOKED",
            "MODEL_DELETED",
            "VERSION_TRANSITIONED",
            "ALIAS_SET",
            "REFUSED",
            "EXPERIMENT_RESTORED",
            "RUN_DELETED",
            "LOGGED_MODEL_FINALIZED",
            "NaN")) {
      assertThat(text).contains(kind);
    }
  }

  @Test
  void theRegistryGoesOnWhereTheOtherWas() throws Exception {
    JsonNode unusedDone = done(from.exported());
    // What was being prepared still is, and becomes effective when its subtasks report here.
    to.catalogue.pipe(ready("p3", 5_000));
    ModelState state = to.catalogue.model(MODEL).orElseThrow().state();
    assertThat(state.champion()).contains(3);
    assertThat(state.at(5_000).orElseThrow().champion().version()).isEqualTo(1);
    assertThat(state.at(5_001).orElseThrow().champion().version()).isEqualTo(3);
    // A command that was answered there is answered here too.
    int before = to.catalogue.events().size();
    to.catalogue.pipe(command(Command.REGISTER, null, "v1", "{}"));
    assertThat(to.catalogue.events()).hasSize(before);
    LifecycleEntry fourth = to.catalogue.submit(command(Command.REGISTER, null, "v4", "{}"));
    assertThat(fourth.version()).isEqualTo(4);
    assertThat(
            ok(to, "POST", "experiments/create", "{\"name\": \"vier\"}")
                .path("experiment_id")
                .asText())
        .isEqualTo("4");
    assertThat(to.post("ada", "experiments/create", "{\"name\": \"eins\"}").statusCode())
        .as("a deleted one keeps its name")
        .isEqualTo(400);
    ok(
        to,
        "POST",
        "runs/log-metric",
        "{\"run_id\": \"%s\", \"key\": \"new\", \"value\": 1, \"timestamp\": 1}"
            .formatted(runs.get(2)));
  }

  @Test
  void aSecondTimeChangesNothing() throws Exception {
    byte[] file = from.exported();
    int events = done(file).path("events").asInt();
    JsonNode again = done(file);
    assertThat(again.path("added").asInt()).isZero();
    assertThat(again.path("already_there").asInt()).isEqualTo(events);
    assertSame();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 9, 20, 40})
  void oneThatStoppedGoesOn(int after) throws Exception {
    byte[] file = from.exported();
    to.imports.set(after);
    assertRefused(file, 503, "import the same file again", "no broker");
    to.imports.set(Integer.MAX_VALUE);
    JsonNode done = done(file);
    assertThat(done.path("already_there").asInt()).isEqualTo(after);
    assertSame();
  }

  @Test
  void whatWasAddedSinceIsBroughtByALaterExport() throws Exception {
    JsonNode unusedDone = done(from.exported());
    post("registered-models/set-tag", "{\"name\": \"MODEL\", \"key\": \"new\", \"value\": \"1\"}");
    post(
        "runs/set-tag",
        "{\"run_id\": \"%s\", \"key\": \"new\", \"value\": \"1\"}".formatted(runs.get(0)));
    byte[] later = from.exported();
    assertThat(done(later).path("added").asInt()).isEqualTo(2);
    assertSame();
  }

  @Test
  void anOtherHistoryIsRefusedWithAllThatDiffers() throws Exception {
    LifecycleEntry unusedOther =
        to.catalogue.submit(command(Command.REGISTER, null, "other", "{}"));
    ok(to, "POST", "experiments/create", "{\"name\": \"mine\"}");
    int models = to.catalogue.events().size();
    int tracked = to.tracking.events().size();
    HttpResponse<String> answer = to.imported("ada", from.exported());
    assertThat(answer.statusCode()).isEqualTo(409);
    JsonNode body = JSON.readTree(answer.body());
    assertThat(body.path("error").asText()).contains("2 models, runs", "nothing was changed");
    assertThat(body.path("problems")).hasSize(2);
    assertThat(body.path("problems").get(0).asText())
        .startsWith("line 2: the file has event 1 of model " + MODEL + ", MODEL_CREATED by ada at")
        .contains("here is event 1 of model " + MODEL + ", VERSION_REGISTERED by jürgen");
    assertThat(body.path("problems").get(1).asText())
        .contains("event 1 of experiments, EXPERIMENT_CREATED");
    assertThat(to.catalogue.events()).hasSize(models);
    assertThat(to.tracking.events()).hasSize(tracked);
  }

  @Test
  void whatSomebodyWritesMeanwhileIsNotedAndStopsIt() throws Exception {
    to.beforeEach =
        event -> {
          if (event instanceof LifecycleEntry entry && ModelState.sequence(entry) == 3) {
            LifecycleEntry unusedOther =
                to.catalogue.submit(command(Command.REGISTER, null, "meanwhile", "{}"));
          }
        };
    assertRefused(from.exported(), 503, "event 3 of model", "was not taken");
    assertRefused(from.exported(), 409, "another history here");
  }

  @Test
  void aCutOffFileIsRefused() throws Exception {
    byte[] file = from.exported();
    for (int length : List.of(0, 1, 9, 200, file.length / 2, file.length - 9, file.length - 1)) {
      assertRefused(Arrays.copyOf(file, length), 400, "Cannot import: ");
    }
    // Packed anew, so that it is a sound gzip file.
    String text = unpacked(file);
    String whole = text.substring(0, text.lastIndexOf("{\"end\""));
    assertRefused(packed(whole), 400, "the file ends before its last line: it was cut off");
    assertRefused(packed(whole.substring(0, 2_000)), 400, "the file was cut off here");
    assertNothingWritten();
  }

  @Test
  void aChangedFileIsRefused() throws Exception {
    byte[] file = from.exported();
    assertRefused(packed(unpacked(file).replace("日本語", "日本")), 400, "sha256", "line ");
    assertRefused(packed(unpacked(file) + "{}\n"), 400, "the export ends before it");
    assertRefused(
        packed(unpacked(file).replace("\"end\":true,\"events\":", "\"end\":true,\"events\":1")),
        400,
        "events are before it");
    for (int at = 20; at < file.length; at += file.length / 40) {
      byte[] damaged = file.clone();
      damaged[at] ^= 0x10;
      assertThat(to.imported("ada", damaged).statusCode()).isEqualTo(400);
    }
    assertNothingWritten();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no gzip",
        "{\"format\":\"millrace-registry-export\",\"version\":1}",
        "PK\u0003\u0004"
      })
  void garbageIsRefused(String body) throws Exception {
    assertRefused(body.getBytes(StandardCharsets.UTF_8), 400, "it is no gzip file");
    assertRefused(packed(body), 400, "line 1");
    assertNothingWritten();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "1 | {\"format\":\"other\"} | line 1: this is no export of a registry",
        "1 | {\"format\":\"millrace-registry-export\",\"version\":2} | format version 2, and this registry reads 1",
        "2 | nothing | line 2: it is no JSON",
        "2 | [] | line 2: it is no JSON object",
        "2 | {} | line 2: it is of journal ''",
        "2 | {\"journal\":\"models.drift\"} | line 2: it is of journal 'models.drift'",
        "2 | {\"journal\":\"models.lifecycle\"} | line 2: it is no event of a registry: type is no text but missing",
        "3 | EVENT 1 | comes after its number 1",
        "4 | EVENT 9 | comes after its number 2",
        "2 | TYPE NO_SUCH_THING | line 2: it is no event of a registry",
        "2 | TYPE VERSION_UPDATED | line 2: event 1 of model",
        "2 | AT -1 | line 2: it is no event of a registry: at is no time",
        "2 | AT 99999999999999999999 | line 2: it is no event of a registry: at is no time",
        "2 | {\"journal\":\"models.tracking\",\"subject\":\"x\"} | subject is neither experiments nor",
      })
  void aLineThatIsWrongIsNamed(int line, String text, String said) throws Exception {
    List<String> lines = lines();
    String old = lines.get(line - 1);
    String replaced = text;
    if (text.startsWith("EVENT ")) {
      replaced = old.replaceAll("(sequence\\\\\":)\\d+", "$1" + text.substring(6));
    } else if (text.startsWith("TYPE ")) {
      replaced = old.replace("MODEL_CREATED", text.substring(5));
    } else if (text.startsWith("AT ")) {
      replaced = old.replaceAll("\"at\":\\d+", "\"at\":" + text.substring(3));
    }
    assertThat(replaced).isNotEqualTo(old);
    lines.set(line - 1, replaced);
    assertRefused(sealed(lines), 400, said);
    assertNothingWritten();
  }

  @Test
  void whatIsTooLargeIsRefused() throws Exception {
    byte[] file = from.exported();
    long text = unpacked(file).length();
    to.close();
    record Case(TransferLimits limits, String said) {}
    for (Case tried :
        List.of(
            new Case(
                new TransferLimits(file.length - 1, 1 << 30, 1 << 20, 1 << 30),
                "the file has more than"),
            new Case(new TransferLimits(1 << 30, text - 1, 1 << 20, 1 << 30), "bytes unpacked"),
            new Case(
                new TransferLimits(1 << 30, 1 << 30, 300, 1 << 30), "it has more than 300 bytes"),
            new Case(new TransferLimits(1 << 30, 1 << 30, 1 << 20, 100), "of memory"))) {
      to = new GuardedRegistry(Files.createTempDirectory(folder, "limited"), null, tried.limits());
      assertRefused(file, 400, tried.said());
      assertNothingWritten();
      to.close();
    }
    to = registry("afterwards");
    // 100 MB of one letter in 100 KB.
    assertRefused(packed("a".repeat(100_000_000)), 400, "line 1: it has more than 8388608 bytes");
    assertRefused(packed("\n".repeat(1_000_000)), 400, "line 1");
  }

  @Test
  void itTakesAnAdminOfAllProjects() throws Exception {
    for (Role role : Role.values()) {
      String name = role.name().toLowerCase(Locale.ROOT);
      to.add(name, role, Projects.ALL);
      boolean admin = role == Role.ADMIN;
      assertThat(to.send(name, "GET", "/v1/export", "").statusCode()).isEqualTo(admin ? 200 : 403);
      assertThat(to.imported(name, from.exported()).statusCode()).isEqualTo(admin ? 200 : 403);
    }
    to.add("flyer", Role.ADMIN, "flights");
    HttpResponse<String> answer = to.imported("flyer", from.exported());
    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.body()).contains("an import is of all projects");
    assertThat(to.send("", "GET", "/v1/export", "").statusCode()).isEqualTo(401);
  }

  @Test
  void theRegistryAloneDecidesWhatIsTheNextEvent() throws Exception {
    List<LifecycleEntry> events =
        from.catalogue.events().stream().filter(e -> e.model().equals(MODEL)).toList();
    // Neither what comes too early, nor what comes again, nor what cannot be folded.
    var early = to.catalogue.bring(events.get(1), "ada");
    assertThat(early).isNotDone();
    assertThat(to.catalogue.events()).isEmpty();
    var first = to.catalogue.bring(events.get(0), "ada");
    assertThat(first).isCompletedWithValue(events.get(0));
    var again = to.catalogue.bring(events.get(0), "ada");
    assertThat(again).isNotDone();
    LifecycleEntry unfoldable =
        new LifecycleEntry(
            MODEL,
            Kind.EVENT,
            Event.VERSION_UPDATED.name(),
            77,
            "ada",
            "",
            1,
            "k",
            null,
            null,
            "{\"sequence\": 2}");
    assertThat(to.catalogue.bring(unfoldable, "ada")).isNotDone();
    assertThat(to.catalogue.events()).containsExactly(events.get(0));
  }
}
