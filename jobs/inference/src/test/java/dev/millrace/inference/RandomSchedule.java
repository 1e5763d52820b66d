package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.PREPARING;
import static dev.millrace.core.model.Deployment.State.REVOKED;
import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DEPARTURES;
import static dev.millrace.inference.Flights.DEPARTURES_VERSION;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.NOON;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;

/**
 * One job over its restarts, and the books that are kept of it from outside: what was sent, what
 * came out, and what the deployments say. Nothing of them is asked of the operator.
 */
final class RandomSchedule {

  /** What a run of many schedules must have come to. */
  enum Seen {
    CRASH,
    WAITING_AT_CHECKPOINT,
    WAITING_AFTER_RESTORE,
    IDLE,
    INCLUDED,
    STALE,
    NULL_KEY,
    NO_MODEL,
    FALLBACK,
    SWAP,
    SWAP_AFTER_CRASH,
    REVOKED,
    ROLLED_BACK,
    OUTAGE
  }

  private static final ScoringPlan WITH_FALLBACK =
      Flights.plan("0.25", DELAY, DEPARTURES, DISTANCE);
  private static final ScoringPlan WITHOUT = Flights.plan(null, DELAY, DEPARTURES, DISTANCE);
  private static final JsonMapper JSON = new JsonMapper();
  private static final int STEPS = 160;
  private static final int OUT_OF_ORDER_MILLIS = 30;

  /** max-delay, max-feature-wait and the millisecond on which a restored event is taken. */
  private static final long LONGEST_MILLIS = 10 + 50 + 1;

  private record Sent(
      long offset, long timeMillis, @Nullable String origin, @Nullable Double distance) {
    String id() {
      return "f" + offset;
    }

    /** What the view's filter says. */
    boolean counts() {
      return distance != null && distance > 0;
    }
  }

  /**
   * An event that was taken and has not gone out.
   *
   * @param isLate whether time had come past it before it was taken
   */
  private record Waiting(Sent sent, long sinceMillis, boolean isLate) {}

  private record Said(Sent sent, int version) {}

  private final Random random;
  private final Map<Seen, Integer> seen;
  private final boolean rollsBack;
  private final boolean hasOutages;
  private final boolean looksAgain;
  private final ScoringPlan plan;
  private final FakeStore store = new FakeStore();
  private final FakeModels models = new FakeModels();

  // The topics.
  private final List<Sent> source = new ArrayList<>();
  private final List<DeploymentRecord> deployments = new ArrayList<>();
  private final List<Said> said = new ArrayList<>();
  private final Map<String, Long> reports = new HashMap<>();
  private @Nullable String preparing;
  private boolean unloadable;
  private boolean crashedWhilePreparing;

  // What checkpoints completed.
  private final Map<String, Integer> committed = new HashMap<>();
  private List<Waiting> savedWaiting = List.of();
  private long savedOffset;
  private @Nullable OperatorSubtaskState saved;
  private long checkpoint;

  // The attempt.
  private Scoring scoring;
  private final Map<String, Waiting> waiting = new LinkedHashMap<>();
  private final List<String> written = new ArrayList<>();
  private long next;
  private int delivered;
  private long deliveredMillis;
  private int announcedBefore;
  private long now = 1_000;
  private long inputWatermark;
  private long outputWatermark;
  private long largestMillis;
  private boolean idle;

  @SuppressWarnings("NullAway.Init") // run starts the first attempt.
  RandomSchedule(long seed, Map<Seen, Integer> seen) {
    this.random = new Random(seed);
    this.seen = seen;
    this.rollsBack = seed % 2 == 0;
    this.hasOutages = seed % 4 >= 2;
    this.looksAgain = seed % 8 == 0;
    this.plan = seed % 3 == 0 ? WITHOUT : WITH_FALLBACK;
  }

  void run() throws Exception {
    start();
    checkpoint();
    for (int step = 0; step < STEPS; step++) {
      step(random.nextInt(100));
      look(delivered);
    }
    end();
  }

