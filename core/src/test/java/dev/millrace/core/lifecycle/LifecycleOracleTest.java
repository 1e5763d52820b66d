package dev.millrace.core.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random commands, decided by the rules and by a second implementation that knows no JSON state.
 */
class LifecycleOracleTest {

  private static final int STEPS = 600;
  private static final int KEYS = 1_200;
  private static final String OTHER_SHA = "cd".repeat(32);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void bothDecideAlike(long seed) {
    Random random = new Random(seed);
    Journal journal = new Journal();
    Naive naive = new Naive();
    Map<String, Integer> seen = new TreeMap<>();
    for (int step = 0; step < STEPS; step++) {
      journal.nowMillis += random.nextInt(3_000);
      LifecycleEntry command = command(random, journal);
      List<String> expected = naive.take(command);
      List<LifecycleEntry> events = journal.take(command);
      assertThat(events.stream().map(LifecycleOracleTest::told).toList())
          .as("%s", command)
          .isEqualTo(expected);
      events.forEach(e -> seen.merge(e.type(), 1, Integer::sum));
      assertThat(journal.state.champion().orElse(0)).isEqualTo(naive.champion());
      for (long time = step % 10; time < 100; time += 40) {
        assertThat(journal.state.at(time).map(DecidedDeployment::deploymentId).orElse("none"))
            .isEqualTo(naive.servedBy(time));
      }
    }
    ModelState folded = ModelState.fold(journal.events).get(Journal.MODEL);
    assertThat(folded).isEqualTo(journal.state);
    // Else the seeds prove nothing.
    assertThat(seen)
        .containsKeys(
            "VERSION_REGISTERED",
            "VERSION_VALIDATED",
            "VERSION_REJECTED",
            "VERSION_ARCHIVED",
            "DEPLOYMENT_PREPARING",
            "DEPLOYMENT_EFFECTIVE",
            "DEPLOYMENT_REVOKED",
            "REFUSED");
  }

  private static String told(LifecycleEntry event) {
    JsonNode details = LifecycleJson.details(event.details());
    return switch (LifecycleEntry.Event.valueOf(event.type())) {
      case VERSION_REGISTERED, VERSION_VALIDATED, VERSION_REJECTED, VERSION_ARCHIVED ->
          event.type() + " " + event.version() + " " + sha256(event);
      case DEPLOYMENT_EFFECTIVE ->
          event.type()
              + " "
              + details.path("deployment_id").asText()
              + " "
              + details.path("effective_time").longValue();
      case DEPLOYMENT_PREPARING, DEPLOYMENT_REVOKED ->
          event.type() + " " + details.path("deployment_id").asText();
      case REFUSED -> "REFUSED";
      default -> throw new AssertionError("no rule of deployments makes " + event.type());
    };
  }

  private static String sha256(LifecycleEntry entry) {
    String sha256 = entry.sha256();
    return sha256 == null ? "" : sha256;
  }

  private static LifecycleEntry command(Random random, Journal journal) {
    String key = "k" + random.nextInt(KEYS);
    int version = 1 + random.nextInt(5);
    ObjectNode details = LifecycleJson.object();
    String preparing =
        journal.state.preparing().map(DecidedDeployment::deploymentId).orElse("none");
    switch (random.nextInt(12)) {
      case 0:
        if (random.nextInt(3) == 0) {
          return Journal.unseenRegistration(key);
        }
        return Journal.registration(key, random.nextBoolean() ? "{}" : "{\"request_id\":\"r\"}");
      case 1:
        details.put("passed", random.nextInt(4) > 0);
        if (random.nextBoolean()) {
          String sha256 = random.nextInt(3) == 0 ? OTHER_SHA : Journal.SHA;
          return Journal.validation(key, version, sha256, details.toString());
        }
        return entry(Command.VALIDATE, version, key, details);
      case 2:
      case 3:
        details.put("force", random.nextInt(3) == 0);
        details.putArray("shadows").add(1 + random.nextInt(4));
        return entry(Command.PROMOTE, version, key, details);
      case 4:
        details.put("canary", version);
        details.put("share", 0.25 * random.nextInt(5));
        return entry(Command.STAGE, null, key, details);
      case 5:
        if (random.nextInt(3) == 0) {
          details.put("deployment_id", preparing);
        }
        return entry(Command.ROLLBACK, null, key, details);
      case 6:
        return random.nextInt(4) == 0
            ? entry(Command.ARCHIVE, version, key, details)
            : entry(Command.VALIDATE, version, key, details.put("passed", true));
      case 7:
        details.put("deployment_id", random.nextInt(3) > 0 ? "none" : preparing);
        return entry(Command.UNLOADABLE, null, key, details);
      default:
        // A key of its own: a subtask repeats itself, and never means another report.
        int parallelism = random.nextInt(20) == 0 ? 1 : 2;
        details.put("deployment_id", preparing);
        details.put("subtask", random.nextInt(parallelism));
        details.put("parallelism", parallelism);
        if (random.nextInt(3) > 0) {
          details.put("largest_event_time", random.nextInt(100));
        }
        return entry(Command.READY, null, "ready-" + random.nextLong(), details);
    }
  }

