package dev.millrace.trainer;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.row.EntityKeys;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is read for a model's training set, and where each of its inputs comes from.
 *
 * @param places by input
 * @param fields of the source that are read
 */
record JoinPlan(
    Source source,
    List<OfView> views,
    List<OnDemandInput> expressions,
    List<Place> places,
    Set<String> fields) {

  /** A view as an input reads it: the fields of the event that name its entity. */
  private record ViewRead(String view, List<String> keyFields) {}

  /** Where an input's values come from: a feature of a view, or an expression where view is -1. */
  record Place(int view, int at) {}

  /** The features that are read of a view, and its entities by number. */
  // Nobody compares these.
  @SuppressWarnings("ArrayRecordComponent")
  record OfView(
      FeatureView view, int[] keyPositions, List<String> features, Map<String, Integer> byKey) {

    private static OfView of(Project project, Model model, Source source, Input.OfView input) {
      FeatureView view =
          project
              .featureView(input.view())
              .orElseThrow(
                  () ->
                      TrainingException.ofDefinition(
                          ("Cannot join input %s of %s: project %s has no view %s; views of other"
                                  + " projects are not built yet")
                              .formatted(
                                  input.name(), model.name(), project.name(), input.view())));
      int[] positions =
          input.keyFields().stream().mapToInt(f -> source.schema().getField(f).pos()).toArray();
      return new OfView(view, positions, new ArrayList<>(), new HashMap<>());
    }

    /** The number of the entity that an event names; -1 where it names none. */
    int entity(@Nullable Object[] values) {
      List<@Nullable Object> keys = new ArrayList<>(keyPositions.length);
      for (int position : keyPositions) {
        keys.add(values[position]);
      }
      String key = EntityKeys.join(keys);
      if (key == null) {
        return -1;
      }
      Integer known = byKey.get(key);
      if (known == null) {
        known = byKey.size();
        byKey.put(key, known);
      }
      return known;
    }
  }

  /**
   * The plan of a model.
   *
   * @throws TrainingException where it cannot be trained on
   */
  static JoinPlan of(Project project, Model model) {
    Source source = source(project, model.source(), "source of " + model.name());
    Map<ViewRead, Integer> numbers = new LinkedHashMap<>();
    List<OfView> views = new ArrayList<>();
    List<OnDemandInput> expressions = new ArrayList<>();
    List<Place> places = new ArrayList<>();
    Set<String> fields = new LinkedHashSet<>();
    fields.add(source.eventId());
    for (Input input : model.inputs()) {
      if (input.kind() != Input.Kind.NUMBER) {
        throw TrainingException.ofDefinition(
            "Cannot train on input %s of %s: %ss are not built yet; give one number an input"
                .formatted(input.name(), model.name(), input.isVector() ? "vector" : "text"));
      }
      if (input instanceof Input.OfView of) {
        ViewRead read = new ViewRead(of.view(), of.keyFields());
        Integer number = numbers.get(read);
        if (number == null) {
          number = views.size();
          numbers.put(read, number);
          views.add(OfView.of(project, model, source, of));
        }
        fields.addAll(of.keyFields());
        List<String> features = views.get(number).features();
        if (!features.contains(of.feature())) {
          features.add(of.feature());
        }
        places.add(new Place(number, features.indexOf(of.feature())));
      } else if (input instanceof Input.OnDemand onDemand) {
        Expression expression =
            Expression.compile(onDemand.value(), source.schema(), Expression.Type.INPUT, Map.of());
        fields.addAll(expression.fields());
        places.add(new Place(-1, expressions.size()));
        expressions.add(new OnDemandInput(expression, source.schema()));
      }
    }
    return new JoinPlan(source, views, expressions, places, fields);
  }

  /** A source of the project that is archived. */
  static Source source(Project project, String name, String use) {
    Source source =
        project
            .source(name)
            .orElseThrow(
                () ->
                    TrainingException.ofDefinition(
                        "Cannot find source %s (%s): project %s has none of that name"
                            .formatted(name, use, project.name())));
    if (!source.archive()) {
      throw TrainingException.ofDefinition(
          "Cannot read source %s (%s): it is not archived; set archive: true and apply again"
              .formatted(name, use));
    }
    return source;
  }
}
