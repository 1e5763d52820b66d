package dev.millrace.registry;

import dev.millrace.core.catalog.VersionCard;
import dev.millrace.core.catalog.VersionIndex;
import dev.millrace.core.catalog.VersionPlace;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.journal.Answers;
import dev.millrace.registry.journal.NumberedAnswers;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The journal as far as it was read: the state of each model, and which event answered which
 * command. One thread brings entries, many ask.
 */
final class FoldedJournal {

  private final Map<String, CataloguedModel> models = new ConcurrentHashMap<>();
  private final VersionIndex index = new VersionIndex();
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
    Set<Integer> touched = touched(entry, before);
    touched.forEach(
        v -> index.add(new VersionPlace(entry.model(), v), card(before, v), card(after, v)));
    models.put(entry.model(), after);
    touched.forEach(
        v -> index.remove(new VersionPlace(entry.model(), v), card(before, v), card(after, v)));
    answers.take(asked(entry), entry, true);
    numbered.take(entry.model(), after.state().sequence(), entry);
  }

  /** The versions of which the event may have changed what is searched by. */
  private static Set<Integer> touched(LifecycleEntry event, CataloguedModel before) {
    if (event.version() != null) {
      return Set.of(event.version());
    }
    return event.is(Event.MODEL_DELETED) ? before.page().versions().keySet() : Set.of();
  }

  private static @Nullable VersionCard card(CataloguedModel model, int version) {
    return model.page().versions().get(version);
  }

  VersionIndex index() {
    return index;
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
