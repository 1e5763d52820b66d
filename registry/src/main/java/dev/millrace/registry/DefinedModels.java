package dev.millrace.registry;

import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Model;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Known;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.registry.journal.ReadTopic;
import dev.millrace.registry.journal.UnreadableException;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which project defines a model, as {@code apply} says. Followed, so that a request need not ask.
 */
final class DefinedModels implements AutoCloseable {

  /**
   * The models of one project as it was applied.
   *
   * @param models none where it was deleted
   */
  record Defined(String project, Set<String> models) {}

  private final Map<String, Set<String>> models = new ConcurrentHashMap<>();
  private final ReadTopic<Defined> topic;

  private DefinedModels(Target target, SubjectRegistry subjects, Runnable ended) {
    this.topic =
        ReadTopic.open(
            target,
            Topics.DEFINITIONS,
            new Definition(subjects),
            defined -> models.put(defined.project, defined.models),
            ended);
  }

  /**
   * Begins to read; the topic has to be there.
   *
   * @param ended told where it cannot read any further
   */
  static DefinedModels open(Target target, SubjectRegistry subjects, Runnable ended) {
    return new DefinedModels(target, subjects, ended);
  }

  /** The projects that define a model now. */
  Set<String> projects(String model) {
    return models.entrySet().stream()
        .filter(e -> e.getValue().contains(model))
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Whether all was read that was there at the start, and it still reads. */
  boolean isCaughtUp() {
    return topic.isCaughtUp();
  }

  /** See {@link ReadTopic#catchUp}. */
  void catchUp() throws InterruptedException {
    topic.catchUp();
  }

  /** Why it reads no more; empty while it does. */
  Optional<RuntimeException> failure() {
    return topic.failure();
  }

  @Override
  public void close() {
    topic.close();
  }

  /** What stands in the topic. */
  private static final class Definition implements ReadTopic.Reading<Defined> {
    private final WireFormat.Reader reader;

    Definition(SubjectRegistry subjects) {
      this.reader = new WireFormat.Reader(subjects, Wire.DEFINITIONS);
    }

    @Override
    public Defined entry(@Nullable String key, byte @Nullable [] value) throws UnreadableException {
      if (value == null) {
        throw new UnreadableException("it has no value", null);
      }
      try {
        Known known = DefinitionsLog.decode(reader, value);
        return new Defined(known.applied().project(), models(known));
      } catch (IOException | DefinitionException e) {
        // What was known of the project before stays so.
        throw new UnreadableException(String.valueOf(e.getMessage()), e);
      }
    }

    private static Set<String> models(Known known) {
      return known.deleted()
          ? Set.of()
          : Definitions.read(known.applied().files()).models().stream()
              .map(Model::name)
              .collect(Collectors.toUnmodifiableSet());
    }
  }
}