  private static LifecycleEntry entry(
      Command type, @Nullable Integer version, String key, ObjectNode details) {
    return LifecycleEntry.command(
        Journal.MODEL, type, version, "me", "because", 0, key, details.toString());
  }

  /** What a plain reading of the rules comes to. */
  private static final class Naive {
    private final List<String> statuses = new ArrayList<>();
    private final List<Boolean> requested = new ArrayList<>();
    private final List<String> bytes = new ArrayList<>();
    private final List<Deployed> deployed = new ArrayList<>();
    private final Set<String> keys = new HashSet<>();
    private Map<Integer, Integer> reports = new HashMap<>();
    private long largest = Long.MIN_VALUE;

    private static final class Deployed {
      String id = "";
      String state = "PREPARING";
      int champion;
      int canary;
      Set<Integer> shadows = new HashSet<>();
      long from;

      boolean answers(int version) {
        return champion == version || canary == version;
      }
    }

    List<String> take(LifecycleEntry command) {
      boolean report = command.is(Command.READY) || command.is(Command.UNLOADABLE);
      if (keys.contains(command.idempotencyKey())) {
        return List.of();
      }
      List<String> events = decide(command, LifecycleJson.details(command.details()));
      if (!report || (command.is(Command.UNLOADABLE) && !events.isEmpty())) {
        keys.add(command.idempotencyKey());
      }
      return events;
    }

    private List<String> decide(LifecycleEntry command, JsonNode details) {
      Integer named = command.version();
      int version = named == null ? 0 : named;
      String status = status(version);
      Deployed preparing = last("PREPARING");
      switch (Command.valueOf(command.type())) {
        case REGISTER -> {
          statuses.add("REGISTERED");
          requested.add(details.has("request_id"));
          bytes.add(sha256(command));
          return List.of("VERSION_REGISTERED " + statuses.size() + " " + sha256(command));
        }
        case VALIDATE -> {
          if (status.equals("") || status.equals("ARCHIVED")) {
            return List.of("REFUSED");
          }
          boolean passed = details.path("passed").booleanValue();
          String known = bytes.get(version - 1);
          String said = sha256(command);
          boolean contradicts = !said.isEmpty() && !known.isEmpty() && !said.equals(known);
          boolean knowsNothing = said.isEmpty() && known.isEmpty();
          if (contradicts || (passed && knowsNothing)) {
            return List.of("REFUSED");
          }
          bytes.set(version - 1, known.isEmpty() ? said : known);
          statuses.set(version - 1, passed ? "VALIDATED" : "REJECTED");
          return List.of(
              (passed ? "VERSION_VALIDATED " : "VERSION_REJECTED ")
                  + version
                  + " "
                  + bytes.get(version - 1));
        }
        case PROMOTE -> {
          boolean force = details.path("force").booleanValue();
          if (preparing != null || !fit(version, force) || (champion() == version && !force)) {
            return List.of("REFUSED");
          }
          int shadow = details.path("shadows").get(0).intValue();
          if (status(shadow).equals("")
              || status(shadow).equals("ARCHIVED")
              || bytes.get(shadow - 1).isEmpty()) {
            return List.of("REFUSED");
          }
          return List.of(prepare(command, version, 0, shadow));
        }
        case STAGE -> {
          int canary = details.path("canary").intValue();
          if (preparing != null
              || champion() == 0
              || champion() == canary
              || !fit(canary, false)
              || details.path("share").doubleValue() <= 0) {
            return List.of("REFUSED");
          }
          return List.of(prepare(command, champion(), canary, 0));
        }
        case ROLLBACK -> {
          return rollback(details, preparing);
        }
        case ARCHIVE -> {
          Deployed current = last("EFFECTIVE");
          for (Deployed used : new Deployed[] {preparing, current}) {
            if (used != null && (used.answers(version) || used.shadows.contains(version))) {
              return List.of("REFUSED");
            }
          }
          if (status.equals("") || status.equals("ARCHIVED")) {
            return List.of("REFUSED");
          }
          statuses.set(version - 1, "ARCHIVED");
          return List.of("VERSION_ARCHIVED " + version + " " + bytes.get(version - 1));
        }
        case READY -> {
          if (preparing == null || !preparing.id.equals(details.path("deployment_id").asText())) {
            return List.of();
          }
          int parallelism = details.path("parallelism").intValue();
          reports.put(details.path("subtask").intValue(), parallelism);
          if (details.has("largest_event_time")) {
            largest = Math.max(largest, details.path("largest_event_time").longValue());
          }
          for (int i = 0; i < parallelism; i++) {
            if (reports.getOrDefault(i, 0) != parallelism) {
              return List.of();
            }
          }
          preparing.state = "EFFECTIVE";
          preparing.from = largest == Long.MIN_VALUE ? largest : largest + 1;
          return List.of("DEPLOYMENT_EFFECTIVE " + preparing.id + " " + preparing.from);
        }
        case UNLOADABLE -> {
          if (preparing == null || !preparing.id.equals(details.path("deployment_id").asText())) {
            return List.of();
          }
          preparing.state = "REVOKED";
          return List.of("DEPLOYMENT_REVOKED " + preparing.id);
        }
        default -> throw new AssertionError("no command of this test");
      }
    }