  private void step(int action) throws Exception {
    if (action < 38) {
      event();
    } else if (action < 52) {
      time(random.nextInt(16));
    } else if (action < 60) {
      row();
    } else if (action < 65) {
      watermark(largestMillis - random.nextInt(2 * OUT_OF_ORDER_MILLIS));
    } else if (action < 67) {
      idle(!idle);
    } else if (action < 71) {
      scoring.idle();
    } else if (action < 75) {
      checkpoint();
    } else if (action < 76) {
      crash();
    } else if (action < 82) {
      prepare();
    } else if (action < 87) {
      scoring.time.runLoader();
    } else if (action < 92) {
      decide();
    } else if (action < 97) {
      deliver();
    } else if (action < 98) {
      rollBack();
    } else if (hasOutages) {
      store.down = !store.down;
      saw(Seen.OUTAGE);
    }
  }

  private void start() throws Exception {
    Long largestSaid = said.stream().map(s -> s.sent.timeMillis).max(Long::compare).orElse(null);
    scoring =
        new Scoring(
            plan,
            store,
            models,
            new ManualTime(),
            saved,
            largestSaid,
            deployments.toArray(new DeploymentRecord[0]));
    scoring.harness.setProcessingTime(now);
    delivered = deployments.size();
    announcedBefore = 0;
    next = savedOffset;
    written.clear();
    waiting.clear();
    savedWaiting.forEach(w -> waiting.put(w.sent.id(), new Waiting(w.sent, now, false)));
    inputWatermark = Long.MIN_VALUE;
    outputWatermark = Long.MIN_VALUE;
    // Other splits of the source may be further than what is read again.
    largestMillis = source.stream().limit(next).mapToLong(Sent::timeMillis).max().orElse(NOON);
    idle = false;
  }

  private void event() throws Exception {
    if (next == source.size()) {
      int kind = random.nextInt(20);
      source.add(
          new Sent(
              next,
              NOON + 5 * next - random.nextInt(OUT_OF_ORDER_MILLIS),
              kind == 0 ? null : "O" + random.nextInt(3),
              kind == 1 ? null : kind == 2 ? (Double) 0.0 : (Double) (1.0 + next)));
    }
    Sent sent = source.get((int) next++);
    idle(false);
    waiting.put(sent.id(), new Waiting(sent, now, sent.timeMillis <= inputWatermark));
    largestMillis = Math.max(largestMillis, sent.timeMillis);
    scoring.event(
        new Inbound(
            new Event(
                0,
                sent.offset,
                sent.timeMillis,
                sent.timeMillis,
                sent.id(),
                new Object[] {sent.id(), sent.timeMillis, sent.origin, sent.distance},
                null,
                null),
            null));
  }

  private void time(int millis) throws Exception {
    for (int i = 0; i < millis; i++) {
      now++;
      scoring.time.nanos += 1_000_000;
      scoring.harness.setProcessingTime(now);
      look(delivered);
      if (preparing == null && delivered == deployments.size()) {
        assertThat(waiting.values())
            .allMatch(w -> now - Math.max(w.sinceMillis, deliveredMillis) <= LONGEST_MILLIS);
      }
    }
  }

  /** The pipeline writes a row that covers some of what was sent, or all. */
  private void row() {
    long offset = Math.max(0, source.size() - 1 - random.nextInt(4));
    store.row(
        "features:{origin:O" + random.nextInt(3) + "}:origin_departures",
        NOON,
        "0:" + offset,
        DEPARTURES_VERSION,
        "count_1h",
        "1");
  }

  private void watermark(long millis) throws Exception {
    if (millis > inputWatermark) {
      idle(false);
      inputWatermark = millis;
      scoring.harness.processWatermark1(new Watermark(millis));
    }
  }

  private void idle(boolean newIdle) throws Exception {
    if (newIdle != idle) {
      idle = newIdle;
      scoring.harness.processWatermarkStatus1(idle ? WatermarkStatus.IDLE : WatermarkStatus.ACTIVE);
    }
  }

  private void checkpoint() throws Exception {
    checkpoint++;
    scoring.barrier(checkpoint);
    look(delivered);
    saved = scoring.harness.snapshot(checkpoint, now);
    savedOffset = next;
    savedWaiting = List.copyOf(waiting.values());
    if (!savedWaiting.isEmpty()) {
      saw(Seen.WAITING_AT_CHECKPOINT);
    }
    written.forEach(id -> committed.merge(id, 1, Integer::sum));
    written.clear();
  }

  private void crash() throws Exception {
    saw(Seen.CRASH);
    if (!savedWaiting.isEmpty()) {
      saw(Seen.WAITING_AFTER_RESTORE);
    }
    crashedWhilePreparing = preparing != null;
    scoring.close();
    start();
  }

