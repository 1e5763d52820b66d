package dev.millrace.registry;

import static dev.millrace.registry.ExportBytes.events;
import static dev.millrace.registry.ExportBytes.packed;
import static dev.millrace.registry.ExportBytes.sealed;
import static dev.millrace.registry.ExportBytes.unpacked;
import static dev.millrace.registry.FilledRegistry.MODEL;
import static dev.millrace.registry.FilledRegistry.command;
import static dev.millrace.registry.FilledRegistry.ok;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.transfer.TransferLimits;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that a registry does not take, and who may not bring one. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RefusedImportTest {

  private static final JsonMapper JSON = new JsonMapper();

  private final Path folder;
  private final FilledRegistry filled;
  private final GuardedRegistry from;

  /** Takes nothing, so that all who bring it what is wrong can share it. */
  private final GuardedRegistry to;

  RefusedImportTest(@TempDir Path folder) throws Exception {
    this.folder = folder;
    filled = new FilledRegistry(Files.createDirectories(folder.resolve("from")));
    from = filled.registry;
    to = registry("to");
  }

  private GuardedRegistry registry(String name) throws IOException {
    return new GuardedRegistry(Files.createDirectories(folder.resolve(name)), null);
  }

  @AfterAll
  void close() {
    filled.close();
    to.close();
  }

  private List<String> lines() throws Exception {
    List<String> lines = unpacked(from.exported()).lines().toList();
    return new ArrayList<>(lines.subList(0, lines.size() - 1));
  }

  private void assertRefused(byte[] file, int status, String... said) throws Exception {
    assertRefused(to, file, status, said);
  }

  private static void assertRefused(GuardedRegistry to, byte[] file, int status, String... said)
      throws Exception {
    HttpResponse<String> answer = to.imported("ada", file);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(JSON.readTree(answer.body()).path("error").asText()).contains(said);
  }

  private void assertNothingWritten() {
    assertNothingWritten(to);
  }

  private static void assertNothingWritten(GuardedRegistry to) {
    assertThat(to.catalogue.events()).isEmpty();
    assertThat(to.tracking.events()).isEmpty();
  }

  @Test
  void anOtherHistoryIsRefusedWithAllThatDiffers() throws Exception {
    try (GuardedRegistry other = registry("other")) {
      LifecycleEntry unusedOther =
          other.catalogue.submit(command(Command.REGISTER, null, "other", "{}"));
      ok(other, "POST", "experiments/create", "{\"name\": \"mine\"}");
      int models = other.catalogue.events().size();
      int tracked = other.tracking.events().size();
      HttpResponse<String> answer = other.imported("ada", from.exported());
      assertThat(answer.statusCode()).isEqualTo(409);
      JsonNode body = JSON.readTree(answer.body());
      assertThat(body.path("error").asText()).contains("2 models, runs", "nothing was changed");
      assertThat(body.path("problems")).hasSize(2);
      assertThat(body.path("problems").get(0).asText())
          .startsWith(
              "line 2: the file has event 1 of model " + MODEL + ", MODEL_CREATED by ada at")
          .contains("here is event 1 of model " + MODEL + ", VERSION_REGISTERED by jürgen");
      assertThat(body.path("problems").get(1).asText())
          .contains("event 1 of experiments, EXPERIMENT_CREATED");
      assertThat(other.catalogue.events()).hasSize(models);
      assertThat(other.tracking.events()).hasSize(tracked);
    }
  }

  @Test
  void whatSomebodyWritesMeanwhileIsNotedAndStopsIt() throws Exception {
    try (GuardedRegistry written = registry("written")) {
      written.beforeEach =
          event -> {
            if (event instanceof LifecycleEntry entry && ModelState.sequence(entry) == 3) {
              LifecycleEntry unusedOther =
                  written.catalogue.submit(command(Command.REGISTER, null, "meanwhile", "{}"));
            }
          };
      assertRefused(written, from.exported(), 503, "event 3 of model", "was not taken");
      assertRefused(written, from.exported(), 409, "another history here");
    }
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
      try (GuardedRegistry limited =
          new GuardedRegistry(Files.createTempDirectory(folder, "limited"), null, tried.limits())) {
        assertRefused(limited, file, 400, tried.said());
        assertNothingWritten(limited);
      }
    }
    // 100 MB of one letter in 100 KB.
    assertRefused(packed("a".repeat(100_000_000)), 400, "line 1: it has more than 8388608 bytes");
    assertRefused(packed("\n".repeat(1_000_000)), 400, "line 1");
  }

  @Test
  void itTakesAnAdminOfAllProjects() throws Exception {
    try (GuardedRegistry guarded = registry("guarded")) {
      for (Role role : Role.values()) {
        String name = role.name().toLowerCase(Locale.ROOT);
        guarded.add(name, role, Projects.ALL);
        boolean admin = role == Role.ADMIN;
        assertThat(guarded.send(name, "GET", "/v1/export", "").statusCode())
            .isEqualTo(admin ? 200 : 403);
        assertThat(guarded.imported(name, from.exported()).statusCode())
            .isEqualTo(admin ? 200 : 403);
      }
      guarded.add("flyer", Role.ADMIN, "flights");
      HttpResponse<String> answer = guarded.imported("flyer", from.exported());
      assertThat(answer.statusCode()).isEqualTo(403);
      assertThat(answer.body()).contains("an import is of all projects");
      assertThat(guarded.send("", "GET", "/v1/export", "").statusCode()).isEqualTo(401);
    }
  }

  @Test
  void theRegistryAloneDecidesWhatIsTheNextEvent() throws Exception {
    try (GuardedRegistry brought = registry("brought")) {
      List<LifecycleEntry> events =
          from.catalogue.events().stream().filter(e -> e.model().equals(MODEL)).toList();
      // Neither what comes too early, nor what comes again, nor what cannot be folded.
      var early = brought.catalogue.bring(events.get(1), "ada");
      assertThat(early).isNotDone();
      assertThat(brought.catalogue.events()).isEmpty();
      var first = brought.catalogue.bring(events.get(0), "ada");
      assertThat(first).isCompletedWithValue(events.get(0));
      var again = brought.catalogue.bring(events.get(0), "ada");
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
      assertThat(brought.catalogue.bring(unfoldable, "ada")).isNotDone();
      assertThat(brought.catalogue.events()).containsExactly(events.get(0));
    }
  }
}
