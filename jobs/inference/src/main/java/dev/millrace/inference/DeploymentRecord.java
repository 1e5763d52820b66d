package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** A deployment and where it stands in {@code models.deployments}. */
record DeploymentRecord(Deployment deployment, int partition, long offset) {

  static final TypeInformation<DeploymentRecord> TYPE =
      new RecordType<>(DeploymentRecord.class, Serializer.INSTANCE);

  /** Writes deployments between operators. */
  static final class Serializer extends RecordSerializer<DeploymentRecord> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public DeploymentRecord createInstance() {
      return new DeploymentRecord(
          new Deployment("", "", Deployment.State.PREPARING, null, null, null, 0, List.of(), 0),
          0,
          0);
    }

    @Override
    protected void write(DeploymentRecord record, DataOutputView out) throws IOException {
      Deployment deployment = record.deployment;
      Values.writeText(deployment.model(), out);
      Values.writeText(deployment.deploymentId(), out);
      Values.writeText(deployment.state().name(), out);
      Values.write(deployment.effectiveTimeMillis(), out);
      writeOptional(deployment.champion(), out);
      writeOptional(deployment.canary(), out);
      out.writeDouble(deployment.canaryShare());
      out.writeInt(deployment.shadows().size());
      for (DeployedVersion shadow : deployment.shadows()) {
        write(shadow, out);
      }
      out.writeLong(deployment.decidedAtMillis());
      out.writeInt(record.partition);
      out.writeLong(record.offset);
    }

    @Override
    public DeploymentRecord deserialize(DataInputView in) throws IOException {
      return new DeploymentRecord(
          new Deployment(
              Values.readText(in),
              Values.readText(in),
              Deployment.State.valueOf(Values.readText(in)),
              (Long) Values.read(in),
              readOptional(in),
              readOptional(in),
              in.readDouble(),
              readAll(in),
              in.readLong()),
          in.readInt(),
          in.readLong());
    }

    @Override
    public TypeSerializerSnapshot<DeploymentRecord> snapshotConfiguration() {
      return new Snapshot();
    }

    private static void writeOptional(@Nullable DeployedVersion version, DataOutputView out)
        throws IOException {
      out.writeBoolean(version != null);
      if (version != null) {
        write(version, out);
      }
    }

    private static void write(DeployedVersion version, DataOutputView out) throws IOException {
      out.writeInt(version.version());
      Values.writeText(version.uri(), out);
      Values.writeText(version.sha256(), out);
      out.writeInt(version.views().size());
      for (Map.Entry<String, String> view : version.views().entrySet()) {
        Values.writeText(view.getKey(), out);
        Values.writeText(view.getValue(), out);
      }
    }

    private static @Nullable DeployedVersion readOptional(DataInputView in) throws IOException {
      return in.readBoolean() ? read(in) : null;
    }

    private static DeployedVersion read(DataInputView in) throws IOException {
      int version = in.readInt();
      String uri = Values.readText(in);
      String sha256 = Values.readText(in);
      int size = in.readInt();
      Map<String, String> views = new HashMap<>();
      for (int i = 0; i < size; i++) {
        views.put(Values.readText(in), Values.readText(in));
      }
      return new DeployedVersion(version, uri, sha256, null, null, views);
    }

    private static List<DeployedVersion> readAll(DataInputView in) throws IOException {
      int size = in.readInt();
      List<DeployedVersion> versions = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        versions.add(read(in));
      }
      return versions;
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<DeploymentRecord> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