  // The registry.

  private void prepare() {
    if (preparing == null) {
      int version = deployments.size() + 1;
      preparing = "d" + version;
      if (random.nextInt(8) == 0) {
        models.broken.add(version);
      }
      say(preparing, PREPARING, null);
    }
  }

  /** All tasks, the only one, have announced; then it takes effect, or somebody calls it off. */
  private void decide() {
    String id = preparing;
    if (id == null) {
      return;
    }
    Long report = reports.get(id);
    if (unloadable || random.nextInt(8) == 0) {
      say(id, REVOKED, null);
      saw(Seen.REVOKED);
    } else if (report != null) {
      say(id, EFFECTIVE, report + 1);
      saw(crashedWhilePreparing ? Seen.SWAP_AFTER_CRASH : Seen.SWAP);
    } else {
      return;
    }
    preparing = null;
    unloadable = false;
    crashedWhilePreparing = false;
  }

  private void rollBack() {
    if (rollsBack) {
      for (int i = deployments.size() - 1; i >= 0; i--) {
        Deployment last = deployments.get(i).deployment();
        Deployment stands = stands(last.deploymentId(), deployments);
        if (stands.state() == EFFECTIVE) {
          say(last.deploymentId(), REVOKED, stands.effectiveTimeMillis());
          saw(Seen.ROLLED_BACK);
          return;
        }
      }
    }
  }

  private void say(String id, Deployment.State state, @Nullable Long fromMillis) {
    deployments.add(
        Flights.record(
            deployments.size(), id, state, fromMillis, Integer.parseInt(id.substring(1)), null, 0));
  }

  private void deliver() throws Exception {
    if (delivered < deployments.size()) {
      int before = delivered;
      DeploymentRecord record = deployments.get(delivered++);
      deliveredMillis = now;
      scoring.deploy(record);
      look(before);
    }
  }

  private static Deployment stands(String id, List<DeploymentRecord> log) {
    Deployment last = null;
    for (DeploymentRecord record : log) {
      if (record.deployment().deploymentId().equals(id)) {
        last = record.deployment();
      }
    }
    if (last == null) {
      throw new AssertionError(id);
    }
    return last;
  }

  /** The version of the last deployment that took effect, stands, and holds at this time. */
  private static int version(List<DeploymentRecord> log, long timeMillis) {
    int version = 0;
    for (DeploymentRecord record : log) {
      Deployment deployment = record.deployment();
      Long from = deployment.effectiveTimeMillis();
      if (deployment.state() == EFFECTIVE
          && from != null
          && from <= timeMillis
          && stands(deployment.deploymentId(), log).state() == EFFECTIVE) {
        version = Integer.parseInt(deployment.deploymentId().substring(1));
      }
    }
    return version;
  }

  // What comes out.

  /**
   * Enters what came out into the books.
   *
   * @param deliveredBefore how much of the log was known before what has just happened
   */
  private void look(int deliveredBefore) throws Exception {
    var letters = scoring.harness.getSideOutput(ScoringOperator.LETTERS);
    for (var letter = letters == null ? null : letters.poll();
        letter != null;
        letter = letters.poll()) {
      letter(letter.getValue(), letter.getTimestamp(), deliveredBefore);
    }
    for (Object out = scoring.harness.getOutput().poll();
        out != null;
        out = scoring.harness.getOutput().poll()) {
      if (out instanceof Watermark mark) {
        assertThat(mark.getTimestamp()).isBetween(outputWatermark, inputWatermark);
        outputWatermark = mark.getTimestamp();
        assertThat(waiting.values())
            .as("overtaken by %s", mark)
            .allMatch(w -> w.isLate || w.sent.timeMillis > outputWatermark);
      } else if (out instanceof WatermarkStatus status) {
        assertThat(status.isIdle() && !waiting.isEmpty()).as("idle with %s", waiting).isFalse();
        saw(Seen.IDLE);
      } else if (out instanceof StreamRecord<?> made) {
        prediction((Prediction) made.getValue(), made.getTimestamp(), deliveredBefore);
      }
    }
    List<LifecycleEntry> announced = scoring.announced;
    for (; announcedBefore < announced.size(); announcedBefore++) {
      LifecycleEntry entry = announced.get(announcedBefore);
      JsonNode details = JSON.readTree(entry.details());
      String id = details.get("deployment_id").asText();
      if (entry.is(LifecycleEntry.Command.READY)) {
        // Nothing was taken: it holds from the beginning.
        reports.merge(id, details.get("largest_event_time").asLong(0), Math::max);
      } else if (id.equals(preparing)) {
        unloadable = true;
      }
    }
  }

