package dev.millrace.pipeline;

import dev.millrace.core.feature.EntityState;
import java.time.Duration;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.state.api.functions.KeyedStateBootstrapFunction;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.jspecify.annotations.Nullable;

/**
 * Puts the parts of entities' states where {@link RowFunction} finds them, and sets the timers that
 * it would have set.
 *
 * <p>Flink runs this in a thread of its own, takes no notice where that ends, and waits for ever
 * where it ends before all parts are through. So what fails here is kept until the snapshot, which
 * then is not taken, and {@link WarmCheck} misses it.
 */
final class WarmFunction extends KeyedStateBootstrapFunction<String, EntityPart>
    implements CheckpointedFunction {

  private static final long serialVersionUID = 1L;

  private final Duration rowTtl;

  private transient ViewState state;
  private transient @Nullable Exception failure;

  /**
   * A function for one view.
   *
   * @param rowTtl how long a row lives in Redis
   */
  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  WarmFunction(Duration rowTtl) {
    this.rowTtl = rowTtl;
  }

  @Override
  public void open(OpenContext context) {
    state = new ViewState(getRuntimeContext(), rowTtl);
  }

  @SuppressWarnings("IllegalCatch") // State backends declare it.
  @Override
  public void processElement(EntityPart part, Context context) {
    if (failure != null) {
      return;
    }
    try {
      state.put(part);
      if (part.part() instanceof EntityState entity && entity.timerMillis != Long.MAX_VALUE) {
        context.timerService().registerEventTimeTimer(entity.timerMillis);
      }
    } catch (Exception e) {
      failure = e;
    }
  }

  @Override
  public void initializeState(FunctionInitializationContext context) {
    // There is none.
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    if (failure != null) {
      throw failure;
    }
  }
}
