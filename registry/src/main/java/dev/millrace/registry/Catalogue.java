package dev.millrace.registry;

import dev.millrace.core.catalog.VersionPlace;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.registry.journal.UnansweredException;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/** What is known of models, and the way to change it. For many threads at once. */
public interface Catalogue {

  /** A model of which something is known; also one that was deleted. */
  Optional<CataloguedModel> model(String name);

  /** All of these. */
  Collection<CataloguedModel> models();

  /**
   * Versions that may have the tag; no other one has it. Tags that tell what is known of a version
   * besides are not among them.
   */
  Set<VersionPlace> versionsWithTag(String key, String value);

  /** Versions that may be of the run; no other one is. */
  Set<VersionPlace> versionsOfRun(String run);

  /**
   * Asks for a change and waits until it is decided, kept for good, and seen by {@link #model}.
   *
   * @return the event: what became of it, or the refusal; that of the first time where the key of
   *     the command was answered before
   * @throws UnansweredException where nothing is decided in time; it may be later
   */
  LifecycleEntry submit(LifecycleEntry command) throws InterruptedException;
}