  private Sent out(String id, long timestampMillis) {
    Waiting was = waiting.remove(id);
    assertThat(was).as("%s is sent, and goes out once", id).isNotNull();
    Sent sent = was == null ? source.get(0) : was.sent;
    assertThat(timestampMillis).isEqualTo(sent.timeMillis);
    written.add(id);
    return sent;
  }

  private void letter(DeadLetter letter, long timestampMillis, int deliveredBefore) {
    String key = letter.recordKey();
    Sent sent = out("f" + key.substring(key.lastIndexOf(':') + 1), timestampMillis);
    if (sent.origin == null) {
      assertThat(letter.reason()).isEqualTo("NULL_KEY");
      saw(Seen.NULL_KEY);
    } else {
      assertThat(letter.reason()).isEqualTo("NO_MODEL");
      assertThat(plan.fallback()).isNull();
      assertVersion(sent, 0, deliveredBefore);
      saw(Seen.NO_MODEL);
    }
  }

  private void prediction(Prediction made, long timestampMillis, int deliveredBefore) {
    Waiting was = waiting.get(made.eventId());
    Sent sent = out(made.eventId(), timestampMillis);
    assertThat(sent.origin).isNotNull();
    assertThat(made.eventTimeMillis()).isEqualTo(sent.timeMillis);
    assertThat(made.inputs()).containsEntry("distance", sent.distance);
    assertThat(made.score()).isEqualTo(made.version() == 0 ? 0.25 : made.version() / 10.0);
    assertVersion(sent, made.version(), deliveredBefore);
    said.add(new Said(sent, made.version()));
    if (made.version() == 0) {
      saw(Seen.FALLBACK);
    }
    RowOrigin row = made.rows().get("origin_departures");
    long covered =
        row == null ? -1 : Long.parseLong(row.positions().toString().substring("0:".length()));
    boolean included = "INCLUDED".equals(made.freshness().get("origin_departures"));
    assertThat(included).isEqualTo(covered >= sent.offset);
    if (!included && sent.counts() && !hasOutages && was != null) {
      assertThat(now + scoring.time.nanos / 1_000_000 - was.sinceMillis)
          .as("%s was waited for", made)
          .isGreaterThanOrEqualTo(50);
      saw(Seen.STALE);
    } else if (included) {
      saw(Seen.INCLUDED);
    }
  }

  private void assertVersion(Sent sent, int version, int deliveredBefore) {
    assertThat(version)
        .as("%s", sent)
        .isIn(
            version(deployments.subList(0, deliveredBefore), sent.timeMillis),
            version(deployments.subList(0, delivered), sent.timeMillis));
  }

  /** The source ends: nothing may be left. */
  private void end() throws Exception {
    while (delivered < deployments.size()) {
      deliver();
    }
    idle(false);
    inputWatermark = Long.MAX_VALUE;
    scoring.harness.processWatermark1(Watermark.MAX_WATERMARK);
    look(delivered);
    scoring.harness.endInput1();
    look(delivered);
    assertThat(waiting).isEmpty();
    assertThat(outputWatermark).isEqualTo(Long.MAX_VALUE);
    checkpoint();
    scoring.close();
    for (long offset = 0; offset < next; offset++) {
      assertThat(committed.get("f" + offset)).as("f%s", offset).isEqualTo(1);
    }
    assertThat(committed).hasSize((int) next);
    if (looksAgain) {
      start();
      scoring.pass(100);
      scoring.idle();
      assertThat(scoring.harness.getOutput()).isEmpty();
      scoring.close();
    }
    if (!rollsBack) {
      // Whatever was said by whichever attempt stands, and the topic agrees.
      for (Said one : said) {
        assertThat(one.version).as("%s", one).isEqualTo(version(deployments, one.sent.timeMillis));
      }
    }
  }

  private void saw(Seen what) {
    seen.merge(what, 1, Integer::sum);
  }
}
