package dev.millrace.retrain;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.ModelWatch;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Writes a record of {@code core} as JSON. The state is written once a checkpoint and the rest
 * comes a few times a day, so that readable bytes cost nothing; a field that is added later is null
 * in older bytes.
 *
 * @param <T> the record
 */
abstract class JsonSerializer<T> extends RecordSerializer<T> {

  private static final long serialVersionUID = 1L;
  private static final JsonMapper JSON = new JsonMapper();

  private final Class<T> type;

  private JsonSerializer(Class<T> type) {
    this.type = type;
  }

  @Override
  protected void write(T record, DataOutputView out) throws IOException {
    Values.writeBytes(JSON.writeValueAsBytes(record), out);
  }

  @Override
  public T deserialize(DataInputView in) throws IOException {
    return JSON.readValue(Values.readBytes(in), type);
  }

  /** Writes what is known of a model. */
  static final class OfState extends JsonSerializer<ModelWatch.State> {
    private static final long serialVersionUID = 1L;
    static final OfState INSTANCE = new OfState();

    private OfState() {
      super(ModelWatch.State.class);
    }

    @Override
    public ModelWatch.State createInstance() {
      return ModelWatch.State.EMPTY;
    }

    @Override
    public TypeSerializerSnapshot<ModelWatch.State> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<ModelWatch.State> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes decisions. */
  static final class OfDecision extends JsonSerializer<RetrainDecision> {
    private static final long serialVersionUID = 1L;
    static final OfDecision INSTANCE = new OfDecision();

    private OfDecision() {
      super(RetrainDecision.class);
    }

    @Override
    public RetrainDecision createInstance() {
      return new RetrainDecision(
          "", "", "", false, Model.Cause.SCHEDULE, "", 0, null, null, 0, null, null, "{}");
    }

    @Override
    public TypeSerializerSnapshot<RetrainDecision> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RetrainDecision> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes steps. */
  static final class OfStep extends JsonSerializer<RolloutStep> {
    private static final long serialVersionUID = 1L;
    static final OfStep INSTANCE = new OfStep();

    private OfStep() {
      super(RolloutStep.class);
    }

    @Override
    public RolloutStep createInstance() {
      return new RolloutStep(
          "",
          "",
          0,
          null,
          RolloutStep.Phase.SHADOW,
          0,
          RolloutStep.Verdict.STARTED,
          "",
          0,
          null,
          null,
          "{}");
    }

    @Override
    public TypeSerializerSnapshot<RolloutStep> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RolloutStep> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes commands. */
  static final class OfCommand extends JsonSerializer<LifecycleEntry> {
    private static final long serialVersionUID = 1L;
    static final OfCommand INSTANCE = new OfCommand();

    private OfCommand() {
      super(LifecycleEntry.class);
    }

    @Override
    public LifecycleEntry createInstance() {
      return LifecycleEntry.command("", LifecycleEntry.Command.STAGE, null, "", "", 0, "", "{}");
    }

    @Override
    public TypeSerializerSnapshot<LifecycleEntry> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<LifecycleEntry> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }

  /** Writes alerts. */
  static final class OfAlert extends JsonSerializer<Alert> {
    private static final long serialVersionUID = 1L;
    static final OfAlert INSTANCE = new OfAlert();

    private OfAlert() {
      super(Alert.class);
    }

    @Override
    public Alert createInstance() {
      return new Alert("", "", "", "", 0, "{}");
    }

    @Override
    public TypeSerializerSnapshot<Alert> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Alert> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
