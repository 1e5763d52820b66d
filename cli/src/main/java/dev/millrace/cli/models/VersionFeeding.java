package dev.millrace.cli.models;

import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Model;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.lifecycle.VersionInputs;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.schemas.SubjectRegistry;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whether what the project computes can feed a version. The registry knows no definitions, so this
 * is asked before it is: inference would refuse such a version, but only once everything holds for
 * it.
 */
final class VersionFeeding {

  /**
   * Refuses a version that cannot be fed. One that nobody knows, or whose inputs nobody has said,
   * is left to the registry.
   */
  static void require(
      Target target,
      SubjectRegistry registry,
      List<LifecycleEntry> journal,
      String name,
      int version)
      throws IOException {
    List<String> inputs = VersionInputs.of(journal, name, version);
    RegisteredVersion known =
        ModelState.fold(journal)
            .getOrDefault(name, ModelState.empty(name))
            .version(version)
            .orElse(null);
    if (inputs == null || known == null) {
      return;
    }
    OwnedModel owned;
    try {
      owned = OwnedModel.find(name, null, target, registry);
    } catch (UserMistake e) {
      // No applied project has the model: nothing serves it, and nothing can be compared.
      return;
    }
    DefinitionsLog definitions = new DefinitionsLog(target, registry);
    Applied applied = definitions.latest(owned.project().name()).orElse(null);
    if (applied == null) {
      return;
    }
    String why =
        obstacle(
            inputs,
            known.views(),
            ModelRevision.of(
                owned.model(), RunningViews.read(owned.project(), applied, definitions)));
    if (why != null) {
      throw new UserMistake(
          "Cannot promote %s version %d: %s; apply the definition that it was made for again, or register a new version"
              .formatted(name, version, why));
    }
  }

  /**
   * Why a version cannot be fed; null where it can.
   *
   * @param inputs that it takes
   * @param pins the definition id of each view that it was made for
   * @param revisions of the model whose inputs are computed
   */
  static @Nullable String obstacle(
      List<String> inputs, Map<String, String> pins, List<ModelRevision> revisions) {
    String differs = null;
    for (ModelRevision revision : revisions) {
      if (!revision.ids().entrySet().containsAll(pins.entrySet())) {
        continue;
      }
      String difference =
          VersionInputs.difference(
              inputs, revision.model().inputs().stream().map(Model.Input::name).toList());
      if (difference == null) {
        return null;
      }
      differs = differs == null ? difference : differs;
    }
    if (differs != null) {
      return differs;
    }
    for (Map.Entry<String, String> pin : pins.entrySet()) {
      if (revisions.stream().noneMatch(r -> pin.getValue().equals(r.ids().get(pin.getKey())))) {
        return "it was made for view %s with definition %s, which is not computed"
            .formatted(pin.getKey(), pin.getValue());
      }
    }
    return "it was made for definitions %s, which no computed revision of the model reads together"
        .formatted(pins);
  }

  private VersionFeeding() {}
}
