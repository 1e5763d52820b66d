package dev.millrace.retrain;

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.Drifted;
import dev.millrace.core.rollout.Measured;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** What the job reads of a model: one of the three is set. */
sealed interface Seen {

  TypeInformation<Seen> TYPE = new RecordType<>(Seen.class, Serializer.INSTANCE);

  String model();

  /** A window drifted. */
  record OfDrift(Drifted drifted) implements Seen {
    @Override
    public String model() {
      return drifted.model();
    }
  }

  /** A version was measured. */
  record OfPerformance(Measured measured) implements Seen {
    @Override
    public String model() {
      return measured.model();
    }
  }

  /** The registry did something. */
  record OfLifecycle(LifecycleEntry entry) implements Seen {
    @Override
    public String model() {
      return entry.model();
    }
  }

  /** Writes them between operators; none of them is ever in state. */
  final class Serializer extends RecordSerializer<Seen> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    private static final int DRIFT = 0;
    private static final int PERFORMANCE = 1;
    private static final int LIFECYCLE = 2;
    private static final JsonMapper JSON = new JsonMapper();
    private static final ObjectWriter WRITER = JSON.writer();
    private static final ObjectReader DRIFTED = JSON.readerFor(Drifted.class);
    private static final ObjectReader MEASURED = JSON.readerFor(Measured.class);
    private static final ObjectReader ENTRY = JSON.readerFor(LifecycleEntry.class);

    @Override
    public Seen createInstance() {
      return new OfDrift(new Drifted("", 0, "", 0, 0, "", "", null, null));
    }

    @Override
    protected void write(Seen seen, DataOutputView out) throws IOException {
      int kind;
      Object value;
      if (seen instanceof OfDrift drift) {
        kind = DRIFT;
        value = drift.drifted();
      } else if (seen instanceof OfPerformance performance) {
        kind = PERFORMANCE;
        value = performance.measured();
      } else {
        kind = LIFECYCLE;
        value = ((OfLifecycle) seen).entry();
      }
      out.writeByte(kind);
      Values.writeBytes(WRITER.writeValueAsBytes(value), out);
    }

    @Override
    public Seen deserialize(DataInputView in) throws IOException {
      int kind = in.readByte();
      byte[] bytes = Values.readBytes(in);
      return switch (kind) {
        case DRIFT -> new OfDrift(DRIFTED.readValue(bytes));
        case PERFORMANCE -> new OfPerformance(MEASURED.readValue(bytes));
        case LIFECYCLE -> new OfLifecycle(ENTRY.readValue(bytes));
        default -> throw new IOException("Cannot read what was seen: unknown kind " + kind);
      };
    }

    @Override
    public TypeSerializerSnapshot<Seen> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Seen> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
