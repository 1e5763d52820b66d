package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.DeploymentHistory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * Who scores in a batch run, the same for all of its tasks: the deployments that stand when it
 * begins, or one version for all events. What is being prepared is left out, because nobody waits
 * for it here, and so are shadows, which nobody asked for.
 */
final class FrozenDeployments implements DeploymentLog {

  private static final long serialVersionUID = 1L;

  private final byte[] bytes;
  private final int size;

  private FrozenDeployments(List<Deployment> standing) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(1024);
    for (int i = 0; i < standing.size(); i++) {
      DeploymentRecord.Serializer.INSTANCE.serialize(
          new DeploymentRecord(standing.get(i).withoutShadows(), 0, i), out);
    }
    this.bytes = out.getCopyOfBuffer();
    this.size = standing.size();
  }

  /** Who served, as the log says it now. */
  static FrozenDeployments standing(List<DeploymentRecord> log) throws IOException {
    DeploymentHistory history = new DeploymentHistory();
    log.forEach(record -> history.accept(record.deployment()));
    return new FrozenDeployments(history.standing());
  }

  /** One version for all events. */
  static FrozenDeployments only(String model, DeployedVersion version, String id)
      throws IOException {
    return new FrozenDeployments(
        List.of(
            new Deployment(
                model, id, Deployment.State.EFFECTIVE, null, version, null, 0, List.of(), 0)));
  }

  boolean isEmpty() {
    return size == 0;
  }

  @Override
  public List<DeploymentRecord> read(String model) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    List<DeploymentRecord> records = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      records.add(DeploymentRecord.Serializer.INSTANCE.deserialize(in));
    }
    return records;
  }
}
