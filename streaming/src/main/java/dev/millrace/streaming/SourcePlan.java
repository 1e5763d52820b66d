package dev.millrace.streaming;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * What decoding needs to know of a source; it travels to the tasks.
 *
 * @param schema the schema that events are read with
 * @param stage the job that writes the letters
 * @param usedFields the fields in which a number must be finite: whatever a view, a model or a
 *     label of the project reads
 */
public record SourcePlan(
    String name,
    String topic,
    boolean json,
    Schema schema,
    int idField,
    int timeField,
    long maxOutOfOrdernessMillis,
    long maxAheadMillis,
    List<Source.ContractRule> contract,
    List<Integer> usedFields,
    String stage)
    implements Serializable {

  public static SourcePlan of(Project project, Source source, String stage) {
    TreeSet<String> used = new TreeSet<>();
    for (FeatureView view : project.featureViews()) {
      if (view.source().equals(source.name())) {
        used.addAll(view.keyFields());
        for (Feature feature : view.features()) {
          addNotNull(used, feature.column());
          addNotNull(used, feature.options().by());
          addNotNull(used, feature.options().denominator());
          addFields(used, feature.options().when(), source, Expression.Type.BOOLEAN);
        }
        addFields(used, view.filter(), source, Expression.Type.BOOLEAN);
      }
    }
    for (Model model : project.models()) {
      if (model.source().equals(source.name())) {
        for (Model.Input input : model.inputs()) {
          if (input instanceof Model.Input.OfView ofView) {
            used.addAll(ofView.keyFields());
          } else if (input instanceof Model.Input.OnDemand onDemand) {
            addFields(used, onDemand.value(), source, Expression.Type.ANY);
          }
        }
      }
      Model.Label label = model.label();
      if (label != null && label.source().equals(source.name())) {
        used.add(label.on());
        addFields(used, label.value(), source, Expression.Type.ANY);
      }
    }
    return new SourcePlan(
        source.name(),
        source.topic(),
        source.format() == Source.Format.JSON,
        source.schema(),
        field(source, source.eventId()),
        field(source, source.eventTime()),
        source.maxOutOfOrderness().toMillis(),
        source.maxAhead().toMillis(),
        source.contract(),
        used.stream().map(f -> field(source, f)).toList(),
        stage);
  }

  /** The index of a field; the definition was validated, so it is there. */
  public static int field(Source source, String name) {
    Schema.Field field = source.schema().getField(name);
    if (field == null) {
      throw new IllegalStateException(
          "Cannot find field " + name + " in the schema of source " + source.name());
    }
    return field.pos();
  }

  private static void addNotNull(TreeSet<String> used, @Nullable String field) {
    if (field != null) {
      used.add(field);
    }
  }

  private static void addFields(
      TreeSet<String> used, @Nullable String text, Source source, Expression.Type type) {
    if (text != null) {
      used.addAll(Expression.compile(text, source.schema(), type, Map.of()).fields());
    }
  }
}
