package dev.millrace.platform;

import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.PinnedViews.Pin;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Whether a project can go on computing definitions of its earlier revisions. */
final class KeptViewCheck {

  private final Project project;
  private final Map<Integer, Applied> revisions;

  KeptViewCheck(Project project, Map<Integer, Applied> revisions) {
    this.project = project;
    this.revisions = revisions;
  }

  /** One line for each reason why not. */
  List<String> obstacles(List<KeptView> kept, PinnedViews pinned) {
    List<String> obstacles = new ArrayList<>();
    for (KeptView view : kept) {
      String why = obstacle(view);
      if (why != null) {
        obstacles.add(
            "view %s: its definition %s is pinned by %s and cannot go on beside another: %s"
                .formatted(
                    view.view(),
                    view.identity().id(),
                    pinned.of(view.view(), view.identity().id()).stream()
                        .map(Pin::toString)
                        .distinct()
                        .collect(Collectors.joining(", ")),
                    why));
      }
    }
    return obstacles;
  }

  private @Nullable String obstacle(KeptView kept) {
    Applied revision = revisions.get(kept.revision());
    if (revision == null) {
      return "revision " + kept.revision() + " of the project is not in " + Topics.DEFINITIONS;
    }
    Project earlier;
    try {
      earlier = Definitions.read(revision.files());
    } catch (DefinitionException e) {
      return "it cannot be read any more, install again the functions that it uses:\n"
          + e.getMessage();
    }
    FeatureView view = earlier.featureView(kept.view()).orElseThrow();
    Source source = earlier.source(view.source()).orElseThrow();
    if (view.redis().layout() == FeatureView.RedisOptions.Layout.FEAST) {
      return "Feast's layout has no place for a second one; give the changed view a new name";
    }
    if (source.kind() == Source.Kind.VIEW) {
      return "it reads the rows of view " + view.source() + "; give the changed view a new name";
    }
    if (earlier.featureViews().stream().anyMatch(v -> v.source().equals(view.name()))) {
      return "other views read its rows; give the changed view a new name";
    }
    Source now =
        project.sources().stream()
            .filter(s -> s.name().equals(source.name()))
            .findFirst()
            .orElse(null);
    if (now == null) {
      return "its source " + source.name() + " is not in the project any more; leave it there";
    }
    if (!differsByFieldsAlone(source, now)) {
      return "its source "
          + source.name()
          + " changes in more than added fields; give the changed source and its views new names";
    }
    return asOfReader(kept.view());
  }

  private @Nullable String asOfReader(String view) {
    return project.models().stream()
        .filter(m -> m.features() == Model.FeatureReads.AS_OF)
        .filter(
            m ->
                m.inputs().stream()
                    .anyMatch(i -> i instanceof Model.Input.OfView of && of.view().equals(view)))
        .findFirst()
        .map(
            m ->
                "model "
                    + m.name()
                    + " joins its rows as of event time; give the changed view a new name")
        .orElse(null);
  }

  private static boolean differsByFieldsAlone(Source before, Source now) {
    return before.kind() == now.kind()
        && before.topic().equals(now.topic())
        && before.format() == now.format()
        && before.eventId().equals(now.eventId())
        && before.eventTime().equals(now.eventTime())
        && before.maxOutOfOrderness().equals(now.maxOutOfOrderness())
        && before.maxAhead().equals(now.maxAhead())
        && before.dedupWindow().equals(now.dedupWindow())
        && before.contract().equals(now.contract())
        && String.valueOf(before.batch()).equals(String.valueOf(now.batch()))
        && before.schema().getFields().stream()
            .allMatch(
                f -> {
                  Schema.Field same = now.schema().getField(f.name());
                  return same != null && same.schema().equals(f.schema());
                });
  }
}
