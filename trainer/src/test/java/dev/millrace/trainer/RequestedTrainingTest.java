package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Label.Repeat;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One version a request, wherever the trainer is killed. */
class RequestedTrainingTest {

  private static final String REQUEST_ID = "ab".repeat(32);
  private static final long END_MILLIS = 1_000_000;
  private static final Model MODEL =
      WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofHours(24));
  private static final RetrainingRequest REQUEST = request("REQUESTED");

  private final Killing killing = new Killing();
  private final FakeRegistry registry = new FakeRegistry();
  private final FakeWorkshop workshop = new FakeWorkshop();
  private final List<Alerts.Alert> alerts = new ArrayList<>();

  /** What is thrown where the process would be gone. */
  private static final class KilledException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** Ends the process before or after one of its steps. */
  private static final class Killing {
    int at = Integer.MAX_VALUE;
    int steps;

    void step() {
      if (++steps == at) {
        throw new KilledException();
      }
    }
  }

  /** Answers commands as the registry does: once for each key. */
  private final class FakeRegistry implements Lifecycle {
    final List<LifecycleEntry> commands = new ArrayList<>();
    final Map<String, LifecycleEntry> events = new LinkedHashMap<>();
    boolean up = true;
    boolean refuses;
    private int versions;

    @Override
    public void ask(LifecycleEntry command) {
      killing.step();
      commands.add(command);
      if (up) {
        catchUp();
      }
      killing.step();
    }

    void catchUp() {
      for (LifecycleEntry command : commands) {
        LifecycleEntry unused =
            events.computeIfAbsent(command.idempotencyKey(), key -> event(command));
      }
    }

    private LifecycleEntry event(LifecycleEntry command) {
      Event event =
          refuses
              ? Event.REFUSED
              : command.is(Command.REGISTER) ? Event.VERSION_REGISTERED : Event.VERSION_VALIDATED;
      return new LifecycleEntry(
          command.model(),
          Kind.EVENT,
          event.name(),
          command.is(Command.REGISTER) ? Integer.valueOf(++versions) : command.version(),
          command.actor(),
          refuses ? "its file has another sha256" : command.reason(),
          command.atMillis(),
          command.idempotencyKey(),
          command.uri(),
          command.sha256(),
          command.details());
    }

    @Override
    public Optional<LifecycleEntry> answer(String model, String idempotencyKey) {
      killing.step();
      return Optional.ofNullable(events.get(idempotencyKey));
    }

    @Override
    public Optional<LifecycleEntry> await(String model, String idempotencyKey, Duration patience) {
      return answer(model, idempotencyKey);
    }

    List<LifecycleEntry> versions() {
      return events.values().stream().filter(e -> e.is(Event.VERSION_REGISTERED)).toList();
    }
  }

  /** Makes another artifact each time, as data that still arrive would. */
  private final class FakeWorkshop implements RequestedTraining.Workshop {
    final Map<String, Candidate> made = new LinkedHashMap<>();
    int makings;
    @Nullable RuntimeException fails;

    @Override
    public Optional<Candidate> find(Model model, String requestId) {
      killing.step();
      return Optional.ofNullable(made.get(requestId));
    }

    @Override
    public Candidate make(
        Project project,
        int projectRevision,
        Model model,
        long startMillis,
        long endMillis,
        String requestId,
        ObjectNode extras) {
      killing.step();
      if (fails != null) {
        throw fails;
      }
      makings++;
      assertThat(startMillis).isEqualTo(END_MILLIS - Duration.ofHours(24).toMillis());
      assertThat(endMillis).isEqualTo(END_MILLIS);
      ObjectNode validation = new JsonMapper().createObjectNode();
      validation.put("passed", true).putArray("gates");
      validation.setAll(extras);
      Candidate candidate =
          new Candidate(
              model.name(),
              requestId,
              Path.of("/artifacts/delay_risk/" + requestId.substring(0, 16)),
              "sha-" + makings,
              extras,
              validation);
      made.put(requestId, candidate);
      killing.step();
      return candidate;
    }
  }

  private RequestedTraining training() {
    return new RequestedTraining(registry, alerts::add, workshop, () -> 5, message -> {});
  }

  private RequestedTraining.Outcome fulfil() throws IOException, InterruptedException {
    return training().fulfil(project(), 3, REQUEST);
  }

  @Test
  void aRequestBecomesOneVersion() throws Exception {
    assertThat(fulfil()).isEqualTo(RequestedTraining.Outcome.VERSION);
    assertThat(fulfil()).isEqualTo(RequestedTraining.Outcome.ALREADY_DONE);

    assertThat(workshop.makings).isEqualTo(1);
    assertThat(registry.commands)
        .extracting(LifecycleEntry::type, LifecycleEntry::idempotencyKey, LifecycleEntry::version)
        .containsExactly(
            tuple("REGISTER", REQUEST_ID, null), tuple("VALIDATE", REQUEST_ID + "/validate", 1));
    assertThat(registry.commands)
        .allSatisfy(
            c -> {
              assertThat(c.details()).contains("\"request_id\":\"" + REQUEST_ID + "\"");
              assertThat(c.actor()).isEqualTo("trainer");
            });
    assertThat(alerts).isEmpty();
  }

  @Test
  void whereverItIsKilledThereIsOneVersion() throws Exception {
    fulfil();
    int steps = killing.steps;
    assertThat(steps).isGreaterThan(8);
    for (int first = 1; first <= steps; first++) {
      for (int second = 1; second <= steps; second++) {
        RequestedTrainingTest fresh = new RequestedTrainingTest();
        fresh.killed(first);
        fresh.killed(second);
        fresh.killing.at = Integer.MAX_VALUE;
        assertThat(fresh.fulfil())
            .isIn(RequestedTraining.Outcome.VERSION, RequestedTraining.Outcome.ALREADY_DONE);
        assertThat(fresh.registry.versions()).hasSize(1);
        assertThat(fresh.registry.events).containsOnlyKeys(REQUEST_ID, REQUEST_ID + "/validate");
        assertThat(fresh.workshop.made).hasSize(1);
        // What is registered is what lies in the folder.
        assertThat(fresh.registry.versions().get(0).sha256())
            .isEqualTo(Objects.requireNonNull(fresh.workshop.made.get(REQUEST_ID)).sha256());
        assertThat(fresh.alerts).isEmpty();
      }
    }
  }

  private void killed(int step) throws IOException, InterruptedException {
    killing.steps = 0;
    killing.at = step;
    try {
      RequestedTraining.Outcome unused = fulfil();
    } catch (KilledException e) {
      // As meant.
    }
  }

  @Test
  void aRegistryThatIsDownIsAskedAgain() throws Exception {
    registry.up = false;
    assertThatThrownBy(this::fulfil)
        .isInstanceOf(VersionPublisher.UnansweredException.class)
        .hasMessageContaining("is it up?");
    // It comes back, finds the command, and is asked the same once more.
    registry.up = true;
    assertThat(fulfil()).isEqualTo(RequestedTraining.Outcome.VERSION);
    assertThat(registry.versions()).hasSize(1);
    assertThat(workshop.makings).isEqualTo(1);
  }

  @Test
  void whatTrainingCannotMendIsAnAlert() throws Exception {
    workshop.fails = TrainingException.ofData("Cannot train delay_risk: 0 are positive");
    assertThat(fulfil()).isEqualTo(RequestedTraining.Outcome.ALERT);
    assertThat(fulfil()).isEqualTo(RequestedTraining.Outcome.ALERT);
    assertThat(registry.commands).isEmpty();
    assertThat(alerts).hasSize(2);
    assertThat(alerts.get(0)).isEqualTo(alerts.get(1));
    assertThat(alerts.get(0).rule()).isEqualTo("TRAINING_FAILED");
    assertThat(alerts.get(0).message()).contains("0 are positive");
    assertThat(alerts.get(0).evidence()).contains(REQUEST_ID);
  }

  @Test
  void whatTheRegistryRefusesIsAnAlert() throws Exception {
    registry.refuses = true;
    assertThat(fulfil()).isEqualTo(RequestedTraining.Outcome.ALERT);
    assertThat(alerts).hasSize(1);
    assertThat(alerts.get(0).message()).contains("its file has another sha256");
  }

  @Test
  void whatMayPassIsNot() {
    workshop.fails = new TrainingException("Cannot read table fraud.events_transactions");
    assertThatThrownBy(this::fulfil).isSameAs(workshop.fails);
    assertThat(alerts).isEmpty();
    assertThat(registry.commands).isEmpty();
  }

  @Test
  void aSuppressedRequestIsNone() throws Exception {
    assertThat(training().fulfil(project(), 3, request("SUPPRESSED")))
        .isEqualTo(RequestedTraining.Outcome.SUPPRESSED);
    assertThat(killing.steps).isZero();
  }

  @Test
  void aModelThatIsGoneIsAnAlert() throws Exception {
    assertThat(training().fulfil(WarehouseFixture.project(), 3, REQUEST))
        .isEqualTo(RequestedTraining.Outcome.ALERT);
    assertThat(alerts.get(0).message()).contains("no such model");
  }

  private static RetrainingRequest request(String decision) {
    return new RetrainingRequest(
        MODEL.name(), REQUEST_ID, decision, "performance", END_MILLIS, null, END_MILLIS);
  }

  private static Project project() {
    Project plain = WarehouseFixture.project();
    return new Project(
        plain.name(),
        null,
        plain.sources(),
        plain.entities(),
        plain.featureViews(),
        List.of(MODEL),
        List.of());
  }
}
