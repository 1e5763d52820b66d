package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.journal.Answers;
import dev.millrace.registry.journal.NumberedAnswers;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The journal as far as it was read: the state of each model, and which event answered which
 * command. One thread brings entries, many ask.
 */
final class FoldedJournal {

  private final Map<String, CataloguedModel> models = new ConcurrentHashMap<>();
  private final Answers<LifecycleEntry> answers = new Answers<>();
  private final NumberedAnswers<LifecycleEntry> numbered = new NumberedAnswers<>();

  /** Takes the next entry of the journal. */
  void take(LifecycleEntry entry) {
    if (entry.kind() != Kind.EVENT) {
      return;
    }
    CataloguedModel before =
        models.getOrDefault(entry.model(), CataloguedModel.empty(entry.model()));
    CataloguedModel after = before.with(entry);
    if (after.state().sequence() == before.state().sequence()) {
      // Not written by the registry, or read a second time.
      return;
    }
    models.put(entry.model(), after);
    answers.take(asked(entry), entry, true);
    numbered.take(entry.model(), after.state().sequence(), entry);
  }

  static Answers.Asked asked(LifecycleEntry entry) {
    return new Answers.Asked(entry.model(), entry.idempotencyKey());
  }

  Optional<CataloguedModel> model(String name) {
    return Optional.ofNullable(models.get(name));
  }

  Collection<CataloguedModel> models() {
    return models.values();
  }

  Answers<LifecycleEntry> answers() {
    return answers;
  }

  NumberedAnswers<LifecycleEntry> numbered() {
    return numbered;
  }
}
