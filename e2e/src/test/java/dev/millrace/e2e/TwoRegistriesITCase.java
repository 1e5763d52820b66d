package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.e2e.RegistryChanges.Told;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Two processes of the registry on one stack, each asked for half of what clients want, while one
 * and then the other is killed and comes back: the one that is left takes all decisions, what was
 * acknowledged is there once at both, and who serves is never in doubt.
 */
@Tag("full")
class TwoRegistriesITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path OUT = ROOT.resolve("e2e/target/two-registries");
  private static final Stack STACK = new Stack(ROOT, OUT.resolve("stack"), 5200);
  private static final String GROUP = "millrace-registry";
  private static final int PARTITIONS = 8;
  private static final int CLIENTS = 32;
  private static final int CHANGES_MAX = 12_000;
  private static final int LOOKS = 200;
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    STACK.done("up");
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  @Test
  void whatWasAcknowledgedIsThereOnceAtBoth() throws Exception {
    Target target = STACK.target();
    URI first = URI.create(String.valueOf(target.registry()));
    Path state = STACK.dir().resolve("data/second-registry");
    try (Admin admin = Topics.admin(target);
        RegistryProcess second = new RegistryProcess(ROOT, STACK.dir(), state, at(2))) {
      second.awaitUp();
      awaitShares(admin, 2);
      oneFolderIsOneRegistrys(state);
      RegistryChanges changes = new RegistryChanges(List.of(first, second.address()));
      changes.makeModels();
      acknowledgedHereIsSeenThere(changes, List.of(first, second.address()));

      AtomicBoolean over = new AtomicBoolean();
      AtomicInteger done = new AtomicInteger();
      ExecutorService clients = Executors.newFixedThreadPool(CLIENTS + 2);
      try {
        List<Callable<Void>> work = new ArrayList<>();
        List<Told> told = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger next = new AtomicInteger();
        for (int c = 0; c < CLIENTS; c++) {
          work.add(
              () -> {
                int number = next.getAndIncrement();
                while (!over.get() && number < CHANGES_MAX) {
                  told.add(changes.change(number));
                  int unusedSoFar = done.incrementAndGet();
                  number = next.getAndIncrement();
                }
                return null;
              });
        }
        List<Promotions> promotions =
            List.of(new Promotions(target, "served_a"), new Promotions(target, "served_b"));
        for (Promotions each : promotions) {
          work.add(
              () -> {
                each.register();
                while (!over.get()) {
                  each.promote();
                }
                return null;
              });
        }
        List<Future<Void>> pending = work.stream().map(clients::submit).toList();
        awaitMore(done, 300);
        second.kill();
        long killedNanos = System.nanoTime();
        int before = done.get();
        awaitShares(admin, 1);
        said("the one that is left has all decisions", killedNanos);
        awaitMore(done, 200);
        said(done.get() - before + " changes since", killedNanos);
        second.startAgain();
        long startedNanos = System.nanoTime();
        second.awaitUp();
        awaitShares(admin, 2);
        said("the killed one has its part again", startedNanos);
        awaitMore(done, 200);
        STACK.kill("registry");
        awaitMore(done, 300);
        over.set(true);
        for (Future<Void> each : pending) {
          Void unusedEnd = each.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
        System.out.printf(
            "%d changes and %s promotions acknowledged, %d times without an answer%n",
            told.size(), promotions.stream().map(Promotions::made).toList(), changes.unanswered());
        assertThat(changes.unanswered()).as("kills cut requests off").isPositive();
        List<LifecycleEntry> journal =
            new LifecycleLog(target, new ConfluentSubjectRegistry(target.schemaRegistry())).read();
        RegistryChanges.compareWithJournal(journal, told);
        for (Promotions each : promotions) {
          each.compare(journal);
        }
        for (URI registry : List.of(first, second.address())) {
          Stack.await(registry + " answers", PATIENCE, () -> isWhole(changes, registry));
          changes.compareWithReads(registry, told);
        }
      } finally {
        over.set(true);
        List<Runnable> unusedLeft = clients.shutdownNow();
      }
    }
  }

  private static RegistryTarget at(int more) {
    return RegistryTarget.of("http://127.0.0.1:" + (STACK.port(8090) + more));
  }

  private static void said(String what, long sinceNanos) {
    System.out.printf(
        "%s after %.1f s%n", what, (System.nanoTime() - sinceNanos) / 1_000_000_000.0);
  }

  private static void awaitMore(AtomicInteger done, int more) {
    int atLeast = done.get() + more;
    Stack.await(more + " more changes", PATIENCE, () -> done.get() >= atLeast);
  }

  /** Whether a registry has read all that is decided. */
  private static boolean isWhole(RegistryChanges changes, URI registry) {
    try {
      return changes
          .got(registry, "registered-models/get?name=m0", "Cache-Control", "no-cache")
          .has("registered_model");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (Exception e) {
      return false;
    }
  }

  /** Waits until this many processes have all partitions between them, and each some. */
  private static void awaitShares(Admin admin, int processes) {
    Stack.await(
        processes + " processes share the decisions",
        PATIENCE,
        () -> {
          try {
            List<Integer> shares =
                admin
                    .describeConsumerGroups(List.of(GROUP))
                    .describedGroups()
                    .values()
                    .iterator()
                    .next()
                    .get()
                    .members()
                    .stream()
                    .map(m -> m.assignment().topicPartitions().size())
                    .toList();
            return shares.size() == processes
                && !shares.contains(0)
                && shares.stream().mapToInt(Integer::intValue).sum() == PARTITIONS;
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
          } catch (ExecutionException e) {
            return false;
          }
        });
  }

  private static void oneFolderIsOneRegistrys(Path state) throws Exception {
    try (RegistryProcess third = new RegistryProcess(ROOT, STACK.dir(), state, at(3))) {
      assertThat(third.ended())
          .startsWith("1 ")
          .contains("Cannot use the folder " + state + ": another registry (pid ")
          .contains("give each its own --state");
    }
  }

  /**
   * What one has acknowledged, the other one uses at once, shows at once where it is asked to, and
   * soon where it is not.
   */
  private static void acknowledgedHereIsSeenThere(RegistryChanges changes, List<URI> registries)
      throws Exception {
    List<Long> micros = new ArrayList<>();
    for (int look = 0; look < LOOKS; look++) {
      String value = "v" + look;
      RegistryChanges here = new RegistryChanges(List.of(registries.get(look % 2)));
      URI there = registries.get((look + 1) % 2);
      String unusedTag =
          here.sent(
                  "registered-models/set-tag",
                  "{\"name\": \"m0\", \"key\": \"look\", \"value\": \"%s\"}".formatted(value))
              .body();
      long acknowledgedNanos = System.nanoTime();
      if (look % 4 < 2) {
        while (!value.equals(looked(changes.got(there, "registered-models/get?name=m0")))) {
          Thread.onSpinWait();
        }
        micros.add((System.nanoTime() - acknowledgedNanos) / 1_000);
      } else {
        assertThat(
                looked(
                    changes.got(
                        there, "registered-models/get?name=m0", "Cache-Control", "no-cache")))
            .isEqualTo(value);
      }
    }
    Collections.sort(micros);
    System.out.printf(
        "seen at the other one: 50%% after %d us, 99%% after %d us, all after %d us%n",
        micros.get(micros.size() / 2),
        micros.get(micros.size() * 99 / 100),
        micros.get(micros.size() - 1));
    assertThat(micros.get(micros.size() - 1)).isLessThan(5_000_000L);
  }

  private static String looked(JsonNode answer) {
    for (JsonNode tag : answer.at("/registered_model/tags")) {
      if (tag.path("key").asText().equals("look")) {
        return tag.path("value").asText();
      }
    }
    return "";
  }
}
