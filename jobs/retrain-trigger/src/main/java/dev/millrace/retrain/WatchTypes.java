package dev.millrace.retrain;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.ModelWatch;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.streaming.RecordType;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** The state, and what leaves the operator. */
final class WatchTypes {

  static final TypeInformation<ModelWatch.State> STATE =
      new RecordType<>(ModelWatch.State.class, JsonSerializer.OfState.INSTANCE);
  static final TypeInformation<RetrainDecision> DECISION =
      new RecordType<>(RetrainDecision.class, JsonSerializer.OfDecision.INSTANCE);
  static final TypeInformation<RolloutStep> STEP =
      new RecordType<>(RolloutStep.class, JsonSerializer.OfStep.INSTANCE);
  static final TypeInformation<LifecycleEntry> COMMAND =
      new RecordType<>(LifecycleEntry.class, JsonSerializer.OfCommand.INSTANCE);
  static final TypeInformation<Alert> ALERT =
      new RecordType<>(Alert.class, JsonSerializer.OfAlert.INSTANCE);

  private WatchTypes() {}
}
