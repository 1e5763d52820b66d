package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The journal as far as it was read: the state of each model, and which event answered which
 * command. One thread brings entries, many ask.
 */
final class FoldedJournal {

  /** Answers that are remembered, for commands that come again. */
  private static final int ANSWERS_MAX = 20_000;

  private final Map<String, CataloguedModel> models = new ConcurrentHashMap<>();
  private final Map<Asked, CompletableFuture<LifecycleEntry>> waiting = new ConcurrentHashMap<>();
  private final Map<Asked, LifecycleEntry> answers =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Asked, LifecycleEntry> eldest) {
          return size() > ANSWERS_MAX;
        }
      };

  /** Which command. */
  record Asked(String model, String idempotencyKey) {
    static Asked of(LifecycleEntry entry) {
      return new Asked(entry.model(), entry.idempotencyKey());
    }
  }

  /** Takes the next entry of the journal. */
  void take(LifecycleEntry entry) {
    if (entry.kind() != Kind.EVENT) {
      return;
    }
    CataloguedModel before =
        models.getOrDefault(entry.model(), CataloguedModel.empty(entry.model()));
    CataloguedModel after =
        new CataloguedModel(before.page().apply(entry), before.state().apply(entry));
    if (after.state().sequence() == before.state().sequence()) {
      // Not written by the registry, or read a second time.
      return;
    }
    models.put(entry.model(), after);
    Asked asked = Asked.of(entry);
    LifecycleEntry first;
    synchronized (answers) {
      first = answers.putIfAbsent(asked, entry);
    }
    CompletableFuture<LifecycleEntry> who = waiting.remove(asked);
    if (who != null) {
      var unusedWhether = who.complete(first == null ? entry : first);
    }
  }

  Optional<CataloguedModel> model(String name) {
    return Optional.ofNullable(models.get(name));
  }

  Collection<CataloguedModel> models() {
    return models.values();
  }

  /** What a command became, once it is known; the same for all who wait for it. */
  CompletableFuture<LifecycleEntry> answer(Asked asked) {
    CompletableFuture<LifecycleEntry> future =
        waiting.computeIfAbsent(asked, unused -> new CompletableFuture<>());
    synchronized (answers) {
      LifecycleEntry known = answers.get(asked);
      if (known != null) {
        waiting.remove(asked, future);
        var unusedWhether = future.complete(known);
      }
    }
    return future;
  }

  /** Nobody waits any longer. */
  void forget(Asked asked) {
    waiting.remove(asked);
  }
}
