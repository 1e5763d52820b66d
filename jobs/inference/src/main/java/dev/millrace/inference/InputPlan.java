package dev.millrace.inference;

import dev.millrace.core.definition.Model.Input.Kind;
import dev.millrace.core.model.MissingInputs;
import dev.millrace.scoring.InputColumn;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The inputs of the versions that were trained on certain definitions: the model's as it was in one
 * revision.
 *
 * @param number among the model's plans; 0 is that of the definitions as they are
 * @param revision of the project, for people
 * @param ids definition id by view that the inputs read
 * @param views indexes, among the scoring plan's views, of those that the inputs read
 * @param firstInput where the inputs begin among those of all plans
 * @param inputs the signature
 */
record InputPlan(
    int number,
    int revision,
    Map<String, String> ids,
    List<Integer> views,
    int firstInput,
    List<Input> inputs,
    MissingInputs missing)
    implements Serializable {

  /** One input of the signature. */
  sealed interface Input extends Serializable {
    String name();

    Kind kind();

    /**
     * A feature.
     *
     * @param view index among the scoring plan's views
     * @param field index among the view's fields
     */
    record OfView(String name, int view, int field, Kind kind) implements Input {}

    /** A CEL expression over the event. */
    record OnDemand(String name, String expression, Kind kind) implements Input {}
  }

  Kind kind(int input) {
    return inputs.get(input).kind();
  }

  /** Whether an input is a list of numbers. */
  boolean isVector(int input) {
    return kind(input) == Kind.VECTOR;
  }

  /** The inputs as a model's file is to take them. */
  List<InputColumn> columns() {
    List<InputColumn> columns = new ArrayList<>();
    for (Input input : inputs) {
      columns.add(
          switch (input.kind()) {
            case NUMBER -> new InputColumn(input.name(), 1);
            case VECTOR -> InputColumn.vector(input.name());
            case TEXT -> InputColumn.text(input.name());
          });
    }
    return List.copyOf(columns);
  }

  /** The names of the inputs in order. */
  List<String> inputNames() {
    return inputs.stream().map(Input::name).toList();
  }

  /**
   * Whether a version that was trained on these definitions takes these inputs.
   *
   * @param pinned definition id by view; what is not named may be any
   */
  boolean isOf(Map<String, String> pinned) {
    return ids.entrySet().containsAll(pinned.entrySet());
  }
}