    private List<String> rollback(JsonNode details, @Nullable Deployed preparing) {
      List<String> events = new ArrayList<>();
      if (details.has("deployment_id")) {
        if (preparing == null) {
          return List.of("REFUSED");
        }
        preparing.state = "REVOKED";
        return List.of("DEPLOYMENT_REVOKED " + preparing.id);
      }
      int champion = champion();
      int goal = -1;
      for (int i = 0; i < deployed.size(); i++) {
        Deployed one = deployed.get(i);
        if (one.state.equals("EFFECTIVE")
            && !one.answers(champion)
            && !status(one.champion).equals("ARCHIVED")) {
          goal = i;
        }
      }
      for (int i = deployed.size() - 1; i >= 0; i--) {
        Deployed one = deployed.get(i);
        if (one == preparing || (goal >= 0 && i > goal && one.state.equals("EFFECTIVE"))) {
          one.state = "REVOKED";
          events.add("DEPLOYMENT_REVOKED " + one.id);
        }
      }
      return events.isEmpty() ? List.of("REFUSED") : events;
    }

    private String prepare(LifecycleEntry command, int champion, int canary, int shadow) {
      Deployed next = new Deployed();
      next.id = LifecycleRules.deploymentId(Journal.MODEL, command.idempotencyKey());
      next.champion = champion;
      next.canary = canary;
      if (shadow > 0) {
        next.shadows.add(shadow);
      }
      deployed.add(next);
      reports = new HashMap<>();
      largest = Long.MIN_VALUE;
      return "DEPLOYMENT_PREPARING " + next.id;
    }

    private boolean fit(int version, boolean force) {
      if (version >= 1 && version <= bytes.size() && bytes.get(version - 1).isEmpty()) {
        return false;
      }
      return switch (status(version)) {
        case "VALIDATED" -> true;
        case "REJECTED" -> force;
        case "REGISTERED" -> force || (champion() == 0 && !requested.get(version - 1));
        default -> false;
      };
    }

    private String status(int version) {
      return version >= 1 && version <= statuses.size() ? statuses.get(version - 1) : "";
    }

    private @Nullable Deployed last(String state) {
      Deployed found = null;
      for (Deployed one : deployed) {
        found = one.state.equals(state) ? one : found;
      }
      return found;
    }

    int champion() {
      Deployed current = last("EFFECTIVE");
      return current == null ? 0 : current.champion;
    }

    String servedBy(long time) {
      String id = "none";
      for (Deployed one : deployed) {
        if (one.state.equals("EFFECTIVE") && one.from <= time) {
          id = one.id;
        }
      }
      return id;
    }
  }
}
