package dev.millrace.inference;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** {@code models.deployments} as it is in Kafka; only what is committed. */
record KafkaDeploymentLog(Target target) implements DeploymentLog {

  private static final long serialVersionUID = 1L;

  @Override
  public List<DeploymentRecord> read(String model) throws IOException {
    WireFormat.Reader reader = DeploymentDecoder.reader(target.schemaRegistry());
    List<DeploymentRecord> entries = new ArrayList<>();
    try {
      TopicLog.read(
          target,
          Topics.DEPLOYMENTS,
          record -> {
            try {
              DeploymentDecoder.decode(reader, record)
                  .filter(d -> d.deployment().model().equals(model))
                  .ifPresent(entries::add);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (UncheckedIOException e) {
      throw new IOException(
          "Cannot read the deployments of model " + model + ": " + e.getMessage(), e);
    }
    return entries;
  }
}
