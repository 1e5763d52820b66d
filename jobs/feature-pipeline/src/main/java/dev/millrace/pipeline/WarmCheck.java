package dev.millrace.pipeline;

import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.state.api.output.TaggedOperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Fails the job where a subtask has written no state: Flink's writer would leave its entities out
 * and say nothing.
 */
final class WarmCheck extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<TaggedOperatorSubtaskState, Void>, BoundedOneInput {

  private static final long serialVersionUID = 1L;

  private final String view;
  private final int subtasks;
  private int written;

  WarmCheck(String view, int subtasks) {
    this.view = view;
    this.subtasks = subtasks;
  }

  /**
   * Declares the check of one view, once the writer has declared its graph.
   *
   * @param operator the name that the writer has given to what writes the view's state
   */
  @SuppressWarnings("unchecked") // The writer's operators of this name give this type.
  static void declare(StreamExecutionEnvironment env, String view, String operator) {
    var written =
        env.getTransformations().stream()
            .filter(t -> t.getName().equals(operator))
            .findFirst()
            .orElseThrow();
    DataStream<TaggedOperatorSubtaskState> states =
        new DataStream<>(
            env, (org.apache.flink.api.dag.Transformation<TaggedOperatorSubtaskState>) written);
    int subtasks = written.getParallelism() > 0 ? written.getParallelism() : env.getParallelism();
    states
        .transform("state of " + view + " is whole", Types.VOID, new WarmCheck(view, subtasks))
        .uid("check-" + view)
        .forceNonParallel()
        .sinkTo(new DiscardingSink<>())
        .name("checked")
        .uid("checked-" + view);
  }

  @Override
  public void processElement(StreamRecord<TaggedOperatorSubtaskState> state) {
    written++;
  }

  @Override
  public void endInput() {
    if (written != subtasks) {
      throw new IllegalStateException(
          "Cannot warm view %s: %d of %d tasks have written its state; the log of the TaskManager says what stopped the others"
              .formatted(view, written, subtasks));
    }
  }
}
