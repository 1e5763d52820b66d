package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.e2e.RegistryChanges.Told;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A thousand changes at the same time, from clients that send again what was not answered, as
 * MLflow's do, while the registry is killed again and again: what was acknowledged is there, and
 * nothing is there twice.
 */
@Tag("full")
class RegistryKillITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Stack STACK =
      new Stack(ROOT, ROOT.resolve("e2e/target/registry-kill/stack"), 4600);
  private static final int CLIENTS = 32;
  private static final int CHANGES = 1_000;
  private static final int KILLS = 3;

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
  void whatWasAcknowledgedIsThereOnce() throws Exception {
    Target target = STACK.target();
    URI registry = URI.create(String.valueOf(target.registry()));
    RegistryChanges changes = new RegistryChanges(List.of(registry));
    changes.makeModels();
    AtomicInteger done = new AtomicInteger();
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      List<Future<Told>> pending = new ArrayList<>();
      for (int i = 0; i < CHANGES; i++) {
        int number = i;
        pending.add(
            clients.submit(
                () -> {
                  Told told = changes.change(number);
                  int unusedSoFar = done.incrementAndGet();
                  return told;
                }));
      }
      for (int kill = 1; kill <= KILLS; kill++) {
        int atLeast = kill * CHANGES / (KILLS + 2);
        Stack.await(
            "changes are made between kills",
            RegistryChanges.PATIENCE,
            () -> done.get() >= atLeast);
        STACK.kill("registry");
      }
      List<Told> told = new ArrayList<>();
      for (Future<Told> each : pending) {
        told.add(each.get(RegistryChanges.PATIENCE.toSeconds(), TimeUnit.SECONDS));
      }
      assertThat(changes.unanswered()).as("kills cut requests off").isPositive();
      changes.compareWithReads(registry, told);
      RegistryChanges.compareWithJournal(
          new LifecycleLog(target, new ConfluentSubjectRegistry(target.schemaRegistry())).read(),
          told);
    } finally {
      List<Runnable> unusedLeft = clients.shutdownNow();
    }
  }
}
